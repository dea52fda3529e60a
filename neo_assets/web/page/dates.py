"""Days as pages write them: ISO, RFC 2822, Chinese and English spellings; ISO days come out, or nothing."""

from __future__ import annotations

import re
from datetime import date

FIRST, LAST = date(1990, 1, 1), date(2099, 12, 31)
"""Nothing on the web is older; later days are mistakes. There is no clock in this: the same page gives the same day."""
MONTH_NAMES = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
MONTHS = {part: number for number, name in enumerate(MONTH_NAMES, 1) for part in (name, name[:3])} | {"sept": 9}
HAN_DIGITS = dict(zip("〇○零一二三四五六七八九", "000123456789", strict=True))
NUMERIC = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)\s?(?:(?P<sep>[-/.])(?P<m>\d{1,2})(?P=sep)(?P<d>\d{1,2})(?!\d|(?P=sep)\d)"
    r"|年\s?(?P<m2>\d{1,2})\s?月\s?(?P<d2>\d{1,2})\s?[日号號])"
)
COMPACT = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)(?:T?\d{4,6})?")
HAN = re.compile(
    r"([一二]\s?[〇○零一二三四五六七八九]{3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日"
)
ENGLISH = re.compile(
    r"\b(?:(?P<d>\d{1,2})(?:st|nd|rd|th)?[ -](?:of )?(?P<m>[A-Za-z]{3,9})\.?,?[ -](?P<y>(?:19|20)\d\d)"
    r"|(?P<m2>[A-Za-z]{3,9})\.? (?P<d2>\d{1,2})(?:st|nd|rd|th)?,? (?P<y2>(?:19|20)\d\d))\b"
)
WIDE = str.maketrans("０１２３４５６７８９／．－", "0123456789/.-")
MAX_CHARS = 400


def day_of(text: str) -> str | None:
    """The first plausible day in a short text (up to `MAX_CHARS` are looked at), as written there; None without one.

    A time zone is not applied: a page that says 2024-11-01T23:00-05:00 was published on 2024-11-01 for its readers.
    """
    text = text.strip()[:MAX_CHARS].translate(WIDE)
    compact = COMPACT.fullmatch(text)
    if compact:
        return _day(*compact.groups())
    found = [
        (match.start(), day)
        for match, day in (
            *((match, _numeric(match)) for match in NUMERIC.finditer(text)),
            *((match, _english(match)) for match in ENGLISH.finditer(text)),
            *((match, _han(match)) for match in HAN.finditer(text)),
        )
        if day is not None
    ]
    return min(found)[1] if found else None


def _day(year: str, month: str | int, day: str) -> str | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.isoformat() if FIRST <= found <= LAST else None


def _numeric(match: re.Match[str]) -> str | None:
    return _day(match["y"], match["m"] or match["m2"], match["d"] or match["d2"])


def _english(match: re.Match[str]) -> str | None:
    month = MONTHS.get((match["m"] or match["m2"]).lower())
    return _day(match["y"] or match["y2"], month, match["d"] or match["d2"]) if month else None


def _han(match: re.Match[str]) -> str | None:
    year = "".join(HAN_DIGITS[character] for character in match[1] if character in HAN_DIGITS)
    return _day(year, _han_number(match[2]), str(_han_number(match[3])))


def _han_number(text: str) -> int:
    """A numeral below 100: 三, 十, 十二, 二十, 三十一."""
    tens, ten, units = text.rpartition("十")
    if not ten:
        return int("".join(HAN_DIGITS[character] for character in text))
    return 10 * int(HAN_DIGITS.get(tens, "1" if not tens else "9")) + int(HAN_DIGITS.get(units, "0"))
