"""Set phrases that compiled scans look for: lines that only lead on, and lines that are no prose."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.text.classes import SPACE, WORD

UInt32s = npt.NDArray[np.uint32]


def _points(phrase: str) -> UInt32s:
    return np.array([ord(character) for character in phrase], np.uint32)


JAVASCRIPT, LOREM_IPSUM = _points("javascript"), _points("lorem ipsum")
READ_MORE = tuple(
    map(_points, ("readmore", "展开", "展开全文", "展開", "展開全文", "更多", "阅读全文", "閱讀全文", "查看全文"))
)
"""Endings of lines that only lead on, without spaces (MAP-Neo Matrix, rules B18 and C10, and their usual variants)."""
_FINALS = np.unique(np.array([phrase[-1] for phrase in READ_MORE], np.uint32))
_LOOK_BACK = 40
_FIRST_CJK = 0x2E80


@compiled(inline="always")
def advance(phrase: UInt32s, matched: int, point: int) -> int:
    """Characters of the phrase matched after one more; the phrase's first character must occur in it only once."""
    if phrase[matched] == point:
        return matched + 1
    return 1 if phrase[0] == point else 0


@compiled()
def ends_read_more(points: UInt32s, start: int, end: int, classes: UInt32s, lower: UInt32s) -> bool:
    """Whether the stretch ends in one of `READ_MORE`, whatever marks and spaces follow it; looks back 40 characters."""
    floor = max(start, end - _LOOK_BACK)
    last = end - 1
    while last >= floor and not classes[points[last]] & WORD:
        last -= 1
    if last < floor or not np.any(lower[points[last]] == _FINALS):
        return False
    for phrase in READ_MORE:
        at, left = last, phrase.size
        while at >= floor and left > 0:
            if lower[points[at]] == phrase[left - 1]:
                left -= 1
            elif not classes[points[at]] & SPACE:
                break
            at -= 1
        # a Latin phrase must begin a word; Chinese has no gaps between words
        if left == 0 and (phrase[0] >= _FIRST_CJK or at < start or not classes[points[at]] & WORD):
            return True
    return False
