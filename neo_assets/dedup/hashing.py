"""The compiled loops of near deduplication: hashing shingles, taking minima, hashing bands, comparing sets.

A shingle c_1 … c_w hashes to the MurmurHash3 64-bit finaliser of Σ (c_i + 1)·B^(w-i) mod 2^64, which rolls along the
text; MinHash takes its lower 32 bits. From there signatures equal those of `datasketch.MinHash(scheme="affine32")`: the
hash is mixed once by MurmurHash3's 32-bit finaliser h, and value j is the minimum of a_j·h + b_j mod 2^32.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, EMPTY, ONE, mix64, slot_of, slots_for

if TYPE_CHECKING:
    from neo_assets.dedup.shingles import Shingled

UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

_UNROLL = 8
_LEFT, _RIGHT = np.uint8(1), np.uint8(2)


@compiled()
def shingle_hashes(points: UInt32s, shingle_chars: int) -> UInt64s:
    """One 64-bit hash per shingle position; of a shorter text one hash of the whole; of an empty one none."""
    width = min(shingle_chars, points.size)
    n_shingles = points.size - width + 1 if points.size else 0
    hashes = np.empty(n_shingles, np.uint64)
    leaving = ONE
    for _ in range(width):
        leaving *= BASE
    rolling = np.uint64(0)
    for i in range(width):
        rolling = rolling * BASE + (np.uint64(points[i]) + ONE)
    for i in range(n_shingles):
        hashes[i] = mix64(rolling)
        if i + width < points.size:
            entering = np.uint64(points[i + width]) + ONE
            rolling = rolling * BASE + entering - leaving * (np.uint64(points[i]) + ONE)
    return hashes


@compiled()
def stretch_hashes(points: UInt32s, starts: Int64s, ends: Int64s, n_words: int) -> UInt64s:
    """One 64-bit hash, as of a character shingle, per stretch of n words; of fewer words, one of the whole text."""
    if starts.size < n_words:
        return shingle_hashes(points, points.size)
    before, power = np.zeros(points.size + 1, np.uint64), np.ones(points.size + 1, np.uint64)
    for i in range(points.size):
        before[i + 1] = before[i] * BASE + (np.uint64(points[i]) + ONE)
        power[i + 1] = power[i] * BASE
    hashes = np.empty(starts.size - n_words + 1, np.uint64)
    for i in range(hashes.size):
        start, end = starts[i], ends[i + n_words - 1]
        hashes[i] = mix64(before[end] - before[start] * power[end - start])
    return hashes


@compiled()
def hashes_of(texts: Shingled, text: int) -> UInt64s:
    """The hashes of the text's shingles in order, repeated ones included."""
    reduced_texts, words, shingling = texts
    points = reduced_texts.points[reduced_texts.offsets[text] : reduced_texts.offsets[text + 1]]
    if shingling.words == 0:
        if shingling.short_texts_alike and points.size < shingling.chars:
            return np.empty(0, np.uint64)
        return shingle_hashes(points, shingling.chars)
    first, last = words.offsets[text], words.offsets[text + 1]
    if shingling.short_texts_alike and last - first < shingling.words:
        return np.empty(0, np.uint64)
    return stretch_hashes(points, words.starts[first:last], words.ends[first:last], shingling.words)


@compiled()
def _mix32(h: np.uint32) -> np.uint32:
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@compiled()
def minima(hashes: UInt32s, a: UInt32s, b: UInt32s, signature: UInt32s) -> None:
    """Lowers the signature (uint32) to the minima over these 32-bit hashes."""
    n_blocks = hashes.size // _UNROLL
    mixed = np.empty(_UNROLL, np.uint32)
    for block in range(n_blocks):
        for i in range(_UNROLL):
            mixed[i] = _mix32(hashes[block * _UNROLL + i])
        h0, h1, h2, h3, h4, h5, h6, h7 = (
            mixed[0], mixed[1], mixed[2], mixed[3], mixed[4], mixed[5], mixed[6], mixed[7],
        )  # fmt: skip
        for j in range(signature.size):  # eight shingles at once: the signature is read and written an eighth as often
            low = min(np.uint32(a[j] * h0 + b[j]), np.uint32(a[j] * h1 + b[j]))
            low = min(low, min(np.uint32(a[j] * h2 + b[j]), np.uint32(a[j] * h3 + b[j])))
            low = min(low, min(np.uint32(a[j] * h4 + b[j]), np.uint32(a[j] * h5 + b[j])))
            low = min(low, min(np.uint32(a[j] * h6 + b[j]), np.uint32(a[j] * h7 + b[j])))
            signature[j] = min(signature[j], low)
    for i in range(n_blocks * _UNROLL, hashes.size):
        h = _mix32(hashes[i])
        for j in range(signature.size):
            signature[j] = min(signature[j], np.uint32(a[j] * h + b[j]))


@compiled()
def signatures(texts: Shingled, a: UInt32s, b: UInt32s) -> tuple[UInt32s, npt.NDArray[np.int32]]:
    """(signatures as uint32[n_texts, len(a)], shingles per text as int32); without shingles all values are 2^32 - 1."""
    n_texts = texts.reduced.offsets.size - 1
    found = np.full((n_texts, a.size), np.uint32(0xFFFFFFFF), np.uint32)
    n_shingles = np.zeros(n_texts, np.int32)
    for text in range(n_texts):
        hashes = hashes_of(texts, text)
        n_shingles[text] = hashes.size
        minima(hashes.astype(np.uint32), a, b, found[text])
    return found, n_shingles


@compiled()
def band_keys(found: UInt32s, bands: int, rows: int) -> Int64s:
    """One 64-bit key per text and band, as int64[n_texts, bands]: a hash of the band's values in order."""
    keys = np.empty((found.shape[0], bands), np.int64)
    for text in range(found.shape[0]):
        for band in range(bands):
            key = np.uint64(0)
            for row in range(rows):
                key = mix64(key * BASE + np.uint64(found[text, band * rows + row]) + ONE)
            keys[text, band] = np.int64(key)
    return keys


@compiled()
def distinct_counts(left: UInt64s, right: UInt64s) -> tuple[int, int, int]:
    """How many distinct hashes are in the one list, in the other and in both. One pass over a table of both."""
    keys = np.zeros(slots_for(left.size + right.size), np.uint64)
    seen = np.zeros(keys.size, np.uint8)
    n_left, n_right, n_shared = 0, 0, 0
    for h in left:
        key = h if h != EMPTY else ONE
        slot = slot_of(keys, key)
        n_left += seen[slot] == np.uint8(0)
        keys[slot], seen[slot] = key, _LEFT
    for h in right:
        key = h if h != EMPTY else ONE
        slot = slot_of(keys, key)
        before = seen[slot]
        n_right += before < _RIGHT
        n_shared += before == _LEFT
        keys[slot], seen[slot] = key, before | _RIGHT
    return n_left, n_right, n_shared


@compiled()
def pair_counts(texts: Shingled, left: Int64s, right: Int64s) -> Int64s:
    """For each pair of texts the distinct shingles of the one, of the other and of both, as int64[n_pairs, 3]."""
    counts = np.empty((left.size, 3), np.int64)
    for pair in range(left.size):
        counts[pair] = distinct_counts(hashes_of(texts, left[pair]), hashes_of(texts, right[pair]))
    return counts
