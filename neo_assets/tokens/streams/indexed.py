"""Megatron's `IndexedDataset` files, byte for byte: `.bin` holds tokens, `.idx` says where each document lies.

`.idx`: magic `MMIDIDX\\0\\0`, version 1 (u64), dtype code (u8), number of sequences (u64), number of document
boundaries (u64), then sequence lengths (i32), byte offsets (i64) and document boundaries (i64), all little-endian.
Here every document is one sequence. Source: megatron-core 0.16.1, `megatron/core/datasets/indexed_dataset.py`.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

MAGIC = b"MMIDIDX\x00\x00"
DTYPE_CODES: dict[np.dtype[Any], int] = {np.dtype("<i4"): 4, np.dtype("<u2"): 8}
MAX_DOCUMENT_TOKENS = (1 << 31) - 1
UINT16_LIMIT = 65_500  # Megatron's own, in DType.optimal_dtype


def token_dtype(n_ids: int) -> np.dtype[Any]:
    """The stored type of tokens: uint16 below 65,500 ids, else int32 (Megatron's rule; it knows no uint32)."""
    return np.dtype("<u2") if n_ids < UINT16_LIMIT else np.dtype("<i4")


def index_bytes(lengths: npt.NDArray[np.int64], dtype: np.dtype[Any]) -> bytes:
    """The `.idx` file for documents of these token counts.

    Raises:
        ValueError: a document has 2**31 tokens or more, which the format cannot hold.
    """
    if lengths.size and int(lengths.max()) > MAX_DOCUMENT_TOKENS:
        raise ValueError(f"a document of {int(lengths.max())} tokens does not fit the format; split it upstream")
    pointers = np.zeros(len(lengths), "<i8")
    np.cumsum(lengths[:-1] * dtype.itemsize, out=pointers[1:])
    header = MAGIC + struct.pack("<QBQQ", 1, DTYPE_CODES[dtype], len(lengths), len(lengths) + 1)
    boundaries = np.arange(len(lengths) + 1, dtype="<i8")
    return header + lengths.astype("<i4").tobytes() + pointers.tobytes() + boundaries.tobytes()
