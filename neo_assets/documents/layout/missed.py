"""Drawings that a layout model did not see: a chart of thin lines, say, whose numbers would be read as text.

Whatever is drawn in one piece and is larger than letters is a figure, if nothing else was found where it is; a table,
if it is ruled.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neo_assets.documents.layout.overlaps import covered_share
from neo_assets.documents.layout.ruled import MIN_LINES, Pixels, lines
from neo_assets.documents.layout.strokes import INK
from neo_assets.documents.model import Box, Region

MIN_SIDES = 80.0, 40.0
"""Points across and down: letters are smaller, lines between columns and below heads thinner."""
GRAIN = 1.5
"""Points: what is so close is one piece; a thin line shows in a picture of such pixels, too."""
MAX_KNOWN = 0.1
"""Share of a drawing in which other regions are: a frame around text has more."""
MARGIN = 3.0
"""Points from the page's edge: the dark edge of a scan is no figure."""
SCORE = 0.5


def with_missed_figures(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, and the drawings elsewhere, from top to bottom. `scale`: pixels a point. O(pixels)."""
    known = [one.box for one in regions]
    found = [box for box in _drawings(pixels, scale) if covered_share(box, known) <= MAX_KNOWN]
    whole = [box for box in found if not any(box is not other and box.covered(other) == 1.0 for other in found)]
    return [*regions, *(_region(box, pixels) for box in sorted(whole, key=lambda box: (box.y0, box.x0)))]


def _region(box: Box, pixels: Pixels) -> Region:
    return Region("table" if min(lines(box, pixels)) >= MIN_LINES else "figure", box, SCORE)


def _drawings(pixels: Pixels, scale: float) -> list[Box]:
    """What hangs together and is large, but for what lies at the page's edge."""
    import cv2

    grain = max(1, round(GRAIN * scale))
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    coarse = cv2.erode(grey, np.ones((grain, grain), np.uint8))[::grain, ::grain]
    dark = (coarse < int(np.median(grey[::grain, ::grain])) - INK).astype(np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    height, width = dark.shape
    margin = round(MARGIN * scale / grain)
    found = []
    for x, y, wide, high, _ in stats[1:].tolist():
        inside = min(x, y) >= margin and x + wide <= width - margin and y + high <= height - margin
        if inside and wide * grain >= MIN_SIDES[0] * scale and high * grain >= MIN_SIDES[1] * scale:
            found.append(Box(*(float(value * grain) for value in (x, y, x + wide, y + high))))
    return found
