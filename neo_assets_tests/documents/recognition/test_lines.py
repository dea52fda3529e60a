"""Rows, columns and wide gaps; nothing lost, nothing doubled."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.recognition.lines import CELL_GAP, OVERLAPPING, lines_of, rows_of
from neo_assets.documents.recognition.pieces import piece_of
from neo_assets_tests.documents.recognition.cases import letters, letters_of, piece, run, runs


def test_rows_from_top_to_bottom_and_left_to_right() -> None:
    found = lines_of([piece("two", 10, 30), piece("world", 38, 10), piece("hello", 10, 10.4)])
    assert [line.text for line in found] == ["hello world", "two"]


def test_raised_and_lowered_characters_stay_in_their_row() -> None:
    pieces = [piece("E=mc", 10, 20), piece("2", 31, 17, size=6), piece("i", 31, 26, size=6), piece("below", 10, 34)]
    assert [line.text for line in lines_of(pieces)] == ["E=mc2i", "below"]


def test_tight_lines_are_not_chained_by_what_is_between_them() -> None:
    pieces = [piece("above", 10, 10), piece("x", 40, 15.5, size=9), piece("below", 10, 21)]
    assert [row[0].text for row in rows_of(pieces)] == ["above", "below"]


def test_a_gutter_divides_columns() -> None:
    left = [piece("left" * 6, 10, 20 + 12 * row, width=118) for row in range(5)]
    right = [piece("right" * 5, 145, 20 + 12 * row, width=118) for row in range(5)]
    mixed = [one for pair in zip(left, right, strict=True) for one in pair]
    assert [line.text[:4] for line in lines_of(mixed)] == ["left"] * 5 + ["righ"] * 5


def test_a_short_gutter_of_chance_is_none() -> None:
    rows = [[piece("some words", 10, 20 + 12 * row, width=118), piece("more", 140, 20 + 12 * row)] for row in range(5)]
    found = lines_of([one for row in rows for one in row])
    assert [line.text for line in found] == ["some words more"] * 5


def test_cells_are_lines_of_their_own() -> None:
    row = [piece("cell", 10, 20), piece("next", 40, 20)]
    assert [line.text for line in lines_of(row, CELL_GAP)] == ["cell", "next"]
    assert [line.text for line in lines_of(row)] == ["cell next"]


def test_wide_gaps_end_lines_but_not_in_code() -> None:
    far = [piece("title", 10, 20), piece("12", 200, 20)]
    assert [line.text for line in lines_of(far)] == ["title", "12"]
    code = [piece("x = 1", 10, 20, mono=True), piece("# one", 200, 20, mono=True)]
    assert [line.text for line in lines_of(code)] == ["x = 1 # one"]


def test_text_up_the_page_keeps_the_order_of_the_file() -> None:
    up = run("bottom half", 10, 300, width=12)
    up = type(up)(up.text, up.box._replace(y1=380), 10)
    top = type(up)("top half", up.box._replace(y0=200, y1=298), 10)
    found = lines_of([piece_of(up), piece_of(top), piece("plain", 60, 10)])
    assert [line.text for line in found] == ["plain", "bottom half top half"]


@settings(max_examples=150, deadline=None)
@given(st.lists(runs, max_size=25), st.sampled_from([0.7, 1.5, 2.5]))
def test_no_character_is_lost_or_doubled(found: list, gap: float) -> None:
    lines = lines_of([piece_of(one) for one in found], gap)
    assert letters_of(lines) == letters([one.text for one in found])
    assert all(line.text == line.text.strip() and line.text for line in lines)


@settings(max_examples=60, deadline=None)
@given(st.lists(runs, max_size=15))
def test_rows_hold_each_piece_once_in_order(found: list) -> None:
    pieces = [piece_of(one) for one in found]
    rows = rows_of(pieces)
    assert sorted(map(id, (one for row in rows for one in row))) == sorted(map(id, pieces))
    for row in rows:
        for before, after in pairwise(row):
            assert before.box.x0 <= after.box.x0 + OVERLAPPING * min(before.size, after.size)


def test_a_bracket_whose_white_the_next_character_reaches_into_stays_before_it() -> None:
    pieces = [piece("（四", 10, 10, width=20), piece("）", 30, 10, width=10), piece("发生", 29, 10, width=20)]
    assert [line.text for line in lines_of(pieces)] == ["（四）发生"]
    apart = [piece("after", 45, 10), piece("before", 10, 10)]
    assert [line.text for line in lines_of(apart)] == ["before after"]


def test_two_thin_letters_do_not_run_up_the_page() -> None:
    thin = piece_of(run("i-", 100, 10, size=9.73, width=6.4))
    thin = type(thin)(thin.text, thin.box._replace(y1=21.32), 9.73)
    assert not thin.upended
    assert [line.text for line in lines_of([piece("Pres", 80, 10, width=20), thin])] == ["Presi-"]
