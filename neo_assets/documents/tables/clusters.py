"""A plain grid of rows and columns by where lines of text stand, for when the model gives none that fits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.bands import MOST_CROSSING, strips_of
from neo_assets.documents.tables.grid import Cell, Grid
from neo_assets.documents.tables.matching import text_rows
from neo_assets.documents.tables.ruling import Rules

WIDE_STRIP = 0.8
"""Of a line's height: at least this much blank is between columns."""


def clustered_grid(lines: Sequence[Line], rules: Rules, text_height: float) -> Grid | None:
    """Rows and columns by the empty strips between lines; null where that makes less than two rows or columns.

    Where rules part most rows, lines between two rules are one row. O(lines log lines + lines x rules).
    """
    columns = _columns(lines, text_height)
    rows = _rows(lines, rules, text_height)
    if len(columns) < 3 or len(rows) < 3:
        return None
    cells = tuple(
        Cell(row, column, box=Box(columns[column], rows[row], columns[column + 1], rows[row + 1]))
        for row in range(len(rows) - 1)
        for column in range(len(columns) - 1)
    )
    return Grid(len(rows) - 1, len(columns) - 1, cells)


def _columns(lines: Sequence[Line], text_height: float) -> list[float]:
    """The edges of columns: of the strips that few lines cross, the choice with the most columns."""
    if not lines:
        return []
    spans = [(line.box.x0, line.box.x1) for line in lines]
    best: list[tuple[float, float]] = []
    for crossing in range(min(MOST_CROSSING, len(lines) // 8) + 1):
        wide = [strip for strip in strips_of(spans, crossing) if strip[1] - strip[0] >= WIDE_STRIP * text_height]
        if len(wide) > len(best):
            best = wide
    left, right = min(first for first, _ in spans), max(last for _, last in spans)
    return [left - 1, *((first + last) / 2 for first, last in best), right + 1]


def _rows(lines: Sequence[Line], rules: Rules, text_height: float) -> list[float]:
    rows = text_rows(lines)
    if not rows:
        return []
    middles = [sum((line.box.y0 + line.box.y1) / 2 for line in row) / len(row) for row in rows]
    top, bottom = min(line.box.y0 for line in lines), max(line.box.y1 for line in lines)
    width = max(line.box.x1 for line in lines) - min(line.box.x0 for line in lines)
    across = [rule.at for rule in rules.horizontal if rule.end - rule.start > 0.8 * width and top < rule.at < bottom]
    if len(across) >= max(2, len(rows) // 3):
        return [top - 1, *across, bottom + 1]
    return [top - 1, *((one + other) / 2 for one, other in pairwise(middles)), bottom + 1]
