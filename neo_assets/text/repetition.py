"""How much of a document is repetition: its commonest n-grams, and its repeated n-grams (Gopher, MassiveText).

A document is a sequence of units (words or characters) given as ids, and `ends`, where `ends[i]` is the number of
characters in the first i units. An n-gram can only be repeated where both (n-1)-grams in it are, so each length looks
at what the one before left over; and it is named by the pair of those, so n-grams are compared exactly, without hash
collisions. Linear in the units, and for text without much repetition about the cost of two lengths alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, slots_for
from neo_assets.text.counts import DUPLICATE_NGRAMS, TOP_NGRAMS

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

N_SHARES = len(TOP_NGRAMS) + len(DUPLICATE_NGRAMS)
_LONGEST_TOP, _LONGEST = TOP_NGRAMS[-1], DUPLICATE_NGRAMS[-1]
_WIDTH = np.uint64(32)


@compiled()
def number_units(hashes: UInt64s, ids: Int32s, counts: Int32s) -> int:
    """Writes the number of each unit, in order of first occurrence, and how often each number occurs.

    `ids` and `counts` have room for all units. Gives the number of different ones.
    """
    size = slots_for(hashes.size)
    mask = np.uint64(size - 1)
    number_in = np.zeros(size, np.int32)  # number + 1; 0 is an empty slot
    first = np.empty(hashes.size, np.uint64)
    n_distinct = 0
    for i in range(hashes.size):
        slot = hashes[i] & mask
        while number_in[slot] != 0 and first[number_in[slot] - 1] != hashes[i]:
            slot = (slot + ONE) & mask
        if number_in[slot] == 0:
            first[n_distinct] = hashes[i]
            counts[n_distinct] = 0
            n_distinct += 1
            number_in[slot] = n_distinct
        ids[i] = number_in[slot] - 1
        counts[ids[i]] += 1
    return n_distinct


@compiled()
def repetition_shares(ids: Int32s, counts: Int32s, ends: Int64s, shares: Floats) -> None:
    """Writes the `N_SHARES` shares of characters: in the commonest 2-, 3- and 4-gram, in repeated 5- to 10-grams.

    The commonest n-gram counts if it occurs twice, the earliest of equally common ones; overlaps count once.

    Args:
        ids: number of each unit, from 0 without gaps.
        counts: occurrences of each number.
        ends: as in the module's description; one longer than `ids`.
    """
    shares.fill(0.0)
    n_chars = ends[ids.size]
    if n_chars == 0:
        return
    # Where repeated n-grams start, ascending, and the number of each; at first those of one unit.
    places, numbers = np.empty(ids.size, np.int32), np.empty(ids.size, np.int32)
    n_places = 0
    for i in range(ids.size):
        if counts[ids[i]] > 1:
            places[n_places], numbers[n_places] = i, ids[i]
            n_places += 1
    pairs = np.empty(n_places, np.uint64)
    occurrences = np.empty(n_places, np.int32)
    scratch = Scratch(np.empty(slots_for(n_places), np.int32), np.empty(n_places, np.uint64))
    for n in range(2, _LONGEST + 1):
        n_pairs = 0
        for k in range(n_places - 1):
            if places[k + 1] == places[k] + 1:
                pairs[n_pairs] = (np.uint64(numbers[k]) << _WIDTH) | np.uint64(numbers[k + 1])
                places[n_pairs] = places[k]
                n_pairs += 1
        if n_pairs == 0:
            return
        n_distinct = _number_pairs(pairs[:n_pairs], numbers, occurrences, scratch)
        if n <= _LONGEST_TOP:
            covered = _top_chars(numbers[:n_pairs], occurrences[:n_distinct], places[:n_pairs], ends, n)
        else:
            covered = _repeated_chars(numbers[:n_pairs], occurrences[:n_distinct], places[:n_pairs], ends, n)
        shares[n - 2] = covered / n_chars
        n_places = 0
        for k in range(n_pairs):
            if occurrences[numbers[k]] > 1:
                places[n_places], numbers[n_places] = places[k], numbers[k]
                n_places += 1


class Scratch(NamedTuple):
    """Memory of a hash table: slots (number + 1, or 0 for empty), and the key of each number."""

    slots: Int32s
    keys: UInt64s


@compiled()
def _number_pairs(pairs: UInt64s, numbers: Int32s, occurrences: Int32s, scratch: Scratch) -> int:
    """As `number_units`, for pairs, whose low bits are not spread."""
    slots, keys = scratch.slots[: slots_for(pairs.size)], scratch.keys
    slots.fill(0)
    n_bits = 0
    while (1 << n_bits) < slots.size:
        n_bits += 1
    shift, mask = np.uint64(64 - n_bits), np.uint64(slots.size - 1)
    n_distinct = 0
    for i in range(pairs.size):
        slot = (pairs[i] * BASE) >> shift
        number = slots[slot] - 1
        while number >= 0 and keys[number] != pairs[i]:
            slot = (slot + ONE) & mask
            number = slots[slot] - 1
        if number < 0:
            number = n_distinct
            keys[number] = pairs[i]
            occurrences[number] = 0
            n_distinct += 1
            slots[slot] = n_distinct
        numbers[i] = number
        occurrences[number] += 1
    return n_distinct


@compiled()
def _top_chars(numbers: Int32s, occurrences: Int32s, places: Int32s, ends: Int64s, n: int) -> int:
    """Characters in the commonest n-gram, overlaps counted once; 0 if none occurs twice."""
    best = 0
    for number in range(occurrences.size):  # numbers are in order of first occurrence
        if occurrences[number] > occurrences[best]:
            best = number
    if occurrences[best] < 2:
        return 0
    covered, reach = 0, 0
    for k in range(places.size):
        if numbers[k] == best:
            start = int(places[k])
            covered += ends[start + n] - ends[max(start, reach)]
            reach = start + n
    return covered


@compiled()
def _repeated_chars(numbers: Int32s, occurrences: Int32s, places: Int32s, ends: Int64s, n: int) -> int:
    """Characters in n-grams that occur twice or more, overlaps counted once."""
    covered, reach = 0, 0
    for k in range(places.size):
        if occurrences[numbers[k]] > 1:
            start = int(places[k])
            covered += ends[start + n] - ends[max(start, reach)]
            reach = start + n
    return covered
