"""Columns that a model took for one, and what looks like two and is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.column_count import with_columns_of_text
from neo_assets.documents.tables.grid import Cell, Grid, completed, with_columns
from neo_assets.documents.tables.matching import matched
from neo_assets_tests.documents.tables.test_grid import covers_exactly

HEIGHT = 16


def grid_of(n_rows: int, heading: bool = False) -> Grid:
    """Two columns, the second of which is wide; with a heading over both the first row is one cell."""
    cells = [
        Cell(row, column, box=Box(200 * column, 40 * row, 200 * column + 200, 40 * row + 40))
        for row in range(heading, n_rows)
        for column in (0, 1)
    ]
    first = [Cell(0, 0, 1, 2, Box(0, 0, 400, 40))] if heading else []
    return completed(n_rows, 2, first + cells)


def line(text: str, row: int, x0: float, x1: float) -> Line:
    return Line(text, Box(x0, 40 * row + 12, x1, 40 * row + 12 + HEIGHT))


def lines_of(n_rows: int, gap: float = 20.0, text: str = "41.59") -> list[Line]:
    """Three texts a row, with so many pixels between the second and the third."""
    return [
        one
        for row in range(n_rows)
        for one in (line("name", row, 10, 80), line(text, row, 230, 290), line("23,847", row, 290 + gap, 370))
    ]


def columns_of(grid: Grid, lines: list[Line]) -> int:
    found = with_columns_of_text(grid, matched(grid, lines), HEIGHT)
    covers_exactly(found)
    return found.n_columns


def test_a_blank_through_a_column_makes_it_two() -> None:
    assert columns_of(grid_of(5), lines_of(5)) == 3
    assert columns_of(grid_of(5), lines_of(5, gap=6)) == 2


def test_a_missing_number_and_a_heading_over_both_change_nothing() -> None:
    lines = [one for one in lines_of(6) if one.box.x0 != 230 or one.box.y0 > 60]
    heading = line("a heading over both", 0, 235, 365)
    assert columns_of(grid_of(6), [heading, *(one for one in lines if one.box.y0 > 40)]) == 3
    assert columns_of(grid_of(6, heading=True), [heading, *(one for one in lines if one.box.y0 > 40)]) == 3


def test_spans_grow_with_the_columns_below_them() -> None:
    found = with_columns(grid_of(3, heading=True), [1, 2])
    assert (found.n_columns, found.cells[0].colspan) == (3, 3)
    assert [(cell.row, cell.column) for cell in found.cells[1:4]] == [(1, 0), (1, 1), (1, 2)]


@pytest.mark.parametrize("sign", ["•", "$", "—"])
def test_signs_before_each_text_are_no_column(sign: str) -> None:
    assert columns_of(grid_of(5), lines_of(5, text=sign)) == 2


def test_a_few_rows_prove_nothing() -> None:
    lines = [*lines_of(2), *(line(text, row, 230, 370) for row in range(2, 8) for text in ("a text",))]
    assert columns_of(grid_of(8), lines) == 2
    assert columns_of(grid_of(2), lines_of(2)) == 2


def test_texts_below_each_other_are_no_columns() -> None:
    stacked = [
        Line("left", Box(210, 40 * row + 2, 290, 40 * row + 18)) if at else
        Line("right", Box(310, 40 * row + 22, 390, 40 * row + 38))
        for row in range(6) for at in (0, 1)
    ]  # fmt: skip
    assert columns_of(grid_of(6), stacked) == 2


@given(st.lists(st.tuples(st.integers(0, 380), st.integers(0, 150), st.integers(5, 120)), max_size=30))
def test_whatever_stands_there_the_grid_is_covered_and_no_line_lost(places: list[tuple[int, int, int]]) -> None:
    grid = grid_of(4)
    lines = [Line("x1", Box(x, y, x + width, y + HEIGHT)) for x, y, width in places]
    found = with_columns_of_text(grid, matched(grid, lines), HEIGHT)
    covers_exactly(found)
    assert (found.n_rows, found.n_columns >= 2) == (4, True)
    assert len("".join(one.text for own in matched(found, lines) for one in own)) == 2 * len(lines)
