"""Cuts one by one, for the tests of what works on arrays of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from neo_assets.dedup.cuts import cuts_from


class Cut(NamedTuple):
    """Characters start … end - 1 of a text; `survivor` is the doc_id of the document that keeps the passage."""

    start: int
    end: int
    survivor: str


def merged(cuts: Iterable[Cut]) -> list[Cut]:
    """The same characters as sorted, disjoint, non-empty cuts.

    Overlapping and touching cuts with one survivor become one. Where cuts with different survivors overlap, the one
    that starts first (then the longer one, then the smaller survivor) has the shared characters. O(n log n).
    """
    found: list[Cut] = []
    for cut in sorted(cuts, key=lambda cut: (cut.start, -cut.end, cut.survivor)):
        start = max(cut.start, found[-1].end) if found else cut.start
        if start >= cut.end:
            continue
        if found and found[-1].end == start and found[-1].survivor == cut.survivor:
            found[-1] = found[-1]._replace(end=cut.end)
        else:
            found.append(Cut(start, cut.end, cut.survivor))
    return found


def cuts_column(rows: Sequence[Sequence[Cut]]) -> pa.ListArray:
    """The column of one list of cuts per document."""
    flat = [cut for row in rows for cut in row]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows], dtype=np.int64)])
    return cuts_from(
        offsets,
        np.array([cut.start for cut in flat], np.int32),
        np.array([cut.end for cut in flat], np.int32),
        pa.array([cut.survivor for cut in flat], pa.string()),
    )
