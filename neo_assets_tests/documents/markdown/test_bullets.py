"""Bullets beside their items, articles of statutes, headings under their numbers."""

from __future__ import annotations

import pytest

from neo_assets.documents.markdown.chinese import even_mark
from neo_assets_tests.documents.markdown.pages import block, element, line, page, paragraphs


def test_a_bullet_is_put_to_the_line_beside_it() -> None:
    found = paragraphs(page([element(0, [line("–", 100, 50)]), element(1, [line("first thing", 100, 62)])]))
    assert found == ["- first thing"]


def test_a_bullet_below_stays_alone() -> None:
    found = paragraphs(page([element(0, [line("–", 100, 50)]), element(1, [line("First thing", 140, 62)])]))
    assert len(found) == 2


def test_articles_are_followed_by_a_wide_blank() -> None:
    texts = [
        "第一条为了维护国徽的尊严。",
        "第二条中华人民共和国国徽。",
        "第三条规定的机构应当悬挂。",
        "第四条 下列机构：",
    ]
    pages = page([block(at, [text], 100 + 40 * at, full=False, source="ocr") for at, text in enumerate(texts)])
    assert paragraphs(pages) == [
        "第一条\u3000为了维护国徽的尊严。", "第二条\u3000中华人民共和国国徽。", "第三条规定的机构应当悬挂。",
        "第四条\u3000下列机构：",
    ]  # fmt: skip


def test_one_such_paragraph_makes_no_statute() -> None:
    assert paragraphs(page([block(0, ["第一条狗在叫。"], 100, full=False)])) == ["第一条狗在叫。"]


@pytest.mark.parametrize(
    ("mark", "wide", "expected"),
    [
        ("(二）", False, "（二）"),
        ("（1)", False, "（1）"),
        ("(一)", True, "（一）"),
        ("(一)", False, "(一)"),
        ("(1)", False, "(1)"),
    ],
)
def test_brackets_of_marks_are_of_one_width(mark: str, wide: bool, expected: str) -> None:
    assert even_mark(mark, wide) == expected


def test_items_of_recognised_chinese_have_wide_brackets() -> None:
    lines = [line("(一)各级人民政府；", 100), line("(二）中央军事委员会；", 115)]
    assert paragraphs(page([element(0, lines, source="ocr")])) == ["- （一）各级人民政府；\n- （二）中央军事委员会；"]


@pytest.mark.parametrize("name", ["概览", "Overview"])
def test_a_heading_below_its_number_has_a_blank(name: str) -> None:
    pages = page([
        element(0, [line("Chapter 1", 100, size=20.0)], "title"), element(1, [line(name, 140, size=20.0)], "title"),
    ])  # fmt: skip
    assert paragraphs(pages) == [f"# Chapter 1 {name}"]
