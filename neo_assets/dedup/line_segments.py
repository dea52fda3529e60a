"""Dividing a text into the segments that similar-line deduplication compares, and what is cut when some are removed.

Source: MAP-Neo Matrix, Chinese similar-line deduplication. See `similar_line` for the rules of both profiles.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.dedup.paragraph import is_space

UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]

_LINE_FEED = 10


@compiled(inline="always")
def _begins_segment(point: int) -> bool:
    return point == 91 or point == 0x3010  # [ 【


@compiled(inline="always")
def _ends_segment(point: int) -> bool:
    if point < 0x80:
        return point == 33 or point == 46 or point == 63 or point == 92 or point == 93  # ! . ? \ ]
    return point == 0x3002 or point == 0xFF01 or point == 0xFF1F or point == 0x2026 or point == 0x3011  # 。！？…】


@compiled(inline="always")
def _alphanumeric(point: int) -> bool:
    return 48 <= point <= 57 or 65 <= point <= 90 or 97 <= point <= 122


@compiled()
def segments_of(points: UInt32s, faithful: bool) -> Int64s:
    """Segment i is points[found[i]:found[i + 1]]; of an empty text there is none."""
    found = np.empty(points.size + 1, np.int64)
    found[0] = 0
    n = 0
    for place in range(points.size):
        point = int(points[place])
        if _begins_segment(point) and place > found[n]:
            if faithful or not _begins_segment(int(points[place - 1])):
                n += 1
                found[n] = place
        elif _ends_segment(point):
            if not faithful and place + 1 < points.size:
                following = int(points[place + 1])
                if _ends_segment(following) or (point < 93 and _alphanumeric(following)):
                    continue
            n += 1
            found[n] = place + 1
    if points.size > found[n]:
        n += 1
        found[n] = points.size
    return found[: n + 1].copy()


@compiled()
def write_cuts(
    points: UInt32s,
    segments: Int64s,
    removed: npt.NDArray[np.bool_],
    faithful: bool,
    starts: Int32s,
    ends: Int32s,
    n: int,
) -> int:
    """Writes the cuts of one text behind the first n; returns how many there are then."""
    j = 0
    while j < removed.size:
        if not removed[j]:
            j += 1
            continue
        start = segments[j]
        while j < removed.size and removed[j]:
            j += 1
        end = segments[j]
        stays, until = end, end  # the line feeds that stay
        if not faithful and j < removed.size and not _begins_line(points, end):
            stays, until = _first_break(points, start, end)
        for first, last in ((start, stays), (until, end)):
            if first < last:
                starts[n], ends[n] = first, last
                n += 1
    return n


@compiled()
def _begins_line(points: UInt32s, place: int) -> bool:
    """Whether a line feed is among the whitespace that begins here."""
    while place < points.size and is_space(int(points[place])):
        if points[place] == _LINE_FEED:
            return True
        place += 1
    return False


@compiled()
def _first_break(points: UInt32s, start: int, end: int) -> tuple[int, int]:
    """The first line feed in points[start:end] and those directly after it, as (start, end); (end, end) if none."""
    while start < end and points[start] != _LINE_FEED:
        start += 1
    last = start
    while last < end and points[last] == _LINE_FEED:
        last += 1
    return start, last
