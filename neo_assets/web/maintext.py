"""The main text of an HTML page: its paragraphs, headings and lists without navigation and boilerplate."""

from __future__ import annotations

import re

BLANK_LINES = re.compile(r"\n{3,}")
TRAILING_SPACE = re.compile(r"[ \t\u00a0]+(?=\n|$)")


def main_text(page: str, *, main_content: bool = True) -> tuple[str, str]:
    """Title and text of an HTML page, blocks divided by line breaks, LaTeX of formula images kept as their text.

    Linear in the length of the page.
    """
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    tree = HTMLTree.parse(page)
    text = extract_plain_text(
        tree,
        preserve_formatting=True,
        main_content=main_content,
        list_bullets=True,
        alt_texts=True,
        links=False,
        form_fields=False,
        noscript=False,
        comments=False,
        post_meta=False,
    )
    return tidy(tree.title or "").replace("\n", " "), tidy(text)


def tidy(text: str) -> str:
    """The text without spaces at line ends, without runs of blank lines, stripped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return BLANK_LINES.sub("\n\n", TRAILING_SPACE.sub("", text)).strip()
