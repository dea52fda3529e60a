"""Paragraphs made whole, by hand-written pages; each expectation says why it is so."""

from __future__ import annotations

from neo_assets.documents.model import Box, Element
from neo_assets_tests.documents.markdown.pages import (
    LEFT,
    PITCH,
    RIGHT,
    block,
    composed,
    element,
    line,
    page,
    paragraphs,
)

EN = [
    "The committee met in the morning and had agreed on a consider-",
    "able number of points before it rose.",
]
ZH = ["我在年青时候也曾经做过许多梦，后来大半忘却了，但自己", "也并不以为可惜。"]


def test_lines_join_without_blank_in_chinese_and_with_one_in_english() -> None:
    assert paragraphs(page([block(0, ZH, 100, full=False)])) == ["".join(ZH)]
    assert paragraphs(page([block(0, EN, 100, full=False)])) == [
        "The committee met in the morning and had agreed on a considerable number of points before it rose."
    ]


def test_lines_stay_where_asked_as_map_neo_has_it() -> None:
    assert paragraphs(page([block(0, ZH, 100)]), join_lines=False) == ["\n".join(ZH)]


def test_an_indent_begins_a_paragraph() -> None:
    lines = [
        line("二零二零年的冬天来得很早，风也很大。", 100, LEFT + 20, RIGHT),
        line("路上没有什么人走动。", 100 + PITCH, LEFT, RIGHT),
        line("第二天的早晨，雪已经停了。", 100 + 2 * PITCH, LEFT + 20, RIGHT),
        line("他便出门去了。", 100 + 3 * PITCH),
    ]
    assert len(paragraphs(page([element(0, lines)]))) == 2


def test_a_short_line_ends_a_paragraph() -> None:
    lines = [
        line("The first paragraph is here and runs to the edge", 100, right=RIGHT),
        line("and ends.", 100 + PITCH),
        line("The second one follows without any indent at all", 100 + 2 * PITCH, right=RIGHT),
        line("and ends as well.", 100 + 3 * PITCH),
    ]
    assert len(paragraphs(page([element(0, lines)]))) == 2


def test_a_ragged_edge_does_not() -> None:
    """The next word would not have fitted."""
    lines = [
        line("The text is set with a ragged right edge, and", 100, right=RIGHT - 20),
        line("internationalization is a word too long for it.", 100 + PITCH, right=RIGHT),
        line("Extraordinarily long words are found everywhere", 100 + 2 * PITCH, right=RIGHT - 5),
        line("here.", 100 + 3 * PITCH),
    ]
    assert len(paragraphs(page([element(0, lines)]))) == 1


def test_extra_leading_parts_paragraphs() -> None:
    tops = [100, 115, 130, 155, 170, 185]
    lines = [line("A line that reaches the edge as all others do.", top, right=RIGHT) for top in tops]
    assert len(paragraphs(page([element(0, lines)]))) == 2


def test_a_sentence_goes_on_in_the_next_column_and_on_the_next_page() -> None:
    first = block(
        0, ["It was the best of times, it was the worst of", "times, it was the age of wisdom, it was the age"], 700
    )
    second = block(1, ["of foolishness, it was the epoch of belief, and", "it was the season of"], 100, left=320)
    third = block(0, ["Light in every house."], 100, full=False)
    footnote = block(2, ["1 A note."], 780, "footnote", full=False)
    found = paragraphs(page([first, second, footnote]), page([third], 2))
    assert found[0].startswith("It was the best of times")
    assert "the age of foolishness" in found[0]
    assert found[0].endswith("the season of Light in every house.")
    assert found[1] == "1 A note."  # at the end of its page's text, not within the sentence


def test_a_sentence_goes_on_after_a_figure() -> None:
    before = block(0, ["他们都在院子里站着，看那边的山，山上", "已经没有雪了，只有几棵树还立在"], 100)
    figure = Element(1, "figure", Box(LEFT, 140, RIGHT, 300), 0.9, "none", image="p1-1.png")
    caption = element(2, [line("图1 山", 310)], "figure_caption", caption_of=1)
    after = block(3, ["那里。"], 340, full=False)
    found = paragraphs(page([before, figure, caption, after]))
    assert found == [
        "他们都在院子里站着，看那边的山，山上已经没有雪了，只有几棵树还立在那里。",
        "![图1 山](files/p1-1.png)",
    ]


def test_what_ends_with_a_full_stop_does_not_go_on() -> None:
    first = block(
        0, ["This is a sentence that fills the whole of a", "line, and here it ends with a stop as it must."], 700
    )
    second = block(1, ["Another paragraph begins on top of the column."], 100, left=320)
    assert len(paragraphs(page([first, second]))) == 2


def test_a_heading_is_never_joined() -> None:
    heading = element(0, [line("The age of", 80, size=16.0)], "title")
    text = block(1, ["wisdom was the age that came before the one of"], 110)
    assert paragraphs(page([heading, text]))[0] == "# The age of"


def test_running_heads_are_out() -> None:
    elements = [
        block(0, ["Journal of Results"], 30, "header", full=False),
        block(1, ["Some text stands here."], 100, full=False),
        block(2, ["17"], 800, "page_number", full=False),
        block(3, ["Press"], 810, "footer", full=False),
    ]
    assert composed(page(elements)).markdown == "Some text stands here."


def test_a_paragraph_after_an_item_is_known_by_the_line_below() -> None:
    """It begins where the item's text does; only that its next line stands at the edge tells them apart."""
    lines = [
        line("(a) The first item, which has more than one line", 100, LEFT + 5, RIGHT),
        line("and ends as far right as it may be.", 115, LEFT + 20, RIGHT - 8),
        line("No Person shall be a Senator who shall not", 130, LEFT + 20, RIGHT),
    ]
    below = block(1, ["have attained to the Age of thirty Years."], 145, full=False)
    assert len(paragraphs(page([element(0, lines), below]))) == 2
    assert len(paragraphs(page([element(0, lines)]))) == 1


def test_references_are_entries() -> None:
    """With marks and hanging lines; and by hanging lines alone."""
    marked = [
        line("[1] A. Author. A title that is long enough to run", 100, right=RIGHT),
        line("over the line. 2001.", 115, LEFT + 15),
        line("[2] B. Writer. Another. 2002.", 130),
    ]
    assert paragraphs(page([element(0, marked, "reference")])) == [
        "[1] A. Author. A title that is long enough to run over the line. 2001.",
        "[2] B. Writer. Another. 2002.",
    ]
    hanging = [
        line("Author, A. (2001). A title that is long enough to", 100, right=RIGHT),
        line("run over the line and over another one, in order to", 115, LEFT + 15, RIGHT),
        line("be three. Press, somewhere in the country, 2001, pp", 130, LEFT + 15, RIGHT),
        line("Writer, B. (2002). Another.", 145),
    ]
    assert len(paragraphs(page([element(0, hanging, "reference")]))) == 2


def test_footnotes_may_be_left_out() -> None:
    elements = [block(0, ["Some text."], 100, full=False), block(1, ["1 A note."], 700, "footnote", full=False)]
    assert composed(page(elements), keep_footnotes=False).markdown == "Some text."


def test_footnotes_of_one_element_are_parted() -> None:
    notes = element(0, [line("1 One note, which is", 700), line("long.", 715), line("2 Two.", 730)], "footnote")
    assert paragraphs(page([notes])) == ["1 One note, which is long.", "2 Two."]


def test_footnotes_that_the_layout_calls_references_are_parted() -> None:
    lines = [
        line("3幸而车夫早有点停步，否则伊定要栽", 700, right=RIGHT),
        line("一个大斤斗。", 715),
        line("4我所记得的故乡。", 730),
    ]
    found = paragraphs(page([element(0, lines, "reference")]))
    assert found == ["3幸而车夫早有点停步，否则伊定要栽一个大斤斗。", "4我所记得的故乡。"]
