"""The compiled loops that read texts: from UTF-8 to the code points that are compared, and to the places of words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

DELETED = np.uint32(0xFFFFFFFF)
"""What a code point becomes that is not compared."""
_BLANK = np.uint32(32)


@compiled(inline="always")
def _decode(data: UInt8s, i: int) -> tuple[np.uint32, int]:
    """The code point whose UTF-8 begins at byte i, and its bytes."""
    first = np.uint32(data[i])
    if first < np.uint32(0x80):
        return first, 1
    second = np.uint32(data[i + 1]) & np.uint32(0x3F)
    if first < np.uint32(0xE0):
        return np.uint32((first & np.uint32(0x1F)) << np.uint32(6)) | second, 2
    third = np.uint32(data[i + 2]) & np.uint32(0x3F)
    if first < np.uint32(0xF0):
        high = np.uint32((first & np.uint32(0x0F)) << np.uint32(12))
        return high | np.uint32(second << np.uint32(6)) | third, 3
    fourth = np.uint32(data[i + 3]) & np.uint32(0x3F)
    high = np.uint32((first & np.uint32(0x07)) << np.uint32(18)) | np.uint32(second << np.uint32(12))
    return high | np.uint32(third << np.uint32(6)) | fourth, 4


@compiled()
def has_any(data: UInt8s, offsets: Int64s, flags: Bools) -> Bools:
    """Whether each text has a flagged code point. ASCII texts and U+4000 to U+9FFF are not looked at."""
    found = np.zeros(offsets.size - 1, np.bool_)
    for text in range(offsets.size - 1):
        every = np.uint8(0)
        for byte in data[offsets[text] : offsets[text + 1]]:
            every |= byte
        i = offsets[text]
        while every >= np.uint8(0x80) and i < offsets[text + 1] and not found[text]:
            if np.uint8(0xE4) <= data[i] <= np.uint8(0xE9):
                i += 3
                continue
            point, width = _decode(data, i)
            found[text] = flags[point]
            i += width
    return found


@compiled()
def decoded(data: UInt8s, offsets: Int64s) -> tuple[UInt32s, Int64s]:
    """(points, offsets) of the texts as they stand."""
    points = np.empty(offsets[-1] - offsets[0], np.uint32)
    ends = np.zeros(offsets.size, np.int64)
    size = 0
    for text in range(offsets.size - 1):
        i = offsets[text]
        while i < offsets[text + 1]:
            points[size], width = _decode(data, i)
            i += width
            size += 1
        ends[text + 1] = size
    return points[:size], ends


@compiled()
def reduced(data: UInt8s, offsets: Int64s, becomes: UInt32s) -> tuple[UInt32s, Int64s]:
    """(points, offsets) of what the code points become, without deleted ones, blanks collapsed to one and trimmed."""
    points = np.empty(offsets[-1] - offsets[0] + 1, np.uint32)
    ends = np.zeros(offsets.size, np.int64)
    size = np.int64(0)
    for text in range(offsets.size - 1):
        start = size
        after_blank = np.int64(1)
        i = offsets[text]
        while i < offsets[text + 1]:
            point, width = _decode(data, i)
            i += width
            written = becomes[point]
            points[size] = written
            # Without branches: where blanks are is unpredictable.
            deleted, blank = np.int64(written == DELETED), np.int64(written == _BLANK)
            size += (deleted | (blank & after_blank)) ^ np.int64(1)
            after_blank = blank | (deleted & after_blank)
        if size > start and after_blank:
            size -= 1
        ends[text + 1] = size
    return points[:size], ends


@compiled()
def words_between_spaces(points: UInt32s, offsets: Int64s, spaces: Bools) -> tuple[Int64s, Int64s, Int64s]:
    """(starts, ends, offsets) of the stretches without spaces, places counted from the begin of their text."""
    starts, ends = np.empty(points.size, np.int64), np.empty(points.size, np.int64)
    word_offsets = np.zeros(offsets.size, np.int64)
    n_words = 0
    for text in range(offsets.size - 1):
        inside = False
        for i in range(offsets[text], offsets[text + 1]):
            space = spaces[points[i]]
            if inside and space:
                ends[n_words] = i - offsets[text]
                n_words += 1
            elif not inside and not space:
                starts[n_words] = i - offsets[text]
            inside = not space
        if inside:
            ends[n_words] = offsets[text + 1] - offsets[text]
            n_words += 1
        word_offsets[text + 1] = n_words
    return starts[:n_words].copy(), ends[:n_words].copy(), word_offsets
