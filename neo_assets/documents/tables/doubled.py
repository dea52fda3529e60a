"""A column that a model saw twice: each of its texts is in one of two columns side by side, never in both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.grid import Grid, without_columns

MOST_SHARED = 0.1
"""Of the rows with text in one of two columns, those with text in both, by lines put into the wrong one."""


def without_doubled(grid: Grid, held: Sequence[Sequence[Line]]) -> Grid:
    """The grid with neighbouring columns as one where their texts stand at one place but in different rows.

    `held` are the lines of each cell. O(columns x cells).
    """
    dropped = set()
    for column in range(grid.n_columns - 1):
        if column not in dropped and _same(_texts(grid, held, column), _texts(grid, held, column + 1)):
            dropped.add(column + 1)
    if not dropped:
        return grid
    beside = {(cell.row, cell.column): cell.box for cell in grid.cells}
    cells = tuple(
        replace(cell, box=_around(cell.box, beside.get((cell.row, cell.column + 1))))
        if cell.colspan == 1 and cell.column + 1 in dropped
        else cell
        for cell in grid.cells
    )
    return without_columns(replace(grid, cells=cells), dropped)


def _texts(grid: Grid, held: Sequence[Sequence[Line]], column: int) -> dict[int, Sequence[Line]]:
    """The lines of the cells of one column by row."""
    return {
        cell.row: own
        for cell, own in zip(grid.cells, held, strict=True)
        if own and (cell.column, cell.colspan) == (column, 1)
    }


def _same(one: dict[int, Sequence[Line]], other: dict[int, Sequence[Line]]) -> bool:
    if not one or not other or len(one.keys() & other.keys()) > MOST_SHARED * len(one.keys() | other.keys()):
        return False
    first, last = _place(one), _place(other)
    shared = min(first[1], last[1]) - max(first[0], last[0])
    return shared > 0.5 * min(first[1] - first[0], last[1] - last[0])


def _place(texts: dict[int, Sequence[Line]]) -> tuple[float, float]:
    boxes = [line.box for own in texts.values() for line in own]
    return median(box.x0 for box in boxes), median(box.x1 for box in boxes)


def _around(one: Box | None, other: Box | None) -> Box | None:
    return one.union(other) if one and other else one or other
