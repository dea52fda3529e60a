"""Addresses that several records of an import have: the first kept record keeps its own, by segment and record.

Addresses are compared by 64 bits of the hash in their ids. Every segment has its keys sorted in a file; they are read
by ranges of keys, of which one at a time is in memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from neo_assets.jobs.import_segment import KEYS, SegmentDone

KEYS_IN_MEMORY = 16_000_000


def repeated_rows(segments: Sequence[SegmentDone], folder: Path, in_memory: int = KEYS_IN_MEMORY) -> list[Path]:
    """For each segment of one import a file of the numbers of its kept rows whose address an earlier one has.

    O(n log n) for n kept rows; memory: about 50 bytes for each of `in_memory` keys.
    """
    files = [np.load(one.folder / KEYS, mmap_mode="r", allow_pickle=False) for one in segments]
    found = [folder / f"{number:08}" for number in range(len(segments))]
    for path in found:
        path.write_bytes(b"")
    for low, high in _ranges(sum(len(file) for file in files), in_memory):
        spans = [_span(file["key"], low, high) for file in files]
        pieces = [file[span] for file, span in zip(files, spans, strict=True)]
        keys = np.concatenate([np.zeros(0, np.uint64), *(piece["key"] for piece in pieces)])
        rows = np.concatenate([np.zeros(0, np.int64), *(piece["row"] for piece in pieces)])
        numbers = np.repeat(np.arange(len(files)), [span.stop - span.start for span in spans])
        # Keys stand in the order of segments and, if equal, of rows; a stable sort keeps it.
        order = np.argsort(keys, kind="stable")
        again = order[1:][keys[order[1:]] == keys[order[:-1]]]
        for number in np.unique(numbers[again]):
            with found[number].open("ab") as target:
                target.write(rows[again[numbers[again] == number]].tobytes())
    return found


def read_rows(path: Path) -> np.ndarray:
    """The row numbers in such a file, ascending."""
    return np.sort(np.fromfile(path, np.int64))


def _ranges(n_keys: int, in_memory: int) -> Iterator[tuple[int, int]]:
    n_ranges = max(1, -(-n_keys // in_memory))
    bounds = [(number << 64) // n_ranges for number in range(n_ranges + 1)]
    yield from pairwise(bounds)


def _span(keys: np.ndarray, low: int, high: int) -> slice:
    start = int(np.searchsorted(keys, np.uint64(low), "left"))
    end = len(keys) if high == 1 << 64 else int(np.searchsorted(keys, np.uint64(high), "left"))
    return slice(start, end)
