"""Pages that are written from top to bottom, their lines from right to left."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Box, Element
from neo_assets.documents.ordering.measure import FLOATS

TALL = 2.5
"""Height to width of a vertical line."""


def is_vertical(elements: Sequence[Element]) -> bool:
    """Whether most of a page's text stands in vertical lines; at least three of them."""
    tall = flat = count = 0.0
    for element in elements:
        if element.kind in FLOATS:
            continue
        for box in [line.box for line in element.lines if len(line.text) > 1] or (
            [] if element.lines else [element.box]
        ):
            if box.height > TALL * box.width:
                tall += box.area
                count += 1
            else:
                flat += box.area
    return count >= 3 and tall > 1.5 * flat


def turned(box: Box, width: float) -> Box:
    """The box on the page turned so that lines run to the right and follow each other downwards."""
    return Box(box.y0, width - box.x1, box.y1, width - box.x0)
