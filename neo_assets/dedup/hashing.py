"""The compiled loops of MinHash: reducing code points, hashing shingles, taking minima, hashing bands.

A shingle c_1 … c_w hashes to the MurmurHash3 64-bit finaliser of Σ (c_i + 1)·B^(w-i) mod 2^64, which rolls along the
text; MinHash takes its lower 32 bits. From there signatures equal those of `datasketch.MinHash(scheme="affine32")`: the
hash is mixed once by MurmurHash3's 32-bit finaliser h, and value j is the minimum of a_j·h + b_j mod 2^32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, mix64

UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

_DELETE, _SPACE = 1, 2
_BLANK = np.uint32(32)
_UNROLL = 8


@compiled()
def _mix32(h: np.uint32) -> np.uint32:
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@compiled()
def compact(points: UInt32s, offsets: Int64s, actions: npt.NDArray[np.uint8]) -> tuple[UInt32s, Int64s]:
    """(points, offsets) without deleted points, whitespace collapsed to one space and trimmed."""
    kept = np.empty(points.size + 1, np.uint32)
    ends = np.zeros(offsets.size, np.int64)
    size = 0
    for text in range(offsets.size - 1):
        start = size
        last = _BLANK
        for point in points[offsets[text] : offsets[text + 1]]:  # without branches: spaces are unpredictable
            action = actions[point]
            written = _BLANK if action == _SPACE else point
            keep = (action != _DELETE) & ((written != _BLANK) | (last != _BLANK))
            kept[size] = written
            size += keep
            last = written if keep else last
        if size > start and last == _BLANK:
            size -= 1
        ends[text + 1] = size
    return kept[:size].copy(), ends


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
def signatures(
    points: UInt32s, offsets: Int64s, shingle_chars: int, a: UInt32s, b: UInt32s
) -> tuple[UInt32s, npt.NDArray[np.int32]]:
    """(signatures as uint32[n_texts, len(a)], shingles per text as int32)."""
    n_texts = offsets.size - 1
    found = np.full((n_texts, a.size), np.uint32(0xFFFFFFFF), np.uint32)
    n_shingles = np.zeros(n_texts, np.int32)
    for text in range(n_texts):
        hashes = shingle_hashes(points[offsets[text] : offsets[text + 1]], shingle_chars)
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
