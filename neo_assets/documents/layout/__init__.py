"""Layout: which regions of a page are text, headings, tables, figures, formulas, …"""

from neo_assets.documents.layout.detector import LayoutDetector, picture
from neo_assets.documents.layout.overlaps import resolve

__all__ = ["LayoutDetector", "picture", "resolve"]
