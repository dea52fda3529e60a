"""Runs of windows row by row, for SQL: a place, and the hashes of the anchor and the content.

Only the scratch space of a statement holds them, as integers, which an engine compares several times faster than text.
Documents are numbered in the order of precedence within a statement; a *place* is 2^32 times the document's number plus
where the run begins in its text, so that places are compared as integers. Up to 2^31 documents of up to 2^31
characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.packed import unpacked

Int64s = npt.NDArray[np.int64]
UInt16s = npt.NDArray[np.uint16]
UInt32s = npt.NDArray[np.uint32]

NUMBER = "number"
PLACE_BITS = 32
SPAN = f"CAST({1 << PLACE_BITS} AS BIGINT)"
"""SQL for the places of one document."""

RUN_SCHEMA = pa.schema([("place", pa.int64()), ("anchor", pa.int64()), ("content", pa.int64())])


def numbers_sql(*relations: str) -> str:
    """SQL for (doc_id, precedence, number) of the documents in these indexes, numbered by precedence, without order."""
    named = " UNION ".join(f"SELECT doc_id, precedence FROM {relation}" for relation in relations)  # noqa: S608
    number = "CAST(ROW_NUMBER() OVER (ORDER BY precedence) AS BIGINT)"
    return f"SELECT doc_id, precedence, {number} AS {NUMBER} FROM ({named}) AS named"  # noqa: S608


def number_of(place: str) -> str:
    """SQL for the document's number in a place."""
    # The quotient is whole and below 2^31: exact, though SQL divides as floating point numbers.
    return f"CAST(({place} - {place} % {SPAN}) / {SPAN} AS BIGINT)"


@dataclass(frozen=True)
class RunRows:
    """Kernel: an index of anchors with `number` → `RUN_SCHEMA`, a row for each run."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        starts, bounds = starts_of(batch)
        return _rows(batch, starts, bounds)


@dataclass(frozen=True)
class FirstRows:
    """Kernel: an index of windows with `number` → `RUN_SCHEMA`, a row for each first run."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        starts, bounds = unpacked(batch.column("starts"), np.uint32)
        return _rows(batch, starts.astype(np.int64), bounds)


def places_of(batch: pa.RecordBatch, starts: Int64s, bounds: Int64s) -> Int64s:
    """The places of runs that begin at `starts`; row i of the batch has those from bounds[i] to bounds[i + 1] - 1."""
    numbers = batch.column(NUMBER).to_numpy(zero_copy_only=False).astype(np.int64)
    return np.repeat(numbers << PLACE_BITS, np.diff(bounds)) + starts


def starts_of(batch: pa.RecordBatch) -> tuple[Int64s, Int64s]:
    """(where each run begins, bounds of the rows) from the columns `windows` and `copies` of an index of anchors."""
    windows, bounds = unpacked(batch.column("windows"), np.uint16)
    copies, copy_bounds = unpacked(batch.column("copies"), np.uint32)
    return _starts(windows, bounds, copies, copy_bounds), bounds


def _rows(batch: pa.RecordBatch, starts: Int64s, bounds: Int64s) -> pa.RecordBatch:
    hashes = [unpacked(batch.column(name), np.int64)[0] for name in ("anchors", "contents")]
    return pa.RecordBatch.from_arrays(
        [pa.array(column) for column in (places_of(batch, starts, bounds), *hashes)], schema=RUN_SCHEMA
    )


@compiled()
def _starts(windows: UInt16s, bounds: Int64s, copies: UInt32s, copy_bounds: Int64s) -> Int64s:
    found = np.empty(windows.size, np.int64)
    for row in range(bounds.size - 1):
        start = np.int64(0)
        copied = copy_bounds[row + 1] > copy_bounds[row]
        for run in range(bounds[row], bounds[row + 1]):
            found[run] = start
            copy = np.int64(copies[copy_bounds[row] + run - bounds[row]]) if copied else np.int64(0)
            start += np.int64(windows[run]) * (1 + copy)
    return found
