"""Packed columns: the numbers of a document as one binary value, little-endian, one after the other.

Rows of an index cost more than what is in them, so what the indexes of substrings say of a document stands in one row.
Only where it is compared with others does every number get a row of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Int64s = npt.NDArray[np.int64]


def packed(numbers: npt.NDArray[Any], bounds: Int64s) -> pa.Array:
    """Value i holds the numbers bounds[i] … bounds[i + 1] - 1. At most 2 GiB."""
    offsets = (bounds * numbers.itemsize).astype(np.int32)
    little = np.ascontiguousarray(numbers, numbers.dtype.newbyteorder("<"))
    return pa.Array.from_buffers(pa.binary(), bounds.size - 1, [None, pa.py_buffer(offsets), pa.py_buffer(little)])


def unpacked(column: pa.Array, kind: type[np.generic]) -> tuple[npt.NDArray[Any], Int64s]:
    """(numbers, bounds) of packed values; a null holds none."""
    column = column.cast(pa.large_binary()).fill_null(b"")
    _, ends, data = column.buffers()
    offsets = np.frombuffer(ends, np.int64)[column.offset : column.offset + len(column) + 1]
    if not len(column) or data is None:
        return np.empty(0, kind), np.zeros(len(column) + 1, np.int64)
    dtype = np.dtype(kind).newbyteorder("<")
    n_bytes = int(offsets[-1] - offsets[0])
    numbers = np.frombuffer(data, dtype, n_bytes // dtype.itemsize, int(offsets[0]))
    return np.require(numbers, kind, ["ALIGNED"]), (offsets - offsets[0]) // dtype.itemsize


def utf8_of(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], Int64s]:
    """(UTF-8 bytes, offsets) of texts; a null counts as an empty text."""
    return unpacked(texts.cast(pa.large_string()).cast(pa.large_binary()), np.uint8)
