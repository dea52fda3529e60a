"""A Bloom filter for a stream of unknown length: a slice that is full is followed by one of twice the capacity.

Slice i errs at error_rate·(1 - TIGHTENING)·TIGHTENING^i, so all together err at no more than `error_rate`, whatever
their number. Almeida, Baquero, Preguiça, Hutchison: Scalable Bloom Filters (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.dedup.bloom import BloomFilter, held_by_any
from neo_assets.dedup.bloom_bits import UInt64s, add_new

GROWTH = 2
TIGHTENING = 0.9
"""That of pybloom-live, MAP-Neo's library."""
INITIAL_CAPACITY = 100_000
ERROR_RATE = 0.001
"""MAP-Neo Matrix, Chinese exact deduplication."""


class Slice(NamedTuple):
    """One filter of a `ScalableBloom`, sized for so many keys."""

    filter: BloomFilter
    capacity: int
    error_rate: float


@dataclass(eq=False)
class ScalableBloom:
    """Slices, the last of which takes new keys."""

    slices: tuple[Slice, ...]

    @classmethod
    def sized(cls, initial_capacity: int = INITIAL_CAPACITY, error_rate: float = ERROR_RATE) -> ScalableBloom:
        """An empty filter.

        Raises:
            ValueError: no capacity, or a rate not between 0 and 1.
        """
        if initial_capacity < 1:
            raise ValueError(f"a first slice for {initial_capacity} keys: give initial_capacity >= 1")
        return cls((_slice(initial_capacity, error_rate * (1 - TIGHTENING)),))

    @property
    def n_added(self) -> int:
        """Keys that were new to it."""
        return sum(one.filter.n_added for one in self.slices)

    @property
    def error_rate(self) -> float:
        """The share of other keys that it takes for known, at most: the sum over its slices."""
        return sum(one.error_rate for one in self.slices)

    def add(self, keys: UInt64s) -> None:
        """Adds the keys that it does not hold, in order: the result does not depend on how a stream is cut.

        Linear in keys × slices; there are log2(keys / initial capacity) of these.
        """
        while len(keys):
            keys = keys[~held_by_any((one.filter for one in self.slices[:-1]), keys)]
            newest, capacity, error_rate = self.slices[-1]
            dealt_with, added = add_new(newest.words, newest.n_hashes, keys, capacity - newest.n_added)
            newest.n_added += added
            keys = keys[dealt_with:]
            if len(keys):
                self.slices = (*self.slices, _slice(capacity * GROWTH, error_rate * TIGHTENING))

    def holds(self, keys: UInt64s) -> npt.NDArray[np.bool_]:
        """For each key, whether it may have been added: true for all that were."""
        return held_by_any((one.filter for one in self.slices), keys)

    def merged(self, other: ScalableBloom) -> ScalableBloom:
        """The filter of both sets: the slices of both, so it errs at no more than the sum of both rates."""
        return ScalableBloom(tuple(_copied(one) for one in (*self.slices, *other.slices)))


def _slice(capacity: int, error_rate: float) -> Slice:
    return Slice(BloomFilter.sized(capacity, error_rate), capacity, error_rate)


def _copied(one: Slice) -> Slice:
    held = one.filter
    return Slice(BloomFilter(held.words.copy(), held.n_hashes, held.n_added), one.capacity, one.error_rate)
