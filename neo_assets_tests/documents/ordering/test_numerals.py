"""Page numbers as they are written."""

from __future__ import annotations

import pytest

from neo_assets.documents.ordering.numerals import number_value, page_label


@pytest.mark.parametrize(
    ("text", "value", "explicit"),
    [
        ("12", 12, False), ("１２", 12, False), ("xiv", 14, False), ("XIV", 14, False), ("十二", 12, False),
        ("- 12 -", 12, True), ("— 7 —", 7, True), ("· 3 ·", 3, True), ("[5]", 5, True), ("【5】", 5, True),
        ("12 / 345", 12, True), ("12/345", 12, True), ("12 of 345", 12, True), ("Page 3", 3, True),
        ("page 3 of 10", 3, True), ("p. 9", 9, True), ("第 3 页", 3, True), ("第三页", 3, True), ("第 3 頁", 3, True),
        ("第3页 共10页", 3, True), ("共 10 页 第 3 页", 3, True), ("3 页", 3, True),
        ("A-12", 12, False), ("3-12", 12, False),
        ("- iv -", 4, True), ("一百二十三", 123, False), ("一二三", 123, False),
    ],
)  # fmt: skip
def test_page_numbers(text: str, value: int, explicit: bool) -> None:
    assert page_label(text) == (value, explicit)


@pytest.mark.parametrize(
    "text",
    ["", "mix", "Introduction", "1.2 Data", "3.14", "12 apples", "civil", "iiii", "Iv", "2024 年 3 月", "x" * 50],
)
def test_other_texts(text: str) -> None:
    assert page_label(text) is None


def test_chinese_numerals_against_their_values() -> None:
    digits = "零一二三四五六七八九"

    def written(value: int) -> str:
        hundreds, tens, ones = value // 100, value // 10 % 10, value % 10
        text = f"{digits[hundreds]}百" if hundreds else ""
        if tens:
            text += ("" if tens == 1 and not hundreds else digits[tens]) + "十"
        elif hundreds and ones:
            text += "零"
        return text + (digits[ones] if ones else "")

    assert [number_value(written(value)) for value in range(1, 1000)] == list(range(1, 1000))


def test_roman_numerals_against_their_values() -> None:
    def written(value: int) -> str:
        tens = ["", "x", "xx", "xxx", "xl", "l", "lx", "lxx", "lxxx", "xc"][value // 10 % 10]
        return "c" * (value // 100) + tens + ["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"][value % 10]

    assert [number_value(written(value)) for value in range(1, 200)] == list(range(1, 200))
