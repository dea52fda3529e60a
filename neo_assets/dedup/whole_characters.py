"""Spans of text shrunk to whole characters: what is kept neither loses its marks nor begins with those of another.

Combining marks, variation selectors, zero width joiners and emoji modifiers belong to the character before them, and
what follows a joiner to the joiner.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]

_JOINER = 0x200D


@lru_cache(maxsize=1)
def continuing() -> npt.NDArray[np.bool_]:
    """For every code point whether it belongs to the character before it."""
    found = np.zeros(0x110000, np.bool_)
    found[0xFE00:0xFE10] = found[0xE0100:0xE01F0] = found[0x1F3FB:0x1F400] = found[_JOINER] = True
    found[[point for point in range(0x300, 0x20000) if unicodedata.combining(chr(point))]] = True
    return found


@compiled()
def shrink_spans(points: UInt32s, spans: Int64s, begin: int, end: int, marks: npt.NDArray[np.bool_]) -> int:
    """Shrinks the spans of one text, begin … end - 1, to whole characters; gives where those that are left end.

    Spans that touch are shrunk as one.
    """
    size, place = begin, begin
    while place < end:
        after = place + 1
        while after < end and spans[0, after] == spans[1, after - 1]:
            after += 1
        start, stop = spans[0, place], spans[1, after - 1]
        while start < stop and start > 0 and _goes_on(points, start, marks):
            start += 1
        while start < stop < points.size and _goes_on(points, stop, marks):
            stop -= 1
        for span in range(place, after):
            low, high = max(spans[0, span], start), min(spans[1, span], stop)
            if low < high:
                spans[0, size], spans[1, size], spans[2, size] = low, high, spans[2, span]
                size += 1
        place = after
    return size


@compiled(inline="always")
def _goes_on(points: UInt32s, place: int, marks: npt.NDArray[np.bool_]) -> bool:
    return bool(marks[points[place]] or (points[place - 1] == _JOINER and points[place] >= 0x300))
