"""Ink in pictures of pages."""

from __future__ import annotations

import numpy as np
import pytest

from neo_assets.documents.model import Box, Region
from neo_assets.documents.recognition.cutting import cut_lines
from neo_assets.documents.recognition.ink import MIN_INK, cut, gaps, ink_of, pixels, share_of_ink, tightened
from neo_assets.documents.recognition.sizes import font_size
from neo_assets_tests.documents.recognition.cases import blank_picture, inked, region

TWO = ((20.0, 20.0, 120.0, 30.0), (140.0, 20.0, 240.0, 30.0))
"""Two lines side by side, in points; pixels are twice as many."""


def test_ink_on_white_grey_and_uneven_paper() -> None:
    for light in (255, 200):
        page = inked(np.minimum(blank_picture(), light).astype(np.uint8), TWO[0])
        assert share_of_ink(ink_of(page), Box(40, 40, 240, 60)) == pytest.approx(0.5, abs=0.05)
        assert share_of_ink(ink_of(page), Box(40, 100, 240, 160)) == 0
    shadow = inked(blank_picture(), TWO[0]).astype(np.float64) * np.linspace(0.5, 1, 600)[None, :, None]
    ink = ink_of(shadow.astype(np.uint8))
    assert share_of_ink(ink, Box(0, 100, 600, 800)) == 0
    assert share_of_ink(ink, Box(40, 40, 240, 60)) > 0.4


def test_noise_is_no_ink() -> None:
    noise = np.random.default_rng(7).normal(0, 9, (800, 600, 1))
    page = np.clip(blank_picture() - 20 + noise, 0, 255).astype(np.uint8)
    assert share_of_ink(ink_of(page), Box(0, 0, 600, 800)) < MIN_INK / 4


def test_boxes_shrink_to_their_ink() -> None:
    ink = ink_of(inked(blank_picture(), TWO[0]))
    assert tightened(ink, Box(30, 34, 260, 66)) == Box(40, 40, 236, 60)
    empty = Box(300, 300, 340, 320)
    assert tightened(ink, empty) == empty


def test_ink_of_neighbouring_lines_is_no_ink_of_the_line() -> None:
    """Small letters of 20 rows with a few ascenders of 10; descenders of the line above reach into the box."""
    ink = np.zeros((100, 300), bool)
    ink[40:60, ::2] = True
    ink[30:40, ::12] = True
    ink[20:26, ::12] = True
    found = tightened(ink, Box(0, 20, 300, 66))
    assert (found.y0, found.y1) == (30, 60)
    ink[20:26] = False
    assert tightened(ink, Box(0, 20, 300, 66)) == found


def test_gaps_inside_a_line() -> None:
    ink = ink_of(inked(blank_picture(), *TWO))
    assert gaps(ink, Box(38, 38, 482, 62), 20) == [(236, 280)]
    assert gaps(ink, Box(38, 38, 482, 62), 60) == []


def test_pixels_stay_in_the_picture() -> None:
    assert pixels(Box(-5, -5, 9999, 3.2), (10, 20)) == (0, 0, 20, 4)
    assert pixels(Box(50, 50, 60, 60), (10, 20)) == (19, 9, 20, 10)
    assert cut(blank_picture(), Box(50, 50, 50, 50)).shape == (1, 1, 3)


def lines_cut(*regions: Region, boxes: tuple[tuple[float, float, float, float], ...] = TWO) -> list[Box]:
    return cut_lines(ink_of(inked(blank_picture(), *boxes)), [Box(38, 36, 482, 64)], regions)


def test_lines_are_cut_between_regions() -> None:
    found = lines_cut(region("text", 30, 20, 250, 300), region("text", 270, 20, 500, 300))
    assert len(found) == 2
    assert found[0].x1 < 258 < found[1].x0
    assert found[0].x1 >= 236
    assert found[1].x0 <= 280


def test_a_heading_over_two_columns_stays_whole() -> None:
    regions = region("text", 30, 20, 250, 300), region("text", 270, 20, 500, 300)
    whole = lines_cut(*regions, boxes=((20, 20, 240, 30),))
    assert whole == [Box(38, 36, 482, 64)]
    below = region("text", 30, 100, 250, 300), region("text", 270, 100, 500, 300)
    assert len(lines_cut(*below)) == 1


def test_cells_of_a_table_are_cut_apart() -> None:
    assert len(lines_cut(region("table", 10, 10, 550, 300))) == 2
    assert len(lines_cut(region("text", 10, 10, 550, 300))) == 1


@pytest.mark.parametrize(("blank", "n_cells"), [(10, 2), (6, 1)])
def test_cells_that_stand_close_are_cut_apart_but_no_words(blank: float, n_cells: int) -> None:
    boxes = (20, 20, 120, 30), (120 + blank, 20, 240, 30)
    assert len(lines_cut(region("table", 10, 10, 550, 300), boxes=boxes)) == n_cells


@pytest.mark.parametrize(("text", "height"), [("中文字", 9.2), ("Typing", 9.1), ("The", 7.0), ("axe", 4.8)])
def test_font_sizes_from_the_height_of_ink(text: str, height: float) -> None:
    assert font_size(text, height) == pytest.approx(10, rel=0.01)
