"""Tests of the grid: whatever a model says becomes cells that cover rows and columns exactly, and HTML that parses."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html  # type: ignore[import-untyped]

from neo_assets.documents.model import Box
from neo_assets.documents.tables.grid import Cell, Grid, completed, grid_of_tokens, with_rows, without_columns

TOKENS = ["<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<td></td>", "<td", ">", "</td>"]
SPANS = [f' {kind}span="{n}"' for kind in ("row", "col") for n in (2, 3, 20)]
token_lists = st.lists(st.sampled_from(TOKENS + SPANS), max_size=60)


def row(*spans: str) -> list[str]:
    """The tokens of a row: a cell for each text of spans."""
    cells = (["<td></td>"] if not one else ["<td", one, ">", "</td>"] for one in spans)
    return ["<tr>", *(token for cell in cells for token in cell), "</tr>"]


def covers_exactly(grid: Grid) -> bool:
    """Whether each slot is in one cell, and no cell leaves the grid."""
    slots = [slot for cell in grid.cells for slot in product(cell.rows, cell.columns)]
    return sorted(slots) == list(product(range(grid.n_rows), range(grid.n_columns)))


def test_spans_are_placed_as_html_places_them() -> None:
    tokens = ["<thead>", *row(' rowspan="2"', ' colspan="2"'), *row("", ""), "</thead>", "<tbody>", *row("", "", "")]
    grid = grid_of_tokens(tokens, [Box(n, 0, n + 1, 1) for n in range(7)])
    assert grid is not None
    assert (grid.n_rows, grid.n_columns, grid.n_head, grid.ragged) == (3, 3, 2, 0)
    assert [(cell.row, cell.column, cell.rowspan, cell.colspan) for cell in grid.cells[:4]] == [
        (0, 0, 2, 1), (0, 1, 1, 2), (1, 1, 1, 1), (1, 2, 1, 1),
    ]  # fmt: skip
    assert grid.cells[2].box == Box(2, 0, 3, 1)
    assert grid.html(list("abcdefg")) == (
        '<table><thead><tr><td rowspan="2">a</td><td colspan="2">b</td></tr><tr><td>c</td><td>d</td></tr></thead>'
        "<tbody><tr><td>e</td><td>f</td><td>g</td></tr></tbody></table>"
    )


def test_texts_are_escaped() -> None:
    grid = grid_of_tokens(row(""), [])
    assert grid is not None
    assert grid.html(["<script>&"]) == "<table><tbody><tr><td>&lt;script&gt;&amp;</td></tr></tbody></table>"


@pytest.mark.parametrize(
    ("tokens", "size", "ragged"),
    [
        (["<td></td>", "<td></td>", "</tr>", *row("", "")], (2, 2), 0),
        ([*row("", "", ""), *row("", ""), *row("", "", "")], (3, 3), 1),
        ([*row("", ""), *row("", "", ""), *row("", "")], (3, 3), 1),
        ([*row(' rowspan="20"', ""), *row("")], (2, 2), 0),
        ([*row("", ""), *row(' colspan="9"'), *row("", "")], (3, 2), 1),
        (["<tr>", "</tr>", *row("")], (1, 1), 0),
    ],
)
def test_malformed_structures_are_repaired(tokens: list[str], size: tuple[int, int], ragged: int) -> None:
    grid = grid_of_tokens(tokens, [])
    assert grid is not None
    assert (grid.n_rows, grid.n_columns) == size
    assert grid.ragged == ragged
    assert covers_exactly(grid)


@pytest.mark.parametrize("tokens", [[], ["<tr>", "</tr>"], ["<thead>", "</thead>"], [' colspan="2"']])
def test_without_cells_there_is_no_grid(tokens: list[str]) -> None:
    assert grid_of_tokens(tokens, []) is None


@settings(max_examples=200)
@given(token_lists)
def test_any_tokens_make_a_grid_that_covers_exactly_and_parses(tokens: list[str]) -> None:
    grid = grid_of_tokens(tokens, [])
    if not any(token.startswith("<td") for token in tokens):
        assert grid is None
        return
    assert grid is not None
    assert covers_exactly(grid)
    texts = [f"{n} < & \u4e2d" for n in range(len(grid.cells))]
    table = lxml_html.fragment_fromstring(grid.html(texts))
    assert [cell.text for cell in table.iter("td")] == texts
    assert {element.tag for element in table.iter()} <= {"table", "thead", "tbody", "tr", "td"}


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """A grid with spans: cells merged out of a plain one."""
    n_rows, n_columns = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    taken: set[tuple[int, int]] = set()
    cells = []
    for at_row, at_column in product(range(n_rows), range(n_columns)):
        if (at_row, at_column) in taken:
            continue
        high, wide = draw(st.integers(1, n_rows - at_row)), draw(st.integers(1, n_columns - at_column))
        cell = Cell(at_row, at_column, high, wide)
        if taken & set(product(cell.rows, cell.columns)):
            cell = Cell(at_row, at_column)
        taken.update(product(cell.rows, cell.columns))
        cells.append(cell)
    return completed(n_rows, n_columns, cells, draw(st.integers(0, n_rows)))


@given(grids(), st.data())
def test_rows_and_columns_can_be_left_out(grid: Grid, data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.integers(0, 3), min_size=grid.n_rows, max_size=grid.n_rows))
    changed = with_rows(grid, parts)
    assert changed.n_rows == sum(parts)
    assert covers_exactly(changed)
    dropped = data.draw(st.sets(st.integers(0, grid.n_columns - 1)))
    narrow = without_columns(grid, dropped)
    assert narrow.n_columns == grid.n_columns - len(dropped)
    assert covers_exactly(narrow)


def test_a_row_left_out_shortens_the_cells_that_span_it() -> None:
    grid = grid_of_tokens([*row(' rowspan="3"', ""), *row(""), *row("")], [])
    assert grid is not None
    assert [(cell.row, cell.rowspan) for cell in with_rows(grid, [1, 0, 1]).cells] == [(0, 2), (0, 1), (1, 1)]
