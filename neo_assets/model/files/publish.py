"""A folder that several ranks write together and that appears under its name in one step, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch.distributed as dist

from neo_assets.model.files.tensor_files import CheckpointError, Source, file_size, write_tensors

T = TypeVar("T")
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True)
class FileToWrite:
    """A safetensors file of one rank; `layout` tells of every key its offset and the whole tensor's shape."""

    name: str
    sources: dict[str, Source]
    layout: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = field(default_factory=dict)
    metadata: dict[str, str] | None = None

    @property
    def n_bytes(self) -> int:
        """Size of the file."""
        return file_size(self.sources, self.metadata)


Layouts = Mapping[str, Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]]]


def publish_together(folder: Path, files: Sequence[FileToWrite], finish: Callable[[Path, Layouts], None]) -> None:
    """Write this rank's files; when all ranks have, rank 0 calls `finish` on the folder and gives it its name.

    Args:
        finish: gets the unpublished folder and the layouts of all files of all ranks.

    Until then the files lie in `FOLDER.partial`; one left by a killed writer is removed first. A folder that has the
    name already stays whole until the new one is: it is moved to `FOLDER.old`, then removed.

    Raises:
        CheckpointError: on all ranks, if one failed; the partial folder is removed.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    needed = sum(_from_all(sum(file.n_bytes for file in files)))
    frame = _Frame(folder, partial, needed)
    frame.on_rank_0(lambda: _prepare(partial, needed))
    layouts = frame.on_all(lambda: _write(partial, files))
    merged = {name: layout for part in layouts for name, layout in sorted(part.items())}
    frame.on_rank_0(lambda: _finish(folder, partial, lambda: finish(partial, merged)))


@dataclass(frozen=True)
class _Frame:
    folder: Path
    partial: Path
    needed: int

    def on_rank_0(self, work: Callable[[], None]) -> None:
        self.on_all(work if _rank() == 0 else lambda: None)

    def on_all(self, work: Callable[[], T]) -> list[T]:
        """What the work gave on every rank; an error on one is an error on all."""
        result: T | None = None
        failure: str | None = None
        try:
            result = work()
        except CheckpointError as error:
            failure = str(error)
        except OSError as error:
            failure = self._explain(error)
        outcomes: list[tuple[T | None, str | None]] = _from_all((result, failure))
        failures = [told for _, told in outcomes if told is not None]
        if failures:
            if _rank() == 0:
                shutil.rmtree(self.partial, ignore_errors=True)
            raise CheckpointError(failures[0])
        return [given for given, _ in outcomes]  # type: ignore[misc]

    def _explain(self, error: OSError) -> str:
        if error.errno in NO_ROOM:
            return _no_room(self.folder, self.needed)
        return f"{self.folder} could not be written ({error}); the checkpoint before it is untouched"


def _no_room(folder: Path, needed: int) -> str:
    free = shutil.disk_usage(folder.parent).free
    return (
        f"no room for the checkpoint {folder}: it needs {needed:,} bytes, the disk has {free:,} free; make room and"
        " start again, the checkpoint before it is untouched"
    )


def _prepare(partial: Path, needed: int) -> None:
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    if shutil.disk_usage(partial).free < needed:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _write(partial: Path, files: Sequence[FileToWrite]) -> dict[str, Any]:
    for file in files:
        write_tensors(partial / file.name, file.sources, file.metadata)
    return {file.name: file.layout for file in files}


def _finish(folder: Path, partial: Path, finish: Callable[[], None]) -> None:
    finish()
    for path in (*sorted(partial.iterdir()), partial):
        _sync(path)
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    partial.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def _from_all(value: T) -> list[T]:
    """The value of every rank, in order of ranks."""
    if not dist.is_initialized() or dist.get_world_size() == 1:
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values
