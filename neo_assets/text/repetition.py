"""How much of a document is repetition: its commonest n-gram, and its repeated n-grams (Gopher, MassiveText).

A document is a sequence of units (words or characters) given as integer ids, and `ends`, where `ends[i]` is the number
of characters in the first i units. N-grams are compared by a 64-bit hash: two different ones among a million collide
with a probability below 1e-7. Time and memory are linear in the units.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_HALF = np.uint64(33)
_ONE = np.uint64(1)


@njit(nogil=True, cache=True)
def _mix(h: np.uint64) -> np.uint64:
    """MurmurHash3's 64-bit finaliser; never 0, which marks an empty slot."""
    h = (h ^ (h >> _HALF)) * _MIX_1
    h = (h ^ (h >> _HALF)) * _MIX_2
    h ^= h >> _HALF
    return h if h != np.uint64(0) else _ONE


@njit(nogil=True, cache=True)
def _slots_for(n_keys: int) -> int:
    """A power of two that leaves a table of so many keys at most half full."""
    size = 8
    while size < 2 * n_keys:
        size *= 2
    return size


@njit(nogil=True, cache=True)
def _slot_of(keys: UInt64s, key: np.uint64) -> np.uint64:
    """Where the key is, or would be, in an open-addressing table."""
    mask = np.uint64(keys.size - 1)
    slot = key & mask
    while keys[slot] != np.uint64(0) and keys[slot] != key:
        slot = (slot + _ONE) & mask
    return slot


@njit(nogil=True, cache=True)
def _ngram_keys(ids: Int64s, n: int) -> UInt64s:
    """One non-zero 64-bit key for each n-gram, by a rolling polynomial."""
    n_grams = max(ids.size - n + 1, 0)
    keys = np.empty(n_grams, np.uint64)
    leaving = _ONE
    for _ in range(n):
        leaving *= _BASE
    rolling = np.uint64(0)
    for i in range(ids.size):
        rolling = rolling * _BASE + (np.uint64(ids[i]) + _ONE)
        if i >= n:
            rolling -= leaving * (np.uint64(ids[i - n]) + _ONE)
        if i >= n - 1:
            keys[i - n + 1] = _mix(rolling)
    return keys


@njit(nogil=True, cache=True)
def top_ngram_chars(ids: Int64s, ends: Int64s, n: int) -> int:
    """Characters covered by the commonest n-gram, overlaps counted once; 0 where none occurs twice.

    Of equally common n-grams the one that covers most characters counts.
    """
    keys = _ngram_keys(ids, n)
    size = _slots_for(keys.size)
    table = np.zeros(size, np.uint64)
    counts = np.zeros(size, np.int64)
    covered = np.zeros(size, np.int64)
    reach = np.zeros(size, np.int64)
    for i in range(keys.size):
        slot = _slot_of(table, keys[i])
        table[slot] = keys[i]
        counts[slot] += 1
        covered[slot] += ends[i + n] - ends[max(i, reach[slot])]
        reach[slot] = i + n
    best_count = 1
    best = 0
    for place in range(size):
        if counts[place] > best_count or (counts[place] == best_count > 1 and covered[place] > best):
            best_count = counts[place]
            best = covered[place]
    return best


@njit(nogil=True, cache=True)
def duplicate_ngram_chars(ids: Int64s, ends: Int64s, n: int) -> int:
    """Characters in n-grams that occurred before, overlaps counted once (the first occurrence is not counted)."""
    keys = _ngram_keys(ids, n)
    table = np.zeros(_slots_for(keys.size), np.uint64)
    reach = 0
    covered = 0
    for i in range(keys.size):
        slot = _slot_of(table, keys[i])
        if table[slot] == keys[i]:
            covered += ends[i + n] - ends[max(i, reach)]
            reach = i + n
        table[slot] = keys[i]
    return covered
