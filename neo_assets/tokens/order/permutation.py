"""A permutation of one epoch in bounded memory: sequences by their 128-bit hashes, one range of hashes after another.

The hashes are those of a counter-based generator, so a pass over them reads nothing. An epoch larger than memory is
drawn in several passes, each of which sorts the sequences whose hashes lie in the next range. The ranges, and with them
the memory, do not change the result.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from neo_assets.tokens.keyed import WORD, counter_hashes

BLOCK = 1 << 18
"""Hashes drawn at a time; a multiple of 8."""
PREFIX_BITS = 16

Ints = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Reading:
    """One reading of a subset's n sequences: all of them, or those `rows` with the smallest hashes under `chosen_by`.

    `subset` and `repeat` are its names; `ordered_by` is the key of the hashes that decide where the sequences stand.
    """

    subset: int
    repeat: int
    n: int
    rows: int
    ordered_by: bytes
    chosen_by: bytes


def permuted(readings: Sequence[Reading], memory_rows: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Subset, sequence and repeat of every row of the readings, in the order of their hashes, portion by portion.

    Equal hashes keep the order of readings and sequences. At most about `memory_rows` rows are in memory, of 80 bytes
    each, and one bit for each sequence of a reading that is not whole.

    O(rows × passes), about 10 ns each, with rows / memory_rows passes.
    """
    chosen = [None if r.rows == r.n else smallest(r.chosen_by, r.n, r.rows) for r in readings]
    subset, repeat = (np.array([getattr(r, name) for r in readings], np.int64) for name in ("subset", "repeat"))
    total = sum(r.rows for r in readings)
    n_ranges = -(-total // memory_rows)
    for number in range(n_ranges):
        first, last = (number * WORD // n_ranges, (number + 1) * WORD // n_ranges - 1)
        parts = [_in_range(r, bits, first, last) for r, bits in zip(readings, chosen, strict=True)]
        place = _by_hash(np.concatenate([hashes for _, hashes in parts]))
        sizes = [len(sequences) for sequences, _ in parts]
        of_reading = np.repeat(np.arange(len(readings), dtype=np.int32), sizes)[place]
        sequences = np.concatenate([sequences for sequences, _ in parts])[place]
        del parts, place
        yield subset[of_reading], sequences, repeat[of_reading]


def _in_range(reading: Reading, bits: Bits | None, first: int, last: int) -> tuple[Ints, Hashes]:
    """The reading's sequences whose hashes begin between `first` and `last`, ascending, and those hashes."""
    sequences, found = [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)]
    for start, hashes in _blocks(reading.ordered_by, reading.n):
        inside = (hashes[:, 0] >= np.uint64(first)) & (hashes[:, 0] <= np.uint64(last))
        if bits is not None:
            inside &= np.unpackbits(bits[start // 8 : (start + BLOCK) // 8], count=len(hashes)).view(bool)
        at = np.flatnonzero(inside)
        sequences.append(at + start)
        found.append(hashes[at])
    return np.concatenate(sequences), np.concatenate(found)


def smallest(key_bytes: bytes, n: int, rows: int) -> Bits:
    """A bit for each of the numbers 0 to n - 1: whether its hash is among the `rows` smallest (of equal ones, the
    first numbers), packed as by `numpy.packbits`. O(n); memory n / 8 bytes."""
    shift = np.uint64(64 - PREFIX_BITS)
    counts = np.zeros(1 << PREFIX_BITS, np.int64)
    for _, hashes in _blocks(key_bytes, n):
        counts += np.bincount((hashes[:, 0] >> shift).astype(np.int64), minlength=len(counts))
    # All numbers of smaller prefixes are in; of those that share the last prefix, only the smallest.
    prefix = int(np.searchsorted(np.cumsum(counts), rows))
    before = int(counts[:prefix].sum())
    packed, at, found = [np.empty(0, np.uint8)], [np.empty(0, np.int64)], [np.empty((0, 2), np.uint64)]
    for start, hashes in _blocks(key_bytes, n):
        prefixes = (hashes[:, 0] >> shift).astype(np.int64)
        packed.append(np.packbits(prefixes < prefix))
        of_last = np.flatnonzero(prefixes == prefix)
        at.append(of_last + start)
        found.append(hashes[of_last])
    bits = np.concatenate(packed)
    more = np.concatenate(at)[_by_hash(np.concatenate(found))[: rows - before]]
    np.bitwise_or.at(bits, more >> 3, (128 >> (more & 7)).astype(np.uint8))
    return bits


def _blocks(key_bytes: bytes, n: int) -> Iterator[tuple[int, Hashes]]:
    for start in range(0, n, BLOCK):
        yield start, counter_hashes(key_bytes, min(BLOCK, n - start), start)


def _by_hash(hashes: Hashes) -> Ints:
    """Row numbers in the order of their 128-bit hashes; equal hashes keep their order."""
    place = np.argsort(hashes[:, 0], kind="stable")
    first = hashes[place, 0]
    if (first[1:] == first[:-1]).any():  # one in 2^64 pairs: sorting by one key takes half the time
        place = np.lexsort((hashes[:, 1], hashes[:, 0]))
    return np.asarray(place, np.int64)
