"""Tests of strips between texts, against a reference that looks at each pixel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.bands import bands_of, column_bands, fitted, strips_of
from neo_assets.documents.tables.grid import grid_of_tokens
from neo_assets.documents.tables.matching import cell_text, matched
from neo_assets_tests.documents.tables.test_grid import row

spans = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda one: (one[0], one[0] + one[1])), min_size=1
)


def naive(covered: list[tuple[int, int]], crossing: int) -> list[tuple[float, float]]:
    """The same by counting over each unit."""
    end = max(last for _, last in covered)
    depth = [sum(first <= at < last for first, last in covered) for at in range(end)]
    deep = [at for at, count in enumerate(depth) if count > crossing]
    if not deep:
        return []
    found, at = [], deep[0]
    while at <= deep[-1]:
        if depth[at] <= crossing:
            start = at
            while depth[at] <= crossing:
                at += 1
            found.append((float(start), float(at)))
        at += 1
    return found


@given(spans, st.integers(0, 3))
def test_strips_are_where_few_spans_are(covered: list[tuple[int, int]], crossing: int) -> None:
    assert strips_of([(float(first), float(last)) for first, last in covered], crossing) == naive(covered, crossing)


def table(columns: list[tuple[float, float]], n_rows: int) -> list[Line]:
    return [
        Line(f"{number}.{column}", Box(start, 30 * number, end, 30 * number + 16))
        for number in range(n_rows)
        for column, (start, end) in enumerate(columns)
    ]


def test_boxes_that_drifted_by_a_column_are_put_right() -> None:
    lines = table([(0, 50), (60, 110), (120, 170)], 4)
    drifted = [Box(x, 30 * number, x + 60, 30 * number + 20) for number in range(4) for x in (-20, 20, 66)]
    grid = grid_of_tokens([token for _ in range(4) for token in row("", "", "")], drifted)
    assert grid is not None
    held = matched(grid, lines)
    assert [cell_text(own) for own in held[:3]] != ["0.0", "0.1", "0.2"]
    found = fitted(grid, held, 16)
    assert [cell_text(own) for own in matched(found, lines)] == [line.text for line in lines]


def test_columns_are_not_known_where_texts_show_fewer() -> None:
    lines = table([(0, 110), (120, 170)], 3)
    grid = grid_of_tokens([token for _ in range(3) for token in row("", "", "")], [])
    assert grid is not None
    assert column_bands(grid, [lines, *([] for _ in grid.cells[1:])], 16) is None


def test_edges_by_boxes() -> None:
    boxes = [Box(0, 0, 10, 8), Box(20, 0, 30, 8), Box(0, 12, 10, 20), Box(20, 12, 30, 20)]
    grid = grid_of_tokens([*row("", ""), *row("", "")], boxes)
    assert grid is not None
    assert bands_of(grid, True) == [0, 10, 20]
    assert bands_of(grid, False) == [0, 15, 30]
