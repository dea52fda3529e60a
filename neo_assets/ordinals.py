"""Ordinal partition keys: `ckpt_001` is the first of its chain."""

from __future__ import annotations


def ordinal_key(prefix: str, index: int) -> str:
    """The key of the 0-based index."""
    return f"{prefix}_{index + 1:03d}"


def ordinal_index(key: str) -> int:
    """The 0-based index of a key such as `chunk_003`.

    Raises:
        ValueError: not an ordinal key.
    """
    prefix, _, number = key.rpartition("_")
    if not prefix or not number.isdigit() or int(number) < 1:
        raise ValueError(f"{key!r} is no ordinal partition key such as chunk_001")
    return int(number) - 1
