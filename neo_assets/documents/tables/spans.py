"""Spans corrected by what is drawn and written: rules below groups of columns, rules around groups of rows, titles
in the middle of the table, and rows and columns in which nothing stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise, product

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.bands import bands_of
from neo_assets.documents.tables.grid import Cell, Grid, completed, with_rows, without_columns
from neo_assets.documents.tables.matching import text_rows
from neo_assets.documents.tables.ruling import Rule, Rules

MOST_HEAD_ROWS = 3


def without_empty(grid: Grid, held: Sequence[Sequence[Line]]) -> Grid:
    """The grid without rows and columns in which no cell of one row or column has text.

    Nothing is left out where nothing would remain.
    """
    rows = {cell.row for cell, own in zip(grid.cells, held, strict=True) if own and cell.rowspan == 1}
    columns = {cell.column for cell, own in zip(grid.cells, held, strict=True) if own and cell.colspan == 1}
    if not rows or not columns:
        return grid
    grid = with_rows(grid, [int(row in rows) for row in range(grid.n_rows)])
    return without_columns(grid, set(range(grid.n_columns)) - columns)


def corrected(grid: Grid, lines: Sequence[Line], rules: Rules, text_height: float) -> Grid:
    """The grid with its spans by rules and by texts, where the edges of rows and columns are known by its boxes.

    O(cells x (lines + rules)).
    """
    rows, columns = bands_of(grid, True), bands_of(grid, False)
    if rows is None or columns is None:
        return grid
    table = _Placed(grid, rows, columns, lines, text_height)
    for rule in rules.horizontal:
        table.split_head(rule)
        table.group_columns(rule)
    for column in range(grid.n_columns):
        table.group_rows(column, rules)
    for row in range(1, grid.n_rows):
        table.join_title(row)
    return table.grid


@dataclass
class _Placed:
    """A grid whose rows and columns have places, and the lines of text in it."""

    grid: Grid
    rows: Sequence[float]
    columns: Sequence[float]
    lines: Sequence[Line]
    text_height: float

    def split_head(self, rule: Rule) -> None:
        """A row of the head with a rule under some of its texts, over others, is two; what has no rule spans both."""
        near = 0.4 * self.text_height
        inside = [n for n, (top, end) in enumerate(pairwise(self.rows)) if top + near < rule.at < end - near]
        covered = {n for n, (start, end) in enumerate(pairwise(self.columns)) if _covers(rule, start, end)}
        if not inside or inside[0] >= MOST_HEAD_ROWS or not 2 <= len(covered) < self.grid.n_columns:
            return
        row = inside[0]
        own = [cell for cell in self.grid.cells if row in cell.rows]
        texts = [line.box for cell in own if cell.column in covered for line in self.within(cell)]
        above = [(box.y0 + box.y1) / 2 < rule.at for box in texts]
        if all(above) or not any(above) or any(cell.rowspan > 1 for cell in own):
            return
        doubled = with_rows(self.grid, [2 if one == row else 1 for one in range(self.grid.n_rows)])
        self.rows = [*self.rows[: row + 1], rule.at, *self.rows[row + 1 :]]
        self.grid = replace(doubled, cells=tuple(replace(cell, box=self.box(cell)) for cell in doubled.cells))
        for cell in own:
            if cell.column not in covered:
                self.claim(replace(cell, rowspan=2))

    def group_columns(self, rule: Rule) -> None:
        """A text over a rule that reaches over some columns, in its middle, spans these columns."""
        covered = [n for n, (start, end) in enumerate(pairwise(self.columns)) if _covers(rule, start, end)]
        if not 2 <= len(covered) < self.grid.n_columns:
            return
        row = min(range(self.grid.n_rows), key=lambda one: abs(self.rows[one + 1] - rule.at))
        if row >= MOST_HEAD_ROWS or abs(self.rows[row + 1] - rule.at) > self.text_height:
            return
        whole = Cell(row, covered[0], 1, len(covered))
        self.cut_below(whole)
        above = [cell for cell in self.grid.cells if row in cell.rows and set(cell.columns) & set(whole.columns)]
        texts = texts_of(self.within(whole))
        if any(cell.rowspan > 1 for cell in above) or not 1 <= len(texts) <= len(covered) // 2:
            return
        starts, off = self.parted(whole, [_middle(text) for text in texts])
        if off <= 0.2 * (rule.end - rule.start) / len(texts):
            for start, end in pairwise([*starts, whole.column + whole.colspan]):
                self.claim(Cell(row, start, 1, end - start))

    def cut_below(self, whole: Cell) -> None:
        """Cells that reach below a cell's lower edge end there if they have texts on both sides of it."""
        end = whole.row + whole.rowspan
        for cell in self.grid.cells:
            upper = replace(cell, rowspan=end - cell.row)
            reaches = cell.row < end < cell.row + cell.rowspan and cell.colspan == 1 and cell.column in whole.columns
            if reaches and 0 < len(self.within(upper)) < len(self.within(cell)):
                self.claim(upper)

    def parted(self, whole: Cell, middles: Sequence[float]) -> tuple[tuple[int, ...], float]:
        """Where the columns of a cell part so that texts stand in the middle of theirs, and how far off at most."""
        end = whole.column + whole.colspan
        best: tuple[int, ...] = (whole.column,)
        least = float("inf")
        for inner in combinations(range(whole.column + 1, end), len(middles) - 1):
            starts = (whole.column, *inner)
            off = max(
                abs(middle - (self.columns[first] + self.columns[last]) / 2)
                for middle, (first, last) in zip(middles, pairwise([*starts, end]), strict=True)
            )
            if off < least:
                best, least = starts, off
        return best, least

    def group_rows(self, column: int, rules: Rules) -> None:
        """In a column whose cells span rows of the body, each cell reaches from rule to rule."""
        head, n_rows = self.grid.n_head, self.grid.n_rows
        body = [cell for cell in self.grid.cells if column in cell.columns and cell.row >= head]
        if not any(cell.rowspan > 1 for cell in body) or any(cell.colspan > 1 for cell in body):
            return
        left, right = self.columns[column], self.columns[column + 1]
        across = [rule.at for rule in rules.horizontal if _covers(rule, left, right)]
        near = 0.8 * self.text_height
        ends = [row for row in range(head + 1, n_rows) if any(abs(at - self.rows[row]) < near for at in across)]
        if not ends:
            return
        for first, end in pairwise([head, *ends, n_rows]):
            whole = Cell(first, column, end - first)
            texts = self.within(whole)
            if whole.rowspan > 1 and (len(text_rows(texts)) == 1 or (texts and self.is_cell(whole))):
                self.claim(whole)

    def join_title(self, row: int) -> None:
        """A row whose only text stands in the middle of the table, or leaves its column, is one cell."""
        own = [cell for cell in self.grid.cells if row in cell.rows]
        texts = self.within(Cell(row, 0, 1, self.grid.n_columns))
        if self.grid.n_columns < 3 or len(own) == 1 or not texts or any(self.is_group(cell) for cell in own):
            return
        if len(texts_of(texts)) != 1:
            return
        left, right = self.columns[0], self.columns[-1]
        centred = abs(_middle(texts) - (left + right) / 2) < max(self.text_height, 0.03 * (right - left))
        start, end = min(line.box.x0 for line in texts), max(line.box.x1 for line in texts)
        leaves = start < self.columns[1] and end > self.columns[1] + self.text_height
        if leaves or (centred and start >= self.columns[1] - self.text_height):
            self.claim(Cell(row, 0, 1, self.grid.n_columns))

    def is_group(self, cell: Cell) -> bool:
        """Whether a cell spans rows and its text stands in the middle of them: not in line with one of them alone."""
        texts, box = self.within(cell), self.box(cell)
        if cell.rowspan == 1:
            return False
        if not texts or cell.colspan > 1:
            return True
        middle = (min(line.box.y0 for line in texts) + max(line.box.y1 for line in texts)) / 2
        return abs(middle - (box.y0 + box.y1) / 2) < 0.4 * self.text_height

    def is_cell(self, whole: Cell) -> bool:
        """Whether the texts of these slots are in one cell already."""
        middles = [(line.box.y0 + line.box.y1) / 2 for line in self.within(whole)]
        boxes = [self.box(cell) for cell in self.grid.cells if cell.column == whole.column]
        return any(all(box.y0 <= middle <= box.y1 for middle in middles) for box in boxes)

    def within(self, cell: Cell) -> list[Line]:
        """The lines whose middle lies in a cell."""
        box = self.box(cell)
        return [line for line in self.lines if _holds(box, line.box)]

    def box(self, cell: Cell) -> Box:
        return Box(
            self.columns[cell.column], self.rows[cell.row],
            self.columns[cell.column + cell.colspan], self.rows[cell.row + cell.rowspan],
        )  # fmt: skip

    def claim(self, whole: Cell) -> None:
        """Makes a cell of these slots; what is left of others stays with them, in the row or column they began."""
        slots = set(product(whole.rows, whole.columns))
        cells = [replace(whole, box=self.box(whole))]
        for cell in self.grid.cells:
            if not slots & set(product(cell.rows, cell.columns)):
                cells.append(cell)
                continue
            for rest in _rest(cell, whole):
                cells.append(replace(rest, box=self.box(rest)))
        filled = completed(self.grid.n_rows, self.grid.n_columns, cells, self.grid.n_head, self.grid.ragged)
        placed = tuple(cell if cell.box else replace(cell, box=self.box(cell)) for cell in filled.cells)
        self.grid = replace(filled, cells=placed)


def _rest(cell: Cell, whole: Cell) -> list[Cell]:
    """What is left of a cell beside, or (for a cell of one column) above and below, another one."""
    found = []
    if cell.colspan == 1:
        if cell.row < whole.row:
            found.append(replace(cell, rowspan=whole.row - cell.row))
        end, last = whole.row + whole.rowspan, cell.row + cell.rowspan
        if last > end:
            found.append(replace(cell, row=end, rowspan=last - end))
    elif cell.rowspan == 1:
        if cell.column < whole.column:
            found.append(replace(cell, colspan=whole.column - cell.column))
        end, last = whole.column + whole.colspan, cell.column + cell.colspan
        if last > end:
            found.append(replace(cell, column=end, colspan=last - end))
    return found


def texts_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines in groups that stand below each other, from left to right."""
    groups: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: (line.box.x0, line.box.y0)):
        right = max((one.box.x1 for one in groups[-1]), default=0.0) if groups else 0.0
        if groups and line.box.x0 < right + 0.4 * line.box.height:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _holds(box: Box, line: Box) -> bool:
    x, y = (line.x0 + line.x1) / 2, (line.y0 + line.y1) / 2
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1


def _covers(rule: Rule, start: float, end: float) -> bool:
    return min(rule.end, end) - max(rule.start, start) >= 0.6 * (end - start)


def _middle(lines: Sequence[Line]) -> float:
    return (min(line.box.x0 for line in lines) + max(line.box.x1 for line in lines)) / 2
