"""Which rows of a table are its head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.tables.grid import Grid

MOST_NUMERIC = 0.34
"""Of the texts of a first row, that may be numbers if it is a head."""


def with_head(grid: Grid, texts: Sequence[str]) -> Grid:
    """The grid with the model's head, or else with its first row as head where few of its texts are numbers.

    No cell of the head reaches into the body. A table of one row has no head, and no table is all head.
    """
    n_head = grid.n_head if 0 < grid.n_head < grid.n_rows else _guess(grid, texts)
    while n_head and any(cell.row < n_head < cell.row + cell.rowspan for cell in grid.cells):
        n_head += 1
    return replace(grid, n_head=n_head if n_head < grid.n_rows else 0)


def _guess(grid: Grid, texts: Sequence[str]) -> int:
    first = [text for cell, text in zip(grid.cells, texts, strict=True) if cell.row == 0 and text.strip()]
    numeric = sum(is_number(text) for text in first)
    return int(grid.n_rows > 1 and len(first) > 1 and numeric <= MOST_NUMERIC * len(first))


def is_number(text: str) -> bool:
    """Whether most characters of a text are digits and what stands with them, and it is no year."""
    bare = text.strip()
    if len(bare) == 4 and bare.isdigit() and bare[:2] in ("18", "19", "20"):
        return False
    return 2 * sum(character in "0123456789.,%+-−±()/ " for character in bare) > len(bare) > 0
