"""Formulas whose box cuts through their ink."""

from __future__ import annotations

import numpy as np
import pytest

from neo_assets.documents.layout.grown import MAX_ACROSS, with_whole_formulas
from neo_assets.documents.model import Box, Region

pytestmark = pytest.mark.needs("documents")
SCALE = 2.0


def grown(box: Box, *others: Region, ink: tuple[Box, ...] = (Box(100, 50, 200, 60),)) -> Box:
    """The box of a formula on a page of 300 by 200 points with this ink."""
    pixels = np.full((400, 600, 3), 250, np.uint8)
    for one in ink:
        x0, y0, x1, y1 = (int(value * SCALE) for value in one)
        pixels[y0:y1, x0:x1] = 20
    return with_whole_formulas([Region("equation", box, 0.9), *others], pixels, SCALE)[0].box


def test_a_box_grows_on_every_side_to_where_the_ink_ends() -> None:
    assert grown(Box(110, 52, 190, 58)) == Box(100, 50, 200, 60)


def test_a_box_around_all_ink_stays() -> None:
    assert grown(Box(95, 45, 205, 65)) == Box(95, 45, 205, 65)


def test_a_narrow_gap_is_within_and_a_wide_one_ends_the_formula() -> None:
    number = Box(230, 50, 240, 60)
    assert grown(Box(110, 50, 150, 60), ink=(Box(100, 50, 152, 60), Box(155, 50, 170, 60), number)) == Box(
        100, 50, 170, 60
    )


def test_it_never_grows_into_another_region_or_without_end() -> None:
    text = Region("text", Box(194, 40, 290, 70), 0.9)
    assert grown(Box(110, 50, 190, 60), text).x1 == 194
    assert grown(Box(110, 50, 120, 60), ink=(Box(100, 50, 300, 60),)).x1 == 120 + MAX_ACROSS


def test_the_edge_of_the_page_ends_it() -> None:
    assert grown(Box(5, 0, 295, 60), ink=(Box(0, 0, 300, 70),)) == Box(0, 0, 300, 68)


def test_other_kinds_stay() -> None:
    text = Region("text", Box(110, 52, 190, 58), 0.9)
    assert with_whole_formulas([text], np.zeros((400, 600, 3), np.uint8), SCALE) == [text]
