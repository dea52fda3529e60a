"""How much of a document is repetition: its commonest n-grams, and its repeated n-grams (Gopher, MassiveText).

A document is a sequence of units (words or characters) given as ids, and `ends`, where `ends[i]` is the number of
characters in the first i units. An n-gram can only be repeated where both (n-1)-grams in it are, so each length looks
at what the one before left over; and it is named by the pair of those, so n-grams are compared exactly, without hash
collisions. Linear in the units, and for text without much repetition about the cost of two lengths alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import ONE, mix64, slots_for
from neo_assets.text.counts import DUPLICATE_NGRAMS, TOP_NGRAMS

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

N_SHARES = len(TOP_NGRAMS) + len(DUPLICATE_NGRAMS)
_LONGEST_TOP, _SHORTEST_DUPLICATE, _LONGEST = TOP_NGRAMS[-1], DUPLICATE_NGRAMS[0], DUPLICATE_NGRAMS[-1]
_WIDTH = np.uint64(32)
_NONE = np.int32(-1)


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
    shares[:] = 0.0
    n_units = ids.size
    n_chars = ends[n_units]
    if n_chars == 0:
        return
    groups = np.empty(n_units, np.int32)  # which repeated n-gram starts at each unit, or none
    for i in range(n_units):
        groups[i] = ids[i] if counts[ids[i]] > 1 else _NONE
    places = np.empty(n_units, np.int32)  # where repeated n-grams start, ascending
    for n in range(2, _LONGEST + 1):
        n_places, n_groups = 0, 0
        for i in range(n_units - n + 1):
            if groups[i] != _NONE and groups[i + 1] != _NONE:
                places[n_places] = i
                n_places += 1
        if n_places == 0:
            return
        found = places[:n_places]
        pairs = np.empty(n_places, np.uint64)
        for k in range(n_places):
            pairs[k] = (np.uint64(groups[found[k]]) << _WIDTH) | np.uint64(groups[found[k] + 1])
        numbers = np.empty(n_places, np.int32)
        occurrences = np.empty(n_places, np.int32)
        n_groups = _number_pairs(pairs, numbers, occurrences)
        if n <= _LONGEST_TOP:
            shares[n - 2] = _top_chars(numbers, occurrences[:n_groups], found, ends, n) / n_chars
        else:
            shares[n - 2] = _repeated_chars(numbers, occurrences, found, ends, n) / n_chars
        groups[:] = _NONE
        for k in range(n_places):
            if occurrences[numbers[k]] > 1:
                groups[found[k]] = numbers[k]


@compiled()
def _number_pairs(pairs: UInt64s, numbers: Int32s, occurrences: Int32s) -> int:
    """As `number_units`, for pairs, whose low bits are not spread."""
    size = slots_for(pairs.size)
    mask = np.uint64(size - 1)
    number_in = np.zeros(size, np.int32)
    first = np.empty(pairs.size, np.uint64)
    n_distinct = 0
    for i in range(pairs.size):
        slot = mix64(pairs[i]) & mask
        while number_in[slot] != 0 and first[number_in[slot] - 1] != pairs[i]:
            slot = (slot + ONE) & mask
        if number_in[slot] == 0:
            first[n_distinct] = pairs[i]
            occurrences[n_distinct] = 0
            n_distinct += 1
            number_in[slot] = n_distinct
        numbers[i] = number_in[slot] - 1
        occurrences[numbers[i]] += 1
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
