"""Numbers of Chinese identity cards: 18 characters with date and check character, 15 digits with a date before 2000."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

PROVINCES = frozenset(
    str(first * 10 + second)
    for first, seconds in ((1, "12345"), (2, "123"), (3, "1234567"), (4, "123456"), (5, "01234"), (6, "12345"))
    for second in map(int, seconds)
) | {"71", "81", "82", "83"}
"""Codes of provinces, regions and municipalities by which a number may begin (GB/T 2260)."""

_WEIGHTS = [2**power % 11 for power in range(17, 0, -1)]
_CHECKS = "10X98765432"
"""ISO 7064 MOD 11-2 (GB 11643-1999)."""
_EIGHTEEN = re.compile(
    r"(?<![0-9A-Za-z])([1-9]\d{5})([ -]?)((?:18|19|20)\d{6})\2(\d{3}[\dXx])(?![0-9A-Za-z])", re.ASCII
)
_FIFTEEN = re.compile(r"(?<![0-9A-Za-z])([1-9]\d{5})(\d{6})\d{3}(?![0-9A-Za-z])", re.ASCII)


def identity_cards(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of every valid number; digits are ASCII."""
    for match in _EIGHTEEN.finditer(text):
        number = match[1] + match[3] + match[4].upper()
        if number[:2] in PROVINCES and _is_date(match[3]) and check_character(number[:17]) == number[17]:
            yield match.span()
    for match in _FIFTEEN.finditer(text):
        if match[1][:2] in PROVINCES and _is_date("19" + match[2]):
            yield match.span()


def check_character(digits: str) -> str:
    """The 18th character for the first 17 digits."""
    return _CHECKS[sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11]


def _is_date(digits: str) -> bool:
    try:
        date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return False
    return True
