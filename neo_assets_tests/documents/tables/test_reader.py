"""Tests of the reader of tables, with the model's weights."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from lxml import html as lxml_html  # type: ignore[import-untyped]

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables import TableReader
from neo_assets.recipe.documents import TableSettings

pytestmark = pytest.mark.needs("documents")
READER = TableReader(TableSettings())


def drawn(n_rows: int = 5, n_columns: int = 4) -> tuple[np.ndarray[tuple[int, ...], np.dtype[np.uint8]], list[Line]]:
    """A three-line table with texts of noise."""
    import cv2

    picture = np.full((40 * n_rows + 20, 140 * n_columns + 20, 3), 255, np.uint8)
    for y, thick in ((8, 3), (48, 2), (40 * n_rows + 8, 3)):
        picture[y : y + thick, 10:-10] = 0
    lines = []
    for row in range(n_rows):
        for column in range(n_columns):
            text = f"name {column}" if row == 0 else f"{row}{column}.5 <&"
            at = (20 + 140 * column, 38 + 40 * row)
            cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 1, cv2.LINE_AA)
            lines.append(Line(text, Box(at[0], at[1] - 18, at[0] + 12 * len(text), at[1] + 3)))
    return picture, lines


@pytest.mark.parametrize("scanned", [False, True])
def test_a_three_line_table(scanned: bool) -> None:
    picture, lines = drawn()
    found = READER.read(picture, lines, scanned)
    assert found is not None
    table = lxml_html.fragment_fromstring(found.html)
    assert [[cell.text for cell in row] for row in table.iter("tr")] == [
        [line.text for line in lines[4 * row : 4 * row + 4]] for row in range(5)
    ]
    assert [element.tag for element in table] == ["thead", "tbody"]
    assert 0.5 < found.score <= 1
    assert READER.read(picture, lines, scanned) == found


@pytest.mark.parametrize("turns", [1, 3])
def test_a_table_on_its_side_is_read_anew(turns: int) -> None:
    from neo_assets.documents.tables.straight import quarter_turned

    picture, lines = drawn()
    upright = READER.read(picture, lines, False)
    turned, moved = quarter_turned(picture, lines, turns)

    def recognise(seen: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> list[Line]:
        right = np.array_equal(seen, picture)
        return [Line(line.text, line.box, 0.99 if right else 0.3) for line in lines]

    assert READER.read(turned, moved, False, recognise) == upright


def test_noise_keeps_all_text() -> None:
    chance = np.random.default_rng(1)
    picture = chance.integers(0, 255, (200, 300, 3), dtype=np.uint8)
    places = chance.integers(0, 180, (12, 2)).tolist()
    lines = [Line(f"text{n}", Box(x, y, x + 50, y + 14)) for n, (x, y) in enumerate(places)]
    found = READER.read(picture, lines, True)
    assert found is not None
    text = lxml_html.fragment_fromstring(found.html).text_content()
    assert Counter(text.replace(" ", "")) == Counter("".join(line.text for line in lines))


def test_without_text_there_is_no_table() -> None:
    assert READER.read(np.zeros((50, 50, 3), np.uint8), [], False) is None
    assert READER.read(np.zeros((4, 50, 3), np.uint8), [Line("a", Box(0, 0, 5, 4))], False) is None
