"""Wrong labels of texts, axes of charts, one caption a figure, headings over three columns."""

from __future__ import annotations

import pytest

from neo_assets.documents.model import Box, Element, ElementKind, Line, PageElements
from neo_assets.documents.ordering import order_document
from neo_assets.documents.ordering.captions import with_captions
from neo_assets.documents.ordering.labels import relabelled_texts
from neo_assets.recipe.documents import OrderSettings


def made(number: int, text: str, box: tuple[float, float, float, float], kind: ElementKind = "text") -> Element:
    rows = text.split("\n") if text else []
    x0, y0, x1, y1 = box
    step = (y1 - y0) / max(1, len(rows))
    lines = tuple(
        Line(one, Box(x0, y0 + step * at, x1, y0 + step * (at + 1)), size=10.0) for at, one in enumerate(rows)
    )
    return Element(number, kind, Box(*box), 0.9, "layer", lines)


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("[1] Knuth, D. The Art of\nComputer Programming.", "reference", "reference"),
        ("Smith, J. On names.\nJournal of Names, 1987.", "reference", "reference"),
        ("鲁迅. 呐喊[M]. 北京: 人民文学出版社", "reference", "reference"),
        ("八一嫂正气得抱着孩子发抖，忽然见\n赵七爷满脸油汗，瞪着眼。", "reference", "text"),
        ("Make sure to protect the arguments from the shell interference", "equation", "text"),
        ("x = 1 if y > 0 otherwise 0", "equation", "equation"),
    ],
)
def test_labels(text: str, kind: ElementKind, expected: str) -> None:
    [found] = relabelled_texts([made(0, text, (50, 100, 300, 130), kind)])
    assert found.kind == expected


def test_numbers_of_an_axis_belong_to_the_chart_and_each_figure_has_its_caption() -> None:
    elements = [
        made(0, "", (60, 100, 280, 200), "figure"),
        made(1, "2000 2001 2002", (80, 204, 260, 210), "figure_caption"),
        made(2, "Figure 1. The first.", (90, 222, 250, 232)),
        made(3, "", (60, 240, 280, 400), "figure"),
        made(4, "Figure 2. The second.", (90, 410, 250, 420)),
    ]
    found = with_captions(elements, {one.number: one.box for one in elements}, 10.0)
    assert [one.caption_of for one in found] == [None, 0, 0, None, 3]


def test_a_centred_heading_is_read_before_three_columns() -> None:
    words = "\n".join(["many words stand here"] * 10)
    elements = (
        made(0, words, (50, 100, 200, 300)), made(1, "The Whole", (230, 70, 370, 85), "title"),
        made(2, words, (225, 95, 375, 300)), made(3, words, (400, 97, 550, 300)),
    )  # fmt: skip
    [page] = order_document([PageElements("d", 1, 600.0, 800.0, elements)], OrderSettings())
    assert [one.number for one in page.elements] == [1, 0, 2, 3]
