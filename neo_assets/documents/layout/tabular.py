"""Whether ink is rows of text that stand in columns; no prose, however many columns it is set in."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np
import numpy.typing as npt

from neo_assets.documents.layout.strokes import Ink

MIN_BLANK = 6.5
"""Points of white between columns: more than between words."""
ROW = 3.0, 22.0
"""Points: a row of text is at least and at most so high; one, a head whose rows reach into each other, twice that."""
MIN_ROWS = 3
MAX_CROSSING = 0.3
"""Share of the rows whose texts may cross the white between columns, such as a title over them."""
NEARLY_WHITE = 0.01
"""Share of the rows of pixels that may have ink in what counts as white: dust, and rests of lines."""
SHORT = 10.0
"""Heights of a row of ink that a short text is wide at most: about as many Chinese characters, or twenty letters."""
MIN_LINE, ALIKE = 5.0, 0.8
"""Narrow columns of prose: a line has so many heights at least, and most of them that share of the widest one."""
THIN = 0.45
"""Heights of a row that a digit is wide at least: what is thinner are marks of a chart, in most columns."""
MAX_JOINED = 8.0
"""Heights of a row that ink without a break is wide at most: letters of a scan run together, but curves go on."""
MIN_SHORT, MAX_LONG = 2, 1
"""Columns of short texts that a table has at least, and of prose at most."""
MIN_FILLED = 0.6
"""Share of the rows that have something in two columns or more."""

Span = tuple[int, int]
White = npt.NDArray[np.bool_]


def is_tabular(written: Ink, scale: float) -> bool:
    """Whether ink (without lines) is rows of text, most of which wide white parts at the same places. O(pixels)."""
    rows = _text_rows(written, scale)
    return bool(rows) and bool(gutters(_free(written, rows), scale))


def is_plain_table(written: Ink, zones: Sequence[Span], scale: float) -> bool:
    """Whether rows of text stand in columns of which most hold short texts, between all lines alike. O(pixels).

    Args:
        written: ink without lines.
        zones: from where to where its rows of pixels lie between two lines: below a head, say.
        scale: pixels a point.
    """
    rows = _text_rows(written, scale)
    if not rows:
        return False
    height = median(b - a for a, b in rows)
    if _widest(written) > MAX_JOINED * height:
        return False
    parts = gutters(_free(written, rows), scale)
    if not parts or not all(_is_parted_at(parts, written[a:b], scale) for a, b in zones):
        return False
    edges = [0, *(edge for part in parts for edge in part), written.shape[1]]
    widths = [_widths(written, rows, column) for column in zip(edges[::2], edges[1::2], strict=True)]
    n_long = sum(_is_prose(sorted(own.values()), height) for own in widths)
    n_thin = sum(median(own.values()) < THIN * height for own in widths)
    n_filled = sum(sum(row in own for own in widths) > 1 for row in range(len(rows)))
    return (
        n_long <= MAX_LONG and 2 * n_thin <= len(widths) and len(widths) - n_long - n_thin >= MIN_SHORT
        and n_filled >= MIN_FILLED * len(rows)
    )  # fmt: skip


def white_through(zone: Ink, scale: float) -> list[Span]:
    """From where to where wide white goes through what is written in a zone, from its first row of pixels to its last.

    What lies at both sides of it need not be on one line.
    """
    inked = np.flatnonzero(zone.any(axis=1))
    if not inked.size:
        return []
    return gutters(zone[inked[0] : inked[-1] + 1].mean(axis=0) <= NEARLY_WHITE, scale)


def gutters(white: White, scale: float) -> list[Span]:
    """From where to where there is wide white between what is not white."""
    dark = np.flatnonzero(~white).tolist()
    return [(left + 1, right) for left, right in pairwise(dark) if right - left >= MIN_BLANK * scale]


def rows_of(written: Ink, scale: float) -> list[Span]:
    """The rows of ink from top to bottom, as high as text at least."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (written.sum(axis=1) > 1).view(np.int8), [0]]))).tolist()
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= ROW[0] * scale]


def _text_rows(written: Ink, scale: float) -> list[Span]:
    """The rows of ink; none where they are too few or too high for those of a table."""
    rows = rows_of(written, scale)
    heights = sorted(b - a for a, b in rows)
    if len(rows) < MIN_ROWS or heights[-2] > ROW[1] * scale or heights[-1] > 2 * ROW[1] * scale:
        return []
    return rows


def _free(written: Ink, rows: Sequence[Span]) -> White:
    """Where few rows have ink."""
    return np.asarray(np.array([written[a:b].any(axis=0) for a, b in rows]).mean(axis=0) <= MAX_CROSSING)


def _is_prose(widths: Sequence[int], height: float) -> bool:
    """Whether lines of such widths, the least first, are those of long texts or fill a narrow column."""
    middle = median(widths)
    full = widths[len(widths) // 4] >= ALIKE * widths[-1]
    return middle > SHORT * height or (middle > MIN_LINE * height and full)


def _widest(written: Ink) -> int:
    """How wide the widest ink without a break is."""
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(written.astype(np.uint8), connectivity=8)
    return int(stats[1:, cv2.CC_STAT_WIDTH].max(initial=0))


def _is_parted_at(parts: Sequence[Span], zone: Ink, scale: float) -> bool:
    """Whether wide white parts a zone from top to bottom where one of the gutters is."""
    own = white_through(zone, scale)
    least = MIN_BLANK * scale / 2
    return any(min(one[1], part[1]) - max(one[0], part[0]) >= least for one in own for part in parts)


def _widths(written: Ink, rows: Sequence[Span], column: Span) -> dict[int, int]:
    """How wide the text of each row is in a column, by the row's number; rows without any are left out."""
    found = {}
    for number, (a, b) in enumerate(rows):
        inked = np.flatnonzero(written[a:b, slice(*column)].any(axis=0))
        if inked.size:
            found[number] = int(inked[-1] - inked[0] + 1)
    return found
