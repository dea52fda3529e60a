"""Rows that a model missed or saw twice, by the blank between lines: more between rows than within a cell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from neo_assets.documents.model import Line
from neo_assets.documents.tables.bands import strips_of
from neo_assets.documents.tables.grid import Cell, Grid, with_rows
from neo_assets.documents.tables.matching import text_rows
from neo_assets.documents.tables.spans import texts_of

JUMP = 1.35
"""By how much blanks between rows are higher than those within cells."""
INSET = 0.15
"""Of a line's height, by which its box is taken to be less high: boxes of recognised lines are generous."""


def with_rows_of_text(grid: Grid, held: Sequence[Sequence[Line]], text_height: float) -> Grid:
    """The grid with as many rows as the text shows, where it shows them: rows split, and rows of one band joined.

    `held` are the lines of each cell. O(lines log lines).
    """
    owner = {
        id(line): cell.row for cell, own in zip(grid.cells, held, strict=True) if cell.rowspan == 1 for line in own
    }
    lines = [line for cell, own in zip(grid.cells, held, strict=True) if cell.rowspan == 1 for line in own]
    bands = row_bands_of_text(lines, text_height)
    if bands is None or len(bands) == grid.n_rows:
        return grid
    parts = [0] * grid.n_rows
    for top, bottom in bands:
        rows = [owner[id(line)] for line in lines if top <= (line.box.y0 + line.box.y1) / 2 <= bottom]
        if not rows:
            return grid
        parts[max(sorted(set(rows)), key=rows.count)] += 1
    for row, part in enumerate(parts):
        texts = sum(len(own) for cell, own in zip(grid.cells, held, strict=True) if _is_in(cell, row))
        if part == 0 and not texts and any(row in cell.rows and cell.rowspan > 1 for cell in grid.cells):
            return grid
    return with_rows(grid, parts)


def row_bands_of_text(lines: Sequence[Line], text_height: float) -> list[tuple[float, float]] | None:
    """Upper and lower edge of the text of each row; null where lines do not show which of them are one row.

    Blanks of two clearly different heights are those within cells and those between rows; then some text of each row
    must have but one line.
    """
    if not lines:
        return None
    inset = INSET * text_height
    spans = [(line.box.y0 + inset, line.box.y1 - inset) for line in lines]
    strips = strips_of(spans, 0)
    heights = sorted(last - first for first, last in strips)
    jumps = [
        (after / max(before, 1.0), after) for before, after in pairwise(heights) if after / max(before, 1.0) >= JUMP
    ]
    top, bottom = min(first for first, _ in spans), max(last for _, last in spans)
    for least in [0.0, *(after for _, after in sorted(jumps))]:
        between = [strip for strip in strips if strip[1] - strip[0] >= least]
        edges = [top, *(edge for strip in between for edge in strip), bottom]
        bands = list(zip(edges[::2], edges[1::2], strict=True))
        if all(_is_row(lines, band, text_height) for band in bands) and _no_loose_lines(lines, bands, between):
            return bands
    return None


def _is_row(lines: Sequence[Line], band: tuple[float, float], text_height: float) -> bool:
    """Whether most texts beside each other within a band have but one line."""
    own = _within(lines, band)
    if band[1] - band[0] < 1.3 * text_height:
        return True
    texts = texts_of(own)
    return 2 * sum(len(text_rows(text)) == 1 for text in texts) >= len(texts)


def _no_loose_lines(
    lines: Sequence[Line], bands: Sequence[tuple[float, float]], between: Sequence[tuple[float, float]]
) -> bool:
    """Whether no row is a single line close to its neighbour: that would be a line of a cell."""
    blanks = [last - first for first, last in between]
    usual = max(blanks, default=0.0)
    for number, band in enumerate(bands):
        beside = blanks[max(number - 1, 0) : number + 1]
        if beside and min(beside) * JUMP <= usual and len(_within(lines, band)) == 1:
            return False
    return True


def _within(lines: Sequence[Line], band: tuple[float, float]) -> list[Line]:
    return [line for line in lines if band[0] <= (line.box.y0 + line.box.y1) / 2 <= band[1]]


def _is_in(cell: Cell, row: int) -> bool:
    return cell.row == row and cell.rowspan == 1
