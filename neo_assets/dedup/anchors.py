"""Runs of windows: what the documents' windows of w characters come down to, about one for fifteen characters.

Of the k-grams inside a window the one with the smallest hash is its *anchor* (the last of equal ones). It depends on
the window's characters alone, so equal windows have equal anchors at the same place of the window. Consecutive windows
with one and the same anchor form a *run*; its text is its *content*. Of random text every (w - k + 2)/2 characters give
a run. Therefore

- two windows can only be equal if their runs have equal anchors;
- runs of equal content consist of equal windows: of a passage that stands twice all but the ends is found run by run.

Text with a period p up to w - k + 1 would give a run for every period: a run that repeats the one directly before it is
not listed but counted there as a *copy*. All windows of a copy are repeats, whatever else there is.

Hashes are Σ h(c_i)·B^(n-i) mod 2^64, where h multiplies the code point + 1 and folds the product, so that the
polynomial's coefficients look random for any text. Contents are compared only between runs with equal anchors: two
different ones are taken for equal with probability 2^-64 a pair. Even 10^12 pairs of runs with equal anchors and
different contents, as in a corpus of some 10^13 characters, make one such mistake with probability below 10^-7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.packed import packed
from neo_assets.dedup.shingles import reduced_points
from neo_assets.hashing import BASE, ONE
from neo_assets.recipe.dedup import SubstringSettings

UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

ANCHOR_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("precedence", pa.string()),
        ("anchors", pa.binary()),
        ("contents", pa.binary()),
        ("windows", pa.binary()),
        ("copies", pa.binary()),
    ]
)
"""A document's runs in order, packed (see `packed`), for rows cost more than what is in them: the hashes of their
anchors and contents (uint64), their windows (uint16), and their copies (uint32, or nothing where no run has any)."""

_MIX = np.uint64(0xFF51AFD7ED558CCD)
_FOLD = np.uint64(32)


class Texts(NamedTuple):
    """Texts as code points: text i is `points[offsets[i]:offsets[i + 1]]`."""

    points: UInt32s
    offsets: Int64s


class Runs(NamedTuple):
    """Runs of windows of several texts: those of text i are `offsets[i]` … `offsets[i + 1] - 1`, in order.

    Attributes:
        starts: where the first window begins, in its text.
        windows: how many windows begin one after the other.
        copies: how often the same run follows directly after itself.
        anchors, contents: hashes.
    """

    offsets: Int64s
    starts: Int64s
    windows: Int64s
    copies: Int64s
    anchors: UInt64s
    contents: UInt64s


@dataclass(frozen=True)
class Anchors:
    """Kernel: (doc_id, precedence, text, …) → `ANCHOR_SCHEMA`; a text shorter than a window gives no row."""

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        runs = runs_of(texts_of(batch.column("text")), self.settings)
        counts = np.diff(runs.offsets)
        documents = np.flatnonzero(counts)
        bounds = np.append(0, np.cumsum(counts[documents]))
        copied = np.add.reduceat(runs.copies, bounds[:-1]) > 0 if documents.size else np.zeros(0, np.bool_)
        listed = np.repeat(copied, counts[documents])
        chosen = pa.array(documents)
        return pa.RecordBatch.from_arrays(
            [
                batch.column("doc_id").cast(pa.string()).take(chosen),
                batch.column("precedence").cast(pa.string()).take(chosen),
                packed(runs.anchors, bounds),
                packed(runs.contents, bounds),
                packed(runs.windows.astype(np.uint16), bounds),
                packed(runs.copies[listed].astype(np.uint32), np.append(0, np.cumsum(counts[documents] * copied))),
            ],
            schema=ANCHOR_SCHEMA,
        )


def texts_of(texts: pa.Array) -> Texts:
    """The code points of the texts; a null counts as an empty text."""
    return Texts(*reduced_points(texts, "none"))


def runs_of(texts: Texts, settings: SubstringSettings) -> Runs:
    """All runs of the texts. Linear in the characters; memory for the longest text and the runs."""
    return Runs(*_runs(*texts, settings.window_chars, settings.anchor_chars, int(settings.skip_last_window)))


@compiled()
def powers(size: int) -> UInt64s:
    """B^0 … B^(size - 1) mod 2^64."""
    found = np.ones(size, np.uint64)
    for i in range(1, size):
        found[i] = found[i - 1] * BASE
    return found


@compiled(inline="always")
def appended(polynomial: np.uint64, point: np.uint32) -> np.uint64:
    """The polynomial of a passage with one more character at its end."""
    mixed = (np.uint64(point) + ONE) * _MIX
    return polynomial * BASE + (mixed ^ (mixed >> _FOLD))


@compiled()
def _runs(
    points: UInt32s, offsets: Int64s, window: int, k: int, skipped: int
) -> tuple[Int64s, Int64s, Int64s, Int64s, UInt64s, UInt64s]:
    width = window - k + 1  # k-grams in a window
    power = powers(window + width)
    bounds = np.zeros(offsets.size, np.int64)
    size, capacity = 0, 16 + 3 * points.size // (width + 1)
    places = np.empty((3, capacity), np.int64)
    hashes = np.empty((2, capacity), np.uint64)
    longest = 0
    for text in range(offsets.size - 1):
        longest = max(longest, offsets[text + 1] - offsets[text])
    prefix = np.zeros(longest + 1, np.uint64)  # polynomials of the first 0, 1, … n characters
    grams = np.empty(longest + 1, np.uint64)
    for text in range(offsets.size - 1):
        begin = size
        first, n_points = offsets[text], offsets[text + 1] - offsets[text]
        n_windows = n_points - window + 1 - skipped
        if n_windows > 0:
            polynomial = np.uint64(0)
            for i in range(n_points):
                polynomial = appended(polynomial, points[first + i])
                prefix[i + 1] = polynomial
            for i in range(n_windows + width - 1):
                grams[i] = prefix[i + k] - prefix[i] * power[k]
            start, anchor = 0, _last_smallest(grams, 0, width)
            while start < n_windows:
                end, following = _end_of_run(grams, start, anchor, width, n_windows)
                last = end - 1 + window
                content = prefix[last] - prefix[start] * power[last - start]
                if (
                    size > begin
                    and hashes[1, size - 1] == content
                    and hashes[0, size - 1] == grams[anchor]
                    and places[1, size - 1] == end - start
                ):
                    places[2, size - 1] += 1
                else:
                    if size == capacity:
                        capacity *= 2
                        places = _wider(places, capacity)
                        hashes = _wider(hashes, capacity)
                    places[0, size], places[1, size], places[2, size] = start, end - start, 0
                    hashes[0, size], hashes[1, size] = grams[anchor], content
                    size += 1
                start, anchor = end, following
        bounds[text + 1] = size
    return (
        bounds,
        places[0, :size].copy(),
        places[1, :size].copy(),
        places[2, :size].copy(),
        hashes[0, :size].copy(),
        hashes[1, :size].copy(),
    )


@compiled(inline="always")
def _end_of_run(grams: UInt64s, start: int, anchor: int, width: int, n_windows: int) -> tuple[int, int]:
    """(the first window after `start` with another anchor, that anchor)."""
    smallest = grams[anchor]
    stop = min(anchor + 1, n_windows)  # the window that begins there no longer holds the anchor
    for i in range(start + width, stop + width - 1):
        if grams[i] <= smallest:
            return i - width + 1, i
    return stop, _last_smallest(grams, stop, min(stop + width, n_windows + width - 1))


@compiled(inline="always")
def _last_smallest(grams: UInt64s, start: int, end: int) -> int:
    best, smallest = start, grams[start]
    for i in range(start + 1, end):
        lower = grams[i] <= smallest
        best = i if lower else best
        smallest = grams[i] if lower else smallest
    return best


@compiled()
def _wider(arrays: npt.NDArray[Any], capacity: int) -> npt.NDArray[Any]:
    found = np.empty((arrays.shape[0], capacity), arrays.dtype)
    found[:, : arrays.shape[1]] = arrays
    return found
