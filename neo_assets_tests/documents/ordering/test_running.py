"""Running heads, feet and page numbers over the pages of a document."""

from __future__ import annotations

import pytest

from neo_assets.documents.model import Box, Element, Line, PageElements
from neo_assets.documents.ordering import order_document
from neo_assets.recipe.documents import OrderSettings


def text(number: int, words: str, x0: float, y0: float, x1: float, lines: int = 1, kind: str = "text",
         size: float = 10.0, score: float = 0.9) -> Element:  # fmt: skip
    made = tuple(
        Line(words if n == 0 else "more of the same text", Box(x0, y0 + 13 * n, x1, y0 + 13 * n + size), 1.0, size)
        for n in range(lines)
    )
    return Element(number, kind, Box(x0, y0, x1, made[-1].box.y1), score, "layer", made)  # type: ignore[arg-type]


def body(first: int = 100, top: float = 80) -> list[Element]:
    return [text(first, "A paragraph", 60, top, 535, 20), text(first + 1, "And one more", 60, top + 280, 535, 28)]


def kinds(pages: list[list[Element]]) -> list[dict[int, str]]:
    made = [PageElements("made", number, 595, 842, tuple(one)) for number, one in enumerate(pages, 1)]
    found = order_document(made, OrderSettings())
    return [{one.number: one.kind for one in page.elements if one.number < 100} for page in found]


def test_heads_of_odd_and_even_pages() -> None:
    pages = [
        [
            text(
                0,
                "A History of Type" if n % 2 else "Chapter Two",
                60 if n % 2 else 400,
                44,
                200 if n % 2 else 535,
                size=9,
            ),
            *body(),
        ]
        for n in range(1, 9)
    ]
    assert kinds(pages) == [{0: "header"}] * 8


def test_heads_whose_words_change_on_each_page() -> None:
    words = ["Apples", "Bears and wolves", "Cities of old", "Distance", "Earth", "Fire", "Gardens", "Houses of stone"]
    pages = [[text(0, word, 60, 44, 200, size=10), *body()] for word in words]
    assert kinds(pages) == [{0: "header"}] * 8


def test_heads_of_two_pages_stand_at_one_place() -> None:
    """Whatever they say, if a second sign speaks for a head: here, white below, and small type."""
    pages = [[text(0, "To the reader", 60, 44, 128), *body()], [text(0, "Proxies", 60, 44, 110, size=9), *body(top=72)]]
    assert kinds(pages) == [{0: "header"}] * 2
    elsewhere = [pages[0], [text(0, "Proxies", 90, 44, 140), *body(top=69)]]
    assert kinds(elsewhere) == [{0: "text"}] * 2
    assert kinds(pages[:1]) == [{0: "text"}]


def test_a_title_that_stands_high_stays() -> None:
    pages = [[text(0, f"Head {n}", 60, 44, 200, size=9), *body()] for n in range(1, 7)]
    pages[3][0] = text(0, "Chapter Four", 60, 44, 300, kind="title", size=16)
    assert kinds(pages)[3] == {0: "title"}
    assert kinds([pages[3]]) == [{0: "title"}]


def test_titles_of_slides_stay_though_some_repeat() -> None:
    names = ["Agenda", "Results", "Agenda", "Method", "Data", "Agenda", "Outlook", "Results"]
    pages = [[text(0, name, 60, 40, 300, kind="title", size=22), *body()] for name in names]
    assert kinds(pages) == [{0: "title"}] * 8


def test_first_and_last_paragraphs_of_one_line_stay() -> None:
    first = [text(0, "It was late.", 60, 60, 130), text(1, "She left at once.", 60, 74, 160), *body(top=90),
             text(2, "And that was that.", 60, 752, 180)]  # fmt: skip
    assert kinds([first]) == [{0: "text", 1: "text", 2: "text"}]
    others = [[*body(top=60)], first, [*body(top=60)], [*body(top=60)], [*body(top=60)]]
    assert kinds(others)[1] == {0: "text", 1: "text", 2: "text"}


@pytest.mark.parametrize("form", ["{}", "- {} -", "{} / 8", "第 {} 页", "Page {} of 8", "{}."])
def test_page_numbers(form: str) -> None:
    pages = [[*body(), text(0, form.format(n), 285, 800, 310, size=9)] for n in range(1, 9)]
    found = kinds(pages)
    assert {one[0] for one in found} <= {"page_number", "footer"}
    if form != "{}.":
        assert found == [{0: "page_number"}] * 8


def test_numbers_in_roman_and_chinese_with_an_offset() -> None:
    roman = ["iii", "iv", "v", "vi", "vii"]
    assert kinds([[*body(), text(0, one, 285, 800, 310)] for one in roman]) == [{0: "page_number"}] * 5
    chinese = ["十一", "十二", "十三", "十四"]
    assert kinds([[*body(), text(0, one, 285, 800, 310)] for one in chinese]) == [{0: "page_number"}] * 4


def test_single_pages_by_place_and_form() -> None:
    page = [
        text(0, "Journal of Things, vol. 3", 200, 30, 400, size=8),
        *body(),
        text(1, "- 3 -", 285, 800, 310, size=9),
    ]
    assert kinds([page]) == [{0: "header", 1: "page_number"}]


def test_recognised_heads_with_errors() -> None:
    names = [
        "Annals of Data Work",
        "Annals ot Data Work",
        "Annals of Data Wcrk",
        "Annals of Data Work",
        "AnnaIs of Data Work",
    ]
    assert kinds([[text(0, one, 60, 44, 200, size=9), *body()] for one in names]) == [{0: "header"}] * 5


def test_a_foot_in_the_middle_of_a_page_is_text() -> None:
    page = [text(0, "A paragraph in the middle", 60, 400, 535, 3, kind="footer"), text(100, "Above", 60, 80, 535, 20)]
    page.append(text(101, "Below", 60, 460, 535, 20))
    assert kinds([page]) == [{0: "text"}]


def test_a_labelled_first_line_of_the_text_is_text() -> None:
    """The model took the first line of a paragraph, which goes on right below it, for a head."""
    page = [
        text(0, "A line that belongs to what follows,", 60, 95, 535, kind="header"),
        text(100, "so", 60, 108, 535, 40),
    ]
    assert kinds([page]) == [{0: "text"}]


def test_a_number_beside_a_head_and_a_logo_above() -> None:
    logo = Element(1, "figure", Box(480, 30, 535, 55), 0.9, "none")
    pages = [[text(0, f"{n}  The Book", 60, 44, 130, size=9), logo, *body()] for n in range(1, 6)]
    assert kinds(pages) == [{0: "header", 1: "header"}] * 5


def test_repeated_captions_at_the_top_stay() -> None:
    table = Element(50, "table", Box(60, 80, 535, 400), 0.9, "layer")
    pages = [
        [text(0, f"Table {n}. Results", 60, 62, 300, kind="table_caption", size=9), table, *body(top=420)[:1]]
        for n in range(1, 6)
    ]
    assert [one[0] for one in kinds(pages)] == ["table_caption"] * 5


def test_a_footnote_above_the_page_number_is_no_foot() -> None:
    page = [*body(), text(0, "1 See there", 60, 770, 160, kind="footer", size=8), text(1, "12", 285, 800, 300, size=9)]
    assert kinds([page]) == [{0: "footnote", 1: "page_number"}]
