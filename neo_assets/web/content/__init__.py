"""The main text of a page, as light Markdown."""
