"""Days in the spellings that pages use."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.web.page.dates import FIRST, LAST, MONTH_NAMES, day_of

DAYS = st.dates(FIRST, LAST)
HAN = "〇一二三四五六七八九"
MONTHS = [name.title() for name in MONTH_NAMES]


def han(number: int) -> str:
    tens, units = divmod(number, 10)
    return ("" if tens == 0 else ("" if tens == 1 else HAN[tens]) + "十") + (HAN[units] if units else "")


@given(DAYS)
def test_every_day_in_every_spelling(day: date) -> None:
    spellings = [
        day.isoformat(),
        f"{day.isoformat()}T23:59:59-05:00",
        f"{day.year}/{day.month}/{day.day} 08:00",
        f"{day.year}.{day.month:02}.{day.day:02}",
        f"发布时间：{day.year}年{day.month}月{day.day}日",
        f"{day.year} 年 {day.month:02} 月 {day.day:02} 號",
        f"{day:%Y%m%d}",
        f"{day:%Y%m%d}T101500",
        f"{MONTHS[day.month - 1]} {day.day}, {day.year}",
        f"posted {MONTHS[day.month - 1][:3]}. {day.day}th, {day.year} by",
        f"{day.day} {MONTHS[day.month - 1]} {day.year}",
        f"Fri, {day.day:02} {MONTHS[day.month - 1][:3]} {day.year} 10:00:00 GMT",
        "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in f"{day.year}年{day.month}月{day.day}日"),
    ]
    spellings.append("".join(HAN[int(c)] for c in str(day.year)) + f"年{han(day.month)}月{han(day.day)}日")
    assert {spelling: day_of(spelling) for spelling in spellings} == dict.fromkeys(spellings, day.isoformat())


@pytest.mark.parametrize(
    "text",
    [
        "", "1989-12-31", "2100-01-01", "2024-02-30", "2024-13-01", "2024年13月1日", "1.2.2024", "version 2024.1.2.3",
        "0000-00-00", "20241301", "20240230", "Smarch 1, 2024", "12024-11-01", "2024-11-011", "tel 2024-1111",
        "二〇二四年十三月一日",
        "x" * 400 + "2024-11-01",
    ],
)  # fmt: skip
def test_what_is_no_plausible_day(text: str) -> None:
    assert day_of(text) is None


def test_the_first_plausible_day_counts() -> None:
    assert day_of("0000-00-00, 2024-11-02 and 2024-11-01") == "2024-11-02"
    assert day_of("updated 1 May 2023; 2024-11-01") == "2023-05-01"
    assert day_of("二〇二四年三十三月一日 2024-11-01") == "2024-11-01"


@given(st.text())
def test_any_text_gives_an_iso_day_or_nothing(text: str) -> None:
    day = day_of(text)
    assert day is None or FIRST <= date.fromisoformat(day) <= LAST


def test_the_limits() -> None:
    assert day_of(FIRST.isoformat()) == "1990-01-01"
    assert day_of((FIRST - timedelta(days=1)).isoformat()) is None
