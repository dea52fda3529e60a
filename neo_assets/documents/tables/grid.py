"""The structure of a table: cells that cover a grid of rows and columns exactly, made from a model's tokens, and HTML.

What a model says may be no table: rows of unequal width, spans that leave the table or run into each other, ends
without beginnings. `grid_of_tokens` makes a grid of all of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import product

from neo_assets.documents.model import Box

SPAN = re.compile(r"(row|col)span\s*=\s*\"?(\d+)")
MAX_SPAN = 100
"""A larger span is a model's mistake."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell: where it begins in the grid, how far it reaches, and where it stands in the picture (null: not known)."""

    row: int
    column: int
    rowspan: int = 1
    colspan: int = 1
    box: Box | None = None

    @property
    def rows(self) -> range:
        return range(self.row, self.row + self.rowspan)

    @property
    def columns(self) -> range:
        return range(self.column, self.column + self.colspan)


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells in the order of rows and columns, which cover the grid exactly; the first `n_head` rows are the head."""

    n_rows: int
    n_columns: int
    cells: tuple[Cell, ...]
    n_head: int = 0
    ragged: int = 0
    """Rows that had to be filled up or cut."""

    def slots(self) -> dict[tuple[int, int], int]:
        """The number of the cell that covers each slot of the grid."""
        return {slot: n for n, cell in enumerate(self.cells) for slot in product(cell.rows, cell.columns)}

    def html(self, texts: Sequence[str]) -> str:
        """The table with a text a cell: escaped, and only table, thead, tbody, tr and td with spans."""
        rows: list[list[str]] = [[] for _ in range(self.n_rows)]
        for cell, text in zip(self.cells, texts, strict=True):
            spans = "".join(
                f' {name}="{span}"' for name, span in (("rowspan", cell.rowspan), ("colspan", cell.colspan)) if span > 1
            )
            rows[cell.row].append(f"<td{spans}>{escape(text, quote=False)}</td>")
        drawn = [f"<tr>{''.join(row)}</tr>" for row in rows]
        head, body = "".join(drawn[: self.n_head]), "".join(drawn[self.n_head :])
        return f"<table>{head and f'<thead>{head}</thead>'}{body and f'<tbody>{body}</tbody>'}</table>"


def grid_of_tokens(tokens: Iterable[str], boxes: Sequence[Box | None]) -> Grid | None:
    """The grid that a model's tokens describe, repaired; null where they hold no cell.

    `boxes` are those of the cells in their order; missing ones are unknown.
    """
    rows, n_head = _read(tokens)
    number, placed = 0, []
    for row in rows:
        for rowspan, colspan in row:
            box = boxes[number] if number < len(boxes) else None
            placed.append((rowspan, colspan, box))
            number += 1
    return _place([len(row) for row in rows], placed, n_head) if placed else None


def completed(n_rows: int, n_columns: int, cells: Iterable[Cell], n_head: int = 0, ragged: int = 0) -> Grid:
    """A grid of cells that do not overlap: slots that none covers become empty cells."""
    found = list(cells)
    covered = {slot for cell in found for slot in product(cell.rows, cell.columns)}
    found += [
        Cell(row, column) for row, column in product(range(n_rows), range(n_columns)) if (row, column) not in covered
    ]
    ordered = tuple(sorted(found, key=lambda cell: (cell.row, cell.column)))
    return Grid(n_rows, n_columns, ordered, min(n_head, n_rows), ragged)


def with_rows(grid: Grid, parts: Sequence[int]) -> Grid:
    """The grid with each row in place of which `parts` has 0 left out, and each of n > 1 made n rows.

    Cells of a row that becomes n rows are its first; those which span more rows grow or shrink with them. Cells left
    without a row vanish.
    """
    starts = [sum(parts[:row]) for row in range(grid.n_rows + 1)]
    cells = []
    for cell in grid.cells:
        first, end = starts[cell.row], starts[cell.row + cell.rowspan]
        if end > first:
            cells.append(replace(cell, row=first, rowspan=end - first if cell.rowspan > 1 else 1))
    return completed(starts[-1], grid.n_columns, cells, starts[grid.n_head], grid.ragged)


def with_columns(grid: Grid, parts: Sequence[int]) -> Grid:
    """The grid with each column of which `parts` has n made n columns: as `with_rows`, but none is left out."""
    starts = [sum(parts[:column]) for column in range(grid.n_columns + 1)]
    cells = [
        replace(
            cell, column=starts[cell.column],
            colspan=starts[cell.column + cell.colspan] - starts[cell.column] if cell.colspan > 1 else 1,
        )
        for cell in grid.cells
    ]  # fmt: skip
    return completed(grid.n_rows, starts[-1], cells, grid.n_head, grid.ragged)


def without_columns(grid: Grid, dropped: set[int]) -> Grid:
    """The grid without some columns."""
    starts = [column - sum(one < column for one in dropped) for column in range(grid.n_columns + 1)]
    cells = [
        replace(cell, column=starts[cell.column], colspan=starts[cell.column + cell.colspan] - starts[cell.column])
        for cell in grid.cells
        if starts[cell.column + cell.colspan] > starts[cell.column]
    ]
    return completed(grid.n_rows, starts[-1], cells, grid.n_head, grid.ragged)


def _read(tokens: Iterable[str]) -> tuple[list[list[tuple[int, int]]], int]:
    """Rows of the spans of their cells, and the number of rows in the head."""
    rows: list[list[tuple[int, int]]] = []
    head, n_head = False, 0
    fresh = True
    for token in tokens:
        if token in ("<thead>", "</thead>"):
            head = not token.startswith("</")
        elif token in ("<tr>", "</tr>"):
            fresh = True
        elif token in ("<td>", "<td", "<td></td>"):
            if fresh:
                rows.append([])
                n_head += head and n_head == len(rows) - 1
                fresh = False
            rows[-1].append((1, 1))
        elif (span := SPAN.search(token)) and rows:
            rowspan, colspan = rows[-1][-1]
            size = min(max(int(span.group(2)), 1), MAX_SPAN)
            rows[-1][-1] = (size, colspan) if span.group(1) == "row" else (rowspan, size)
    return rows, n_head


def _place(widths: Sequence[int], spans: Sequence[tuple[int, int, Box | None]], n_head: int) -> Grid:
    """Puts cells where HTML would, then makes all rows as wide as most are."""
    covered: set[tuple[int, int]] = set()
    cells: list[Cell] = []
    remaining = iter(spans)
    for row, width in enumerate(widths):
        column = 0
        for _ in range(width):
            rowspan, colspan, box = next(remaining)
            while (row, column) in covered:
                column += 1
            free = next((n for n in range(1, colspan) if (row, column + n) in covered), colspan)
            end = n_head if row < n_head else len(widths)
            cell = Cell(row, column, min(rowspan, end - row), free, box)
            cells.append(cell)
            covered.update(product(cell.rows, cell.columns))
            column += free
    return _evened(cells, covered, len(widths), n_head)


def _evened(cells: Sequence[Cell], covered: set[tuple[int, int]], n_rows: int, n_head: int) -> Grid:
    ends = [1 + max((column for at, column in covered if at == row), default=-1) for row in range(n_rows)]
    counts = Counter(ends)
    n_columns = max(counts, key=lambda width: (counts[width], width))
    filled = all((row, column) in covered for row in range(n_rows) for column in range(ends[row]))
    ragged = sum(end != n_columns for end in ends) + (not filled)
    if any(cell.column >= n_columns for cell in cells):
        n_columns = max(ends)
    kept = [replace(cell, colspan=min(cell.colspan, n_columns - cell.column)) for cell in cells]
    return completed(n_rows, n_columns, kept, n_head, ragged)
