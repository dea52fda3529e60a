"""Marks before list items and numbers before headings: •, –, 1., (a), ①, 一、; 1.2, Chapter 3, 第二节, Appendix A."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DIGITS = {digit: number for number, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_HAN_NUMBER = "[零〇一二三四五六七八九十百两]{1,5}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What stands before a list item: its style, its number (0 for bullets), and where the item's text begins."""

    style: str
    value: int
    start: int


@dataclass(frozen=True, slots=True)
class Number:
    """What stands before a heading: `style` is part, chapter, section, han, han_bracket or decimal."""

    style: str
    depth: int
    value: str


_BULLET = re.compile(r"(?:[•●○◦▪▫■□◆◇►▶➢➤✓✔❖‣⁃∙⚫⦁]\s*|·\s*(?=\S)|[-–—*+]\s+|[-–](?=[\u3400-\u9fff]))")
_LISTS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("decimal.", re.compile(r"(\d{1,3})[.．](?:\s+|(?=[^\x00-\x7f]))")),
    ("decimal)", re.compile(r"(\d{1,3})[)）]\s*(?=\D)")),
    ("decimal、", re.compile(r"(\d{1,3})、\s*")),
    ("(decimal)", re.compile(r"[(（](\d{1,3})[)）]\s*")),
    ("[decimal]", re.compile(r"\[(\d{1,3})\]\s*")),
    ("(han)", re.compile(rf"[(（]({_HAN_NUMBER})[)）]\s*")),
    ("han、", re.compile(rf"({_HAN_NUMBER})、\s*")),
    ("(roman)", re.compile(r"[(（]([ivx]{1,5})[)）]\s*")),
    ("(letter)", re.compile(r"[(（]([a-zA-Z])[)）]\s*")),
    ("letter)", re.compile(r"([a-zA-Z])[)）]\s*(?=\S)")),
    ("letter.", re.compile(r"([a-z])\.\s+")),
    ("circled", re.compile(r"([①-⑳])\s*")),
)
_NUMBERS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("part", re.compile(rf"(?:第({_HAN_NUMBER}|\d{{1,3}})[编篇部卷]|part\s+([ivxlc]+|\d+)\b)", re.I)),
    ("chapter", re.compile(rf"(?:第({_HAN_NUMBER}|\d{{1,3}})[章回]|chapter\s+([ivxlc]+|\d+)\b)", re.I)),
    ("chapter", re.compile(r"(?:appendix\s+([A-Z0-9])\b|附录\s*([A-Z0-9一二三四五六七八九十]?))", re.I)),
    ("section", re.compile(rf"(?:第({_HAN_NUMBER}|\d{{1,3}})节|section\s+([ivxlc]+|\d+)\b|§\s*(\d+))", re.I)),
    ("han", re.compile(rf"({_HAN_NUMBER})、")),
    ("han_bracket", re.compile(rf"[(（]({_HAN_NUMBER})[)）]")),
)
_DECIMAL = re.compile(r"(\d{1,3}|[A-Z](?=\.\d))((?:\.\d{1,3})*)(?:[.．、](?!\d)|(?=\s|[^\x00-\x7f]))\s*(?=\S)")


def mark_of(text: str) -> Mark | None:
    """The mark at the text's beginning. Whether it is one, as "12. " in a sentence is not, others must judge."""
    found = _BULLET.match(text)
    if found:
        return Mark("bullet", 0, found.end())
    for style, pattern in _LISTS:
        found = pattern.match(text)
        if found:
            return Mark(style, value_of(found.group(1)), found.end())
    return None


def follows(mark: Mark, before: Mark) -> bool:
    """Whether the marks are of one list and follow each other."""
    return mark.style == before.style and (mark.style == "bullet" or mark.value == before.value + 1)


def heading_number(text: str) -> Number | None:
    """The number at a heading's beginning; decimal numbers have a depth, the others depth 1."""
    for style, pattern in _NUMBERS:
        found = pattern.match(text)
        if found:
            return Number(style, 1, next((one for one in found.groups() if one), ""))
    found = _DECIMAL.match(text)
    return Number("decimal", 1 + found.group(2).count("."), found.group(1) + found.group(2)) if found else None


def value_of(number: str) -> int:
    """The number that decimal digits, Chinese numerals, small Roman numerals, a letter or a circled digit stand for."""
    if number.isdecimal():
        return int(number)
    if "①" <= number <= "⑳":
        return ord(number) - ord("①") + 1
    if len(number) == 1 and number.isascii() and number.isalpha() and number.lower() not in "ivx":
        return ord(number.lower()) - ord("a") + 1
    if all(letter in _ROMAN for letter in number.lower()):
        values = [_ROMAN[letter] for letter in number.lower()]
        after = [*values[1:], 0]
        return sum(-one if one < next_one else one for one, next_one in zip(values, after, strict=True))
    return _chinese(number)


def _chinese(number: str) -> int:
    total = digit = 0
    for sign in number:
        if sign in "十百":
            total += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = digit * 10 + _DIGITS.get(sign, 0)
    return total + digit
