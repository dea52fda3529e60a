"""Tables that were cut at a line, and tables that stand one below the other."""

from __future__ import annotations

from typing import Any

import pytest

from neo_assets.documents.layout.joined import with_cut_tables_joined
from neo_assets.documents.model import Region
from neo_assets_tests.documents.layout.test_framed import (
    BOTTOM,
    HEAD,
    SCALE,
    SLANTS,
    TOP,
    askew,
    draw,
    page,
    points,
    table,
    write,
)

pytestmark = pytest.mark.needs("documents")
UPPER = Region("table", points(60, TOP - 1, 240, HEAD - 1), 0.4)
LOWER = Region("table", points(59, HEAD + 1, 241, BOTTOM + 1), 0.9)
TEXT = Region("text", points(60, 190, 240, 280), 0.9)


@SLANTS
@pytest.mark.parametrize("gap", [-2.0, 1.0, 3.0])
def test_what_one_line_parts_is_one(slant: float, gap: float) -> None:
    upper = Region("table", UPPER.box._replace(y1=(HEAD - gap) * SCALE), 0.4)
    found = with_cut_tables_joined([LOWER, TEXT, upper], table(slant), SCALE)
    assert found == [TEXT, Region("table", upper.box.union(LOWER.box), 0.9)]


def test_three_parts_are_one() -> None:
    made = table()
    draw(made, 132)
    parts = [
        UPPER,
        Region("table", points(60, HEAD + 1, 240, 131), 0.7),
        Region("table", points(60, 133, 240, BOTTOM + 1), 0.5),
    ]
    (found,) = with_cut_tables_joined(parts, made, SCALE)
    assert found == Region("table", points(60, TOP - 1, 240, BOTTOM + 1), 0.7)


@SLANTS
def test_tables_that_stand_beside_those_that_were_cut_stay_themselves(slant: float) -> None:
    beside = [Region("table", points(246, y, 299, y + 20), 0.8) for y in (TOP, HEAD)]
    found = with_cut_tables_joined([UPPER, *beside, LOWER], table(slant), SCALE)
    assert set(found) == {*beside, Region("table", UPPER.box.union(LOWER.box), 0.9)}


def two_tables(apart: float) -> Any:
    """Two tables of three lines each, one below the other."""
    made = page()
    for top in (80, 120 + apart):
        for y in (top, top + 15, top + 40):
            draw(made, y)
        for row in range(2):
            write(made, "Total", 70, top + 12 + 20 * row)
            write(made, f"{row}4.37", 150, top + 12 + 20 * row)
    return made


@SLANTS
@pytest.mark.parametrize("apart", [4, 6, 20])
def test_two_tables_are_two(slant: float, apart: float) -> None:
    seen = [
        Region("table", points(60, 79, 240, 120), 0.8),
        Region("table", points(60, 120 + apart, 240, 161 + apart), 0.8),
    ]
    assert with_cut_tables_joined(seen, askew(two_tables(apart), slant), SCALE) == seen


def test_without_lines_above_and_below_they_are_two() -> None:
    made = page()
    draw(made, HEAD)
    assert with_cut_tables_joined([UPPER, LOWER], made, SCALE) == [UPPER, LOWER]
    draw(made, BOTTOM)
    assert with_cut_tables_joined([UPPER, LOWER], made, SCALE) == [UPPER, LOWER]
    draw(made, BOTTOM - 20)
    assert with_cut_tables_joined([UPPER, LOWER], made, SCALE) == [UPPER, LOWER]
    draw(made, TOP)
    assert len(with_cut_tables_joined([UPPER, LOWER], made, SCALE)) == 1


def test_tables_of_other_widths_and_other_kinds_are_two() -> None:
    narrow = Region("table", points(60, TOP, 200, HEAD - 1), 0.8)
    assert with_cut_tables_joined([narrow, LOWER], table(), SCALE) == [narrow, LOWER]
    figure = Region("figure", UPPER.box, 0.8)
    assert with_cut_tables_joined([figure, LOWER], table(), SCALE) == [figure, LOWER]
    assert with_cut_tables_joined([], page(), SCALE) == []
