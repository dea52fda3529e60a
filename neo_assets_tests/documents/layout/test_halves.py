"""Texts over two columns are cut; others stay."""

from __future__ import annotations

import numpy as np
import pytest

from neo_assets.documents.layout.halves import with_columns_apart
from neo_assets.documents.model import Box, Region

LEFT, RIGHT, WHOLE = (50, 300), (320, 570), (50, 570)


def text(x: tuple[int, int], y0: int, y1: int) -> Region:
    return Region("text", Box(x[0], y0, x[1], y1), 0.9)


def drawn(*stretches: tuple[int, int]) -> np.ndarray:
    """A page with lines of ink at those x."""
    pixels = np.full((800, 620, 3), 255, np.uint8)
    for top in range(60, 700, 14):
        for left, right in stretches:
            pixels[top : top + 8, left:right] = 0
    return pixels


def test_a_text_over_both_columns_is_cut() -> None:
    pytest.importorskip("cv2")
    wide, known = text(WHOLE, 300, 600), text(LEFT, 60, 280)
    found = with_columns_apart([wide, known], drawn(LEFT, RIGHT))
    assert [one.box for one in found] == [Box(50, 300, 300, 600), Box(320, 300, 570, 600), known.box]


def test_a_half_that_is_known_is_left_out() -> None:
    pytest.importorskip("cv2")
    wide, known = text(WHOLE, 300, 600), text(RIGHT, 300, 590)
    assert [one.box for one in with_columns_apart([wide, known], drawn(LEFT, RIGHT))] == [
        Box(50, 300, 300, 600), known.box,
    ]  # fmt: skip


def test_without_a_gutter_or_a_column_beside_it_a_text_stays() -> None:
    pytest.importorskip("cv2")
    wide, known = text(WHOLE, 300, 600), text(LEFT, 60, 280)
    assert with_columns_apart([wide, known], drawn(WHOLE)) == [wide, known]
    other = text(WHOLE, 60, 280)
    assert with_columns_apart([wide, other], drawn(LEFT, RIGHT)) == [wide, other]
