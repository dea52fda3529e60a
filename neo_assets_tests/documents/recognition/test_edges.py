"""Running heads that a region holds, labels of axes, and the font sizes of a page."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line
from neo_assets.documents.recognition.contents import contents_of
from neo_assets.documents.recognition.edges import without_edges
from neo_assets.documents.recognition.sizes import SAME, alike
from neo_assets.documents.recognition.ticks import is_label
from neo_assets_tests.documents.recognition.cases import piece, region

HEIGHT = 800.0


def line(text: str, y: float, size: float = 10.0) -> Line:
    return Line(text, Box(50, y, 250, y + size), 1.0, size)


@pytest.mark.parametrize(
    ("lines", "cut"),
    [
        ([line("Head", 30), line("Title", 80, 20)], ["Head"]),
        ([line("Head", 30, 8), line("text", 42)], ["Head"]),
        ([line("a line", 30), line("of text", 42), line("and more", 54)], []),
        ([line("low", 70), line("text", 100)], []),
        ([line("text", 700), line("text", 712), line("12", 760)], ["12"]),
        ([line("Head", 30), line("12", 760)], ["Head"]),
        ([line("alone", 30)], []),
    ],
)
def test_heads_and_feet_are_cut_off(lines: list[Line], cut: list[str]) -> None:
    kept, found = without_edges("text", lines, HEIGHT)
    assert [one.text for one in found] == cut
    assert [one.text for one in kept] == [one.text for one in lines if one.text not in cut]
    assert without_edges("table", lines, HEIGHT) == (lines, [])


def test_a_head_in_a_region_becomes_an_element() -> None:
    pieces = [piece("Head", 50, 30), piece("Title", 50, 60, 20)]
    found = contents_of([region("title", 40, 20, 200, 90)], pieces, HEIGHT)
    assert [(one.region and one.region.kind, [line.text for line in one.lines]) for one in found] == [
        ("title", ["Title"]),
        (None, ["Head"]),
    ]


@pytest.mark.parametrize(
    ("texts", "above"),
    [
        (["a declaration-free approach", "to typing. See also Perl.", "Table 2. When sitting", "for a purpose"], 2),
        (["influence was to be.", "图 3 结构"], 1),
        (["of two lines", "without an end", "Figure 3: Loss"], 2),
        (["Jan Feb Mar", "Figure 3: Loss"], 0),
        (["2000 2001 2002", "100 200 300", "Figure 3: Loss"], 0),
        (["Table 2. When sitting", "for that purpose. Table 3 says more"], 0),
        (["no number here", "and none here."], 0),
    ],
)
def test_the_end_of_a_paragraph_in_a_captions_region_is_text(texts: list[str], above: int) -> None:
    pieces = [piece(text, 50, 100 + 15 * row) for row, text in enumerate(texts)]
    whole = region("table_caption", 48, 98, 300, 102 + 15 * len(texts))
    found = contents_of([whole], pieces, HEIGHT)
    kinds = ["text", "table_caption"] if above else ["table_caption"]
    assert [one.region and one.region.kind for one in found] == kinds
    assert [[line.text for line in one.lines] for one in found] == [
        part for part in (texts[:above], texts[above:]) if part
    ]
    assert [one for content in found for one in content.pieces] == pieces
    assert len(contents_of([region("text", *whole.box)], pieces, HEIGHT)) == 1


def test_labels_belong_to_their_figure() -> None:
    figure = region("figure", 100, 100, 200, 200)
    labels = [piece("0.5", 80, 150), piece("100", 80, 110), piece("Jan", 110, 205), piece("far", 110, 260)]
    words = piece("Words beside it", 202, 150)
    first, *others = contents_of([figure], [*labels, words])
    assert first.region is not None
    assert first.region.box == Box(80, 100, 200, 215)
    assert sorted(one.text for one in first.pieces) == ["0.5", "100", "Jan"]
    assert sorted(one.lines[0].text for one in others) == ["Words beside it", "far"]
    alone, number = contents_of([figure], [piece("12", 150, 205)])
    assert (alone.pieces, number.lines[0].text) == ([], "12")


def test_the_number_of_a_caption_is_no_label() -> None:
    figure = region("figure", 100, 100, 200, 200)
    caption = [piece("图", 100, 205), piece("1", 110, 205), piece("一些有意义的文字", 125, 205)]
    first, block = contents_of([figure], caption)
    assert (first.pieces, len(block.lines), len(block.lines[0].text.replace(" ", ""))) == ([], 1, 10)


@pytest.mark.parametrize(("text", "expected"), [("1,000", True), ("-0.5", True), ("25%", True), ("甲组", True)])
def test_what_reads_like_a_label(text: str, expected: bool) -> None:
    assert is_label(piece(text, 0, 0)) == expected
    assert not is_label(piece(f"{text} words", 0, 0))


def test_sizes_near_the_most_frequent_are_that() -> None:
    assert alike([(10.0, 900), (10.5, 40), (9.6, 60), (12.0, 30), (8.0, 100), (12.5, 20)]) == [
        10.0, 10.0, 10.0, 12.0, 8.0, 12.0,
    ]  # fmt: skip
    assert alike([]) == []


@given(st.lists(st.tuples(st.floats(5, 40), st.integers(1, 99)), max_size=12))
def test_sizes_change_little_and_chosen_ones_differ(sizes: list[tuple[float, int]]) -> None:
    found = alike(sizes)
    assert all(abs(new - old) <= SAME * new for new, (old, _) in zip(found, sizes, strict=True))
    chosen = sorted(set(found))
    assert all(b - a > SAME * a for a, b in pairwise(chosen))
    assert alike([(new, n) for new, (_, n) in zip(found, sizes, strict=True)]) == found
