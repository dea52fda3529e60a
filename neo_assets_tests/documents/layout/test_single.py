"""Captions that were taken for tables, and small tables that are some."""

from __future__ import annotations

from typing import Any

import pytest

from neo_assets.documents.layout.single import with_single_lines_as_text
from neo_assets.documents.model import Region
from neo_assets_tests.documents.layout.test_framed import SCALE, SLANTS, askew, draw, page, points, write

pytestmark = pytest.mark.needs("documents")


def lines(*texts: str) -> Any:
    made = page()
    for row, text in enumerate(texts):
        write(made, text, 62, 100 + 14 * row)
    return made


@SLANTS
@pytest.mark.parametrize("kind", ["table", "figure"])
def test_a_caption_is_no_table(slant: float, kind: Any) -> None:
    seen = Region(kind, points(58, 88, 242, 106), 0.5)
    (found,) = with_single_lines_as_text([seen], askew(lines("Table 1. Of things counted"), slant), SCALE)
    assert found == (Region("text", seen.box, 0.5) if kind == "table" else seen)


def test_what_has_two_rows_or_lines_or_nothing_stays_a_table() -> None:
    seen = [Region("table", points(58, 88, 242, 116), 0.5)]
    assert with_single_lines_as_text(seen, lines("Mean   4.57", "Total   8.12"), SCALE) == seen
    assert with_single_lines_as_text(seen, page(), SCALE) == seen
    for y in (86, 104, 118):
        made = lines("Mean   4.57")
        draw(made, y)
        assert with_single_lines_as_text(seen, made, SCALE) == seen
    elsewhere = lines("Mean   4.57")
    draw(elsewhere, 104, 246, 299)
    assert with_single_lines_as_text(seen, elsewhere, SCALE) != seen


def test_higher_tables_are_not_looked_at() -> None:
    seen = [Region("table", points(58, 80, 242, 140), 0.5)]
    assert with_single_lines_as_text(seen, lines("Mean   4.57"), SCALE) == seen
