"""Small measures of elements that several steps of ordering need. All lengths are points."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from neo_assets.documents.model import Element, Line

FLOATS: frozenset[str] = frozenset({"figure", "table"})
CAPTIONS: frozenset[str] = frozenset({"figure_caption", "table_caption"})
DEFAULT_SIZE = 10.0
"""Taken for the font size of a page that tells none."""


def line_size(line: Line) -> float:
    """Font size of a line; the shorter side of its box where none is known."""
    return line.size or min(line.box.width, line.box.height)


def text_size(element: Element) -> float:
    """Font size of an element: the median of its lines; 0 without lines."""
    return median(map(line_size, element.lines)) if element.lines else 0.0


def body_size(elements: Iterable[Element]) -> float:
    """The font size of a page's running text: the median over its characters, tables and figures left out."""
    sizes = sorted(
        (line_size(line), len(line.text))
        for element in elements
        if element.kind not in FLOATS
        for line in element.lines
        if line.text
    )
    half = sum(weight for _, weight in sizes) / 2
    for size, weight in sizes:
        half -= weight
        if half <= 0:
            return size or DEFAULT_SIZE
    return DEFAULT_SIZE
