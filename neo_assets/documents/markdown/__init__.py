"""Documents as Markdown: paragraphs, headings, lists, formulas, tables and figures from elements in reading order."""

from neo_assets.documents.markdown.composition import Composition, compose, elements_json
from neo_assets.documents.markdown.rows import documents_of

__all__ = ["Composition", "compose", "documents_of", "elements_json"]
