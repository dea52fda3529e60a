"""Drawings that a layout model did not see: a chart of thin lines, say, whose numbers would be read as text.

Whatever is drawn in one piece and is larger than letters is a figure, if nothing else was found where it is; a table,
if it is ruled. A mere frame is none of them: text may stand in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from neo_assets.documents.layout.overlaps import covered_share
from neo_assets.documents.layout.ruled import MIN_LINES, Pixels, lines
from neo_assets.documents.layout.strokes import INK, MAX_SLANT
from neo_assets.documents.model import Box, Region

MIN_SIDES = 80.0, 40.0
"""Points across and down: letters are smaller, lines between columns and below heads thinner."""
GRAIN = 1.5
"""Points: what is so close is one piece; a thin line shows in a picture of such pixels, too."""
MAX_KNOWN = 0.1
"""Share of a drawing in which other regions are: a frame around text has more."""
FRAMED = 0.8
"""Share of each of its four sides along which a frame is drawn."""
MARGIN = 3.0
"""Points from the page's edge: the dark edge of a scan is no figure."""
SCORE = 0.5


def with_missed_figures(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, and the drawings elsewhere, from top to bottom. `scale`: pixels a point. O(pixels)."""
    known = [one.box for one in regions]
    found = [one for one in _drawings(pixels, scale) if covered_share(one.box, known) <= MAX_KNOWN]
    whole = [one for one in found if not any(one is not other and one.box.covered(other.box) == 1.0 for other in found)]
    return [*regions, *sorted(whole, key=lambda one: (one.box.y0, one.box.x0))]


def _drawings(pixels: Pixels, scale: float) -> list[Region]:
    """What hangs together and is large, but for frames and what lies at the page's edge."""
    import cv2

    grain = max(1, round(GRAIN * scale))
    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    coarse = cv2.erode(grey, np.ones((grain, grain), np.uint8))[::grain, ::grain]
    dark = (coarse < int(np.median(grey[::grain, ::grain])) - INK).astype(np.uint8)
    _, pieces, stats, _ = cv2.connectedComponentsWithStats(dark, connectivity=8)
    height, width = dark.shape
    margin = round(MARGIN * scale / grain)
    found = []
    for number, (x, y, wide, high, _) in enumerate(stats.tolist()):
        inside = min(x, y) >= margin and x + wide <= width - margin and y + high <= height - margin
        large = wide * grain >= MIN_SIDES[0] * scale and high * grain >= MIN_SIDES[1] * scale
        if number == 0 or not inside or not large:
            continue
        box = Box(*(float(value * grain) for value in (x, y, x + wide, y + high)))
        if min(lines(box, pixels)) >= MIN_LINES:
            found.append(Region("table", box, SCORE))
        elif not _is_frame(pieces[y : y + high, x : x + wide] == number):
            found.append(Region("figure", box, SCORE))
    return found


def _is_frame(drawn: npt.NDArray[np.bool_]) -> bool:
    """Whether something is drawn along all four sides; those of a page askew are so many pixels wide."""
    across, down = (max(2, round(MAX_SLANT * side)) for side in (drawn.shape[0], drawn.shape[1]))
    rows, columns = (drawn[:down], drawn[-down:]), (drawn[:, :across], drawn[:, -across:])
    sides = [*(row.any(axis=0) for row in rows), *(column.any(axis=1) for column in columns)]
    return all(side.mean() >= FRAMED for side in sides)
