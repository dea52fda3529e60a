"""Tables that a layout model took for something else or did not see; and what is none, however it is ruled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from neo_assets.documents.layout.drawn import plain_tables, with_drawn_tables
from neo_assets.documents.model import Box, Region
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
FRAME = (57, TOP - 3, 243, BOTTOM + 3)
"""Points: the place of the table that is drawn there."""
WORDS = (
    "measures of the one",
    "whole are then taken",
    "again and once again",
    "until they do agree",
    "with each other as",
)


def places(made: Any) -> list[tuple[float, ...]]:
    return [tuple(round(value / SCALE) for value in box) for box in plain_tables(made, SCALE)]


def tables(regions: list[Region]) -> list[Region]:
    return [one for one in regions if one.kind == "table"]


@SLANTS
@pytest.mark.parametrize("kind", ["text", "title", "reference", "equation", "figure"])
def test_a_table_that_was_taken_for_something_else(slant: float, kind: Any) -> None:
    taken, head = Region(kind, points(62, 84, 236, 174), 0.92), Region("title", points(155, 84, 205, 94), 0.6)
    caption, below = (
        Region("table_caption", points(68, 60, 200, 72), 0.9),
        Region("text", points(60, 184, 240, 280), 0.9),
    )
    found = with_drawn_tables([caption, head, taken, below], table(slant), SCALE)
    assert [one.kind for one in found] == ["table_caption", "text", "table"]
    assert tuple(found[-1].box.scaled(1 / SCALE)) == pytest.approx(FRAME, abs=4)
    assert found[-1].score == 0.92


@SLANTS
def test_a_table_that_nothing_was_seen_of(slant: float) -> None:
    (found,) = with_drawn_tables([], table(slant), SCALE)
    assert found.kind == "table"
    assert tuple(found.box.scaled(1 / SCALE)) == pytest.approx(FRAME, abs=4)


@SLANTS
def test_a_figure_with_the_caption_of_a_table(slant: float) -> None:
    figure = Region("figure", points(56, 58, 244, 180), 0.8)
    (found,) = with_drawn_tables([figure], table(slant), SCALE)
    assert (found.kind, found.score) == ("table", 0.8)


def test_of_a_table_and_a_surer_figure_at_one_place_the_table_stays_as_it_is() -> None:
    seen, figure = Region("table", points(56, 82, 244, 180), 0.6), Region("figure", points(56, 58, 244, 180), 0.8)
    assert with_drawn_tables([figure, seen], table(), SCALE) == [seen]


def test_a_table_that_was_seen_stays_as_it_is() -> None:
    seen, below = Region("table", points(56, 90, 244, 180), 0.6), Region("text", points(60, 184, 240, 280), 0.9)
    assert with_drawn_tables([seen, below], table(), SCALE) == [seen, below]


def test_a_small_table_in_a_figure_is_a_part_of_it() -> None:
    figure = Region("figure", points(10, 10, 290, 290), 0.8)
    assert with_drawn_tables([figure], table(), SCALE) == [figure]


def test_a_figure_with_text_beside_the_lines_stays_one() -> None:
    made = table()
    for at in range(4):
        write(made, "long axis", 4, 90 + 24 * at)
    figure = Region("figure", points(2, TOP - 4, 244, BOTTOM + 4), 0.8)
    assert with_drawn_tables([figure], made, SCALE) == [figure]


def test_a_figure_with_a_paragraph_below_stays_one() -> None:
    made = table()
    for at in range(4):
        write(made, WORDS[at], 64, 194 + 14 * at)
    figure = Region("figure", points(56, TOP - 4, 244, 244), 0.8)
    assert with_drawn_tables([figure], made, SCALE) == [figure]


def test_lines_of_a_grid_and_a_double_line() -> None:
    made = table()
    for y in (TOP + 2, 132, 152):
        draw(made, y)
    assert places(made) == [pytest.approx(FRAME, abs=2)]


def test_two_tables_with_a_text_between_are_two() -> None:
    made = page()
    for top in (40, 160):
        for y in (0, 24, 84):
            draw(made, top + y)
        for row, y in enumerate((18, 42, 60, 78)):
            for at, text in enumerate((("Mean", "2001"), ("Total", "4.57"))[row > 0]):
                write(made, text, 70 + 90 * at, top + y)
    write(made, "Table 2. All that is left over", 20, 145)
    assert places(made) == [pytest.approx(one, abs=2) for one in ((57, 37, 243, 127), (57, 157, 243, 247))]


def test_the_lines_of_running_heads_are_none_of_the_table() -> None:
    made = table()
    write(made, "Manual", 55, 22)
    write(made, "12", 235, 22)
    for y in (26, 280):
        draw(made, y, 53, 247)
    assert places(made) == [pytest.approx(FRAME, abs=2)]


def prose(n_columns: int) -> Any:
    """A newspaper's columns below their headlines, between lines."""
    import cv2

    made = page()
    for y in (40, 66, 190):
        draw(made, y, 10, 290)
    for column in range(n_columns):
        x = 14 + 276 * column / n_columns
        write(made, "Of the past", x, 58)
        for row in range(7):
            corner = round(x * SCALE), round((84 + 15 * row) * SCALE)
            cv2.putText(made, WORDS[row % 5], corner, 0, 1.0 / n_columns, (20, 20, 20), 1)
    return made


def two_columns() -> Any:
    return prose(2)


def three_columns() -> Any:
    return prose(3)


def program() -> Any:
    """An algorithm with the numbers of its lines, below its title."""
    made = page()
    for y in (TOP, 98, 190):
        draw(made, y)
    write(made, "Algorithm 1: sort", 62, 93)
    for row, text in enumerate(("for each of them", "swap with next", "until none", "return all", "end")):
        write(made, str(row + 1), 62, 114 + 16 * row)
        write(made, text, 84, 114 + 16 * row)
    return made


def admonitions() -> Any:
    """Notes with a word at their side, one below the other, a line above and below each."""
    made = page()
    for note in range(3):
        draw(made, 40 + 60 * note)
        write(made, "NOTE", 62, 60 + 60 * note)
        for row in range(3):
            write(made, WORDS[row], 110, 56 + 60 * note + 16 * row)
    draw(made, 220)
    return made


def references() -> Any:
    """A list of works between lines."""
    made = page()
    for y in (40, 106, 160):
        draw(made, y)
    for row in range(7):
        write(made, f"[{row + 1}]", 62, 54 + 16 * row)
        write(made, WORDS[row % 5], 90, 54 + 16 * row)
    return made


def formulas() -> Any:
    """Three fractions below each other."""
    made = page()
    for at in range(3):
        write(made, "a + b + c + d", 100, 60 + 50 * at)
        draw(made, 66 + 50 * at, 95, 205)
        write(made, "x + y + z", 112, 80 + 50 * at)
    return made


def chart() -> Any:
    """Three curves with marks between the lines of a grid, and their names."""
    import cv2

    made = page()
    for y in (TOP, HEAD, 144, BOTTOM):
        draw(made, y)
    for curve in range(3):
        heights = [TOP + 14 + 30 * curve + (place * 7 % 5) for place in range(12)]
        dots = [(round((66 + 10 * place) * SCALE), round(y * SCALE)) for place, y in enumerate(heights)]
        for dot in dots:
            cv2.circle(made, dot, 5, (20, 20, 20), -1)
        write(made, "one", 200, TOP + 18 + 30 * curve)
    return made


def form() -> Any:
    """What is to be filled in on lines."""
    made = page()
    for row in range(5):
        write(made, "Name", 40, 60 + 24 * row)
        draw(made, 62 + 24 * row, 90, 250)
    return made


@SLANTS
@pytest.mark.parametrize(
    "drawn",
    [two_columns, three_columns, program, admonitions, references, formulas, chart, form, page],
    ids=lambda one: str(one.__name__),
)
def test_what_is_no_table(slant: float, drawn: Callable[[], Any]) -> None:
    made = askew(drawn(), slant)
    assert plain_tables(made, SCALE) == []
    for kind in ("text", "figure"):
        seen = [Region(kind, Box(20, 60, 580, 500), 0.9)]
        assert with_drawn_tables(seen, made, SCALE) == seen
