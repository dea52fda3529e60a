"""Formulas whose box cuts through their outer characters are grown until their ink ends.

The detector's boxes of formulas are up to a character too small at a side, and a cut formula is read as another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.documents.model import Box, Region

Pixels = npt.NDArray[np.uint8]

MAX_ACROSS, MAX_DOWN = 40.0, 8.0
"""Points by which a box is grown at most, at each side."""
GAP_ACROSS, GAP_DOWN = 4.0, 1.0
"""Points without ink after which the formula has ended; its number stands further away."""
INK = 60
"""Darker by so much than the paper."""


def with_whole_formulas(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions (in points) with formulas grown, never into another region. `scale`: pixels a point."""
    if not any(one.kind == "equation" for one in regions):
        return list(regions)
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    ink = grey < int(np.median(grey)) - INK
    found = []
    for one in regions:
        others = [other.box for other in regions if other is not one]
        found.append(
            Region(one.kind, _grown(one.box, others, ink, scale), one.score) if one.kind == "equation" else one
        )
    return found


def _grown(box: Box, others: Sequence[Box], ink: Any, scale: float) -> Box:
    x0, y0, x1, y1 = box
    x0 -= _reach(ink, Box(x0 - MAX_ACROSS, y0, x0, y1), others, scale, axis=0, backwards=True, gap=GAP_ACROSS)
    x1 += _reach(ink, Box(x1, y0, x1 + MAX_ACROSS, y1), others, scale, axis=0, backwards=False, gap=GAP_ACROSS)
    y0 -= _reach(ink, Box(x0, y0 - MAX_DOWN, x1, y0), others, scale, axis=1, backwards=True, gap=GAP_DOWN)
    y1 += _reach(ink, Box(x0, y1, x1, y1 + MAX_DOWN), others, scale, axis=1, backwards=False, gap=GAP_DOWN)
    return Box(x0, y0, x1, y1).rounded()


def _reach(
    ink: Any, strip: Box, others: Sequence[Box], scale: float, *, axis: int, backwards: bool, gap: float
) -> float:
    """Points that ink goes on in a strip beside a box, from the box outwards."""
    height, width = ink.shape
    left, top, right, bottom = (round(value * scale) for value in strip)
    part = ink[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    dark = part.any(axis=axis)
    if backwards:
        dark = dark[::-1]
    last = 0
    for place in np.flatnonzero(dark).tolist():
        if place - last > gap * scale:
            break
        last = place + 1
    return min(last / scale, _room(strip, others, axis, backwards))


def _room(strip: Box, others: Sequence[Box], axis: int, backwards: bool) -> float:
    """Points from the box to the next region in the strip."""
    near = [other for other in others if strip.overlap(other).area]
    if backwards:
        return max(0.0, min((strip[axis + 2] - other[axis + 2] for other in near), default=float("inf")))
    return max(0.0, min((other[axis] - strip[axis] for other in near), default=float("inf")))
