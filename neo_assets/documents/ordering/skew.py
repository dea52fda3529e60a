"""How far a page is turned, from the left edges of its lines, and boxes as they would stand on a straight page."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from neo_assets.documents.model import Box, Element

MIN_LINES, MIN_PAIRS = 4, 6
MAX_SLOPE = 0.06
MIN_SLOPE = 0.002
"""Below this (a ninth of a degree) a page counts as straight: 1.6 points over the length of a page."""


def slope(elements: Iterable[Element]) -> float:
    """Points that the left edge moves right per point down the page; 0 for a straight page or too few lines.

    Pairs of lines half an element apart vote, and the median counts: indents and ragged ends are outvoted. O(lines).
    """
    votes: list[float] = []
    for element in elements:
        boxes = [line.box for line in element.lines if line.box.width > 2 * line.box.height]
        half = len(boxes) // 2
        if len(boxes) < MIN_LINES or element.kind in ("figure", "table"):
            continue
        for upper, lower in zip(boxes[:half], boxes[half : 2 * half], strict=True):
            down = lower.y0 - upper.y0
            if down > 0 and abs(lower.x0 - upper.x0) <= MAX_SLOPE * down:
                votes.append((lower.x0 - upper.x0) / down)
    found = median(votes) if len(votes) >= MIN_PAIRS else 0.0
    return found if abs(found) >= MIN_SLOPE else 0.0


def straightened(box: Box, slope: float, width: float, height: float) -> Box:
    """The box on the page turned straight about its middle; the upright box around a turned one has grown, too."""
    if not slope:
        return box
    across, down = (box.x0 + box.x1 - width) / 2, (box.y0 + box.y1 - height) / 2
    x, y = width / 2 + across - slope * down, height / 2 + down + slope * across
    shrink = 1 - slope * slope
    half_width = max(box.width / 2, box.width - abs(slope) * box.height) / shrink / 2
    half_height = max(box.height / 2, box.height - abs(slope) * box.width) / shrink / 2
    return Box(x - half_width, y - half_height, x + half_width, y + half_height)
