"""Tests of drawn rules, frames, spans by rules, long tables, heads and turned pictures, on pictures drawn here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.clean import cleaned
from neo_assets.documents.tables.clusters import clustered_grid
from neo_assets.documents.tables.grid import Cell, completed
from neo_assets.documents.tables.heads import is_number, with_head
from neo_assets.documents.tables.long import is_long, read_in_strips, stacked, strip_marks
from neo_assets.documents.tables.matching import cell_text, matched
from neo_assets.documents.tables.row_count import row_bands_of_text, with_rows_of_text
from neo_assets.documents.tables.ruling import Rule, Rules, drawn_rules, framed_grid
from neo_assets.documents.tables.spans import corrected, without_empty
from neo_assets.documents.tables.straight import lies_on_its_side, quarter_turned, skew_degrees, turned
from neo_assets.documents.tables.structure import Structure
from neo_assets_tests.documents.tables.test_grid import covers_exactly

NONE = Rules((), ())


def paper(height: int, width: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.full((height, width, 3), 255, np.uint8)


def text_at(column: int, row: int, text: str = "text") -> Line:
    return Line(text, Box(100 * column + 10, 40 * row + 12, 100 * column + 80, 40 * row + 28))


def cells_of(n_rows: int, n_columns: int) -> list[Cell]:
    return [
        Cell(row, column, box=Box(100 * column, 40 * row, 100 * column + 100, 40 * row + 40))
        for row in range(n_rows)
        for column in range(n_columns)
    ]


def framed_picture() -> tuple[np.ndarray[Any, np.dtype[np.uint8]], list[Line]]:
    """Three by three, the first row one cell, the last two cells of the first column one."""
    picture = paper(140, 320)
    for y in (5, 45, 85, 125):
        picture[y : y + 2, (105 if y == 85 else 5) : 307] = 0
    for x in (5, 105, 205, 305):
        picture[(5 if x in (5, 305) else 45) : 127, x : x + 2] = 0
    lines = [Line("title", Box(120, 15, 180, 35)), Line("group", Box(15, 75, 80, 95))]
    lines += [
        Line(f"{x}{y}", Box(100 * x + 15, 40 * y + 15, 100 * x + 60, 40 * y + 35)) for x in (1, 2) for y in (1, 2)
    ]
    return picture, lines


def test_frames_make_the_grid() -> None:
    picture, lines = framed_picture()
    rules = drawn_rules(picture, lines, 20)
    assert (len(rules.horizontal), len(rules.vertical)) == (4, 4)
    grid = framed_grid(rules, lines, 20)
    assert grid is not None
    assert covers_exactly(grid)
    texts = [cell_text(own) for own in matched(grid, lines)]
    found = [
        (cell.row, cell.column, cell.rowspan, cell.colspan, text) for cell, text in zip(grid.cells, texts, strict=True)
    ]
    assert found == [
        (0, 0, 1, 3, "title"), (1, 0, 2, 1, "group"), (1, 1, 1, 1, "11"), (1, 2, 1, 1, "21"),
        (2, 1, 1, 1, "12"), (2, 2, 1, 1, "22"),
    ]  # fmt: skip


def test_strokes_of_characters_make_no_columns() -> None:
    picture, lines = framed_picture()
    rules = drawn_rules(picture, lines, 20)
    stray = Rules(rules.horizontal, tuple(sorted([*rules.vertical, Rule(30, 78, 98), Rule(60, 78, 98)])))
    assert framed_grid(stray, lines, 20) == framed_grid(rules, lines, 20)
    low = Rules(tuple(sorted([*rules.horizontal, Rule(65, 20, 50)])), rules.vertical)
    assert framed_grid(low, lines, 20) == framed_grid(rules, lines, 20)


def test_frames_that_do_not_part_the_text_are_none() -> None:
    picture, _ = framed_picture()
    many = [Line("x", Box(110 + 45 * n, 55, 118 + 45 * n, 75)) for n in range(4)]
    assert framed_grid(drawn_rules(picture, many, 20), many, 20) is None
    assert framed_grid(Rules((Rule(10, 0, 300), Rule(90, 0, 300)), ()), many, 20) is None


def test_characters_that_run_together_are_no_rule() -> None:
    picture = paper(60, 300)
    picture[28:31, 20:250] = 0
    assert len(drawn_rules(picture, [], 20).horizontal) == 1
    assert drawn_rules(picture, [Line("——", Box(18, 20, 252, 40))], 20) == NONE


def test_a_rule_below_columns_groups_them() -> None:
    lines = [text_at(0, 0, "name"), Line("group", Box(210, 12, 290, 28))]
    lines += [text_at(column, row) for row in (1, 2) for column in range(4)]
    grid = completed(3, 4, cells_of(3, 4))
    rules = Rules((Rule(40, 105, 395),), ())
    found = corrected(grid, lines, rules, 16)
    assert covers_exactly(found)
    assert [(cell.column, cell.colspan) for cell in found.cells if cell.row == 0] == [(0, 1), (1, 3)]


def test_one_rule_below_two_groups_is_parted_where_texts_are_in_the_middle() -> None:
    lines = [Line("one", Box(80, 12, 120, 28)), Line("two", Box(330, 12, 370, 28))]
    lines += [text_at(column, row) for row in (1, 2) for column in range(6)]
    grid = completed(3, 6, cells_of(3, 6))
    found = corrected(grid, lines, Rules((Rule(40, 5, 495),), ()), 16)
    assert [(cell.column, cell.colspan) for cell in found.cells if cell.row == 0] == [(0, 2), (2, 3), (5, 1)]


def test_rules_end_groups_of_rows() -> None:
    lines = [text_at(0, 0), Line("a", Box(10, 72, 80, 88)), Line("b", Box(10, 172, 80, 188))]
    lines += [text_at(1, row) for row in range(5)]
    cells = [cell for cell in cells_of(5, 2) if cell.column == 1 or cell.row == 0]
    cells += [Cell(1, 0, 3, box=Box(0, 40, 100, 160)), Cell(4, 0, box=Box(0, 160, 100, 200))]
    grid = completed(5, 2, cells, n_head=1)
    rules = Rules((Rule(40, 0, 200), Rule(120, 0, 200)), ())
    found = corrected(grid, lines, rules, 16)
    assert covers_exactly(found)
    assert [(cell.row, cell.rowspan) for cell in found.cells if cell.column == 0] == [(0, 1), (1, 2), (3, 2)]


def test_a_lonely_text_in_the_middle_is_a_title() -> None:
    lines = [text_at(column, row) for row in (0, 2) for column in range(4)] + [Line("title", Box(180, 52, 220, 68))]
    found = corrected(completed(3, 4, cells_of(3, 4)), lines, NONE, 16)
    assert [(cell.row, cell.colspan) for cell in found.cells if cell.row == 1] == [(1, 4)]
    aside = [text_at(column, row) for row in (0, 2) for column in range(4)] + [text_at(0, 1)]
    assert corrected(completed(3, 4, cells_of(3, 4)), aside, NONE, 16).cells == tuple(cells_of(3, 4))


def test_a_rule_within_a_head_parts_it() -> None:
    lines = [Line("name", Box(10, 32, 60, 48)), Line("group", Box(170, 12, 230, 28))]
    lines += [Line(text, Box(x, 52, x + 50, 68)) for text, x in (("a", 120), ("b", 230))]
    lines += [Line("1", Box(100 * column + 10, 92, 100 * column + 50, 108)) for column in range(3)]
    cells = [Cell(0, column, box=Box(100 * column, 0, 100 * column + 100, 80)) for column in range(3)]
    cells += [Cell(1, column, box=Box(100 * column, 80, 100 * column + 100, 120)) for column in range(3)]
    found = corrected(completed(2, 3, cells, n_head=1), lines, Rules((Rule(40, 102, 298),), ()), 16)
    assert covers_exactly(found)
    assert found.html([cell_text(own) for own in matched(found, lines)]) == (
        '<table><thead><tr><td rowspan="2">name</td><td colspan="2">group</td></tr><tr><td>a</td><td>b</td></tr>'
        "</thead><tbody><tr><td>1</td><td>1</td><td>1</td></tr></tbody></table>"
    )


def test_a_cell_with_texts_above_and_below_a_rule_is_two() -> None:
    lines = [text_at(0, 0), text_at(0, 1), Line("group", Box(160, 12, 240, 28)), text_at(1, 1), text_at(2, 1)]
    cells = [cell for cell in cells_of(2, 3) if (cell.row, cell.column) not in ((0, 2), (1, 2))]
    cells.append(Cell(0, 2, 2, box=Box(200, 0, 300, 80)))
    found = corrected(completed(2, 3, cells), lines, Rules((Rule(40, 102, 298),), ()), 16)
    assert [(cell.row, cell.column, cell.rowspan, cell.colspan) for cell in found.cells] == [
        (0, 0, 1, 1), (0, 1, 1, 2), (1, 0, 1, 1), (1, 1, 1, 1), (1, 2, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("top", "expected"), [(12, [(1, 1, 4)]), (32, [(0, 2, 1)])])
def test_a_title_may_lie_below_a_cell_that_spans_it_wrongly(top: int, expected: list[tuple[int, int, int]]) -> None:
    lines = [text_at(column, 0) for column in range(1, 4)] + [Line("title", Box(180, 52, 220, 68))]
    lines += [Line("name", Box(10, top, 60, top + 16))]
    cells = [cell for cell in cells_of(2, 4) if cell.column] + [Cell(0, 0, 2, box=Box(0, 0, 100, 80))]
    found = corrected(completed(2, 4, cells), lines, NONE, 16)
    own = [cell for cell in found.cells if cell.colspan == 4 or (cell.row, cell.column, cell.rowspan) == (0, 0, 2)]
    assert [(cell.row, cell.rowspan, cell.colspan) for cell in own] == expected


def test_rows_and_columns_without_text_are_left_out() -> None:
    grid = completed(3, 3, cells_of(3, 3))
    lines = [text_at(0, 0), text_at(2, 0), text_at(0, 2)]
    found = without_empty(grid, matched(grid, lines))
    assert (found.n_rows, found.n_columns) == (2, 2)
    assert without_empty(grid, [[] for _ in grid.cells]) == grid


def test_a_row_that_the_model_missed_is_found() -> None:
    lines = [text_at(column, row) for row in range(4) for column in range(3)]
    cells = [
        Cell(row, column, box=Box(100 * column, 54 * row, 100 * column + 100, 54 * row + 54))
        for row in range(3)
        for column in range(3)
    ]
    grid = completed(3, 3, cells)
    assert with_rows_of_text(grid, matched(grid, lines), 16).n_rows == 4


def test_lines_of_a_cell_are_no_rows() -> None:
    lines = []
    for row in range(4):
        lines += [Line("n", Box(10, 60 * row + 22, 60, 60 * row + 38))]
        lines += [Line("m", Box(100, 60 * row + 22, 160, 60 * row + 38))]
        lines += [Line("long", Box(210, 60 * row + 4 + 18 * n, 380, 60 * row + 20 + 18 * n)) for n in range(3)]
    bands = row_bands_of_text(lines, 16)
    assert bands is not None
    assert len(bands) == 4


def test_a_plain_grid_by_where_lines_stand() -> None:
    lines = [text_at(column, row, f"{row}{column}") for row in range(3) for column in range(3)]
    grid = clustered_grid(lines, NONE, 16)
    assert grid is not None
    assert [cell_text(own) for own in matched(grid, lines)] == [line.text for line in lines]
    assert clustered_grid(lines[:3], NONE, 16) is None
    assert clustered_grid([], NONE, 16) is None


def test_long_tables_are_cut_between_lines() -> None:
    lines = [text_at(column, row) for row in range(60) for column in range(3)]
    assert is_long(lines)
    assert not is_long(lines[:60])
    marks = strip_marks(lines, NONE, 16, 2400)
    assert len(marks) == 4
    assert (marks[0], marks[-1]) == (0, 2400)
    assert all(not line.box.y0 <= mark <= line.box.y1 for mark in marks for line in lines)


def test_a_strip_of_another_width_is_read_once_more_with_a_margin() -> None:
    lines = [text_at(column, row) for row in range(60) for column in range(3)]
    seen: list[tuple[int, ...]] = []

    def read(strip: np.ndarray[Any, np.dtype[np.uint8]]) -> Structure:
        seen.append(strip.shape)
        narrow = strip.shape[1] == 300 and len(seen) == 2
        shift = 40 if strip.shape[1] == 380 else 0
        cells = [Cell(0, n, box=Box(100 * n + shift, shift, 100 * n + 90 + shift, 20 + shift)) for n in range(3)]
        return Structure(completed(1, 2 if narrow else 3, cells[: 2 if narrow else 3]), 0.9, False)

    found = read_in_strips(paper(2400, 300), lines, NONE, 16, read)
    assert [shape[1] for shape in seen] == [300, 300, 300, 380]
    assert found.grid is not None
    assert [(cell.row, cell.box and cell.box.x0) for cell in found.grid.cells if cell.column == 1] == [
        (0, 100), (1, 100), (2, 100),
    ]  # fmt: skip
    seen.clear()
    assert read_in_strips(paper(2400, 300), lines, NONE, 16, lambda strip: Structure(None, 0.1, False)).grid is None


def test_strips_are_stacked() -> None:
    grid = completed(2, 2, cells_of(2, 2), n_head=1)
    found = stacked([(0, grid), (80, grid)])
    assert covers_exactly(found)
    assert (found.n_rows, found.n_head) == (4, 1)
    assert found.cells[4].box == Box(0, 80, 100, 120)


@pytest.mark.parametrize(
    ("first", "expected"),
    [(["Name", "Value"], 1), (["3.5", "7.1%"], 0), (["Year", "2024"], 1), (["", "12"], 0), (["年份", "2024"], 1)],
)
def test_the_head_is_a_first_row_of_words(first: list[str], expected: int) -> None:
    grid = completed(2, 2, [])
    assert with_head(grid, [*first, "1", "2"]).n_head == expected


def test_the_head_ends_where_its_cells_end() -> None:
    assert with_head(completed(3, 2, [Cell(0, 0, 2)]), ["a", "b", "c", "1", "2"]).n_head == 2
    assert with_head(completed(1, 2, []), ["a", "b"]).n_head == 0


def test_numbers() -> None:
    assert all(map(is_number, ["1,234.5", "-3.1%", "(12)"]))
    assert not any(map(is_number, ["1999", "GDP 2", "", "2024"]))


@settings(max_examples=8, deadline=None)
@given(st.floats(-1.2, 1.2))
def test_skew_is_found_and_undone(degrees: float) -> None:
    picture = paper(400, 700)
    for y in range(30, 370, 24):
        picture[y : y + 8, 40:660:2] = 0
    askew, lines = turned(picture, [Line("a", Box(40, 30, 660, 38))], degrees)
    assert abs(skew_degrees(askew) + degrees) <= 0.16
    rise = math.tan(math.radians(degrees)) * (350 - 350)
    assert abs((lines[0].box.y0 + lines[0].box.y1) / 2 - 34 - rise) < 3


@given(st.integers(0, 4))
def test_quarter_turns_move_lines_with_the_picture(turns: int) -> None:
    picture = paper(50, 90)
    picture[10:20, 30:70] = 0
    moved, [line] = quarter_turned(picture, [Line("word", Box(30, 10, 70, 20))], turns)
    x0, y0, x1, y1 = map(int, line.box)
    assert (moved[y0:y1, x0:x1] == 0).all()
    assert (moved == 0).sum() == (moved[y0:y1, x0:x1] == 0).sum()


def test_tables_on_their_side_are_known_by_words() -> None:
    upright = Line("some words", Box(0, 0, 90, 15))
    assert not lies_on_its_side([upright])
    assert lies_on_its_side([Line("some words", Box(0, 0, 15, 90)), Line("1", Box(0, 0, 9, 8))])
    assert not lies_on_its_side([upright, Line("side", Box(0, 0, 15, 50))])


def test_clean_up_makes_paper_white_and_ink_black() -> None:
    chance = np.random.default_rng(0)
    picture = np.clip(chance.normal(230, 6, (80, 80, 1)), 0, 255).astype(np.uint8).repeat(3, axis=2)
    picture[20:60, 30:50] = 50
    found = cleaned(picture)
    assert (found[:15] > 250).mean() > 0.95
    assert found[30:50, 35:45].max() < 20
