"""Tables: whether one holds data or only lays out the page, and its rows as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neo_assets.web.content.blocks import CODE, HEADING, ROW, Block

MAX_CELL_CHARS = 400
MAX_MEAN_CHARS = 120
MAX_HEADED_CELL_CHARS = 2000
MAX_CELL_BLOCKS = 6
MAX_ROWS_PER_FULL_ROW = 3
"""In a table of values one row in three, and two at least, hold two values or more; others are rows of headings."""
MAX_COLUMNS = 30
"""A cell that spans more columns is taken for one that spans so many."""


@dataclass
class Table:
    """A table while it is read; a row is the (first block, end block, columns) of its cells."""

    group: int
    layout: bool = False
    headed: bool = False
    rows: list[list[tuple[int, int, int]]] = field(default_factory=list)
    cell_start: int = 0
    columns: int = 1

    def open_cell(self, n_blocks: int, columns: int, *, header: bool) -> None:
        """A cell begins."""
        self.cell_start, self.columns = n_blocks, min(max(1, columns), MAX_COLUMNS)
        self.headed |= header

    def close_cell(self, n_blocks: int) -> None:
        """A cell ends."""
        if self.rows:
            self.rows[-1].append((self.cell_start, n_blocks, self.columns))

    def data_start(self, blocks: Sequence[Block]) -> int | None:
        """Where the rows begin if this is a table of values, None if it is layout; linear in the table."""
        filled = [[cell for cell in row if cell[1] > cell[0]] for row in self.rows]
        rows = [row for row in filled if row]
        n_full = sum(len(row) > 1 for row in rows)
        if self.layout or n_full < 2 or n_full * MAX_ROWS_PER_FULL_ROW < len(rows):
            return None
        cells = [cell for row in rows for cell in row]
        first = cells[0][0]
        if any(end - start > MAX_CELL_BLOCKS for start, end, _ in cells):
            return None
        if any(block.kind in (CODE, HEADING) for block in blocks[first:]):
            return None
        lengths = [sum(len(block.text) for block in blocks[start:end]) for start, end, _ in cells]
        most = MAX_HEADED_CELL_CHARS if self.headed else MAX_CELL_CHARS
        if max(lengths) > most or (not self.headed and sum(lengths) > MAX_MEAN_CHARS * len(lengths)):
            return None
        return first

    def text_rows(self, blocks: Sequence[Block]) -> list[Block]:
        """The rows as blocks `| a | b |`, a header line after the first one."""
        made: list[Block] = []
        for row in self.rows:
            inside = [block for start, end, _ in row for block in blocks[start:end]]
            if inside:
                text = _row_text([(_cell_text(blocks[start:end]), columns) for start, end, columns in row])
                if not made:
                    text += "\n|" + " --- |" * sum(columns for *_, columns in row)
                own, linked = sum(block.own for block in inside), sum(block.linked for block in inside)
                made.append(Block(text, ROW, "", self.group, own, linked, sum(block.links for block in inside)))
        return made


def _cell_text(blocks: Sequence[Block]) -> str:
    return " ".join(f"{block.mark.lstrip()}{block.text}" for block in blocks).replace("\n", " ")


def _row_text(cells: Sequence[tuple[str, int]]) -> str:
    columns: list[str] = []
    for text, n_columns in cells:
        columns += [text] + [""] * (n_columns - 1)
    return "| " + " | ".join(columns) + " |"
