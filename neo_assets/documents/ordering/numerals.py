"""Page numbers as they are written: 12, xii, 十二, - 12 -, 12 / 345, Page 12 of 345, 第 12 页 共 345 页, A-12."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

HIGHEST_ROMAN = 200
"""Longer Roman numerals are words (mix, mild) more often than page numbers."""
_ROMAN = re.compile(r"(c{0,2})(xc|xl|l?x{0,3})(ix|iv|v?i{0,3})$")
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_CHINESE_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "○": 0}
_CHINESE_UNITS = {"十": 10, "百": 100, "千": 1000}
_NUMBER = r"(?:\d{1,5}|[ivxlc]{1,9}|[零〇○一二三四五六七八九十百千]{1,7})"
_DECORATION = r"[-–—―−~·•|_*\[\]()【】《》<>〈〉.]"
_FORMS = tuple(
    re.compile(form.replace("N", _NUMBER), re.IGNORECASE)
    for form in (
        r"第\s*(?P<value>N)\s*[页頁张張](?:\s*[,，/|]?\s*[共总總]\s*N?\s*[页頁张張])?",
        r"[共总總]\s*N\s*[页頁张張]\s*[,，/|]?\s*第\s*(?P<value>N)\s*[页頁张張]",
        r"(?P<value>N)\s*[页頁]",
        r"(?:page|pages|pg\.?|p\.|pp\.|页码|頁碼|页|頁)\s*[:：]?\s*(?P<value>N)(?:\s*(?:of|/|from)\s*N)?",
        r"(?P<value>\d{1,5})\s*(?:/|of|\|)\s*\d{1,5}",
        rf"{_DECORATION}{{1,3}}\s*(?P<value>N)\s*{_DECORATION}{{1,3}}",
    )
)
_BARE = re.compile(_NUMBER, re.IGNORECASE)
_SECTIONED = re.compile(r"(?:[A-Z]|\d{1,3})\s?[-–]\s?(?P<value>\d{1,4})")


class PageLabel(NamedTuple):
    """A text that may be a page number."""

    value: int
    explicit: bool
    """It is written in a form that little else has, such as - 12 - or 第 12 页."""


def page_label(text: str) -> PageLabel | None:
    """The page number that the whole text is; None where it is none. Case, width and blanks do not matter."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain or len(plain) > 40:
        return None
    for form in _FORMS:
        if (found := form.fullmatch(plain)) and (value := number_value(found["value"])) is not None:
            return PageLabel(value, explicit=True)
    if (found := _SECTIONED.fullmatch(plain)) is not None:
        return PageLabel(int(found["value"]), explicit=False)
    value = number_value(plain) if _BARE.fullmatch(plain) else None
    return None if value is None else PageLabel(value, explicit=False)


def number_value(text: str) -> int | None:
    """The value of Arabic, Roman (to 200) or Chinese numerals; None where the text is none of them."""
    if text.isdecimal():
        return int(text)
    if text and text[0].lower() in _ROMAN_VALUES:
        return _roman(text.lower()) if text in (text.lower(), text.upper()) else None
    return _chinese(text)


def _roman(text: str) -> int | None:
    if not _ROMAN.match(text):
        return None
    values = [_ROMAN_VALUES[sign] for sign in text]
    total = sum(-one if later > one else one for one, later in zip(values, [*values[1:], 0], strict=True))
    return total if total <= HIGHEST_ROMAN else None


def _chinese(text: str) -> int | None:
    """Both ways of writing: 一百二十三 and 一二三."""
    if not text or not all(sign in _CHINESE_DIGITS or sign in _CHINESE_UNITS for sign in text):
        return None
    if not any(sign in _CHINESE_UNITS for sign in text):
        return int("".join(str(_CHINESE_DIGITS[sign]) for sign in text))
    total, digit = 0, 0
    for sign in text:
        if sign in _CHINESE_UNITS:
            total += (digit or 1) * _CHINESE_UNITS[sign]
            digit = 0
        else:
            digit = _CHINESE_DIGITS[sign]
    return total + digit
