"""Skew and quarter turns."""

from __future__ import annotations

import numpy as np
import pytest

from neo_assets.documents.model import Box
from neo_assets.documents.recognition.engine import Quads
from neo_assets.documents.recognition.turning import (
    is_sideways,
    skew_of,
    straightened,
    straightened_region,
    turned,
)
from neo_assets_tests.documents.recognition.cases import blank_picture, region

LINES = ((100, 100, 500, 120), (100, 140, 480, 160), (100, 180, 500, 200), (100, 220, 140, 240))


def quads(degrees: float, boxes: tuple[tuple[int, int, int, int], ...] = LINES) -> Quads:
    """Lines of a picture of 600 x 800, turned about its middle so that they fall to the right."""
    corners = np.array([[(a, b), (c, b), (c, d), (a, d)] for a, b, c, d in boxes], np.float64).reshape(-1, 4, 2)
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (corners - (300, 400)) @ matrix.T + (300, 400)


@pytest.mark.parametrize("degrees", [-4.0, -0.5, 0.0, 0.3, 2.0, 7.0])
def test_skew_is_found_and_undone(degrees: float) -> None:
    found = quads(degrees)
    assert skew_of(found) == pytest.approx(degrees, abs=1e-6)
    _, moved = straightened(blank_picture(), found, degrees)
    assert moved == pytest.approx(quads(0.0), abs=1e-6)


def test_nothing_says_nothing() -> None:
    assert skew_of(np.zeros((0, 4, 2))) == 0
    assert skew_of(quads(3.0, LINES[3:])) == 0
    assert not is_sideways(np.zeros((0, 4, 2)))


def test_a_stray_line_does_not_turn_the_page() -> None:
    found = np.concatenate([quads(0.4), quads(6.0, ((100, 500, 400, 520),))])
    assert skew_of(found) == pytest.approx(0.4, abs=1e-6)


def test_pages_on_their_side() -> None:
    assert not is_sideways(quads(2.0))
    assert is_sideways(quads(90.0))
    assert not is_sideways(np.concatenate([quads(0.0), quads(90.0, ((100, 100, 500, 120),))]))


@pytest.mark.parametrize("degrees", [-3.0, 1.0])
def test_regions_of_skewed_pages(degrees: float) -> None:
    upright = Box(100, 100, 500, 240)
    seen = quads(degrees, ((100, 100, 500, 240),))[0]
    around = region("text", *seen.min(axis=0), *seen.max(axis=0))
    found = straightened_region(around, 600, 800, degrees).box
    assert found == pytest.approx(upright, abs=1.0)


def test_quarters_turn_counter_clockwise() -> None:
    page = blank_picture()
    page[:10, :10] = 0
    assert turned(page, 1).shape == (600, 800, 3)
    assert turned(page, 1)[-1, 0].sum() == 0
    assert (turned(turned(page, 3), 1) == page).all()
