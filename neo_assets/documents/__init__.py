"""Documents to Markdown: files, pages, layout, recognition, reading order, post-processing. Knows nothing of Dagster.

`model` holds what the stages hand to each other; each stage is a package of its own and can be replaced alone.
"""
