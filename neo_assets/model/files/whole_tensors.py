"""Whole tensors out of blocks in several safetensors files, read only as far as asked for."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from neo_assets.model.files.tensor_files import DTYPES, CheckpointError, raw_values


@dataclass(frozen=True)
class Block:
    """A stored block of a whole tensor."""

    file: Path
    handle: Any
    key: str
    dtype: torch.dtype
    offset: tuple[int, ...]
    shape: tuple[int, ...]

    def cut(self, start: Sequence[int], shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]] | None:
        """Where a wanted block overlaps this one: slices of this one and of the wanted one; None where it does not."""
        low = [max(a, b) for a, b in zip(self.offset, start, strict=True)]
        high = [min(a + n, b + m) for a, n, b, m in zip(self.offset, self.shape, start, shape, strict=True)]
        if any(a >= b for a, b in zip(low, high, strict=True)):
            return None
        inner = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, self.offset, strict=True))
        return inner, tuple(slice(a - o, b - o) for a, b, o in zip(low, high, start, strict=True))


@dataclass(frozen=True)
class Whole:
    """A tensor of the unsplit model, in one or several blocks."""

    shape: tuple[int, ...]
    blocks: tuple[Block, ...]


Layout = Mapping[str, tuple[Sequence[int], Sequence[int]]]
"""Of one file: stored key to (offset, shape of the whole tensor). A key is the tensor's name; of its second block in
the same file, the name and `#2`."""
SECOND = "#"


class WholeTensors:
    """Whole tensors by name, read from disk when asked for and only as far as asked for."""

    def __init__(self, tensors: Mapping[str, Whole]) -> None:
        self._tensors = dict(sorted(tensors.items()))

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return list(self._tensors)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the whole tensors."""
        return {name: whole.shape for name, whole in self._tensors.items()}

    def dtype(self, name: str) -> torch.dtype:
        """Stored type of a tensor."""
        return self._tensors[name].blocks[0].dtype

    def files(self, name: str) -> str:
        """The files that hold a tensor, for messages."""
        return ", ".join(sorted({str(block.file) for block in self._tensors[name].blocks}))

    def read(self, name: str, offset: Sequence[int] | None = None, shape: Sequence[int] | None = None) -> Tensor:
        """A block of a tensor, by default all of it.

        Raises:
            CheckpointError: there is no such tensor, or a file is broken.
        """
        whole = self._tensors.get(name)
        if whole is None:
            raise CheckpointError(f"the checkpoint has no tensor {name}; rebuild it")
        start, size = tuple(offset or (0,) * len(whole.shape)), whole.shape if shape is None else tuple(shape)
        out: Tensor | None = None
        for block in whole.blocks:
            if (block.offset, block.shape) == (start, size):
                return self._whole_block(block)
            cut = block.cut(start, size)
            if cut is not None:
                part = block.handle.get_slice(block.key)[cut[0]]
                out = torch.empty(size, dtype=part.dtype) if out is None else out
                out[cut[1]] = part
        if out is None:
            raise CheckpointError(f"tensor {name} has no values at {start}; rebuild the checkpoint")
        return out

    @staticmethod
    def _whole_block(block: Block) -> Tensor:
        tensor: Tensor = block.handle.get_tensor(block.key)
        return tensor


@contextmanager
def open_tensors(files: Mapping[Path, Layout | None]) -> Iterator[WholeTensors]:
    """The whole tensors of some files; no layout means that a file holds whole tensors.

    Raises:
        CheckpointError: a file is missing, truncated, or not what the layout says; blocks overlap or leave gaps.
    """
    blocks: dict[str, list[Block]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    with ExitStack() as stack:
        for path, layout in files.items():
            for name, block, shape in _blocks(path, _handle(path, stack), layout):
                blocks.setdefault(name, []).append(block)
                if shapes.setdefault(name, shape) != shape:
                    raise CheckpointError(f"{path}: tensor {name} is {shape} here and {shapes[name]} elsewhere")
        wholes = {name: Whole(shapes[name], tuple(found)) for name, found in blocks.items()}
        for name, whole in wholes.items():
            _check_tiled(name, whole)
        yield WholeTensors(wholes)


def _handle(path: Path, stack: ExitStack) -> Any:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing; rebuild the checkpoint")
    try:
        return stack.enter_context(safe_open(path, framework="pt"))
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is no whole safetensors file ({error}); rebuild the checkpoint") from error


def _blocks(path: Path, handle: Any, layout: Layout | None) -> Iterator[tuple[str, Block, tuple[int, ...]]]:
    keys = sorted(handle.keys())
    if layout is not None and keys != sorted(layout):
        raise CheckpointError(f"{path} holds other tensors than its layout says; rebuild the checkpoint")
    for key in keys:
        stored = handle.get_slice(key)
        shape, code = tuple(stored.get_shape()), stored.get_dtype()
        if code not in DTYPES:
            raise CheckpointError(f"{path}: tensor {key} has the type {code}; convert it to one of {list(DTYPES)}")
        offset, whole = ((0,) * len(shape), shape) if layout is None else map(tuple, layout[key])
        name = key if layout is None else key.partition(SECOND)[0]
        yield name, Block(path, handle, key, DTYPES[code], offset, shape), whole


def _check_tiled(name: str, whole: Whole) -> None:
    for i, block in enumerate(whole.blocks):
        inside = len(block.offset) == len(block.shape) == len(whole.shape) and all(
            o >= 0 and o + n <= size for o, n, size in zip(block.offset, block.shape, whole.shape, strict=True)
        )
        if not inside or any(block.cut(other.offset, other.shape) for other in whole.blocks[:i]):
            raise CheckpointError(
                f"{block.file}: tensor {name} lies outside its shape or twice; rebuild the checkpoint"
            )
    if sum(math.prod(block.shape) for block in whole.blocks) != math.prod(whole.shape):
        raise CheckpointError(f"{whole.blocks[0].file}: parts of tensor {name} are missing; rebuild the checkpoint")


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """All tensors and the metadata of one file.

    Raises:
        CheckpointError: it is missing or truncated.
    """
    with ExitStack() as stack:
        handle = _handle(path, stack)
        return {name: handle.get_tensor(name) for name in handle.keys()}, dict(handle.metadata() or {})  # noqa: SIM118


def add_to_digest(
    digest: hashlib._Hash, tensors: WholeTensors, look: Callable[[str, Tensor], None] | None = None
) -> None:
    """Add whole tensors to a digest: names in order, types, shapes and raw values; one in memory at a time.

    `look` sees every tensor on its way.
    """
    for name in tensors.names:
        tensor = tensors.read(name)
        if look is not None:
            look(name, tensor)
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(raw_values(tensor))
