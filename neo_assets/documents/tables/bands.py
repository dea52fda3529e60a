"""Where the rows and columns of a grid stand, by the text: the empty strips between them.

A model's boxes drift by a column or a row in large tables; the blank between two columns does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.grid import Cell, Grid

MOST_CROSSING = 3
"""Lines that may cross the strip between columns, such as a heading over several of them."""
CLEARLY = 1.15
"""By how much the narrowest strip between rows must be higher than the widest one between lines of a row."""


def fitted(grid: Grid, held: Sequence[Sequence[Line]], text_height: float) -> Grid:
    """The grid with the boxes of its cells by the strips between texts, where there are as many as the grid needs.

    `held` are the lines of each cell as they were matched by the model's boxes. O(pixels + lines).
    """
    columns = column_bands(grid, held, text_height)
    rows = row_bands(grid, held, text_height)
    cells = []
    for cell in grid.cells:
        box = cell.box
        if columns is not None:
            y0, y1 = (box.y0, box.y1) if box else (-1.0, -1.0)
            box = Box(columns[cell.column], y0, columns[cell.column + cell.colspan], y1)
        if rows is not None and box is not None:
            box = Box(box.x0, rows[cell.row], box.x1, rows[cell.row + cell.rowspan])
        cells.append(replace(cell, box=box if box is not None and box.y1 >= 0 else None))
    return replace(grid, cells=tuple(cells))


def column_bands(grid: Grid, held: Sequence[Sequence[Line]], text_height: float) -> list[float] | None:
    """The x of the left edge of each column and the right edge of the last; null where texts do not show them."""
    lines = [line.box for cell, own in zip(grid.cells, held, strict=True) if cell.colspan == 1 for line in own]
    everything = [line.box for own in held for line in own]
    if not lines:
        return None
    spans = [(box.x0, box.x1) for box in lines]
    for crossing in range(MOST_CROSSING + 1):
        strips = [strip for strip in strips_of(spans, crossing) if strip[1] - strip[0] >= 0.25 * text_height]
        if len(strips) == grid.n_columns - 1:
            left, right = min(box.x0 for box in everything), max(box.x1 for box in everything)
            return [left - 1, *((first + last) / 2 for first, last in strips), right + 1]
    return None


def row_bands(grid: Grid, held: Sequence[Sequence[Line]], text_height: float) -> list[float] | None:
    """The y of the upper edge of each row and the lower edge of the last; null where texts do not show them."""
    lines = [line.box for cell, own in zip(grid.cells, held, strict=True) if cell.rowspan == 1 for line in own]
    everything = [line.box for own in held for line in own]
    if not lines:
        return None
    inset = 0.15 * text_height
    strips = strips_of([(box.y0 + inset, box.y1 - inset) for box in lines], 0)
    widest = sorted((last - first for first, last in strips), reverse=True)
    needed = grid.n_rows - 1
    if len(strips) < needed or (len(strips) > needed > 0 and widest[needed - 1] < CLEARLY * widest[needed]):
        return None
    if needed == 0:
        strips = []
    chosen = [strip for strip in strips if strip[1] - strip[0] >= widest[needed - 1]] if needed else []
    if len(chosen) != needed:
        return None
    top, bottom = min(box.y0 for box in everything), max(box.y1 for box in everything)
    return [top - 1, *((first + last) / 2 for first, last in chosen), bottom + 1]


def strips_of(spans: Sequence[tuple[float, float]], crossing: int) -> list[tuple[float, float]]:
    """The stretches between the first and the last span that at most so many of the spans cover."""
    events = sorted([(first, 1) for first, _ in spans] + [(last, -1) for _, last in spans])
    found, depth, before = [], 0, events[0][0]
    low_since: float | None = None
    seen = False
    for at, step in events:
        if at > before and depth <= crossing and seen and low_since is None:
            low_since = before
        if at > before and depth > crossing:
            seen = True
            if low_since is not None:
                found.append((low_since, before))
                low_since = None
        depth += step
        before = at
    return found


def bands_of(grid: Grid, by_row: bool) -> list[float] | None:
    """The edges between rows (or columns) by the boxes of their cells; null where a row has none or they cross.

    The edge between two rows lies in the middle between the median lower edge of one and upper edge of the next.
    """
    count = grid.n_rows if by_row else grid.n_columns
    edges: list[tuple[float, float]] = []
    for number in range(count):
        own = [_side(cell, by_row) for cell in grid.cells if cell.box and _only(cell, number, by_row)]
        if not own:
            return None
        edges.append((float(np.median([first for first, _ in own])), float(np.median([last for _, last in own]))))
    middle = [(before[1] + after[0]) / 2 for before, after in pairwise(edges)]
    bands = [edges[0][0], *middle, edges[-1][1]]
    return bands if all(after > before for before, after in pairwise(bands)) else None


def _side(cell: Cell, by_row: bool) -> tuple[float, float]:
    box = cell.box or Box(0, 0, 0, 0)
    return (box.y0, box.y1) if by_row else (box.x0, box.x1)


def _only(cell: Cell, number: int, by_row: bool) -> bool:
    return (cell.row, cell.rowspan) == (number, 1) if by_row else (cell.column, cell.colspan) == (number, 1)
