"""Columns that a model took for one, by the blank that goes through them from top to bottom."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Line
from neo_assets.documents.tables.bands import column_bands, strips_of
from neo_assets.documents.tables.grid import Grid, with_columns
from neo_assets.documents.tables.matching import matched, text_rows

MIN_BLANK = 0.6
"""Of a line's height, that is between columns; words of a line stand closer, and are one line."""
MIN_PARTED = 0.5
"""Share of the column's cells with text that have some at both sides of the blank, beside each other."""
MIN_CELLS = 3
"""So many of them at least."""
MOST_CROSSING = 2
"""Lines that may cross the blank, such as a heading over both columns."""


def with_columns_of_text(grid: Grid, held: Sequence[Sequence[Line]], text_height: float) -> Grid:
    """The grid with as many columns as the text shows: those split through which a blank goes.

    `held` are the lines of each cell. Nothing is split if the text does not show all of the columns then.
    O(lines log lines).
    """
    parts = []
    for column in range(grid.n_columns):
        own = [
            lines for cell, lines in zip(grid.cells, held, strict=True)
            if lines and (cell.column, cell.colspan) == (column, 1)
        ]  # fmt: skip
        parts.append(1 + _blanks(own, text_height))
    if max(parts) == 1:
        return grid
    found = with_columns(grid, parts)
    lines = [line for own in held for line in own]
    return grid if column_bands(found, matched(found, lines), text_height) is None else found


def _blanks(cells: Sequence[Sequence[Line]], text_height: float) -> int:
    """How many blanks part the texts of a column's cells."""
    spans = [(line.box.x0, line.box.x1) for lines in cells for line in lines]
    if len(cells) < MIN_CELLS or len(spans) < len(cells) + MIN_CELLS:
        return 0
    wide = (
        [strip for strip in strips_of(spans, crossing) if strip[1] - strip[0] >= MIN_BLANK * text_height]
        for crossing in range(MOST_CROSSING + 1)
    )
    return max(sum(_parts(strip, cells) for strip in strips) for strips in wide)


def _parts(blank: tuple[float, float], cells: Sequence[Sequence[Line]]) -> bool:
    middle = (blank[0] + blank[1]) / 2
    n_parted = sum(any(_is_parted(row, middle) for row in text_rows(lines)) for lines in cells)
    return n_parted >= max(MIN_CELLS, MIN_PARTED * len(cells))


def _is_parted(row: Sequence[Line], at: float) -> bool:
    """Whether words or numbers stand at both sides: not a bullet or a currency's sign before each of them."""
    sides = [line.box.x0 + line.box.x1 < 2 * at for line in row if any(sign.isalnum() for sign in line.text)]
    return any(sides) and not all(sides)
