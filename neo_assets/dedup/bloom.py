"""Bloom filters of text digests: a set in a few bits a text, which never misses and errs at a designed rate.

A filter of n texts and error rate p has k = log2(1/p) hashes and 1.44·n·k bits: 14.4 bits a text at 0.001, 1.8 MB for a
million. What it was given it always holds; of other texts it takes the share p for known. Bloom (1970).

`slice_error` divides one rate among filters whose number nobody knows, such as those of crawl days, as Almeida,
Baquero, Preguiça and Hutchison (2007) do among the slices of a scalable filter (`scalable_bloom`): a new text is taken
for known by any of them no more often than at that rate.
"""

from __future__ import annotations

import hashlib
import math
import mmap
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.dedup.bloom_bits import UInt64s, have_bits, read_keys, set_bits

MAGIC = b"neobloom"
VERSION = 1
_HEADER = struct.Struct("<8sIIQQ")
"""Magic, version, hashes, 64-bit words, keys added; the words follow, and the SHA-256 of all that precedes it."""
_SEAL_BYTES = hashlib.sha256().digest_size
_WORD_BITS = 64


class CorruptFilter(ValueError):
    """Bytes that are no filter of this version, or not the ones that were written."""


@dataclass(eq=False)
class BloomFilter:
    """A filter with its bits in 64-bit words. `n_added` counts the keys given to it, repeated ones too."""

    words: UInt64s
    n_hashes: int
    n_added: int = 0

    @classmethod
    def sized(cls, n_texts: int, error_rate: float) -> BloomFilter:
        """An empty filter that, holding so many texts, errs at no more than the rate.

        It has one bit more for each hash than the formula for large n: of few texts the fill varies, and so the error.
        """
        if n_texts < 0 or not 0 < error_rate < 1:
            raise ValueError(f"a filter of {n_texts} texts at {error_rate}: give n_texts >= 0, 0 < error_rate < 1")
        best = math.log2(1 / error_rate)
        choices = ((_bits(n_texts, n, error_rate), n) for n in {max(1, math.floor(best)), max(1, math.ceil(best))})
        n_bits, n_hashes = min(choices)
        return cls(np.zeros(max(1, -(-n_bits // _WORD_BITS)), np.uint64), n_hashes)

    @property
    def n_bits(self) -> int:
        """Bits it has."""
        return int(self.words.size) * _WORD_BITS

    @property
    def fill(self) -> float:
        """Share of its bits that are set."""
        return int(np.bitwise_count(self.words).sum(dtype=np.int64)) / self.n_bits

    @property
    def designed_error(self) -> float:
        """The share of other keys that it takes for known, as its fill tells: fill to the power of hashes."""
        return self.fill**self.n_hashes

    @property
    def estimated_count(self) -> float:
        """Different keys in it, estimated from the fill; infinite where every bit is set."""
        fill = self.fill
        return math.inf if fill == 1 else -self.n_bits / self.n_hashes * math.log1p(-fill)

    def add(self, keys: UInt64s) -> None:
        """Adds keys (`keys_of`), in any order and with repeats."""
        set_bits(self.words, self.n_hashes, keys)
        self.n_added += len(keys)

    def holds(self, keys: UInt64s) -> npt.NDArray[np.bool_]:
        """For each key, whether it may have been added: true for all that were."""
        return have_bits(self.words, self.n_hashes, keys)

    def merged(self, other: BloomFilter) -> BloomFilter:
        """The filter of both sets, as if built from all keys.

        Raises:
            ValueError: they differ in geometry.
        """
        if (self.words.size, self.n_hashes) != (other.words.size, other.n_hashes):
            raise ValueError(
                f"filters of {self.n_bits} bits, {self.n_hashes} hashes and {other.n_bits} bits, {other.n_hashes} "
                "hashes do not merge: size both alike, or ask both"
            )
        return BloomFilter(self.words | other.words, self.n_hashes, self.n_added + other.n_added)

    def measured_error(self, n_probes: int, seed: int) -> float:
        """The share of random keys that it takes for known; its standard error is sqrt(p(1 - p) / n_probes)."""
        keys = np.random.PCG64(seed).random_raw((n_probes, 2))  # one in 2^128 is in the set
        return float(self.holds(keys).mean())

    def to_bytes(self) -> bytes:
        """Header, words (little-endian), SHA-256: the same for the same keys, whatever their order."""
        body = _HEADER.pack(MAGIC, VERSION, self.n_hashes, self.words.size, self.n_added)
        body += self.words.astype("<u8").tobytes()
        return body + hashlib.sha256(body).digest()

    @classmethod
    def from_bytes(cls, data: bytes | mmap.mmap) -> BloomFilter:
        """The filter written by `to_bytes`; its words are those of `data`, not a copy.

        Raises:
            CorruptFilter: the bytes are foreign, cut off or changed.
        """
        n_hashes, n_words, n_added = _checked(memoryview(data))
        return cls(np.frombuffer(data, "<u8", n_words, _HEADER.size).astype(np.uint64, copy=False), n_hashes, n_added)

    @classmethod
    def open(cls, path: str) -> BloomFilter:
        """The filter in a file, mapped into memory: processes share it, and nobody can add to it.

        Raises:
            CorruptFilter: as `from_bytes`, and names the file.
        """
        with Path(path).open("rb") as stream:
            try:
                if not Path(path).stat().st_size:
                    raise CorruptFilter("an empty file")
                return cls.from_bytes(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
            except CorruptFilter as error:
                raise CorruptFilter(f"{path}: {error}") from error


def keys_of(digests: pa.Array) -> UInt64s:
    """Keys as uint64[n, 2] from SHA-256 digests in lower-case hexadecimal; nulls are left out.

    Raises:
        ValueError: a digest that is none.
    """
    column = digests.drop_null().cast(pa.large_string())
    if not len(column):
        return np.zeros((0, 2), np.uint64)
    _, ends, digits = column.buffers()
    starts = np.frombuffer(ends, np.int64, len(column) + 1, column.offset * 8)
    keys, bad = read_keys(np.frombuffer(digits or b"", np.uint8), starts)
    if bad >= 0:
        raise ValueError(f"{column[bad].as_py()!r} is no SHA-256 digest; make the digests with TextDigests")
    return keys


def build_filter(batches: Iterable[pa.Array], n_texts: int, error_rate: float) -> BloomFilter:
    """The filter of digests that come in batches. Memory: the filter and one batch.

    Raises:
        ValueError: there are more than `n_texts`, for which it is sized.
    """
    filter_ = BloomFilter.sized(n_texts, error_rate)
    for digests in batches:
        filter_.add(keys_of(digests))
        if filter_.n_added > n_texts:
            raise ValueError(f"more than the {n_texts} texts for which the filter is sized: count the rows anew")
    return filter_


def held_by_any(filters: Iterable[BloomFilter], keys: UInt64s) -> npt.NDArray[np.bool_]:
    """For each key, whether one of the filters takes it for known. Those that one knows are not asked again."""
    found = np.zeros(len(keys), np.bool_)
    for one in filters:
        unknown = np.flatnonzero(~found)
        found[unknown] = one.holds(keys[unknown])
    return found


def slice_error(total: float, index: int) -> float:
    """The rate of the filter number `index` (from 0): 6/π²·total/(index + 1)², which sums to `total` over all."""
    return total * 6 / (math.pi * (index + 1)) ** 2


def describe(filter_: BloomFilter, error_rate: float, probes: int, seed: int) -> dict[str, int | float]:
    """What is worth knowing of a filter: its texts, memory, and error as wanted, as its fill tells, as measured."""
    return {
        "texts": filter_.n_added,
        "bits": filter_.n_bits,
        "bits_per_text": round(filter_.n_bits / max(filter_.n_added, 1), 3),
        "hashes": filter_.n_hashes,
        "fill": filter_.fill,
        "error_wanted": error_rate,
        "error_designed": filter_.designed_error,
        "error_measured": filter_.measured_error(probes, seed),
        "error_probes": probes,
    }


def _bits(n_texts: int, n_hashes: int, error_rate: float) -> int:
    """Bits at which so many texts with so many hashes err at the rate."""
    return math.ceil(-n_texts * n_hashes / math.log1p(-(error_rate ** (1 / n_hashes)))) + n_hashes


def _checked(data: memoryview) -> tuple[int, int, int]:
    """Hashes, words and keys added, of bytes whose seal is whole."""
    if len(data) < _HEADER.size or bytes(data[: len(MAGIC)]) != MAGIC:
        raise CorruptFilter("not a Bloom filter file")
    _, version, n_hashes, n_words, n_added = _HEADER.unpack_from(data)
    expected = _HEADER.size + 8 * n_words + _SEAL_BYTES
    if version != VERSION:
        raise CorruptFilter(f"a Bloom filter of format {version}, where {VERSION} is read")
    if len(data) != expected or not n_words or not n_hashes:
        raise CorruptFilter(f"{len(data)} bytes, where its header says {expected}: cut off or changed")
    if hashlib.sha256(data[:-_SEAL_BYTES]).digest() != bytes(data[-_SEAL_BYTES:]):
        raise CorruptFilter("its SHA-256 does not fit its bytes: changed since it was written")
    return n_hashes, n_words, n_added
