"""Recognition: the text of each region of a page, its tables, formulas and figures."""

from neo_assets.documents.recognition.reader import PageReader

__all__ = ["PageReader"]
