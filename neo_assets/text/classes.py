"""What kind of character each code point is, as tables that compiled loops read."""

from __future__ import annotations

import string
import sys
import unicodedata
from collections.abc import Callable, Iterable
from functools import lru_cache
from itertools import compress

import numpy as np
import numpy.typing as npt

SPACE, WORD, ALPHA, ASCII_ALPHA, NUMERIC, DIGIT, UPPER, LOWER = (1 << bit for bit in range(8))
ASCII_PUNCTUATION, PUNCTUATION, BULLET, PUBLISHED_BULLET, HAN, BAD = (1 << bit for bit in range(8, 14))
ENDS_SENTENCE, ENDS_CHINESE_SENTENCE, ENDS_LINE, ENDS_CHINESE_LINE, CLOSES = (1 << bit for bit in range(14, 19))
"""One bit a class. SPACE, ALPHA and NUMERIC are `str.isspace`, `isalpha` and `isnumeric`; WORD is `\\w` of regular
expressions; DIGIT is category Nd; UPPER is `str.isupper`; LOWER is cased but not upper, which keeps a word from being
all capitals; PUNCTUATION is category P or an ASCII symbol; HAN is a Chinese character; BAD is a control or replacement
character; CLOSES may follow a sentence's full stop."""

PUBLISHED_BULLETS = "•‣▶◀◦■□▪▫–"
"""RedPajama-V2's bullet characters."""
BULLETS = PUBLISHED_BULLETS + "●○※·➢"
"""MAP-Neo Matrix's bullet characters (English rule B3, without its repetitions)."""
_HAN_RANGES = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
_N_POINTS = sys.maxunicode + 1
_LAST_ASSIGNED = 0x32400
"""Beyond it there are only marks, tags and private use, which are of no class."""


@lru_cache(maxsize=1)
def class_of() -> npt.NDArray[np.uint32]:
    """The classes of every code point, as uint32[0x110000]; 0.2 s, once a process."""
    characters = [chr(point) for point in range(_LAST_ASSIGNED)]
    table = np.zeros(_N_POINTS, np.uint32)
    tests: tuple[tuple[int, Callable[[str], bool]], ...] = (
        (SPACE, str.isspace), (WORD, str.isalnum), (ALPHA, str.isalpha), (NUMERIC, str.isnumeric), (UPPER, str.isupper),
        (LOWER, str.islower),
    )  # fmt: skip
    for bit, test in tests:
        table[:_LAST_ASSIGNED][np.fromiter(map(test, characters), np.bool_, _LAST_ASSIGNED)] |= np.uint32(bit)

    def mark(bits: int, chosen: Iterable[str]) -> None:
        table[[ord(character) for character in chosen]] |= np.uint32(bits)

    categories = list(map(unicodedata.category, characters))
    mark(LOWER, compress(characters, (category == "Lt" for category in categories)))
    mark(DIGIT, compress(characters, (category == "Nd" for category in categories)))
    mark(PUNCTUATION, compress(characters, (category[0] == "P" for category in categories)))
    mark(PUNCTUATION | ASCII_PUNCTUATION, string.punctuation)
    mark(WORD, "_")
    mark(ASCII_ALPHA, string.ascii_letters)
    mark(BULLET, BULLETS)
    mark(PUBLISHED_BULLET, PUBLISHED_BULLETS)
    mark(BAD, map(chr, (*range(0x09), *range(0x0E, 0x20), 0x7F, 0xFFFD)))
    mark(ENDS_SENTENCE, ".!?")
    mark(ENDS_CHINESE_SENTENCE, '.!?;…"。！？；”')
    mark(ENDS_LINE, ".!?”")
    mark(ENDS_CHINESE_LINE, '.!?”。！？…；;」』"')
    mark(CLOSES, "\"'”’)]")
    for first, last in _HAN_RANGES:
        block = table[first : last + 1]
        block[(block & ALPHA) != 0] |= np.uint32(HAN)
    return table


@lru_cache(maxsize=1)
def lower_of() -> npt.NDArray[np.uint32]:
    """The lower-case form of every code point that has one of a single character, as uint32[0x110000]."""
    table = np.arange(_N_POINTS, dtype=np.uint32)
    for point in range(0x20000):  # no letter has case beyond
        lowered = chr(point).lower()
        if len(lowered) == 1:
            table[point] = ord(lowered)
    return table


@lru_cache(maxsize=1)
def decomposed_length_of() -> npt.NDArray[np.uint8]:
    """How many code points each one has lower-cased and in Unicode NFD, as uint8[0x110000]."""
    table = np.ones(_N_POINTS, np.uint8)
    for point in range(_LAST_ASSIGNED):
        table[point] = len(unicodedata.normalize("NFD", chr(point).lower()))
    return table
