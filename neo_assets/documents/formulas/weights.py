"""Weights as safetensors, read and written with numpy alone: a header of JSON, then the bare numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_HEADER_BYTES = 1 << 20
MAX_BYTES = 64 << 20
_TYPES: dict[str, np.dtype[Any]] = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}

Arrays = dict[str, NDArray[Any]]


class WeightsError(ValueError):
    """A file that is no weights of ours."""


def read(path: Path) -> tuple[Arrays, dict[str, str]]:
    """The arrays, as float32, and the notes of a safetensors file.

    Raises:
        WeightsError: it is damaged, too large, or holds other types than F16 and F32.
    """
    if path.stat().st_size > MAX_BYTES:
        raise WeightsError(f"{path} is larger than {MAX_BYTES} bytes")
    data = path.read_bytes()
    try:
        length = int.from_bytes(data[:8], "little")
        if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
            raise WeightsError(f"{path} is cut off")
        header = json.loads(data[8 : 8 + length])
        notes = header.pop("__metadata__", {})
        body = memoryview(data)[8 + length :]
        return {name: _array(one, body) for name, one in header.items()}, notes
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise WeightsError(f"{path} holds no weights: {fault}") from fault


def write(path: Path, arrays: Mapping[str, NDArray[Any]], notes: Mapping[str, str]) -> None:
    """Writes arrays as F16, in the order of their names; the same arrays and notes give the same bytes."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(notes.items()))}
    parts, at = [], 0
    for name in sorted(arrays):
        part = np.ascontiguousarray(arrays[name], dtype="<f2").tobytes()
        header[name] = {"dtype": "F16", "shape": list(arrays[name].shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def _array(entry: Mapping[str, Any], body: memoryview[int]) -> NDArray[Any]:
    start, end = entry["data_offsets"]
    if not 0 <= start <= end <= len(body):
        raise WeightsError("an array lies outside the file")
    found: NDArray[Any] = np.frombuffer(bytes(body[start:end]), dtype=_TYPES[entry["dtype"]])
    return np.asarray(found.reshape(entry["shape"]), dtype=np.float32)
