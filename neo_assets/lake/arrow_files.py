"""A root on any other file system that Arrow knows (GCS, HDFS, …). It cannot be replaced conditionally in one step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from pyarrow import fs

from neo_assets.lake.backend import ANY, Entry, Expected, Tagged, expect

_BLOCK = 1 << 22


@dataclass(frozen=True)
class ArrowFiles:
    """A folder of an Arrow file system; the tag of a file is the SHA-256 of its bytes."""

    filesystem: fs.FileSystem
    base: str

    @property
    def is_local(self) -> bool:
        """Files cannot be opened by path."""
        return False

    def absolute(self, path: str) -> str:
        """The path as the file system knows it."""
        return f"{self.base.rstrip('/')}/{path}" if path else self.base

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return bool(self.filesystem.get_file_info(self.absolute(path)).type != fs.FileType.NotFound)

    def read(self, path: str) -> Tagged:
        """The whole file and its SHA-256."""
        data = b"".join(self.blocks(path))
        return Tagged(data, hashlib.sha256(data).hexdigest())

    def blocks(self, path: str) -> Iterator[bytes]:
        """The file's bytes, four megabytes at a time."""
        with self.filesystem.open_input_stream(self.absolute(path), compression=None) as stream:
            while block := stream.read(_BLOCK):
                yield block

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        return self.filesystem.open_input_file(self.absolute(path))

    def create(self, path: str) -> ArrowOutput:
        """A writer; parent folders are made."""
        self.filesystem.create_dir(self.absolute(path).rsplit("/", 1)[0], recursive=True)
        return ArrowOutput(self.filesystem, self.absolute(path))

    def replace(self, path: str, data: bytes, expected: Expected) -> str:
        """Compare, then put: two writers within the same instant are not told apart here."""
        if expected is not ANY:
            expect(self, path, expected)
        with self.create(path) as output:
            output.write(data)
        return hashlib.sha256(data).hexdigest()

    def listing(self, path: str, unfinished: bool = False) -> Iterator[Entry]:
        """Every file and folder below a folder."""
        base = self.absolute("").rstrip("/") + "/"
        for info in self._infos(path, recursive=True):
            modified = info.mtime or datetime.now(UTC)
            yield Entry(
                info.path.removeprefix(base),
                modified if modified.tzinfo else modified.replace(tzinfo=UTC),
                info.type == fs.FileType.Directory,
            )

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        return sorted(info.base_name for info in self._infos(path) if info.type == fs.FileType.Directory)

    def delete_folder(self, path: str) -> None:
        """Remove a folder and all below it."""
        with suppress(FileNotFoundError):
            self.filesystem.delete_dir(self.absolute(path))

    def _infos(self, path: str, recursive: bool = False) -> list[Any]:
        selector = fs.FileSelector(self.absolute(path), recursive=recursive, allow_not_found=True)
        return list(self.filesystem.get_file_info(selector))


class ArrowOutput:
    """Arrow's writer, whose file is removed again if an exception ends it."""

    def __init__(self, filesystem: fs.FileSystem, path: str) -> None:
        self._filesystem, self._path = filesystem, path
        self._stream = filesystem.open_output_stream(path, compression=None)
        self.closed = False

    def write(self, data: Any) -> int:
        """Take over bytes."""
        return int(self._stream.write(data))

    def tell(self) -> int:
        """Bytes written so far."""
        return int(self._stream.tell())

    def flush(self) -> None:
        """Nothing is seen before the end."""

    def close(self) -> None:
        """Put the file in its place."""
        if not self.closed:
            self.closed = True
            self._stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if kind is not None:
            self._filesystem.delete_file(self._path)
