"""Tables as large as their lines, figures that are tables, and what is neither; on drawn pages, straight and askew."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from neo_assets.documents.layout.framed import with_whole_tables
from neo_assets.documents.layout.strokes import alike, ink_between_lines, strokes_of
from neo_assets.documents.layout.tabular import is_tabular
from neo_assets.documents.model import Box, Region

pytestmark = pytest.mark.needs("documents")
SCALE = 2.0
"""Pixels a point of the pages drawn here, 300 by 300 points."""
TOP, HEAD, BOTTOM = 80, 112, 176
"""Points: the lines of the table drawn here, which reaches from 60 to 240 points across; the head has two rows."""
SLANTS = pytest.mark.parametrize("slant", [0.0, 0.5, -0.5])


def write(made: Any, text: str, x: float, y: float) -> None:
    """Text of about 8 points that stands on a height."""
    import cv2

    cv2.putText(made, text, (round(x * SCALE), round(y * SCALE)), 0, 0.55, (20, 20, 20), 2)


def draw(made: Any, y: float, x0: float = 60, x1: float = 240) -> None:
    import cv2

    cv2.line(made, (round(x0 * SCALE), round(y * SCALE)), (round(x1 * SCALE), round(y * SCALE)), (20, 20, 20), 2)


def page() -> Any:
    return np.full((600, 600, 3), 250, np.uint8)


def askew(made: Any, slant: float) -> Any:
    import cv2

    turn = cv2.getRotationMatrix2D((300, 300), slant, 1.0)
    return cv2.warpAffine(made, turn, (600, 600), borderValue=(250, 250, 250))


def table(slant: float = 0.0) -> Any:
    """A caption, a head of two rows (the first has a cell over two columns), and a body of three rows."""
    made = page()
    write(made, "Table 1. Of things counted", 70, 70)
    for y in (TOP, HEAD, BOTTOM):
        draw(made, y)
    write(made, "Samples", 160, 92)
    draw(made, 96, 120, 240)
    write(made, "Mean", 70, 100)
    for at, year in enumerate(("2001", "2002")):
        write(made, year, 135 + 60 * at, 108)
    for row in range(3):
        write(made, "Total", 70, 126 + 20 * row)
        for at in range(2):
            write(made, f"{row}4.{at}7", 135 + 60 * at, 126 + 20 * row)
    return askew(made, slant)


def points(*box: float) -> Box:
    return Box(*box).scaled(SCALE)


CAPTION = Region("table_caption", points(68, 60, 200, 72), 0.9)
BODY = Region("table", points(58, 98, 242, 178), 0.9)


def only_table(regions: list[Region]) -> Box:
    (box,) = [one.box.scaled(1 / SCALE) for one in regions if one.kind == "table"]
    return box


@SLANTS
@pytest.mark.parametrize("top", [86, 98, HEAD - 1])
def test_a_table_reaches_to_its_lines(slant: float, top: float) -> None:
    found = with_whole_tables([CAPTION, Region("table", points(58, top, 242, 178), 0.9)], table(slant), SCALE)
    box = only_table(found)
    assert box.y0 == pytest.approx(TOP, abs=2.5)
    assert box.y1 == pytest.approx(178, abs=2.5)
    assert CAPTION in found


@SLANTS
def test_a_text_within_its_lines_is_no_caption(slant: float) -> None:
    head, title = Region("table_caption", points(155, 84, 205, 94), 0.6), Region("title", points(66, 92, 110, 102), 0.6)
    found = with_whole_tables([CAPTION, head, title, BODY], table(slant), SCALE)
    assert [one.kind for one in found] == ["table_caption", "table"]


def test_a_caption_that_reaches_into_its_head_is_cut() -> None:
    both = Region("table_caption", points(68, 56, 205, 92), 0.6)
    caption = with_whole_tables([both, BODY], table(), SCALE)[0].box.scaled(1 / SCALE)
    assert (caption.y0, caption.y1) == pytest.approx((56, TOP), abs=1)


def test_a_caption_in_the_box_of_a_table_is_left_outside() -> None:
    made = table()
    write(made, "Source: nobody at all", 70, 189)
    for y0, y1 in ((60, 178), (78, 192), (60, 192)):
        found = with_whole_tables([Region("table", points(58, y0, 242, y1), 0.9)], made, SCALE)
        box = only_table(found)
        assert box.y0 == pytest.approx(min(TOP, max(y0, TOP)), abs=2.5)
        assert box.y1 == pytest.approx(BOTTOM, abs=2.5)


def test_a_line_above_the_caption_is_of_something_else() -> None:
    made = table()
    draw(made, 56)
    box = only_table(with_whole_tables([BODY], made, SCALE))
    assert box.y0 == pytest.approx(TOP, abs=2)


def test_a_table_stays_out_of_its_neighbour() -> None:
    made = table()
    draw(made, 194)
    write(made, "one", 70, 190)
    write(made, "two", 150, 190)
    other = Region("table", points(58, 180, 242, 196), 0.9)
    box = with_whole_tables([BODY, other], made, SCALE)[0].box.scaled(1 / SCALE)
    assert box.y1 == pytest.approx(178, abs=1)
    assert only_table(with_whole_tables([BODY], made, SCALE)).y1 == pytest.approx(194, abs=1)


@SLANTS
@pytest.mark.parametrize("width", [(56, 244), (10, 290)])
def test_a_figure_of_rows_in_columns_between_lines_is_a_table(slant: float, width: tuple[float, float]) -> None:
    figure = Region("figure", points(width[0], 76, width[1], 180), 0.8)
    box = only_table(with_whole_tables([figure], table(slant), SCALE))
    assert tuple(box) == pytest.approx((60, TOP, 240, BOTTOM), abs=6)


def chart() -> Any:
    """Bars before three lines of a grid, and the numbers below."""
    import cv2

    made = page()
    for y in (TOP, 128, BOTTOM):
        draw(made, y)
    for at in range(4):
        corners = (140 + 90 * at, 200 + 40 * at), (180 + 90 * at, 2 * BOTTOM)
        cv2.rectangle(made, *corners, (90, 90, 90), -1)
    return made


def listing() -> Any:
    """An algorithm between lines: rows of text, but no columns."""
    made = page()
    for y in (TOP, 96, BOTTOM):
        draw(made, y)
    for row, text in enumerate(("Sorting of all", "for each of them", "swap with next", "until none is", "left")):
        write(made, text, 66, 92 + 18 * row)
    return made


@pytest.mark.parametrize("made", [chart(), listing(), page()])
def test_charts_and_listings_stay_figures(made: Any) -> None:
    figure = Region("figure", points(56, 76, 244, 180), 0.8)
    assert with_whole_tables([figure], made, SCALE) == [figure]


def test_a_figure_with_more_than_a_table_stays_one() -> None:
    made = table()
    write(made, "and a great deal of what is no table", 62, 200)
    write(made, "and a great deal of what is no table", 62, 215)
    figure = Region("figure", points(56, 76, 244, 220), 0.8)
    assert with_whole_tables([figure], made, SCALE) == [figure]


def test_a_table_without_lines_stays_as_it_is() -> None:
    assert with_whole_tables([BODY], page(), SCALE) == [BODY]
    assert with_whole_tables([], page(), SCALE) == []


@SLANTS
def test_lines_across_are_found_and_told_apart(slant: float) -> None:
    found = strokes_of(table(slant), 0, 600, SCALE)
    assert [round(one.y / SCALE) for one in found] == pytest.approx([TOP, 96, HEAD, BOTTOM], abs=1)
    assert [one.x1 - one.x0 for one in found] == pytest.approx([360, 240, 360, 360], abs=8)
    assert len(alike(found, found[0], SCALE)) == 3
    assert alike(found, found[1], SCALE) == [found[1]]
    assert strokes_of(table(), 300, 302, SCALE) == []


def test_lines_are_no_ink_of_text() -> None:
    made = page()
    draw(made, 100)
    made[200:400, 300:303] = 0
    assert not ink_between_lines(made, points(50, 90, 250, 210), SCALE).any()
    assert not is_tabular(ink_between_lines(table(), points(60, 60, 240, 78), SCALE), SCALE)
    assert ink_between_lines(made, Box(700, 700, 800, 800), SCALE).size == 0
