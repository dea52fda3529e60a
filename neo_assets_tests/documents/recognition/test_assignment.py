"""Which region has which box, against a plain reference; neighbours, absorbed lines, blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Line, Region
from neo_assets.documents.recognition.assignment import MIN_SHARE, absorbs, assigned, blocks_of, with_neighbours
from neo_assets.documents.recognition.contents import contents_of
from neo_assets.documents.recognition.pieces import piece_of
from neo_assets_tests.documents.recognition.cases import boxes, letters, letters_of, piece, region, regions, runs


def plainly_assigned(box: Box, given: Sequence[Region]) -> int:
    """The same rule, box by box and region by region."""
    solid = Box(box.x0, box.y0, max(box.x1, box.x0 + 0.01), max(box.y1, box.y0 + 0.01))
    best, found = 0.0, -1
    for at, one in enumerate(given):
        share = round(solid.covered(one.box), 6)
        if share < MIN_SHARE or share < best:
            continue
        worse = found >= 0 and (given[found].box.area, -given[found].score) <= (one.box.area, -one.score)
        if share > best or not worse:
            best, found = share, at
    return found


@settings(max_examples=200, deadline=None)
@given(st.lists(boxes, max_size=12), regions)
def test_as_the_plain_reference(given_boxes: list[Box], given_regions: list[Region]) -> None:
    expected = [plainly_assigned(box, given_regions) for box in given_boxes]
    assert assigned(given_boxes, given_regions) == expected


def test_the_smallest_of_equals_has_it() -> None:
    outer, inner = region("text", 0, 0, 200, 200), region("figure", 10, 10, 100, 100)
    assert assigned([Box(20, 20, 60, 30)], [outer, inner]) == [1]
    assert assigned([Box(20, 20, 60, 30), Box(290, 10, 299, 20)], []) == [-1, -1]


def test_a_bullet_beside_a_region_belongs_to_it() -> None:
    text = region("text", 40, 10, 200, 40)
    pieces = [piece("•", 28, 12), piece("first item", 40, 12), piece("far", 5, 30)]
    assert with_neighbours(pieces, [-1, 0, -1], [text]) == [0, 0, -1]


def test_tables_take_no_neighbours() -> None:
    table = region("table", 40, 10, 200, 40)
    assert with_neighbours([piece("note", 19, 12), piece("cell", 40, 12)], [-1, 0], [table]) == [-1, 0]


def line(text: str, x: float, y: float, size: float = 10, bold: bool = False) -> Line:
    return Line(text, Box(x, y, x + len(text) * size / 2, y + size), size=size, bold=bold)


def test_the_last_line_goes_on_its_paragraph() -> None:
    own = [line("a" * 40, 20, 10 + 14 * at) for at in range(3)]
    assert absorbs("text", own, line("the end.", 20, 52))
    assert not absorbs("text", own, line("the end.", 20, 60))
    assert not absorbs("text", own, line("the end.", 20, 52, size=8))
    assert not absorbs("text", own, line("the end.", 5, 52))
    assert not absorbs("figure", own, line("the end.", 20, 52))


def test_blocks_by_leading_size_and_weight() -> None:
    lines = [line("one" * 9, 20, 10), line("two" * 9, 20, 24), line("Heading", 20, 38, size=14), line("x" * 9, 20, 80)]
    assert [[one.text[:3] for one in block] for block in blocks_of(lines)] == [["one", "two"], ["Hea"], ["xxx"]]
    side_by_side = [line("left" * 5, 10, 10), line("right" * 4, 150, 10), line("left" * 5, 10, 22)]
    assert sorted(map(len, blocks_of(side_by_side))) == [1, 2]


@settings(max_examples=200, deadline=None)
@given(st.lists(runs, max_size=25), regions)
def test_contents_hold_every_character_once(found: list, given_regions: list[Region]) -> None:
    contents = contents_of(given_regions, [piece_of(one) for one in found if one.text.strip()])
    lines = [one for content in contents for one in content.lines]
    assert letters_of(lines) == letters([one.text for one in found])


def test_a_figure_full_of_lines_is_text() -> None:
    pieces = [piece("word " * 10, 20, 20 + 12 * row, width=200) for row in range(8)]
    contents = contents_of([region("figure", 18, 18, 222, 118)], pieces)
    assert [content.region for content in contents] == [None]
    few = contents_of([region("figure", 18, 18, 222, 118)], pieces[:2])
    assert few[0].region is not None
    assert len(few[0].lines) == 2


def test_a_figure_of_lines_of_fixed_width_is_a_program() -> None:
    code = [piece("some code", 20, 20 + 14 * row, mono=True) for row in range(4)]
    whole = region("figure", 18, 18, 222, 78)
    assert [content.region for content in contents_of([whole], code)] == [None]
    assert contents_of([whole], [replace(one, mono=False) for one in code])[0].region == whole
    assert contents_of([whole], code[:2])[0].region == whole
    assert contents_of([region("figure", 18, 18, 222, 178)], code)[0].region is not None
