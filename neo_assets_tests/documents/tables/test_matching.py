"""Tests of cell matching: each character of each line ends in exactly one cell, and the right one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.grid import Cell, Grid
from neo_assets.documents.tables.matching import cell_text, cut, matched, nearest, positions, text_rows

GRID = Grid(
    2, 2,
    (Cell(0, 0, box=Box(0, 0, 100, 20)), Cell(0, 1, box=Box(100, 0, 200, 20)),
     Cell(1, 0, box=Box(0, 20, 100, 60)), Cell(1, 1, box=Box(100, 20, 200, 60))),
)  # fmt: skip


def line(text: str, x0: float, y0: float, x1: float, y1: float) -> Line:
    return Line(text, Box(x0, y0, x1, y1))


def texts(lines: list[Line]) -> list[str]:
    return [cell_text(own) for own in matched(GRID, lines)]


def test_lines_go_to_the_cells_that_cover_them() -> None:
    assert texts([line("d", 110, 30, 190, 45), line("a", 5, 2, 60, 18)]) == ["a", "", "", "d"]


def test_lines_outside_go_to_the_nearest_cell() -> None:
    assert texts([line("d", 210, 50, 260, 64)]) == ["", "", "", "d"]


def test_lines_of_a_cell_are_joined_in_reading_order() -> None:
    found = texts([line("two", 5, 42, 60, 56), line("one", 5, 24, 60, 38), line("and", 62, 24, 90, 38)])
    assert found[2] == "one and two"


@pytest.mark.parametrize(
    ("parts", "joined"),
    [
        (["在全部测试", "集上"], "在全部测试集上"),
        (["the whole", "set"], "the whole set"),
        (["共 5", "个"], "共 5个"),
        (["exam-", "ple"], "exam- ple"),
        (["收入，", "GDP"], "收入，GDP"),
        (["", "x"], "x"),
    ],
)
def test_no_blank_beside_chinese(parts: list[str], joined: str) -> None:
    assert cell_text([line(text, 0, 0, 1, 1) for text in parts]) == joined


def test_a_line_over_two_cells_is_cut_at_the_blank() -> None:
    assert texts([line("12,345 67.8%", 20, 2, 180, 18)])[:2] == ["12,345", "67.8%"]


def test_a_chinese_line_over_two_cells_is_cut_between_characters() -> None:
    pieces = cut(line("人口增长收入合计", 20, 2, 180, 18), [Box(0, 0, 100, 20), Box(100, 0, 200, 20)])
    assert [(piece.text, piece.box.x0, piece.box.x1) for piece in pieces] == [
        ("人口增长", 20, 100), ("收入合计", 100, 180),
    ]  # fmt: skip


@pytest.mark.parametrize("one", [line("Unbreakable", 20, 2, 180, 18), line("a little over", 20, 2, 108, 18)])
def test_a_line_stays_whole_where_nothing_says_otherwise(one: Line) -> None:
    assert cut(one, [Box(0, 0, 100, 20), Box(100, 0, 200, 20)]) == [one]


def test_characters_have_their_usual_widths() -> None:
    assert positions(line("中文", 0, 0, 20, 10)) == [10, 20]
    ends = positions(line("il中W", 0, 0, 100, 10))
    assert ends[-1] == pytest.approx(100)
    assert ends[2] - ends[1] > ends[3] - ends[2] > ends[0]


def test_lines_beside_each_other_are_one_row_even_if_askew() -> None:
    rows = text_rows([line(str(n), n * 30, 2 * n, n * 30 + 20, 2 * n + 14) for n in range(4)])
    assert len(rows) == 1
    assert len(text_rows([line("a", 0, 0, 10, 10), line("b", 0, 11, 10, 21)])) == 2


boxes = st.builds(
    lambda x, y, width, height: Box(x, y, x + width, y + height),
    st.floats(-50, 250), st.floats(-50, 90), st.floats(0.1, 300), st.floats(0.1, 40),
)  # fmt: skip
any_lines = st.lists(st.builds(Line, st.text(min_size=1, max_size=20), boxes), max_size=15)


@given(any_lines)
def test_no_character_is_lost_or_doubled(lines: list[Line]) -> None:
    given_ones = Counter("".join("".join(one.text.split()) for one in lines))
    found = Counter("".join("".join(text.split()) for text in texts(lines)))
    assert found == given_ones


def naive(places: list[Box], box: Box) -> int:
    """The nearest place, one by one."""
    best, number = (0.0, 0.0), 0
    for n, place in enumerate(places):
        shared = place.overlap(box).area
        dx = max(place.x0 - box.x1, box.x0 - place.x1, 0.0)
        dy = max(place.y0 - box.y1, box.y0 - place.y1, 0.0)
        rank = (2 + shared, 1 / place.area) if shared > 0 else (1 / (1 + dx + dy), 0.0)
        if rank > best:
            best, number = rank, n
    return number


whole = st.integers(0, 12)
squares = st.tuples(whole, whole, whole, whole).map(
    lambda one: Box(one[0], one[1], one[0] + one[2] + 1, one[1] + one[3] + 1)
)


@given(st.lists(squares, min_size=1, max_size=12), squares)
def test_the_nearest_cell_is_that_of_the_reference(places: list[Box], box: Box) -> None:
    assert nearest(np.array(places, np.float64), box) == naive(places, box)
