"""Tests of lines cut at wide white, and of columns that a model saw twice, on pictures drawn here."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.doubled import without_doubled
from neo_assets.documents.tables.gaps import cut_at_gaps
from neo_assets.documents.tables.grid import Cell, Grid, completed
from neo_assets.documents.tables.matching import cell_text, matched


def inked(*stretches: tuple[int, int]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A picture with ink from x to x on one line of 20 pixels."""
    picture = np.full((40, 400, 3), 250, np.uint8)
    for first, last in stretches:
        picture[14:28, first:last] = 20
    return picture


def test_a_line_is_cut_at_wide_white() -> None:
    line = Line("12,345 Total growth", Box(10, 10, 250, 30))
    found = cut_at_gaps(inked((10, 80), (110, 160), (168, 250)), [line])
    assert [(one.text, one.box.x0, one.box.x1) for one in found] == [("12,345", 10, 80), ("Total growth", 110, 250)]


def test_a_rule_between_columns_is_white() -> None:
    picture = inked((10, 80), (100, 160))
    picture[:, 90:92] = 20
    found = cut_at_gaps(picture, [Line("12,345 Total", Box(10, 10, 160, 30))])
    assert [one.text for one in found] == ["12,345", "Total"]


def test_chinese_is_cut_without_blanks() -> None:
    found = cut_at_gaps(inked((10, 90), (130, 170)), [Line("收入数值地区", Box(10, 10, 170, 30))])
    assert [one.text for one in found] == ["收入数值", "地区"]


@pytest.mark.parametrize(
    ("text", "stretches"),
    [
        ("Total growth", [(10, 80), (90, 160)]),
        ("Unbreakable", [(10, 80), (120, 160)]),
        ("two words", []),
    ],
)
def test_other_lines_stay_whole(text: str, stretches: list[tuple[int, int]]) -> None:
    line = Line(text, Box(10, 10, 160, 30))
    assert cut_at_gaps(inked(*stretches), [line]) == [line]


boxes = st.tuples(st.floats(-20, 380), st.floats(-20, 30), st.floats(0.5, 300), st.floats(0.5, 40)).map(
    lambda one: Box(one[0], one[1], one[0] + one[2], one[1] + one[3])
)
ink = st.lists(st.tuples(st.integers(0, 390), st.integers(1, 60)).map(lambda one: (one[0], one[0] + one[1])))


@settings(max_examples=50, deadline=None)
@given(ink, st.text(min_size=1, max_size=20).filter(str.strip), boxes)
def test_no_character_is_lost(stretches: list[tuple[int, int]], text: str, box: Box) -> None:
    found = cut_at_gaps(inked(*stretches), [Line(text, box)])
    assert "".join("".join(one.text.split()) for one in found) == "".join(text.split())
    assert all(one.box.x0 <= one.box.x1 for one in found)


def zigzag() -> tuple[Grid, list[Line]]:
    """Three columns of text, the middle one of which is in the second or the third of the grid's."""
    lines = [
        Line(f"{row}{column}", Box(100 * column + 10, 40 * row + 12, 100 * column + 80, 40 * row + 28))
        for row in range(4)
        for column in range(3)
    ]
    cells = []
    for row in range(4):
        edges = [0, 100, 195, 200, 300] if row % 2 else [0, 100, 105, 200, 300]
        cells += [
            Cell(row, column, box=Box(first, 40 * row, last, 40 * row + 40))
            for column, (first, last) in enumerate(pairwise(edges))
        ]
    return completed(4, 4, cells), lines


def test_a_column_seen_twice_is_one() -> None:
    grid, lines = zigzag()
    found = without_doubled(grid, matched(grid, lines))
    assert (found.n_rows, found.n_columns) == (4, 3)
    assert [cell_text(own) for own in matched(found, lines)] == [line.text for line in lines]


def test_columns_at_different_places_stay_two() -> None:
    cells = [Cell(row, column, box=Box(100 * column, 40 * row, 100 * column + 100, 40 * row + 40))
             for row in range(2) for column in range(2)]  # fmt: skip
    grid = completed(2, 2, cells)
    lines = [Line("a", Box(10, 10, 80, 30)), Line("b", Box(110, 50, 180, 70))]
    assert without_doubled(grid, matched(grid, lines)) == grid
