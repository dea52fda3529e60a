"""Ruled tables that a layout model takes for something else, told by the lines that are drawn in them.

PicoDet's CDLA classes confuse small ruled tables with displayed formulas (3 of 14 tables of generated pages, with
scores up to 0.98). A formula has fraction bars, but not three lines over its whole width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.documents.model import Box, Region

Pixels = npt.NDArray[np.uint8]

MIN_LINES = 3
"""Of a table: above and below its head, and below its last row."""
MIN_WIDTH = 0.85
"""Share of the width that a horizontal line goes over."""
MIN_HEIGHT = 0.5
"""The same for vertical ones, which cells over several columns interrupt."""
SAME_BOX = 0.8
MAX_SLANT = 0.02
"""Pixels across for one along: of a page that was scanned a little askew."""


def with_ruled_tables(regions: Sequence[Region], pixels: Pixels) -> list[Region]:
    """The regions, in pixels, with formulas and pictures that are ruled tables called tables.

    A picture may be a chart with a grid, so the model itself must have thought of a table there too.
    """
    tables = [one.box for one in regions if one.kind == "table"]
    return [Region("table", one.box, one.score) if _is_table(one, tables, pixels) else one for one in regions]


def _is_table(region: Region, tables: Sequence[Box], pixels: Pixels) -> bool:
    if region.kind == "equation":
        return lines(region.box, pixels)[0] >= MIN_LINES
    if region.kind != "figure":
        return False
    box = region.box
    if not any(min(box.covered(other), other.covered(box)) >= SAME_BOX for other in tables):
        return False
    return min(lines(box, pixels)) >= MIN_LINES


def lines(box: Box, pixels: Pixels) -> tuple[int, int]:
    """How many horizontal and vertical lines go through (most of) a box of the picture."""
    import cv2

    margin = 3
    x0, y0 = (max(0, int(value) - margin) for value in box[:2])
    x1, y1 = (int(value) + margin + 1 for value in box[2:])
    crop = pixels[y0:y1, x0:x1]
    if min(crop.shape[:2]) < 20:
        return 0, 0
    grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    dark = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12)
    return _count(dark, MIN_WIDTH * box.width), _count(dark.T.copy(), MIN_HEIGHT * box.height)


def _count(dark: Any, length: float) -> int:
    """Connected dark strokes at least so long across, and thin."""
    import cv2

    stroke = max(12, int(length / 12))
    found = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, stroke), np.uint8))
    found = cv2.dilate(found, np.ones((3, stroke), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    wide, high = stats[1:, cv2.CC_STAT_WIDTH], stats[1:, cv2.CC_STAT_HEIGHT]
    return int(((wide >= length) & (high <= 8 + MAX_SLANT * wide)).sum())
