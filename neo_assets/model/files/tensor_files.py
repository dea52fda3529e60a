"""Safetensors files, written one tensor after the other.

`safetensors.torch.save_file` holds a second copy of everything it writes; this writer holds one tensor, gives the same
bytes, knows the size beforehand, and has the data on the disk (fsync) when it returns.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

# In the order in which the library lays them out in a file: those of strictest alignment first.
DTYPES = {
    "I64": torch.int64,
    "F64": torch.float64,
    "F32": torch.float32,
    "BF16": torch.bfloat16,
    "F16": torch.float16,
    "U8": torch.uint8,
}
_CODES = {dtype: code for code, dtype in DTYPES.items()}
_RANK = {dtype: rank for rank, dtype in enumerate(DTYPES.values())}


class CheckpointError(ValueError):
    """A checkpoint folder is broken, cannot be written, or is not the one that the recipe needs here."""


@dataclass(frozen=True)
class Source:
    """A tensor to be written; `read` makes it when its turn comes."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    read: Callable[[], Tensor]

    @property
    def n_bytes(self) -> int:
        """Size of its values."""
        return math.prod(self.shape) * self.dtype.itemsize


def source(tensor: Tensor) -> Source:
    """A tensor that is there already, on any device."""
    return Source(tensor.dtype, tuple(tensor.shape), lambda: tensor)


def file_size(sources: Mapping[str, Source], metadata: Mapping[str, str] | None = None) -> int:
    """Bytes of the file that `write_tensors` would make."""
    return len(_header(_in_order(sources), metadata)) + sum(s.n_bytes for s in sources.values())


def write_tensors(path: Path, sources: Mapping[str, Source], metadata: Mapping[str, str] | None = None) -> None:
    """Write a safetensors file: the bytes of `save_file`, with one tensor in memory at a time, synced to the disk.

    Raises:
        OSError: as the disk gives it; a part of the file may be left.
    """
    ordered = _in_order(sources)
    with path.open("wb") as file:
        file.write(_header(ordered, metadata))
        for tensor in (given.read() for _, given in ordered):
            file.write(raw_values(tensor))
        file.flush()
        os.fsync(file.fileno())


def raw_values(tensor: Tensor) -> memoryview:
    """The tensor's values as bytes, row by row."""
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy())  # type: ignore[arg-type]


def _in_order(sources: Mapping[str, Source]) -> list[tuple[str, Source]]:
    return sorted(sources.items(), key=lambda item: (_RANK[item[1].dtype], item[0]))


def _header(ordered: Sequence[tuple[str, Source]], metadata: Mapping[str, str] | None) -> bytes:
    entries: dict[str, Any] = {} if metadata is None else {"__metadata__": dict(sorted(metadata.items()))}
    start = 0
    for name, given in ordered:
        end = start + given.n_bytes
        entries[name] = {"dtype": _CODES[given.dtype], "shape": list(given.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text
