"""Headings, lists, listings, formulas, tables and figures, by hand-written pages."""

from __future__ import annotations

from neo_assets.documents.markdown import Composition
from neo_assets.documents.model import Box, Element, PageElements, TextSource
from neo_assets_tests.documents.markdown.pages import LEFT, RIGHT, block, composed, element, line, page, paragraphs


def headings(*texts: tuple[str, float]) -> PageElements:
    return page([element(n, [line(text, 50.0 + 40 * n, size=size)], "title") for n, (text, size) in enumerate(texts)])


def levels(composition: Composition) -> list[int]:
    return [one.level for one in composition.blocks if one.kind == "title"]


def test_levels_by_numbers_and_sizes() -> None:
    """A title of its own size; numbered sections; one without number has the level of its size."""
    found = composed(
        headings(("A Study", 20), ("Abstract", 14), ("1 Introduction", 14), ("1.1 Data", 12), ("2 Results", 14))
    )
    assert found.title == "A Study"
    assert levels(found) == [1, 2, 2, 3, 2]


def test_levels_of_chinese_numbers() -> None:
    found = composed(
        headings(("某某法", 22), ("第一章 总则", 14), ("第一节 一般规定", 12), ("一、范围", 11), ("（一）国内", 11))
    )
    assert levels(found) == [1, 2, 3, 4, 5]


def test_levels_by_sizes_alone() -> None:
    assert levels(composed(headings(("A", 20), ("B", 14), ("C", 11), ("D", 14)))) == [1, 2, 3, 2]


def test_numbered_sections_of_one_size_need_no_title() -> None:
    found = composed(headings(("1 One", 14), ("2 Two", 14)))
    assert found.title == ""
    assert levels(found) == [1, 1]


def test_a_heading_over_two_lines_or_elements_is_one() -> None:
    two = element(0, [line("On the Origin of", 50, size=20.0), line("Species", 74, size=20.0)], "title")
    assert paragraphs(page([two])) == ["# On the Origin of Species"]
    parts = [element(n, [line(text, 50 + 24 * n, size=20.0)], "title") for n, text in enumerate(["论物种的", "起源"])]
    assert paragraphs(page(parts)) == ["# 论物种的起源"]
    apart = headings(("1 One", 14), ("2 Two", 14))
    assert len(composed(apart).blocks) == 2


def test_a_chapter_number_above_its_name() -> None:
    for number, name in (("Chapter 1", "Overview"), ("第一章", "概览"), ("2", "Basics"), ("Appendix A", "More")):
        parts = [
            element(0, [line(number, 50, size=16.0)], "title"),
            element(1, [line(name, 80, size=24.0)], "title"),
        ]
        assert len(composed(page(parts)).blocks) == 1, number
    apart = [element(0, [line("1 Why", 50, size=16.0)], "title"), element(1, [line("Then", 80, size=24.0)], "title")]
    assert len(composed(page(apart)).blocks) == 2


PROSE = ["The term first stood in print in a paper of that", "year, and was a joke that nobody had to explain."]


def test_a_recognised_heading_that_the_layout_calls_text_is_known_by_its_size() -> None:
    """If it stands alone, is short, has no end, and has letters; else it is a paragraph's first line, or a sentence."""

    def first(text: str, size: float = 12.0, more: int = 0, source: TextSource = "ocr") -> str:
        lines = [line(text, 50, LEFT, RIGHT - 10, size=size), *(line("more", 65 + 15 * n) for n in range(more))]
        pages = page([element(0, lines, source=source), block(1, PROSE, 72 + 15 * more, source=source)])
        return composed(pages).blocks[0].kind

    assert first("VI. Other Conventions of the Lexicon") == "title"
    assert first("四、野生动物保护法") == "title"
    assert first("VI. Other Conventions of the Lexicon", size=10.5) == "text"
    assert first("VI. Other Conventions of the Lexicon", source="layer") == "text"
    assert first("It is one of the conventions.") == "text"
    assert first("s = √p + q, and so forth") == "text"
    assert first("(12)") == "text"
    assert first("VI. Other Conventions of the Lexicon", more=2) == "text"


def test_a_recognised_heading_with_its_paragraph_in_one_region_is_parted_by_size_and_white() -> None:
    def kinds_of(size: float, top: float) -> list[str]:
        heading = line("I. The History of its Revisions", 50, LEFT, RIGHT - 10, size=size)
        lines = [heading, line(PROSE[0], top, LEFT, RIGHT), line(PROSE[1], top + 15)]
        pages = page([element(0, lines, source="ocr"), block(1, [*PROSE, *PROSE], top + 60, source="ocr")])
        return [one.kind for one in composed(pages).blocks]

    assert kinds_of(13.0, 78) == ["title", "text", "text"]
    assert kinds_of(13.0, 65) == kinds_of(10.0, 65) == ["text", "text"]
    assert kinds_of(13.0, 72) == ["title", "text", "text"]


def test_the_end_of_a_paragraph_above_a_heading_in_its_region_is_text() -> None:
    """Parted by white, or by a number; and a heading of two lines stays one."""
    for heading, top in (("II. The library package", 95.0), ("2 The library", 82.0)):
        lines = [line("had known at the time how wide its", 50, LEFT, RIGHT), line("influence was to be.", 65)]
        title = element(1, [*lines, line(heading, top)], "title", "ocr")
        found = composed(page([title, block(2, PROSE, top + 20, source="ocr")]))
        assert [one.kind for one in found.blocks] == ["text", "title", "text"]
        assert found.markdown.startswith("had known at the time how wide its influence was to be.\n\n#")
    two = element(
        0, [line("On the origin of things", 50, size=16.0), line("and of kinds", 72, size=16.0)], "title", "ocr"
    )
    assert [one.kind for one in composed(page([two, block(1, PROSE, 110, source="ocr")])).blocks] == ["title", "text"]


def test_a_bullet_makes_a_list_of_what_the_layout_calls_otherwise() -> None:
    for kind in ("title", "reference"):
        assert composed(page([element(0, [line("– one", 100), line("– two", 115)], kind)])).markdown == "- one\n- two"


def test_recognised_code_is_known_by_its_signs() -> None:
    lines = [line("for x in y:", 100, LEFT, LEFT + 55), line("f(x)", 115, LEFT + 20, LEFT + 40)]
    found = composed(page([element(0, lines, source="ocr")])).markdown
    assert found == "```\nfor x in y:\n    f(x)\n```"


def test_lists() -> None:
    """Bullets, numbers and letters; nested by indent; continuation lines; text after the list."""
    lines = [
        line("• first item, which is so long that it goes on in", 100, LEFT, RIGHT),
        line("the next line", 115, LEFT + 10),
        line("– inner", 130, LEFT + 15),
        line("• second", 145),
    ]
    after = block(1, ["A paragraph follows the list here."], 180, full=False)
    assert composed(page([element(0, lines), after])).markdown == (
        "- first item, which is so long that it goes on in the next line\n  - inner\n- second\n\n"
        "A paragraph follows the list here."
    )


def test_numbered_lists_keep_their_numbers() -> None:
    lines = [
        line("3. three", 100),
        line("4. four", 115),
        line("(a) letter", 130, LEFT + 15),
        line("(b) other", 145, LEFT + 15),
    ]
    assert composed(page([element(0, lines)])).markdown == "3. three\n4. four\n   - (a) letter\n   - (b) other"


def test_chinese_lists() -> None:
    lines = [line("（一）当事人的姓名；", 100), line("（二）标的；", 115), line("（三）数量。", 130)]
    assert composed(page([element(0, lines)])).markdown == "- （一）当事人的姓名；\n- （二）标的；\n- （三）数量。"


def test_a_lone_number_is_no_item() -> None:
    """A Markdown reader would take both for lists: the point is escaped."""
    for text, shown in (
        ("1999. It was a year.", "1999\\. It was a year."),
        ("12. It was a day.", "12\\. It was a day."),
    ):
        found = composed(page([block(0, [text], 100, full=False)]))
        assert (found.markdown, found.blocks[0].kind) == (shown, "text")


def test_code_keeps_lines_and_indents() -> None:
    lines = [
        line("def f(x):", 100, right=LEFT + 9 * 6, mono=True),
        line("if x:", 112, LEFT + 24, LEFT + 24 + 5 * 6, mono=True),
        line("return *x*", 124, LEFT + 48, LEFT + 48 + 10 * 6, mono=True),
        line("f(1)", 148, right=LEFT + 4 * 6, mono=True),
    ]
    found = composed(page([element(0, lines, "code")])).markdown
    assert found == "```\ndef f(x):\n    if x:\n        return *x*\n\nf(1)\n```"


def test_code_goes_on_over_a_page() -> None:
    one = element(0, [line("a = 1", 700, mono=True)], "code")
    two = element(0, [line("b = 2", 50, mono=True)], "code")
    assert composed(page([one]), page([two], 2)).markdown == "```\na = 1\nb = 2\n```"


def test_formulas() -> None:
    """The number stands in an element of its own beside the formula; braces are repaired."""
    equation = Element(0, "equation", Box(100, 100, 250, 120), 0.9, "ocr", latex=r"\frac{a}{b")
    number = element(1, [line("(3)", 105, 280)])
    found = composed(page([equation, number]))
    assert found.markdown == found.text == "$$\n\\frac{a}{b} \\tag{3}\n$$"


def test_a_formula_that_was_not_recognised() -> None:
    equation = element(0, [line("E = mc2", 100)], "equation", image="p1-0.png")
    found = composed(page([equation]))
    assert found.markdown == '![formula](files/p1-0.png "E = mc2")'
    assert found.text == ""


def test_tables_and_figures() -> None:
    table = Element(0, "table", Box(50, 100, 300, 200), 0.9, "layer", html="<table><tr><td>a</td></tr></table>")
    about = element(1, [line("Table 1: Things", 85)], "table_caption", caption_of=0)
    figure = Element(2, "figure", Box(50, 300, 300, 400), 0.9, "none", image="a b.png")
    caption = element(3, [line("Figure 1: [x] and", 410), line("more", 425)], "figure_caption", caption_of=2)
    bare = Element(4, "figure", Box(50, 500, 300, 600), 0.9, "none", image="c.png")
    found = composed(page([table, about, figure, caption, bare]))
    assert found.markdown.split("\n\n") == [
        "Table 1: Things",
        "<table><tr><td>a</td></tr></table>",
        "![Figure 1: \\[x\\] and more](files/a%20b.png)",
        "![](files/c.png)",
    ]
    assert found.text.split("\n\n") == [
        "Table 1: Things", "<table><tr><td>a</td></tr></table>", "Figure 1: [x] and more",
    ]  # fmt: skip


def test_the_numbers_of_an_axis_are_no_caption() -> None:
    lines = [line("2000 2001", 100), line("2002", 112), line("Figure 2. Growth", 124)]
    assert composed(page([element(0, lines, "figure_caption")])).markdown == "Figure 2. Growth"
    assert composed(page([element(0, lines[:2], "figure_caption")])).markdown == "2000 2001 2002"


def test_prose_is_escaped() -> None:
    assert composed(page([block(0, ["*Note* that # is"], 100, full=False)])).markdown == "\\*Note\\* that # is"


def test_recognised_chinese_gets_its_punctuation_layers_keep_theirs() -> None:
    text = ["你好,世界."]
    assert composed(page([block(0, text, 100, source="ocr")])).markdown == "你好，世界。"
    assert composed(page([block(0, text, 100)])).markdown == "你好,世界."
