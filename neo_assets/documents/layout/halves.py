"""Texts that go over two columns: a layout model sometimes draws one box around what stands in both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.documents.layout.grown import INK
from neo_assets.documents.layout.overlaps import TEXTS, covered_share
from neo_assets.documents.model import Box, Region

Pixels = npt.NDArray[np.uint8]

MIN_WIDTH = 0.45
"""Share of the page's width from which on a text may be two columns."""
MIN_HEIGHT = 0.06
"""Share of the page's height: in less there is no telling white between columns from white between words."""
MIN_GUTTER = 0.01
"""White between two columns, as a share of the page's width."""
MIDDLE = 0.25
"""The white lies so far from both sides, as a share of the text's width."""
NEARLY_WHITE = 0.01
"""Share of rows with ink in what counts as white: dust, and a rule."""
MOST_OF_COLUMN = 0.7
"""Share of a column's width that another region fills which is proof of the column."""
KNOWN = 0.5
"""A half of which other texts cover more is theirs."""


def with_columns_apart(regions: Sequence[Region], pixels: Pixels) -> list[Region]:
    """The regions, in pixels, with texts over two columns cut in two.

    There has to be white between the halves from top to bottom, and another text of the page that keeps to one of the
    columns; so a list of words with their meanings beside them stays whole. O(regions² + pixels of such texts).
    """
    height, width = pixels.shape[:2]
    wide = [
        one for one in regions
        if one.kind in TEXTS and one.box.width >= MIN_WIDTH * width and one.box.height >= MIN_HEIGHT * height
    ]  # fmt: skip
    if not wide or len(regions) < 2:
        return list(regions)
    import cv2

    grey = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)
    ink = grey < int(np.median(grey)) - INK
    found: list[Region] = []
    for one in regions:
        others = [other for other in regions if other is not one and other not in wide]
        halves = _halves(one.box, others, ink) if one in wide else [one.box]
        found += [Region(one.kind, box, one.score) for box in halves]
    return found


def _halves(box: Box, others: Sequence[Region], ink: Any) -> list[Box]:
    gutter = _gutter(box, ink)
    if gutter is None:
        return [box]
    halves = [box._replace(x1=gutter[0]), box._replace(x0=gutter[1])]
    if not any(_fills(other.box, half, box) for other in others for half in halves):
        return [box]
    texts = [other.box for other in others if other.kind not in ("figure", "table")]
    return [half for half in halves if covered_share(half, texts) <= KNOWN]


def _gutter(box: Box, ink: Any) -> tuple[float, float] | None:
    """Left and right edge of the widest white in the middle of a text; None if there is none."""
    height, width = ink.shape
    x0, y0, x1, y1 = max(0, int(box.x0)), max(0, int(box.y0)), min(width, int(box.x1)), min(height, int(box.y1))
    white = ink[y0:y1, x0:x1].mean(axis=0) <= NEARLY_WHITE
    first, last = round(MIDDLE * len(white)), round((1 - MIDDLE) * len(white))
    best, start = (0, 0), None
    for place in range(first, last + 1):
        if place < last and white[place]:
            start = place if start is None else start
        elif start is not None:
            best, start = max(best, (place - start, start)), None
    if best[0] < MIN_GUTTER * width:
        return None
    return float(x0 + best[1]), float(x0 + best[1] + best[0])


def _fills(other: Box, half: Box, whole: Box) -> bool:
    """Whether a region keeps to the column that the half is of."""
    common = min(other.x1, half.x1) - max(other.x0, half.x0)
    strays = other.width - common
    return common >= MOST_OF_COLUMN * half.width and strays <= 0.1 * other.width and other.width < 0.7 * whole.width
