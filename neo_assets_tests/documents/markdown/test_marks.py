"""Marks of list items and numbers of headings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.markdown.marks import follows, heading_number, mark_of, value_of


@pytest.mark.parametrize(
    ("text", "style", "value", "rest"),
    [
        ("• one", "bullet", 0, "one"),
        ("– one", "bullet", 0, "one"),
        ("○一", "bullet", 0, "一"),
        ("1. one", "decimal.", 1, "one"),
        ("12) one", "decimal)", 12, "one"),
        ("3、三", "decimal、", 3, "三"),
        ("(2) two", "(decimal)", 2, "two"),
        ("（2）二", "(decimal)", 2, "二"),
        ("(b) two", "(letter)", 2, "two"),
        ("(ii) two", "(roman)", 2, "two"),
        ("③三", "circled", 3, "三"),
        ("十二、甲", "han、", 12, "甲"),
        ("（二十一）甲", "(han)", 21, "甲"),
        ("[7] Author", "[decimal]", 7, "Author"),
    ],
)
def test_marks(text: str, style: str, value: int, rest: str) -> None:
    mark = mark_of(text)
    assert mark is not None
    assert (mark.style, mark.value, text[mark.start :]) == (style, value, rest)


@pytest.mark.parametrize("text", ["", "1.5 million", "2021.", "-option", "plain", "一个人", "e.g. this", "A. Smith"])
def test_no_marks(text: str) -> None:
    assert mark_of(text) is None


def test_marks_follow_each_other() -> None:
    one, two, other = mark_of("1. a"), mark_of("2. b"), mark_of("(2) b")
    assert one is not None
    assert two is not None
    assert other is not None
    assert follows(two, one)
    assert not follows(one, two)
    assert not follows(other, one)


@pytest.mark.parametrize(
    ("text", "style", "depth"),
    [
        ("1 Introduction", "decimal", 1),
        ("1. Introduction", "decimal", 1),
        ("2.3 Data", "decimal", 2),
        ("2.3.1. Data", "decimal", 3),
        ("A.1 Proofs", "decimal", 2),
        ("第一章 总则", "chapter", 1),
        ("第二节 定义", "section", 1),
        ("第三编 合同", "part", 1),
        ("Chapter 3", "chapter", 1),
        ("Appendix A", "chapter", 1),
        ("一、概述", "han", 1),
        ("（一）概述", "han_bracket", 1),
    ],
)
def test_numbers_of_headings(text: str, style: str, depth: int) -> None:
    number = heading_number(text)
    assert number is not None
    assert (number.style, number.depth) == (style, depth)


@pytest.mark.parametrize("text", ["Introduction", "A Study", "概述", "3D printing", ""])
def test_headings_without_number(text: str) -> None:
    assert heading_number(text) is None


@given(st.integers(1, 199))
def test_chinese_numerals(number: int) -> None:
    """Reference: writes the number by the school rule."""
    digits = "零一二三四五六七八九"
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    text = (digits[hundreds] + "百" if hundreds else "") + ("零" if hundreds and not tens and ones else "")
    text += (digits[tens] + "十" if tens else "") + (digits[ones] if ones else "")
    assert value_of(text) == number


@given(st.text(max_size=20))
def test_anything_may_be_looked_at(text: str) -> None:
    mark = mark_of(text)
    assert mark is None or 0 < mark.start <= len(text)
    heading_number(text)
