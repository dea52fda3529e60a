"""Windows that contents with one anchor share: of each, which of its windows stand in an earlier content.

Of a content's windows that stand in several others the smallest place counts. Windows shared with one content need not
be neighbours: those between are shared as well, with it and with one that is earlier still.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.anchors import Int64s, UInt32s, appended, powers
from neo_assets.dedup.packed import packed, unpacked
from neo_assets.dedup.reducing import decoded
from neo_assets.dedup.run_rows import PLACE_BITS, places_of
from neo_assets.hashing import key64, slot_of, slots_for
from neo_assets.recipe.dedup import SubstringSettings

UInt8s = npt.NDArray[np.uint8]

LISTED_SCHEMA = pa.schema([("anchor", pa.int64()), ("listed", pa.binary())])
"""A content whose anchor others have: UTF-8 of its place (seven bits a character) and of its text."""

PLACE_CHARS = 9

SHARED_SCHEMA = pa.schema([("content", pa.int64()), ("edge", pa.int64())])
"""An edge of windows that the content at a place shares with an earlier one, see `edge`."""

END_BIT = PLACE_BITS - 1
ORIGIN_SPAN = f"CAST({1 << END_BIT} AS BIGINT)"
"""SQL for what an edge is divided by to leave its origin."""


@dataclass(frozen=True)
class ListedRows:
    """Kernel: an index of windows with `number` → `LISTED_SCHEMA`."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        starts, bounds = unpacked(batch.column("starts"), np.uint32)
        lengths, _ = unpacked(batch.column("lengths"), np.uint32)
        texts, _ = unpacked(batch.column("texts"), np.uint8)
        anchors, _ = unpacked(batch.column("anchors"), np.int64)
        listed = np.flatnonzero(lengths)
        places = places_of(batch, starts.astype(np.int64), bounds)[listed]
        found, found_bounds = _listed(places, lengths[listed].astype(np.int64), texts)
        return pa.RecordBatch.from_arrays(
            [pa.array(anchors[listed]), packed(found, found_bounds)], schema=LISTED_SCHEMA
        )


def listed_sql() -> str:
    """SQL for (anchor, lists) of each anchor in the relation `listed` (`LISTED_SCHEMA`)."""
    return "SELECT anchor, ARRAY_AGG(listed) AS lists FROM listed GROUP BY anchor ORDER BY anchor"


@dataclass(frozen=True)
class SharedWindows:
    """Kernel: (anchor, lists), the lists in any order → `SHARED_SCHEMA`. Linear in the windows but for sorting."""

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        lists = batch.column("lists")
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        groups = np.append(0, np.cumsum(lengths, dtype=np.int64))
        contents, edges = _shared(*decoded(*unpacked(lists.flatten(), np.uint8)), groups, self.settings.window_chars)
        return pa.RecordBatch.from_arrays([pa.array(contents), pa.array(edges)], schema=SHARED_SCHEMA)


@compiled(inline="always")
def edge(window: int, origin: int, ends: int) -> int:
    """Windows of document number `origin` begin, or have ended, at a window: one number, in the order of windows."""
    return (window << PLACE_BITS) + (ends << END_BIT) + origin


@compiled()
def _listed(places: Int64s, lengths: Int64s, texts: UInt8s) -> tuple[UInt8s, Int64s]:
    found = np.empty(texts.size + PLACE_CHARS * places.size, np.uint8)
    bounds = np.zeros(places.size + 1, np.int64)
    size = read = 0
    for i in range(places.size):
        for char in range(PLACE_CHARS):
            found[size + char] = (places[i] >> (7 * char)) & 127
        size += PLACE_CHARS
        found[size : size + lengths[i]] = texts[read : read + lengths[i]]
        read += lengths[i]
        size += lengths[i]
        bounds[i + 1] = size
    return found, bounds


@compiled()
def _shared(points: UInt32s, bounds: Int64s, groups: Int64s, window: int) -> tuple[Int64s, Int64s]:
    """(place of the content, edge), two for each stretch of windows that one has of one earlier content."""
    power = powers(window + 1)[window]
    contents, edges = np.empty(2 * points.size, np.int64), np.empty(2 * points.size, np.int64)
    size = 0
    for group in range(groups.size - 1):
        first, last = groups[group], groups[group + 1]
        places, n_windows = np.zeros(last - first, np.int64), 0
        for i in range(places.size):
            for char in range(PLACE_CHARS):
                places[i] += np.int64(points[bounds[first + i] + char]) << (7 * char)
            n_windows += bounds[first + i + 1] - bounds[first + i] - PLACE_CHARS - window + 1
        keys = np.zeros(slots_for(n_windows), np.uint64)
        firsts = np.empty(keys.size, np.int64)
        for i in np.argsort(places):
            place, text = places[i], points[bounds[first + i] + PLACE_CHARS : bounds[first + i + 1]]
            count = text.size - window + 1
            origins = np.empty(count, np.int64)
            before = after = np.uint64(0)  # polynomials of what stands before a window, and of all up to its end
            for char in range(window - 1):
                after = appended(after, text[char])
            for at in range(count):
                after = appended(after, text[at + window - 1])
                key = key64(after - before * power)
                before = appended(before, text[at])
                slot = slot_of(keys, key)
                if keys[slot] != key:
                    keys[slot], firsts[slot] = key, place
                origins[at] = firsts[slot]
            for at in range(count):
                if origins[at] < place and (at == 0 or origins[at] != origins[at - 1]):
                    end = at + 1
                    while end < count and origins[end] == origins[at]:
                        end += 1
                    number = origins[at] >> PLACE_BITS
                    contents[size : size + 2] = place
                    edges[size], edges[size + 1] = edge(at, number, 0), edge(end, number, 1)
                    size += 2
    return contents[:size].copy(), edges[:size].copy()
