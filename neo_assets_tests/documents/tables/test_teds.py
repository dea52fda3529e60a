"""Tests of TEDS and of the tables of known truth."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.document_truth.table_content import make_table
from benchmarks.document_truth.teds import Node, parse_table, rename_cost, teds, tree_distance
from neo_assets.documents.tables.grid import Cell, Grid
from neo_assets_tests.documents.tables.test_grid import covers_exactly

cells = st.builds(Node, st.just("td"), st.integers(1, 2), st.integers(1, 2), st.sampled_from(["", "a", "ab", "中文"]))


def inside(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    """Elements with others in them."""
    parts = st.lists(inner, max_size=3).map(tuple)
    return st.builds(lambda tag, own: Node(tag, children=own), st.sampled_from(["tr", "tbody"]), parts)


trees = st.recursive(cells, inside, max_leaves=4)


def naive(one: tuple[Node, ...], other: tuple[Node, ...]) -> float:
    """The distance of two forests by its recursive definition."""
    if not one or not other:
        return float(sum(node.size for node in one + other))
    left, right = one[-1], other[-1]
    return min(
        naive(one[:-1] + left.children, other) + 1,
        naive(one, other[:-1] + right.children) + 1,
        naive(one[:-1], other[:-1]) + naive(left.children, right.children) + rename_cost(left, right, False),
    )


@settings(max_examples=30, deadline=None)
@given(trees, trees)
def test_the_distance_is_that_of_the_recursion(one: Node, other: Node) -> None:
    assert tree_distance(one, other) == pytest.approx(naive((one,), (other,)))


def test_teds_of_known_cases() -> None:
    truth = "<table><thead><tr><td>a</td><td>b</td></tr></thead><tbody><tr><td>c</td><td>dd</td></tr></tbody></table>"
    assert teds(truth, truth) == teds(truth + " ", truth) == 1
    # 8 elements in the table; one cell missing costs 1, one of two characters wrong 0.5, a span 1
    assert teds(truth.replace("<td>dd</td>", ""), truth) == pytest.approx(1 - 1 / 8)
    assert teds(truth.replace("dd", "dx"), truth) == pytest.approx(1 - 0.5 / 8)
    assert teds(truth.replace("dd", "dx"), truth, structure_only=True) == 1
    assert teds(truth.replace("<td>dd", '<td colspan="2">dd'), truth, structure_only=True) == pytest.approx(1 - 1 / 8)
    bare = truth.replace("<thead>", "").replace("</thead>", "").replace("<tbody>", "").replace("</tbody>", "")
    assert teds(bare, truth) == pytest.approx(1 - 2 / 8)
    assert teds(bare, truth, sections=False) == 1
    assert teds("", truth) == teds("<p>none</p>", truth) == 0
    assert parse_table("<div>x</div>") is None


@pytest.mark.parametrize("seed", range(24))
def test_tables_of_known_truth_cover_exactly(seed: int) -> None:
    table = make_table(seed)
    assert table == make_table(seed)
    taken: set[tuple[int, int]] = set()
    cells = []
    for row, own in enumerate(table.rows):
        column = 0
        for cell in own:
            while (row, column) in taken:
                column += 1
            cells.append(Cell(row, column, cell.rowspan, cell.colspan))
            taken.update((at, beside) for at in cells[-1].rows for beside in cells[-1].columns)
            column += cell.colspan
    assert covers_exactly(Grid(len(table.rows), max(column for _, column in taken) + 1, tuple(cells)))
