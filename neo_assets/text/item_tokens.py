"""Text as tokens in which evaluation items are looked for: whatever case, width, punctuation and line breaks they have.

A token is a Chinese character or kana, or a run of other letters and digits. Full-width and other compatibility forms
are the character they stand for, case is folded, apostrophes and invisible characters are looked through, and
everything else separates. The letter of an option (A. B、 (C) …) is no token, so that a question reads the same with
other marks or with its options on lines of their own. Traditional and Simplified characters stay different: which
words a character stands for is no matter of one character, and an item is written in one script.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, key64
from neo_assets.text.classes import ALPHA, DIGIT, HAN, class_of, lower_of

UInt64s = npt.NDArray[np.uint64]
UInt32s = npt.NDArray[np.uint32]
UInt8s = npt.NDArray[np.uint8]
Int64s = npt.NDArray[np.int64]

SEPARATES, IN_WORD, ALONE, UNSEEN = range(4)
_UNSEEN = "'’‘\u00ad\u200b\u200c\u200d\u2060\ufeff"
_KANA = ((0x3041, 0x3097), (0x30A1, 0x30FB), (0x31F0, 0x3200))
_LAST_FOLDED = 0x20000
_OPTION_ENDS = np.array([ord(mark) for mark in ".)]:、．）］："], np.uint32)
_A, _H, _WIDE_A, _WIDE_H = (ord(letter) for letter in "AHＡＨ")


class Characters(NamedTuple):
    """Per code point: what it is folded to, and what it does."""

    folded: UInt32s
    role: UInt8s


@lru_cache(maxsize=1)
def characters() -> Characters:
    """The tables; about 0.3 s, once a process."""
    folded, classes = lower_of().copy(), class_of()
    for point in range(0x80, _LAST_FOLDED):
        if not 0x3400 <= point < 0xE000:
            composed = unicodedata.normalize("NFKC", chr(point)).lower()
            if len(composed) == 1:
                folded[point] = ord(composed)
    role = np.zeros(folded.size, np.uint8)
    role[(classes[folded] & (ALPHA | DIGIT)) != 0] = IN_WORD
    alone = (classes & HAN) != 0
    for first, last in _KANA:
        alone[first:last] = True
    role[alone[folded]] = ALONE
    role[[ord(character) for character in _UNSEEN]] = UNSEEN
    return Characters(folded, role)


@compiled()
def tokenise(
    points: UInt32s, begin: int, stop: int, folded: UInt32s, role: UInt8s, hashes: UInt64s, spans: Int64s, alone: UInt8s
) -> int:
    """Write the tokens of `points[begin:stop]` into the arrays and return how many there are.

    Args:
        hashes, spans, alone: room for stop - begin tokens: hash; start and end in `points`; whether it stands alone.
    """
    n = 0
    i = begin
    while i < stop:
        kind = role[points[i]]
        if kind == ALONE:
            hashes[n] = key64(np.uint64(folded[points[i]]) + ONE)
            spans[n, 0], spans[n, 1] = i, i + 1
            alone[n] = 1
            n += 1
            i += 1
        elif kind == IN_WORD:
            start, h, length, end = i, np.uint64(0), 0, i
            while i < stop and (role[points[i]] == IN_WORD or role[points[i]] == UNSEEN):
                if role[points[i]] == IN_WORD:
                    h = h * BASE + np.uint64(folded[points[i]]) + ONE
                    length += 1
                    end = i + 1
                i += 1
            if length == 1 and _is_option(points, start, i, stop):
                continue
            hashes[n] = key64(h)
            spans[n, 0], spans[n, 1] = start, end
            alone[n] = 0
            n += 1
        else:
            i += 1
    return n


@compiled(inline="always")
def _is_option(points: UInt32s, letter: int, after: int, stop: int) -> bool:
    """Whether the word of one character is the letter of an option."""
    point = points[letter]
    if not (_A <= point <= _H or _WIDE_A <= point <= _WIDE_H) or after >= stop:
        return False
    return bool((points[after] == _OPTION_ENDS).any())
