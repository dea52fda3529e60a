"""The compiled loops of BPE merging: symbols to fewer symbols.

A *symbol* is a number: the id of a piece, or a number after the last id for a character that pieces hold but that is
no piece itself. Two symbols merge where they make a piece; of all pairs that can, the one with the best score merges
first, the leftmost among equals (SentencePiece 0.2.3, `bpe_model.cc`). Ranks are scores in order: the best has rank 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled

Array = npt.NDArray[Any]
Integer = Any
"""Python's or NumPy's, which are one in compiled code: 64 bits."""

SYMBOL_BITS = 20
MAX_SYMBOLS = 1 << SYMBOL_BITS
LONGEST_SCANNED = 40  # above, a heap is faster than looking through all pairs
_MERGED = MAX_SYMBOLS - 1
_NEVER = np.iinfo(np.int32).max
_MIX = -7046029254386353131  # 2**64 / golden ratio


@compiled(inline="always")
def place(left: Integer, right: Integer) -> Integer:
    """A hash of a pair of symbols, 32 bits."""
    mixed = ((left << SYMBOL_BITS) | right) * _MIX
    return (mixed >> 29) & 0xFFFFFFFF


@compiled()
def fill_merges(merges: Array, lefts: Array, rights: Array, merged: Array) -> None:
    """Enters rules into an open-addressing table of `int64`, all -1 before; its size is a power of two.

    An entry is left << 40 | right << 20 | merged.
    """
    mask = len(merges) - 1
    for i in range(len(lefts)):
        left, right = np.int64(lefts[i]), np.int64(rights[i])
        slot = place(left, right) & mask
        while merges[slot] != -1:
            slot = (slot + 1) & mask
        merges[slot] = (((left << SYMBOL_BITS) | right) << SYMBOL_BITS) | np.int64(merged[i])


@compiled()
def fill_joints(joints: Array, lefts: Array, rights: Array) -> None:
    """Sets the bits of pairs of characters that stand side by side in a piece; others may share them."""
    mask = len(joints) * 8 - 1
    for i in range(len(lefts)):
        bit = place(np.int64(lefts[i]), np.int64(rights[i])) & mask
        joints[bit >> 3] |= np.uint8(1 << (bit & 7))


@compiled()
def _merge_of(merges: Array, left: Integer, right: Integer) -> Integer:
    """The symbol that two make, or -1."""
    mask = len(merges) - 1
    pair = (left << SYMBOL_BITS) | right
    slot = place(left, right) & mask
    while True:
        entry = merges[slot]
        if entry == -1:
            return -1
        if entry >> SYMBOL_BITS == pair:
            return entry & _MERGED
        slot = (slot + 1) & mask


@compiled()
def merge(symbols: Array, n: Integer, merges: Array, ranks: Array, pairs: Array) -> Integer:
    """Merges the first n symbols in place as far as they go, and gives how many remain.

    Args:
        pairs: room for n symbols.
    """
    if n == 2:
        merged = _merge_of(merges, np.int64(symbols[0]), np.int64(symbols[1]))
        if merged < 0:
            return 2
        symbols[0] = merged
        return 1
    if n <= LONGEST_SCANNED:
        return _merge_scanning(symbols, n, merges, ranks, pairs)
    return _merge_with_heap(symbols, n, merges, ranks, pairs)


@compiled()
def _merge_scanning(symbols: Array, n: Integer, merges: Array, ranks: Array, pairs: Array) -> Integer:
    """Merges the first n symbols in place, looking through all pairs each time; gives how many remain. O(n²)."""
    for i in range(n - 1):
        pairs[i] = _merge_of(merges, np.int64(symbols[i]), np.int64(symbols[i + 1]))
    while n > 1:
        best, at = _NEVER, -1
        for i in range(n - 1):
            if pairs[i] >= 0 and ranks[pairs[i]] < best:
                best, at = ranks[pairs[i]], i
        if at < 0:
            break
        symbols[at] = pairs[at]
        n -= 1
        for i in range(at + 1, n):
            symbols[i] = symbols[i + 1]
            pairs[i - 1] = pairs[i]
        if at > 0:
            pairs[at - 1] = _merge_of(merges, np.int64(symbols[at - 1]), np.int64(symbols[at]))
        if at < n - 1:
            pairs[at] = _merge_of(merges, np.int64(symbols[at]), np.int64(symbols[at + 1]))
    return n


@compiled()
def _push(heap: Array, n: Integer, key: Integer) -> Integer:
    """A binary heap with one key more; gives its size."""
    at = n
    while at > 0 and heap[(at - 1) >> 1] > key:
        heap[at] = heap[(at - 1) >> 1]
        at = (at - 1) >> 1
    heap[at] = key
    return n + 1


@compiled()
def _pop(heap: Array, n: Integer) -> Integer:
    """Takes the least key, which is `heap[0]`, off a binary heap; gives its size."""
    n -= 1
    key, at = heap[n], 0
    while 2 * at + 1 < n:
        child = 2 * at + 1
        if child + 1 < n and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = key
    return n


@compiled()
def _merge_with_heap(symbols: Array, n: Integer, merges: Array, ranks: Array, pairs: Array) -> Integer:
    """As `_merge_scanning`, with a heap of (rank, place) over linked symbols. O(n log n).

    A key is stale where the pair that begins at its place has another rank by now; such keys are passed over.
    """
    pairs[n - 1] = -1
    after, before = np.arange(1, n + 1), np.arange(-1, n - 1)
    heap = np.empty(3 * n, np.int64)
    size = 0
    for i in range(n - 1):
        pairs[i] = _merge_of(merges, np.int64(symbols[i]), np.int64(symbols[i + 1]))
        if pairs[i] >= 0:
            size = _push(heap, size, (np.int64(ranks[pairs[i]]) << 32) | i)
    while size > 0:
        rank, at = heap[0] >> 32, heap[0] & 0xFFFFFFFF
        size = _pop(heap, size)
        if pairs[at] < 0 or ranks[pairs[at]] != rank:
            continue
        gone = after[at]
        symbols[at], pairs[gone], symbols[gone] = pairs[at], -1, -1
        after[at] = after[gone]
        pairs[at] = -1
        if after[at] < n:
            before[after[at]] = at
            pairs[at] = _merge_of(merges, np.int64(symbols[at]), np.int64(symbols[after[at]]))
            if pairs[at] >= 0:
                size = _push(heap, size, (np.int64(ranks[pairs[at]]) << 32) | at)
        left = before[at]
        if left >= 0:
            pairs[left] = _merge_of(merges, np.int64(symbols[left]), np.int64(symbols[at]))
            if pairs[left] >= 0:
                size = _push(heap, size, (np.int64(ranks[pairs[left]]) << 32) | left)
    kept = 0
    for i in range(n):
        if symbols[i] >= 0:
            symbols[kept] = symbols[i]
            kept += 1
    return kept
