"""Horizontal strips of a page, and the gutters in them: the parts that columns are made from.

A strip is a set of pieces that hang together vertically; between two strips there is white across the whole region.
Boxes are drawn in a little beforehand, because boxes of real layouts touch and overlap by some points.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from neo_assets.documents.model import Box

MIN_COLUMN = 0.1
"""Narrower things beside text (numbers of equations, bullets) are no column; share of the body's width."""
NARROW_GUTTER = 0.12
"""Text columns stand closer together than this; the fields of a form do not. Share of the body's width."""
OWN_COLUMN = 0.85
"""A piece belongs to a column if this share of its width lies in it; with less in any column it spans."""
_DRAWN_IN = 0.6
"""Font sizes by which a box is drawn in at its sides (at most 15 % of its width)."""


class Piece(NamedTuple):
    """What ordering needs to know of an element."""

    place: int
    """Its place among all pieces."""
    box: Box
    lines: int
    title: bool
    floating: bool
    """A figure, a table, a caption or an equation."""


class Frame(NamedTuple):
    """What all strips of a page are measured against, in points."""

    unit: float
    """Font size of the running text."""
    width: float
    """Of everything on the page that is read."""


class Gutter(NamedTuple):
    """White from top to bottom of a strip."""

    left: float
    right: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def middle(self) -> float:
        return (self.left + self.right) / 2


@dataclass
class Strip:
    """Pieces that hang together vertically, the gutters among them, and the x intervals that they cover."""

    pieces: list[Piece]
    gutters: tuple[Gutter, ...]
    covered: list[tuple[float, float]]
    top: float
    bottom: float
    lines: int
    """Of the longest running text in it; 0 without any."""
    floating: bool
    """A figure, a table or a caption is in it."""

    def followed_by(self, strip: Strip, gutters: tuple[Gutter, ...], intervals: list[tuple[float, float]]) -> Strip:
        """Both as one; this strip's list of pieces grows."""
        self.pieces.extend(strip.pieces)
        return Strip(
            self.pieces, gutters, intervals, min(self.top, strip.top), max(self.bottom, strip.bottom),
            max(self.lines, strip.lines), self.floating or strip.floating,
        )  # fmt: skip


def hanging_together(pieces: Sequence[Piece], unit: float) -> list[list[Piece]]:
    """The pieces in strips from top to bottom. O(n log n)."""

    def drawn_in(piece: Piece) -> tuple[float, float]:
        less = min(0.25 * piece.box.height, 0.35 * unit)
        return piece.box.y0 + less, piece.box.y1 - less

    found: list[list[Piece]] = []
    reached = 0.0
    for top, bottom, piece in sorted((*drawn_in(piece), piece) for piece in pieces):
        if found and top < reached:
            found[-1].append(piece)
            reached = max(reached, bottom)
        else:
            found.append([piece])
            reached = bottom
    return found


def span(piece: Piece, unit: float) -> tuple[float, float]:
    """The x interval that a piece covers, drawn in."""
    less = min(0.15 * piece.box.width, _DRAWN_IN * unit)
    return piece.box.x0 + less, piece.box.x1 - less


def covered(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The union of intervals as disjoint intervals, from left to right. O(n log n)."""
    found: list[tuple[float, float]] = []
    for left, right in sorted(spans):
        if found and left <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], right))
        else:
            found.append((left, right))
    return found


def gutters_in(intervals: Sequence[tuple[float, float]], frame: Frame) -> tuple[Gutter, ...]:
    """White between disjoint intervals which leaves a column of some width on both sides.

    From the right, so that a narrow thing (the number of an equation) stays with what is to its left.
    """
    found: list[Gutter] = []
    narrowest = MIN_COLUMN * frame.width
    for (_, left), (right, _) in reversed(list(pairwise(intervals))):
        end = found[-1].left if found else intervals[-1][1]
        if right - left >= frame.unit and end - right >= narrowest and left - intervals[0][0] >= narrowest:
            found.append(Gutter(left, right))
    return tuple(reversed(found))


def column_of(piece: Piece, gutters: Sequence[Gutter]) -> int | None:
    """The column that holds the piece; None where it spans."""
    middles = [gutter.middle for gutter in gutters]
    first, last = bisect_right(middles, piece.box.x0), bisect_right(middles, piece.box.x1)
    if first == last or not piece.box.width:
        return first
    if last - first > 1:
        return None
    edges = [piece.box.x0, *middles[first:last], piece.box.x1]
    widths = [right - left for left, right in pairwise(edges)]
    widest = max(widths)
    return first + widths.index(widest) if widest >= OWN_COLUMN * piece.box.width else None


def fitted(pieces: Sequence[Piece], gutters: Sequence[Gutter], unit: float) -> list[tuple[float, float]] | None:
    """The intervals of pieces, cut off where they stand a little over a gutter; None if one spans columns."""
    found = []
    for piece in pieces:
        column = column_of(piece, gutters)
        if column is None:
            return None
        left, right = span(piece, unit)
        if column > 0:
            left = max(left, min(gutters[column - 1].right, right))
        if column < len(gutters):
            right = min(right, max(gutters[column].left, left))
        found.append((left, right))
    return found


def strip_of(pieces: Sequence[Piece], frame: Frame) -> Strip:
    """A strip with the gutters that go through it from top to bottom."""
    intervals = covered([span(piece, frame.unit) for piece in pieces])
    return made(pieces, gutters_in(intervals, frame) if len(pieces) > 1 else (), intervals)


def made(pieces: Sequence[Piece], gutters: tuple[Gutter, ...], intervals: list[tuple[float, float]]) -> Strip:
    """A strip whose gutters are known."""
    return Strip(
        list(pieces), gutters, intervals, min(piece.box.y0 for piece in pieces), max(piece.box.y1 for piece in pieces),
        max(0 if piece.floating else piece.lines for piece in pieces), any(piece.floating for piece in pieces),
    )  # fmt: skip
