"""Lines in a region, and what becomes of formulas that are ruled tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neo_assets.documents.layout.ruled import lines, with_ruled_tables
from neo_assets.documents.model import Box, Region

pytestmark = pytest.mark.needs("documents")
WHOLE = Box(20, 20, 380, 280)


def page() -> Any:
    return np.full((300, 400, 3), 255, np.uint8)


def ruled(rows: int, columns: int, slant: float = 0.0, weight: int = 2) -> Any:
    """A grid with words in its cells, turned by so many degrees."""
    import cv2

    made = page()
    for row in range(rows + 1):
        y = 20 + row * 260 // rows
        cv2.line(made, (20, y), (380, y), (0, 0, 0), weight)
        if row < rows:
            for column in range(columns):
                cv2.putText(made, "word", (28 + column * 360 // columns, y + 25), 0, 0.5, (0, 0, 0), 1)
    for column in range(columns + 1) if columns > 1 else ():
        x = 20 + column * 360 // columns
        cv2.line(made, (x, 20), (x, 280), (0, 0, 0), weight)
    turn = cv2.getRotationMatrix2D((200, 150), slant, 1.0)
    return cv2.warpAffine(made, turn, (400, 300), borderValue=(255, 255, 255))


def fraction() -> Any:
    """A formula with two long fraction bars."""
    import cv2

    made = page()
    for y in (100, 200):
        cv2.putText(made, "a + b + c + d", (60, y - 10), 0, 1.2, (0, 0, 0), 2)
        cv2.line(made, (22, y), (378, y), (0, 0, 0), 2)
    return made


@pytest.mark.parametrize("slant", [0.0, 0.5, -0.5])
@pytest.mark.parametrize(("rows", "columns"), [(5, 4), (3, 2), (8, 3)])
def test_a_grid_has_its_lines(rows: int, columns: int, slant: float) -> None:
    assert lines(WHOLE, ruled(rows, columns, slant)) == (rows + 1, columns + 1)


def test_thin_lines_count() -> None:
    assert lines(WHOLE, ruled(4, 3, weight=1)) == (5, 4)


def test_fractions_and_empty_places_have_too_few() -> None:
    assert lines(WHOLE, fraction())[0] == 2
    assert lines(WHOLE, page()) == (0, 0)
    assert lines(Box(5, 5, 9, 9), page()) == (0, 0)
    assert lines(Box(-3, -3, 900, 900), page()) == (0, 0)


def test_only_formulas_with_lines_become_tables() -> None:
    formula = Region("equation", WHOLE, 0.98)
    assert with_ruled_tables([formula], ruled(5, 3)) == [Region("table", WHOLE, 0.98)]
    assert with_ruled_tables([formula], fraction()) == [formula]


def test_a_picture_becomes_one_only_if_the_model_thought_of_a_table() -> None:
    chart, table = Region("figure", WHOLE, 0.8), Region("table", WHOLE, 0.5)
    assert with_ruled_tables([chart], ruled(5, 3)) == [chart]
    assert with_ruled_tables([chart, table], ruled(5, 3)) == [Region("table", WHOLE, 0.8), table]
    assert with_ruled_tables([chart, table], fraction()) == [chart, table]
