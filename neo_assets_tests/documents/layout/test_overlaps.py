"""Overlap resolution: cases by hand, properties on arbitrary boxes, and the covered share against counting points."""

from __future__ import annotations

import random
from itertools import combinations
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.layout.overlaps import MIN_SIDE, TEXTS, covered_share, resolve
from neo_assets.documents.model import Box, Region, RegionKind

WIDTH, HEIGHT = 600.0, 800.0
STEP = 5


def region(kind: RegionKind, x0: float, y0: float, x1: float, y1: float, score: float = 0.9) -> Region:
    return Region(kind, Box(x0, y0, x1, y1), score)


def resolved(*regions: Region) -> list[tuple[str, tuple[float, ...]]]:
    return [(one.kind, tuple(one.box)) for one in resolve(regions, WIDTH, HEIGHT)]


BOXES = st.tuples(*[st.integers(0, 120)] * 4).map(
    lambda v: Box(*(float(STEP * one) for one in (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))))
)
REGIONS = st.lists(
    st.builds(Region, st.sampled_from(get_args(RegionKind)), BOXES, st.integers(40, 99).map(lambda n: n / 100)),
    max_size=12,
)


def test_the_same_block_as_text_table_and_reference_is_one() -> None:
    found = resolved(
        region("text", 90, 467, 492, 748, 0.80),
        region("table", 83, 465, 539, 745, 0.56),
        region("reference", 94, 466, 534, 750, 0.74),
    )
    assert found == [("text", (90, 467, 492, 748))]


def test_a_heading_that_is_also_text_stays_a_heading() -> None:
    assert resolved(region("text", 85, 186, 133, 209, 0.89), region("title", 85, 186, 134, 209, 0.75)) == [
        ("title", (85, 186, 134, 209))
    ]


def test_a_heading_within_a_heading_is_the_larger_one() -> None:
    """A better part of it leaves lines out: they are parted when they are read."""
    larger, part = region("title", 226, 337, 388, 382, 0.41), region("title", 225, 337, 387, 356, 0.48)
    assert resolved(larger, part) == [("title", (225, 337, 388, 382))]
    beside = region("title", 226, 370, 388, 395, 0.48)
    assert len(resolved(larger, beside)) == 2


def test_texts_of_one_column_that_overlap_are_merged_and_those_that_touch_are_not() -> None:
    assert resolved(region("text", 50, 100, 290, 200), region("text", 52, 150, 291, 260, 0.8)) == [
        ("text", (50, 100, 291, 260))
    ]
    apart = [region("text", 50, 100, 290, 200), region("text", 50, 195, 290, 400, 0.8)]
    assert len(resolved(*apart)) == 2


def test_columns_are_never_merged() -> None:
    columns = region("text", 50, 100, 290, 400), region("text", 310, 100, 550, 400)
    both = region("text", 50, 90, 550, 410, 0.5)
    assert resolved(*columns, both) == [("text", (50, 100, 290, 400)), ("text", (310, 100, 550, 400))]


def test_a_formula_cuts_the_text_around_it() -> None:
    found = resolved(region("text", 50, 100, 290, 300), region("equation", 60, 180, 280, 210, 0.7))
    assert found == [
        ("text", (50, 100, 290, 180)),
        ("equation", (60, 180, 280, 210)),
        ("text", (50, 210, 290, 300)),
    ]


def test_a_heading_is_cut_off_the_text_that_begins_with_it() -> None:
    found = resolved(region("text", 50, 100, 290, 300), region("title", 50, 98, 260, 118, 0.6))
    assert found == [("title", (50, 98, 260, 118)), ("text", (50, 118, 290, 300))]


def test_a_figure_beside_text_that_flows_around_it_cuts_nothing() -> None:
    found = resolved(region("text", 50, 100, 550, 400), region("figure", 400, 150, 550, 300, 0.8))
    assert found == [("text", (50, 100, 550, 400)), ("figure", (400, 150, 550, 300))]


def test_cells_and_labels_within_tables_and_figures_go() -> None:
    assert resolved(region("table", 50, 100, 550, 400), region("text", 60, 110, 150, 130, 0.5)) == [
        ("table", (50, 100, 550, 400))
    ]
    assert resolved(region("figure", 50, 100, 550, 400), region("equation", 60, 110, 150, 130, 0.5)) == [
        ("figure", (50, 100, 550, 400))
    ]


@pytest.mark.parametrize(
    ("top", "bottom", "figure"),
    [(370, 395, (50, 100, 550, 370)), (105, 125, (50, 125, 550, 400))],
)
def test_a_caption_within_its_figure_is_taken_out_of_it(top: float, bottom: float, figure: tuple[float, ...]) -> None:
    found = resolved(region("figure", 50, 100, 550, 400), region("figure_caption", 80, top, 500, bottom, 0.6))
    assert set(found) == {("figure", figure), ("figure_caption", (80, top, 500, bottom))}


def test_a_caption_amid_a_figure_is_a_label() -> None:
    found = resolved(region("figure", 50, 100, 550, 400), region("figure_caption", 80, 240, 500, 260, 0.6))
    assert found == [("figure", (50, 100, 550, 400))]


def test_a_page_number_lower_than_a_line_of_text_stays() -> None:
    assert resolved(region("footer", 295, 806 - 50, 301, 811 - 50, 0.64)) == [("footer", (295, 756, 301, 761))]


def test_boxes_are_clipped_and_slivers_dropped() -> None:
    assert resolved(region("text", -5, -3, 700, 50), region("text", 10, 100, 11, 300)) == [("text", (0, 0, 600, 50))]


@given(REGIONS, st.integers())
def test_the_order_of_the_input_does_not_matter(regions: list[Region], seed: int) -> None:
    shuffled = regions[:]
    random.Random(seed).shuffle(shuffled)
    assert resolve(shuffled, WIDTH, HEIGHT) == resolve(regions, WIDTH, HEIGHT)


@given(REGIONS)
def test_what_is_found_lies_on_the_page_from_top_to_bottom(regions: list[Region]) -> None:
    found = resolve(regions, WIDTH, 500)
    assert all(0 <= b.x0 < b.x1 <= WIDTH and 0 <= b.y0 < b.y1 <= 500 for b in (one.box for one in found))
    assert [one.box.y0 for one in found] == sorted(one.box.y0 for one in found)


@given(REGIONS)
def test_no_place_is_lost(regions: list[Region]) -> None:
    """Of each region that is large enough, two fifths or more stay covered, but for what captions take off figures."""
    boxes = [one.box for one in resolve(regions, WIDTH, HEIGHT)]
    for one in regions:
        if min(one.box.width, one.box.height) >= MIN_SIDE and one.kind not in ("figure", "table"):
            assert covered_share(one.box, boxes) >= 0.4


@given(REGIONS)
def test_two_regions_that_are_not_text_never_lie_on_the_same_place(regions: list[Region]) -> None:
    found = [one for one in resolve(regions, WIDTH, HEIGHT) if one.kind not in TEXTS]
    for one, other in combinations(found, 2):
        small, large = sorted((one, other), key=lambda each: each.box.area)
        pictures_caption = "caption" in small.kind and large.kind in ("figure", "table")
        assert pictures_caption or min(small.box.covered(large.box), large.box.covered(small.box)) <= 0.61


@given(BOXES, st.lists(BOXES, max_size=6))
def test_the_covered_share_is_the_share_of_points_in_some_box(box: Box, others: list[Box]) -> None:
    points = [
        (x + STEP / 2, y + STEP / 2)
        for x in range(int(box.x0), int(box.x1), STEP)
        for y in range(int(box.y0), int(box.y1), STEP)
    ]
    covered = sum(any(o.x0 < x < o.x1 and o.y0 < y < o.y1 for o in others) for x, y in points)
    assert covered_share(box, others) == pytest.approx(covered / len(points) if points else 0.0)
