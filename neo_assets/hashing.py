"""The 64-bit hashing that the compiled text loops share: a finaliser, and open-addressing tables of non-zero keys."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

UInt64s = npt.NDArray[np.uint64]

BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier of the polynomial hashes: 2^64 over the golden ratio."""
_MIX_1 = np.uint64(0xFF51AFD7ED558CCD)
_MIX_2 = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(33)
ONE = np.uint64(1)
EMPTY = np.uint64(0)


@compiled(inline="always")
def mix64(h: np.uint64) -> np.uint64:
    """MurmurHash3's 64-bit finaliser, a bijection."""
    h = (h ^ (h >> _SHIFT)) * _MIX_1
    h = (h ^ (h >> _SHIFT)) * _MIX_2
    return h ^ (h >> _SHIFT)


@compiled(inline="always")
def key64(h: np.uint64) -> np.uint64:
    """The finaliser, never 0: 0 marks an empty slot of a table."""
    h = mix64(h)
    return h if h != EMPTY else ONE


@compiled()
def slots_for(n_keys: int) -> int:
    """A power of two that leaves a table of so many keys at most half full."""
    size = 8
    while size < 2 * n_keys:
        size *= 2
    return size


@compiled(inline="always")
def slot_of(keys: UInt64s, key: np.uint64) -> np.uint64:
    """Where the key is, or would be, in an open-addressing table of a power of two slots."""
    mask = np.uint64(keys.size - 1)
    slot = key & mask
    while keys[slot] != EMPTY and keys[slot] != key:
        slot = (slot + ONE) & mask
    return slot


@compiled()
def table_of(keys: UInt64s) -> UInt64s:
    """An open-addressing table that holds these non-zero keys, for `holds`."""
    table = np.zeros(slots_for(keys.size), np.uint64)
    for key in keys:
        table[slot_of(table, key)] = key
    return table


@compiled(inline="always")
def holds(table: UInt64s, key: np.uint64) -> bool:
    """Whether the table has the key."""
    return bool(table[slot_of(table, key)] == key)
