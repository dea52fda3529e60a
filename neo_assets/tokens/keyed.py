"""Keyed hashes: all randomness of the tokens area, drawn from the recipe's seed and stable ids only."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
import numpy.typing as npt

WORD = 1 << 64


def key(*parts: str | int) -> bytes:
    """16 bytes that differ for different lists of parts (each is written with its length, so no two lists collide)."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = str(part).encode("utf-8", "surrogatepass")
        hasher.update(struct.pack("<Q", len(data)) + data)
    return hasher.digest()


def uniform(text: str, key_bytes: bytes) -> int:
    """A 64-bit number, uniform over texts, that depends on the text and the key alone (BLAKE2b)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=key_bytes).digest()
    return int.from_bytes(digest, "little")


def counter_hashes(key_bytes: bytes, n: int, first: int = 0) -> npt.NDArray[np.uint64]:
    """128-bit hashes of the numbers `first` to `first + n - 1`, as an array of shape (n, 2).

    A number's hash depends on the key and the number alone: it is the output of the counter-based generator
    Philox4x64-10 (Salmon et al. 2011), whose stream NumPy guarantees. O(n), about 5 ns each.
    """
    low, high = struct.unpack("<QQ", key_bytes)
    # A block of four words is the hashes of two numbers.
    generator = np.random.Philox(key=np.array([low, high], np.uint64), counter=first // 2)
    skipped = first % 2
    words = np.asarray(generator.random_raw(2 * (n + skipped)), np.uint64)
    return words.reshape(-1, 2)[skipped:]
