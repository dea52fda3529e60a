"""Runs of windows: what the documents' windows of w characters come down to, about one row for fifteen characters.

Of the k-grams inside a window the one with the smallest hash is its *anchor* (the last of equal ones). It depends on
the window's characters alone, so equal windows have equal anchors at the same place of the window. Consecutive windows
with one and the same anchor form a *run*; its text is its *content*. Of random text every (w - k + 2)/2 characters give
a run. Therefore

- two windows can only be equal if their runs have equal anchors;
- runs of equal content consist of equal windows: of a passage that stands twice all but the ends is found run by run.

Text with a period p up to w - k + 1 would give a run for every period: a run that repeats the one directly before it is
not listed but counted there as a *copy*. All windows of a copy are repeats, whatever else there is.

Hashes are MurmurHash3's finaliser of Σ h(c_i)·B^(n-i) mod 2^64, where h is the same finaliser of the code point + 1, so
that the polynomial's coefficients look random for any text. Contents are compared only between runs with equal anchors:
two different ones are taken for equal with probability 2^-64 a pair. Even 10^12 pairs of runs with equal anchors and
different contents, as in a corpus of some 10^13 characters, make one such mistake with probability below 10^-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, mix64
from neo_assets.recipe.dedup import SubstringSettings

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

KEY_CHARS = 11
"""A 64-bit hash as text: six bits a character, so that SQL can take it out of a longer text."""
BLOCK = 32
"""Runs in a row of the index: rows cost more than what is in them."""

ANCHOR_SCHEMA = pa.schema(
    [("precedence", pa.string()), ("block", pa.int32()), ("anchors", pa.string()), ("contents", pa.string())]
)
"""Runs BLOCK·block, BLOCK·block + 1, … of a document: the hashes of their anchors and contents, KEY_CHARS each."""

_DIGITS = np.frombuffer(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~", np.uint8)


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
    """Kernel: (precedence, text, …) → `ANCHOR_SCHEMA`; a text shorter than a window gives no row."""

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        runs = runs_of(texts_of(batch.column("text").to_pylist()), self.settings)
        documents, blocks, bounds = _blocks(runs.offsets)
        return pa.RecordBatch.from_arrays(
            [
                batch.column("precedence").cast(pa.string()).take(pa.array(documents)),
                pa.array(blocks, pa.int32()),
                keys_column(runs.anchors, bounds),
                keys_column(runs.contents, bounds),
            ],
            schema=ANCHOR_SCHEMA,
        )


def texts_of(texts: Sequence[str | None]) -> Texts:
    """The code points of the texts; a null counts as an empty text."""
    offsets = np.zeros(len(texts) + 1, np.int64)
    np.cumsum([len(text or "") for text in texts], out=offsets[1:])
    joined = "".join(text or "" for text in texts)
    return Texts(np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32), offsets)


def runs_of(texts: Texts, settings: SubstringSettings) -> Runs:
    """All runs of the texts. Linear in the characters; memory for the longest text and the runs."""
    last = 1 if settings.skip_last_window else 0
    return Runs(*_runs(texts.points, texts.offsets, settings.window_chars, settings.anchor_chars, last))


def keys_column(hashes: UInt64s, bounds: Int64s) -> pa.StringArray:
    """Row i: the hashes bounds[i] … bounds[i + 1] - 1, as text of KEY_CHARS each."""
    data = pa.py_buffer(_digits(hashes))
    return pa.StringArray.from_buffers(bounds.size - 1, pa.py_buffer((bounds * KEY_CHARS).astype(np.int32)), data)


def _blocks(offsets: Int64s) -> tuple[Int64s, Int64s, Int64s]:
    """(document of each block, its number in the document, bounds of the blocks' runs)."""
    n_blocks = -(-np.diff(offsets) // BLOCK)
    documents = np.repeat(np.arange(n_blocks.size), n_blocks)
    blocks = np.arange(documents.size) - np.repeat(np.cumsum(n_blocks) - n_blocks, n_blocks)
    return documents, blocks, np.append(offsets[documents] + blocks * BLOCK, offsets[-1])


@compiled()
def powers(size: int) -> UInt64s:
    """B^0 … B^(size - 1) mod 2^64."""
    found = np.ones(size, np.uint64)
    for i in range(1, size):
        found[i] = found[i - 1] * BASE
    return found


@compiled()
def prefix_hashes(points: UInt32s) -> UInt64s:
    """Polynomials of the first 0, 1, … n characters."""
    found = np.zeros(points.size + 1, np.uint64)
    for i in range(points.size):
        found[i + 1] = found[i] * BASE + mix64(np.uint64(points[i]) + ONE)
    return found


@compiled(inline="always")
def passage_hash(prefix: UInt64s, start: int, end: int, power: np.uint64) -> np.uint64:
    """The hash of characters start … end - 1; `power` is B^(end - start)."""
    return mix64(prefix[end] - prefix[start] * power)


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
    for text in range(offsets.size - 1):
        begin = size
        n_windows = offsets[text + 1] - offsets[text] - window + 1 - skipped
        if n_windows > 0:
            prefix = prefix_hashes(points[offsets[text] : offsets[text + 1]])
            grams = np.empty(n_windows + width - 1, np.uint64)
            for i in range(grams.size):
                grams[i] = passage_hash(prefix, i, i + k, power[k])
            start, anchor = 0, _last_smallest(grams, 0, width)
            while start < n_windows:
                end, following = _end_of_run(grams, start, anchor, width, n_windows)
                content = passage_hash(prefix, start, end - 1 + window, power[end - 1 - start + window])
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


@compiled()
def _end_of_run(grams: UInt64s, start: int, anchor: int, width: int, n_windows: int) -> tuple[int, int]:
    """(the first window after `start` with another anchor, that anchor)."""
    smallest = grams[anchor]
    stop = min(anchor + 1, n_windows)  # the window that begins there no longer holds the anchor
    for i in range(start + width, stop + width - 1):
        if grams[i] <= smallest:
            return i - width + 1, i
    return stop, _last_smallest(grams, stop, min(stop + width, grams.size))


@compiled()
def _last_smallest(grams: UInt64s, start: int, end: int) -> int:
    best = start
    for i in range(start + 1, end):
        if grams[i] <= grams[best]:
            best = i
    return best


@compiled()
def _wider(arrays: npt.NDArray[Any], capacity: int) -> npt.NDArray[Any]:
    found = np.empty((arrays.shape[0], capacity), arrays.dtype)
    found[:, : arrays.shape[1]] = arrays
    return found


@compiled()
def _digits(hashes: UInt64s) -> UInt8s:
    found = np.empty(hashes.size * KEY_CHARS, np.uint8)
    for i in range(hashes.size):
        rest = hashes[i]
        for j in range(KEY_CHARS):
            found[i * KEY_CHARS + j] = _DIGITS[rest & np.uint64(63)]
            rest >>= np.uint64(6)
    return found
