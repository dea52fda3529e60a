"""Straight lines across a page, as tables have them below their heads: where they are, and which of them belong
together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.documents.model import Box

Pixels = npt.NDArray[np.uint8]
Ink = npt.NDArray[np.bool_]

MIN_LENGTH = 50.0
"""Points: shorter ones underline words or are bars of fractions."""
MAX_THICK, MAX_SLANT = 3.0, 0.02
"""Points, and pixels across for one along: of a page that was scanned a little askew."""
MAX_GAP = 5.0
"""Points that may be missing in a line, as where a pale one was scanned askew."""
SAME_END = 3.0, 0.02
"""Points, or share of the width if that is more, by which the ends of lines of one table differ."""
MIN_UPRIGHT = 9.0
"""Points: strokes of characters are shorter than lines between columns."""
INK = 60
"""Darker by so much than the paper."""


class Stroke(NamedTuple):
    """A line across, in pixels: its height on the page (of its middle), and from where to where it goes."""

    y: float
    x0: float
    x1: float


def strokes_of(pixels: Pixels, top: float, bottom: float, scale: float) -> list[Stroke]:
    """The lines across in a part of a page from top to bottom; `scale` is in pixels a point. O(pixels)."""
    import cv2

    first, last = max(0, int(top)), min(pixels.shape[0], int(np.ceil(bottom)))
    if last - first < 3:
        return []
    dark = _dark(pixels[first:last])
    found = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, max(8, round(MAX_GAP * scale))), np.uint8))
    reach = round(MAX_GAP * scale) // 2
    found = cv2.dilate(found, np.ones((3, 2 * reach + 1), np.uint8))
    # Twice as fast as the algorithm that is taken otherwise, on pages with few strokes.
    n, _, stats, middles = cv2.connectedComponentsWithStatsWithAlgorithm(found, 8, cv2.CV_32S, cv2.CCL_GRANA)
    strokes = []
    for at in range(1, n):
        x, _, width, height, _ = stats[at].tolist()
        if width - 2 * reach >= MIN_LENGTH * scale and height - 2 <= MAX_THICK * scale + MAX_SLANT * width:
            strokes.append(Stroke(first + float(middles[at][1]), float(x + reach), float(x + width - reach)))
    return sorted(strokes)


def alike(strokes: Sequence[Stroke], one: Stroke, scale: float, share: float = SAME_END[1]) -> list[Stroke]:
    """Those that begin and end where one does; `share` of its width is what ends may differ by, if that is more."""
    slack = max(SAME_END[0] * scale, share * (one.x1 - one.x0))
    return [other for other in strokes if max(abs(other.x0 - one.x0), abs(other.x1 - one.x1)) <= slack]


def ink_between_lines(pixels: Pixels, box: Box, scale: float) -> Ink:
    """The ink in a box of the page without lines, upright ones included: True where there is some. O(pixels)."""
    import cv2

    height, width = pixels.shape[:2]
    y0, y1 = max(0, int(box.y0)), min(height, int(np.ceil(box.y1)))
    x0, x1 = max(0, int(box.x0)), min(width, int(np.ceil(box.x1)))
    part = pixels[y0:y1, x0:x1]
    if not part.size:
        return np.zeros((max(0, y1 - y0), max(0, x1 - x0)), np.bool_)
    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    ink = (grey < int(np.median(grey)) - INK).astype(np.uint8)
    for size in ((1, round(2 * MIN_UPRIGHT * scale)), (round(MIN_UPRIGHT * scale), 1)):
        lines = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        ink[cv2.dilate(lines, np.ones((5, 5), np.uint8)) > 0] = 0
    return np.asarray(ink > 0)


def _dark(part: Pixels) -> Any:
    import cv2

    grey = cv2.cvtColor(part, cv2.COLOR_BGR2GRAY)
    return cv2.adaptiveThreshold(grey, 1, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 12)
