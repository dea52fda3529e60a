"""Lines from the pieces of one region: rows by base line, parts of a row from left to right, columns one after another.

A row ends where a gap is too wide for a line of text, and at a gutter: a strip of white that runs through the region
with full lines on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import numpy as np

from neo_assets.documents.model import Line
from neo_assets.documents.recognition.pieces import Piece, line_of

TEXT_GAP, LOOSE_GAP, CELL_GAP = 2.5, 1.5, 0.7
"""A gap that ends a line, in font sizes: in running text, in text that no region covers, in tables and figures."""
MIN_OVERLAP = 0.5
"""Share of the lower one's height that two pieces of a row share."""
OVERLAPPING = 0.6
"""Font sizes between the left edges of two pieces, below which the order of the file counts if they overlap."""
MIN_ROWS, MIN_COLUMN, MIN_FILL, GUTTER = 4, 6.0, 0.6, 1.0
"""A gutter: rows that it divides, width of each column in font sizes, share of it that text fills, its own width in
font sizes."""

Row = list[Piece]


def lines_of(pieces: Sequence[Piece], gap: float = TEXT_GAP) -> tuple[Line, ...]:
    """The lines of a region from top to bottom, column after column; no character is lost or doubled.

    Text that runs up or down the page comes after the other, its lines in the order of the file.

    Args:
        pieces: of the region, in the order of the file or the recogniser.
        gap: font sizes of white that end a line. With that of cells, columns are not looked for.
    """
    written = [piece for piece in pieces if piece.text.strip()]
    upended = [piece for piece in written if piece.upended]
    rows = rows_of([piece for piece in written if not piece.upended])
    gutter = None if gap <= CELL_GAP else _gutter(rows)
    sides = [rows] if gutter is None else _divided(rows, gutter)
    lines = [line_of(part) for side in sides for row in side for part in _parts(row, gap)]
    return (*lines, *(line_of(part, upended=True) for part in _upended_lines(upended)))


def rows_of(pieces: Sequence[Piece]) -> list[Row]:
    """Pieces by base line, rows from top to bottom, each from left to right.

    Raised and lowered characters belong to the row of the largest piece that they touch. Complexity: n log n.
    """
    rows: list[list[tuple[int, Piece]]] = []
    leaders: list[Piece] = []
    for place, piece in sorted(enumerate(pieces), key=lambda one: (-one[1].box.height, one[1].box.y0, one[1].box.x0)):
        found = _row_for(piece, leaders)
        if found is None:
            rows.append([(place, piece)])
            leaders.append(piece)
        else:
            rows[found].append((place, piece))
    order = sorted(range(len(rows)), key=lambda at: (_middle(leaders[at]), leaders[at].box.x0))
    return [_in_order(rows[at]) for at in order]


def _in_order(row: list[tuple[int, Piece]]) -> Row:
    """Pieces from left to right; two that overlap and follow each other in the file stay as they are there.

    The box of a full-width bracket holds white, into which the next character may reach.
    """
    row.sort(key=lambda one: (one[1].box.x0, one[1].box.x1, one[1].box.y0, one[0]))
    for at in range(len(row) - 1):
        (place, piece), (other, after) = row[at], row[at + 1]
        near = after.box.x0 - piece.box.x0 <= OVERLAPPING * min(piece.size, after.size)
        if other == place - 1 and near and after.box.x0 < piece.box.x1:
            row[at], row[at + 1] = row[at + 1], row[at]
    return [piece for _, piece in row]


def _row_for(piece: Piece, leaders: Sequence[Piece]) -> int | None:
    """The row that a piece shares most of its height with, if it is enough."""
    best, found = 0.0, None
    height = max(piece.box.height, 1e-6)
    for at, leader in enumerate(leaders):
        shared = (min(piece.box.y1, leader.box.y1) - max(piece.box.y0, leader.box.y0)) / height
        if shared > best:
            best, found = shared, at
    return found if best >= MIN_OVERLAP else None


def _parts(row: Row, widest: float) -> list[Row]:
    """A row cut at gaps that are wider than so many font sizes; never between words of fixed width."""
    parts = [[row[0]]]
    end = row[0].box.x1
    for piece in row[1:]:
        before = parts[-1][-1]
        wide = piece.box.x0 - end > widest * min(before.size, piece.size)
        if wide and not (before.mono and piece.mono):
            parts.append([piece])
        else:
            parts[-1].append(piece)
        end = max(end, piece.box.x1)
    return parts


def _gutter(rows: Sequence[Row]) -> float | None:
    """Where a strip of white divides the rows into two columns of full lines; None where there is none."""
    if len(rows) < MIN_ROWS:
        return None
    pieces = [piece for row in rows for piece in row]
    size = median(piece.size for piece in pieces)
    left, right = min(p.box.x0 for p in pieces), max(p.box.x1 for p in pieces)
    if right - left < (2 * MIN_COLUMN + GUTTER) * size:
        return None
    inked = np.zeros(int(right - left) + 2, bool)
    for piece in pieces:
        inked[int(piece.box.x0 - left) : int(np.ceil(piece.box.x1 - left))] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[1], inked.view(np.int8), [1]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        middle = left + (start + end) / 2
        if end - start >= GUTTER * size and _are_columns(rows, middle, left, right, size):
            return float(middle)
    return None


def _are_columns(rows: Sequence[Row], middle: float, left: float, right: float, size: float) -> bool:
    if min(middle - left, right - middle) < MIN_COLUMN * size:
        return False
    sides = [[p.box.x1 <= middle for p in row] for row in rows]
    if sum(any(side) and not all(side) for side in sides) < MIN_ROWS:
        return False
    for from_left, width in ((True, middle - left), (False, right - middle)):
        filled = [
            sum(p.box.width for p in row if (p.box.x1 <= middle) == from_left)
            for row in rows
            if any((p.box.x1 <= middle) == from_left for p in row)
        ]
        if median(filled) < MIN_FILL * width:
            return False
    return True


def _divided(rows: Sequence[Row], gutter: float) -> list[list[Row]]:
    """The rows left of a gutter, then those right of it."""
    left = [[piece for piece in row if piece.box.x1 <= gutter] for row in rows]
    right = [[piece for piece in row if piece.box.x1 > gutter] for row in rows]
    return [[row for row in side if row] for side in (left, right)]


def _upended_lines(pieces: Sequence[Piece]) -> list[Row]:
    """Text that runs up or down, by shared width, in the order of the file."""
    lines: list[Row] = []
    for piece in pieces:
        box = lines[-1][-1].box if lines else None
        shared = min(piece.box.x1, box.x1) - max(piece.box.x0, box.x0) if box else 0.0
        if box and shared >= MIN_OVERLAP * min(piece.box.width, box.width):
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return lines


def _middle(piece: Piece) -> float:
    return (piece.box.y0 + piece.box.y1) / 2
