"""Blanks and punctuation of Chinese text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.markdown.chinese import close_blanks, repair_punctuation
from neo_assets.documents.markdown.strand import Origin, Strand
from neo_assets.documents.model import Box


def strand(text: str) -> Strand:
    return Strand.of([(text, Origin(1, Box(0, 0, 1, 1)))])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你 好，世 界", "你好，世界"),
        ("使用 debhelper 工具", "使用 debhelper 工具"),  # spacing with Latin stays as the source has it
        ("工具（ debhelper ）和", "工具（debhelper）和"),
        ("张三\u3000李四", "张三 李四"),  # a wide gap between names is meant
        ("한국어 단어", "한국어 단어"),  # Korean parts words with blanks
    ],
)
def test_blanks(text: str, expected: str) -> None:
    assert close_blanks(strand(text)).text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("你好,世界!", "你好，世界！"),
        ("你好, 世界.", "你好，世界。"),
        ("见图(左侧)的", "见图（左侧）的"),
        ("见(图 A)的", "见（图 A）的"),
        ("函数f(x)的值", "函数f(x)的值"),
        ("版本3.14,使用", "版本3.14,使用"),  # a digit is no Chinese neighbour
        ("plain, text.", "plain, text."),
        ("比如:网络;存储?", "比如：网络；存储？"),
    ],
)
def test_half_width_marks_between_chinese(text: str, expected: str) -> None:
    assert repair_punctuation(strand(text)).text == expected


@given(st.text(alphabet="中文a1,.;:?!() （）。", max_size=30))
def test_repair_touches_only_those_marks(text: str) -> None:
    """Reference: undoing the widths gives the text again, but for blanks."""
    narrow = str.maketrans("，；：？！（）。", ",;:?!().")
    found = repair_punctuation(strand(text)).text
    assert found.translate(narrow).replace(" ", "") == text.translate(narrow).replace(" ", "")


@given(st.text(alphabet="中文a1,.()（）。，", max_size=30))
def test_repair_is_idempotent(text: str) -> None:
    once = repair_punctuation(strand(text))
    assert repair_punctuation(once).text == once.text
