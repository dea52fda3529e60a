"""Columns and bands: which pieces of a page stand side by side, and in which order they are read.

A page falls into strips (`strips`); strips that share their gutters make a band, and a band is read column by column.
What spans columns is a strip of its own or is cut out of the strip it stands in. Columns are ordered in the same way
again, so three columns under a figure over two of them come out right. O(n log n) a level, and few levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from neo_assets.documents.model import Box
from neo_assets.documents.ordering.strips import (
    NARROW_GUTTER,
    Frame,
    Gutter,
    Piece,
    Strip,
    column_of,
    covered,
    fitted,
    gutters_in,
    hanging_together,
    made,
    span,
    strip_of,
)

MAX_DEPTH = 12
"""Nested layouts beyond this are read by rows."""
MAX_CUT = 6
"""So many spanning pieces are looked for in one strip."""
FILLED = 0.7
"""A piece that covers this share of its column's width is running text."""

CLOSE = 1.2
"""Font sizes of white between things that go together."""


class Placed(NamedTuple):
    """A piece in reading order, with its column and band."""

    place: int
    column: int
    band: int


def arrange(pieces: Sequence[Piece], frame: Frame) -> list[Placed]:
    """All pieces in reading order. A column of -1 spans the columns of its page."""
    bands = _bands(list(pieces), frame, 0)
    several = any(band.gutters for band in bands)
    found: list[Placed] = []
    number, before = -1, True
    for band in bands:
        if before or band.gutters:
            number += 1
        before = bool(band.gutters)
        for column, members in enumerate(_columns(band, frame)):
            place = column if band.gutters or not several else -1
            found += [Placed(piece.place, place, number) for piece in _order(members, frame, 1, band)]
    return found


def _order(pieces: list[Piece], frame: Frame, depth: int, within: Strip) -> list[Piece]:
    if len(pieces) < 2:
        return pieces
    if depth >= MAX_DEPTH or len(pieces) == len(within.pieces):
        return by_rows(pieces)
    return [
        piece
        for band in _bands(pieces, frame, depth)
        for column in _columns(band, frame)
        for piece in _order(column, frame, depth + 1, band)
    ]


def _columns(band: Strip, frame: Frame) -> list[list[Piece]]:
    if not band.floating and not _textual(band, frame) and not any(piece.title for piece in band.pieces):
        return [by_rows(band.pieces)]  # the fields of a form, names side by side
    found: list[list[Piece]] = [[] for _ in range(len(band.gutters) + 1)]
    for piece in band.pieces:
        found[column_of(piece, band.gutters) or 0].append(piece)
    return found


def _bands(pieces: list[Piece], frame: Frame, depth: int) -> list[Strip]:
    """Strips, those that share gutters put together."""
    found: list[Strip] = []
    tail: list[Strip] = []  # the strips that the last band was made from
    for strip in _strips(pieces, frame, depth):
        joined = _joined(found[-1], strip, frame) if found else None
        if joined is not None:
            found[-1] = joined
            tail.append(strip)
            continue
        if found and not strip.gutters:
            found[-1:] = _without_heading(found[-1], tail, frame)
        found.append(made(strip.pieces, strip.gutters, strip.covered))
        tail = [strip]
    return found


def _strips(pieces: list[Piece], frame: Frame, depth: int) -> list[Strip]:
    found = []
    for members in hanging_together(pieces, frame.unit):
        strip = strip_of(members, frame)
        if strip.gutters or len(members) == 1 or depth >= MAX_DEPTH:
            found.append(strip)
        else:
            found += _cut(strip, frame, depth)
    return found


def _cut(strip: Strip, frame: Frame, depth: int) -> list[Strip]:
    """A strip without a free gutter: its widest pieces are taken out until there is one, then it is cut at them."""
    rest = sorted(strip.pieces, key=lambda piece: (piece.box.width, piece.place))
    taken: list[Piece] = []
    gutters: tuple[Gutter, ...] = ()
    while len(rest) > 2 and len(taken) < MAX_CUT and not gutters:
        taken.append(rest.pop())
        gutters = gutters_in(covered([span(piece, frame.unit) for piece in rest]), frame)
    if not gutters:
        return [strip]
    spanning = [piece for piece in taken if column_of(piece, gutters) is None]
    if not spanning:
        return [made(strip.pieces, gutters, covered(fitted(strip.pieces, gutters, frame.unit) or []))]
    first = min(spanning, key=lambda piece: (_middle(piece), piece.place))
    others = [piece for piece in strip.pieces if piece is not first]
    upper = [piece for piece in others if _middle(piece) < _middle(first)]
    lower = [piece for piece in others if _middle(piece) >= _middle(first)]
    return [
        *_strips(upper, frame, depth + 1), strip_of([first], frame), *_strips(lower, frame, depth + 1),
    ]  # fmt: skip


def _joined(band: Strip, strip: Strip, frame: Frame) -> Strip | None:
    """Band and strip as one band, if what stands in the one stays within the columns of the other."""
    gutters = max(band.gutters, strip.gutters, key=lambda found: (len(found), -sum(one.width for one in found)))
    together = gutters_in(covered(band.covered + strip.covered), frame)
    if len(together) == len(gutters):  # beside a short heading a gutter looks wider than it is
        gutters = together
    if not gutters or not _belong(band, strip, gutters, frame):
        return None
    spans = [fitted(part.pieces, gutters, frame.unit) if part.gutters != gutters else part.covered
             for part in (band, strip)]  # fmt: skip
    if spans[0] is None or spans[1] is None:
        return None
    intervals = covered(spans[0] + spans[1])
    free = tuple(
        Gutter(max(gutter.left, *(right for left, right in intervals if left < gutter.middle), gutter.left),
               min(gutter.right, *(left for left, right in intervals if right > gutter.middle), gutter.right))
        for gutter in gutters
    )  # fmt: skip
    if any(right - left < 0.4 * frame.unit for left, right in free):
        return None
    return band.followed_by(strip, free, intervals)


def _belong(band: Strip, strip: Strip, gutters: Sequence[Gutter], frame: Frame) -> bool:
    """Whether two parts whose gutters agree are one band, and not a heading, a row of figures or of names."""
    if not band.gutters:
        if _heads_columns(band, gutters):
            return strip.top - band.bottom <= CLOSE * frame.unit
        return _in_one_column(band, gutters) and (
            _textual(band, frame) or _begins_a_column(band, strip, gutters, frame)
        )
    if _textual(band, frame):
        return True
    close = strip.top - band.bottom <= CLOSE * frame.unit
    if strip.gutters:
        return close or band.floating or any(piece.title for piece in band.pieces)
    floating = all(piece.floating for piece in strip.pieces)
    return floating or _fills_a_column(strip, band, gutters, frame) or (close and _in_one_column(strip, gutters))


def _without_heading(band: Strip, tail: list[Strip], frame: Frame) -> list[Strip]:
    """The band, and apart from it short lines and headings at the end of a column: they lead on to what spans."""
    apart: list[Strip] = []
    for strip, above in zip(reversed(tail), reversed([None, *tail[:-1]]), strict=True):
        if above is None or strip.gutters or not band.gutters or len(strip.pieces) > 1:
            break
        piece = strip.pieces[0]
        column = column_of(piece, band.gutters)
        end = band.gutters[column].left if column is not None and column < len(band.gutters) else piece.box.x1
        short = piece.lines <= 1 and piece.box.x1 < end - (1 - FILLED) * (end - piece.box.x0) - frame.unit
        gap = strip.top - above.bottom
        if not piece.title and (not short or gap < 0.8 * frame.unit):
            break
        apart.insert(0, strip)
    if not apart:
        return [band]
    gone = {piece.place for strip in apart for piece in strip.pieces}
    kept = [piece for piece in band.pieces if piece.place not in gone]
    return [made(kept, band.gutters, band.covered), *apart]


def _textual(strip: Strip, frame: Frame) -> bool:
    """Whether running text stands in it: a piece of several lines, or lines that fill their columns."""
    if strip.lines >= 3:
        return True
    widths = [gutter.width for gutter in strip.gutters]
    return bool(strip.lines and widths) and max(widths) < NARROW_GUTTER * frame.width


def _in_one_column(strip: Strip, gutters: Sequence[Gutter]) -> bool:
    columns = {column_of(piece, gutters) for piece in strip.pieces}
    return len(columns) == 1 and None not in columns


def _heads_columns(band: Strip, gutters: Sequence[Gutter]) -> bool:
    """Whether it is headings, each in a column of its own: too short ones to be seen as columns themselves."""
    columns = [column_of(piece, gutters) for piece in band.pieces]
    return None not in columns and 1 < len(set(columns)) == len(columns) and all(piece.title for piece in band.pieces)


def _fills_a_column(strip: Strip, band: Strip, gutters: Sequence[Gutter], frame: Frame) -> bool:
    """Lines that break where a column of the band ends: below figures in columns, not below a row of figures."""
    column = column_of(strip.pieces[0], gutters)
    if strip.lines < 2 or column is None or len(gutters) != len(band.gutters) or not _in_one_column(strip, gutters):
        return False
    last = column == len(band.gutters)
    end = band.covered[-1][1] if last else band.gutters[column].left
    return max(piece.box.x1 for piece in strip.pieces) >= end - 1.5 * frame.unit


def _begins_a_column(band: Strip, strip: Strip, gutters: Sequence[Gutter], frame: Frame) -> bool:
    """At the left the order is the same anyway; elsewhere it has to stand close above its column, and flush with it."""
    column = column_of(band.pieces[0], gutters)
    if not column:
        return column == 0
    if len(band.pieces) == 1 and band.pieces[0].title and _is_centred(band.pieces[0], band, strip):
        return False  # a heading over the middle column is one over all columns
    flush = abs(min(piece.box.x0 for piece in band.pieces) - gutters[column - 1].right) <= 1.5 * frame.unit
    return flush and strip.top - band.bottom <= CLOSE * frame.unit


def _is_centred(piece: Piece, band: Strip, strip: Strip) -> bool:
    """Whether a piece stands in the middle of all that the columns cover, and not as one that fills its column."""
    left, right = min(band.covered[0][0], strip.covered[0][0]), max(band.covered[-1][1], strip.covered[-1][1])
    return abs(piece.box.x0 + piece.box.x1 - left - right) <= 0.02 * (right - left)


def _middle(piece: Piece) -> float:
    return (piece.box.y0 + piece.box.y1) / 2


def by_rows(pieces: Sequence[Piece]) -> list[Piece]:
    """From top to bottom, and from left to right what stands in a row: middles within half the smaller height."""
    rows: list[list[Piece]] = []
    row_box = Box(0, 0, 0, 0)
    for piece in sorted(pieces, key=lambda piece: (_middle(piece), piece.box.x0, piece.place)):
        apart = abs(_middle(piece) - (row_box.y0 + row_box.y1) / 2)
        if rows and apart < 0.5 * min(piece.box.height, row_box.height) and _beside(rows[-1][-1], piece):
            rows[-1].append(piece)
        else:
            rows.append([piece])
            row_box = piece.box
    return [piece for row in rows for piece in sorted(row, key=lambda piece: (piece.box.x0, piece.place))]


def _beside(left: Piece, right: Piece) -> bool:
    common = min(left.box.x1, right.box.x1) - max(left.box.x0, right.box.x0)
    return common < 0.5 * min(left.box.width, right.box.width)
