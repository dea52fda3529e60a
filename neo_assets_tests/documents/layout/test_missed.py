"""Drawings that no region has: charts of lines, ruled tables; and what is drawn and is neither."""

from __future__ import annotations

from typing import Any

import pytest

from neo_assets.documents.layout.missed import with_missed_figures
from neo_assets.documents.model import Box, Region
from neo_assets_tests.documents.layout.test_framed import SCALE, SLANTS, askew, page, points, table, write

pytestmark = pytest.mark.needs("documents")
TEXT = Region("text", points(60, 200, 240, 280), 0.9)


def stroke(made: Any, *ends: float) -> None:
    import cv2

    x0, y0, x1, y1 = (round(value * SCALE) for value in ends)
    cv2.line(made, (x0, y0), (x1, y1), (60, 60, 60), 1)


def chart() -> Any:
    """Axes and a thin line between them, with numbers below."""
    made = page()
    stroke(made, 70, 60, 70, 160)
    stroke(made, 70, 160, 230, 160)
    for at in range(4):
        stroke(made, 70 + 40 * at, 120 - 10 * (at % 2), 110 + 40 * at, 110 + 10 * (at % 2))
        write(made, f"200{at}", 75 + 40 * at, 175)
    return made


@SLANTS
def test_a_chart_without_a_region_is_a_figure(slant: float) -> None:
    text, found = with_missed_figures([TEXT], askew(chart(), slant), SCALE)
    assert (text, found.kind) == (TEXT, "figure")
    assert tuple(found.box.scaled(1 / SCALE)) == pytest.approx((70, 60, 230, 160), abs=4)


def test_a_chart_that_was_found_is_found_once() -> None:
    figure = Region("figure", points(66, 56, 234, 180), 0.7)
    assert with_missed_figures([figure], chart(), SCALE) == [figure]
    half = Region("figure", points(66, 56, 150, 180), 0.7)
    assert with_missed_figures([half], chart(), SCALE) == [half]


def test_a_ruled_table_without_a_region_is_a_table() -> None:
    made = page()
    for at in range(4):
        stroke(made, 60, 60 + 30 * at, 240, 60 + 30 * at)
        stroke(made, 60 + 60 * at, 60, 60 + 60 * at, 150)
    (found,) = with_missed_figures([], made, SCALE)
    assert found.kind == "table"
    (outer,) = with_missed_figures([], askew(made, 0.4), SCALE)
    assert Box(*outer.box).area > 0.9 * found.box.area


def test_lines_frames_letters_and_edges_are_none() -> None:
    made = table()
    for x in (40, 260):
        stroke(made, x, 20, x, 290)
    write(made, "Total of all of them", 70, 200)
    assert with_missed_figures([], made, SCALE) == []
    framed = page()
    for ends in ((50, 190, 250, 190), (50, 290, 250, 290), (50, 190, 50, 290), (250, 190, 250, 290)):
        stroke(framed, *ends)
    assert with_missed_figures([TEXT], framed, SCALE) == [TEXT]
    for slant in (0.0, 0.5, -0.5):
        assert with_missed_figures([], askew(framed, slant), SCALE) == []
    dark = page()
    dark[:, -60:] = 10
    dark[-100:] = 10
    assert with_missed_figures([], dark, SCALE) == []
    assert with_missed_figures([], page(), SCALE) == []
