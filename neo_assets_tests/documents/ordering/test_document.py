"""Whole pages and documents in reading order, on made-up layouts with a known truth."""

from __future__ import annotations

import time
from statistics import mean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.documents.model import Box, Element, Line, PageElements
from neo_assets.documents.ordering import order_document
from neo_assets.documents.ordering.reference import reference_order
from neo_assets.recipe.documents import OrderSettings
from neo_assets_tests.documents.ordering.layouts import Made, document, order_similarity, page
from neo_assets_tests.documents.ordering.xycut import xy_cut

RULES = OrderSettings()
HELD_OUT = range(90_000, 90_150)
"""Seeds that were not looked at while the rules were made."""


def ordered(one: PageElements, rules: OrderSettings = RULES) -> PageElements:
    [found] = order_document([one], rules)
    return found


def numbers(one: PageElements) -> list[int]:
    return [element.number for element in one.elements]


def text(number: int, x0: float, y0: float, x1: float, y1: float, words: str = "words of a text", kind: str = "text",
         size: float = 10.0) -> Element:  # fmt: skip
    count = max(1, round((y1 - y0) / 13)) if kind not in ("figure", "table") else 0
    lines = tuple(
        Line(words if n == 0 else "more words of it", Box(x0, y0 + 13 * n, x1, y0 + 13 * n + size), 1.0, size)
        for n in range(count)
    )
    return Element(number, kind, Box(x0, y0, x1, y1), 0.9, "layer", lines)  # type: ignore[arg-type]


def sheet(*elements: Element, number: int = 1, width: float = 595, height: float = 842) -> PageElements:
    return PageElements("made", number, width, height, elements)


def test_held_out_pages_come_in_order() -> None:
    found, reference, cut, captions = [], [], [], []
    for seed in HELD_OUT:
        made = page(seed)
        result = ordered(made.page)
        found.append(order_similarity(numbers(result), made.order))
        reference.append(order_similarity([one.number for one in reference_order(made.page.elements, 595)], made.order))
        cut.append(order_similarity(xy_cut(made.page.elements), made.order))
        captions += [
            one.caption_of == made.captions[one.number] for one in result.elements if one.number in made.captions
        ]
    assert mean(found) >= 0.997
    assert mean(found) > mean(cut) + 0.005 and mean(found) > mean(reference) + 0.02
    assert mean(captions) >= 0.99


def test_running_elements_of_held_out_documents() -> None:
    wrong = total = 0
    for seed in range(700, 706):
        made = document(seed, 6)
        for truth, found in zip(made, order_document([one.page for one in made], RULES), strict=True):
            for element in found.elements:
                kind = truth.kinds[element.number]
                total += 1
                running = {kind, element.kind} & {"header", "page_number", "footer", "footnote", "side_note"}
                wrong += bool(running) and kind != element.kind
    assert total > 500 and wrong <= 0.002 * total


boxes = st.tuples(st.floats(0, 595), st.floats(0, 842), st.floats(0, 300), st.floats(0, 300))
kinds = st.sampled_from(
    ["text", "title", "figure", "table", "figure_caption", "header", "footer", "reference", "equation"]
)
words = st.sampled_from(["", "12", "- 3 -", "Figure 1: a", "表 2", "* note", "第三页", "some text here", "1 note"])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(st.tuples(boxes, kinds, words), max_size=14), max_size=4))
def test_the_result_is_a_permutation(pages: list[list[tuple[tuple[float, float, float, float], str, str]]]) -> None:
    given_pages = [
        sheet(
            *(text(n, x, y, x + w, y + h, said, kind) for n, ((x, y, w, h), kind, said) in enumerate(one)), number=p + 1
        )
        for p, one in enumerate(pages)
    ]
    for before, after in zip(given_pages, order_document(given_pages, RULES), strict=True):
        assert sorted(numbers(after)) == sorted(numbers(before))
        old = {one.number: one for one in before.elements}
        for one in after.elements:
            same = one.with_(kind=old[one.number].kind, caption_of=None, column=-1, band=-1)
            assert same == old[one.number]
            assert one.caption_of is None or old[one.caption_of].kind in ("figure", "table")
        again = [
            numbers(one) for one in order_document([sheet(*reversed(before.elements), number=before.number)], RULES)
        ]
        alone = [numbers(one) for one in order_document([before], RULES)]
        assert again == alone


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(-4, 4), st.integers(-4, 4))
def test_order_stays_when_everything_moves(seed: int, across: int, down: int) -> None:
    made = page(seed, running=False)

    def moved(box: Box) -> Box:
        return Box(box.x0 + across, box.y0 + down, box.x1 + across, box.y1 + down)

    elements = [
        one.with_(
            box=moved(one.box), lines=tuple(Line(line.text, moved(line.box), 1.0, line.size) for line in one.lines)
        )
        for one in made.page.elements
    ]
    there = ordered(PageElements("made", 1, 595, 842, tuple(elements)))
    assert order_similarity(numbers(there), numbers(ordered(made.page))) >= 0.99


def test_a_wide_block_does_not_split_a_column() -> None:
    found = ordered(sheet(
        text(0, 50, 70, 290, 300), text(1, 50, 310, 315, 500), text(2, 50, 510, 290, 700),
        text(3, 310, 70, 550, 400), text(4, 310, 410, 550, 700),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3, 4]
    assert [one.column for one in found.elements] == [0, 0, 0, 1, 1]


def test_bands_are_split_by_what_spans() -> None:
    found = ordered(sheet(
        text(0, 100, 70, 500, 90, kind="title", size=16), text(1, 50, 110, 290, 300), text(2, 310, 110, 550, 300),
        text(3, 60, 310, 540, 420, kind="figure"), text(4, 60, 425, 540, 438, "Figure 1: wide"),
        text(5, 50, 450, 290, 700), text(6, 310, 450, 550, 700),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3, 4, 5, 6]
    assert [(one.band, one.column) for one in found.elements] == [
        (0, -1),
        (1, 0),
        (1, 1),
        (2, -1),
        (2, -1),
        (3, 0),
        (3, 1),
    ]
    assert found.elements[4].kind == "figure_caption" and found.elements[4].caption_of == 3


def test_a_figure_over_two_of_three_columns() -> None:
    found = ordered(sheet(
        text(0, 50, 70, 205, 300), text(1, 220, 70, 375, 300), text(2, 50, 310, 375, 450, kind="figure"),
        text(3, 50, 460, 205, 700), text(4, 220, 460, 375, 700),
        text(5, 390, 70, 545, 330), text(6, 390, 340, 545, 700),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3, 4, 5, 6]


def test_a_row_of_figures_above_text_of_one_column() -> None:
    found = ordered(sheet(
        text(0, 60, 70, 280, 200, kind="figure"), text(1, 310, 70, 540, 200, kind="figure"),
        text(2, 60, 230, 200, 243, "Data", kind="title"), text(3, 50, 260, 550, 500),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3]


def test_a_heading_after_columns_goes_with_what_spans() -> None:
    found = ordered(sheet(
        text(0, 50, 70, 290, 300), text(1, 310, 70, 550, 300), text(2, 50, 320, 160, 333, "End", kind="title"),
        text(3, 50, 340, 550, 500),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3]


def test_short_headings_head_their_columns() -> None:
    """Too narrow for columns of their own; below a title over all, and not far above what they head."""

    def page(down: float) -> PageElements:
        return ordered(sheet(
            text(0, 50, 60, 120, 80, kind="title", size=16), text(1, 50, 96, 92, 108, "一、甲", kind="title"),
            text(2, 310, 96, 390, 108, "三、丙", kind="title"),
            text(3, 50, 117 + down, 290, 300), text(4, 310, 117 + down, 550, 300),
        ))  # fmt: skip

    assert numbers(page(0)) == [0, 1, 3, 2, 4]
    assert numbers(page(60)) == [0, 1, 2, 3, 4]


def test_fields_of_a_form_are_read_by_rows() -> None:
    rows = [
        text(2 * n + side, 60 + 260 * side, 100 + 30 * n, 150 + 260 * side, 110 + 30 * n)
        for n in range(4)
        for side in (0, 1)
    ]
    assert numbers(ordered(sheet(*rows, text(8, 60, 240, 540, 500)))) == list(range(9))


def test_equation_numbers_stay_with_their_equations() -> None:
    found = ordered(sheet(
        text(0, 60, 70, 540, 120), text(1, 200, 130, 400, 160, "E", kind="equation"),
        text(2, 520, 139, 540, 150, "(1)"),
        text(3, 60, 170, 540, 220),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3]


def test_table_captions_before_and_figure_captions_after() -> None:
    found = ordered(sheet(
        text(0, 60, 70, 540, 200), text(1, 60, 210, 540, 223, "表 1 结果", kind="title"),
        text(2, 60, 228, 540, 330, kind="table"),
        text(3, 60, 345, 540, 358, "Figure 2 shows how this goes on"), text(4, 60, 370, 540, 470, kind="figure"),
        text(5, 60, 476, 300, 489, "Fig. 2. Parts", kind="table_caption"), text(6, 60, 520, 540, 700),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 2, 3, 4, 5, 6]
    assert [one.kind for one in found.elements] == [
        "text",
        "table_caption",
        "table",
        "text",
        "figure",
        "figure_caption",
        "text",
    ]
    assert [one.caption_of for one in found.elements] == [None, 2, None, None, None, 4, None]


def test_footnotes_come_after_the_text_and_table_notes_stay() -> None:
    found = ordered(sheet(
        text(0, 50, 70, 290, 600), text(1, 50, 610, 290, 622, "1 first note", size=8), text(2, 310, 70, 550, 300),
        text(3, 310, 320, 550, 500, kind="table"), text(4, 310, 505, 550, 517, "Note: means of three runs", size=8),
        text(5, 310, 625, 550, 637, "* another", kind="footer", size=8.0),
    ))  # fmt: skip
    assert numbers(found) == [0, 2, 3, 4, 1, 5]
    assert [one.kind for one in found.elements][-2:] == ["footnote", "footnote"] and found.elements[3].kind == "text"


def test_side_notes_follow_what_they_stand_beside() -> None:
    found = ordered(sheet(
        text(0, 50, 70, 420, 200), text(1, 50, 210, 420, 400), text(2, 50, 410, 420, 700),
        text(3, 440, 212, 540, 240, size=8),
    ))  # fmt: skip
    assert numbers(found) == [0, 1, 3, 2]
    assert found.elements[2].kind == "side_note"


def test_vertical_lines_are_read_from_the_right() -> None:
    lines = [
        Element(n, "text", Box(500 - 30 * n, 80, 515 - 30 * n, 700), 0.9, "ocr",
                (Line("天地玄黄宇宙洪荒", Box(500 - 30 * n, 80, 515 - 30 * n, 700)),))
        for n in range(12)
    ]  # fmt: skip
    assert numbers(ordered(sheet(*reversed(lines)))) == list(range(12))


def test_many_elements_and_many_pages_stay_cheap() -> None:
    grid = [
        text(n, 5 + 5.8 * (n % 100), 4 + 4.1 * (n // 100), 9 + 5.8 * (n % 100), 7 + 4.1 * (n // 100))
        for n in range(20_000)
    ]
    columns = [text(n, 50 + 250 * (n % 2), 10 + 0.08 * n, 280 + 250 * (n % 2), 10.07 + 0.08 * n) for n in range(10_000)]
    began = time.process_time()
    assert sorted(numbers(ordered(sheet(*grid)))) == list(range(20_000))
    found = numbers(ordered(sheet(*columns)))
    assert sorted(found) == list(range(10_000))
    assert time.process_time() - began < 20


def test_a_window_of_pages_is_held() -> None:
    taken = 0

    def pages() -> object:
        nonlocal taken
        for number in range(1, 201):
            taken = number
            yield sheet(text(0, 60, 40, 200, 50, "Head", size=8), text(1, 60, 90, 540, 700), number=number)

    for found in order_document(pages(), RULES):  # type: ignore[arg-type]
        assert taken <= found.number + 24
        assert found.elements[0].kind == "header"
    assert taken == 200


def test_reference_method_keeps_kinds() -> None:
    made: Made = page(3)
    found = ordered(made.page, OrderSettings(method="reference"))
    assert sorted(numbers(found)) == sorted(made.order)
    assert {one.number: one for one in found.elements} == {one.number: one for one in made.page.elements}


def test_pages_of_two_documents_are_refused() -> None:
    one, other = sheet(text(0, 1, 1, 2, 2)), PageElements("other", 2, 595, 842, ())
    with pytest.raises(ValueError, match="one at a time"):
        list(order_document([one, other], RULES))
    with pytest.raises(ValueError, match="same number"):
        list(order_document([sheet(text(0, 1, 1, 2, 2), text(0, 3, 3, 9, 9))], RULES))
