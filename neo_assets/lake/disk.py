"""A root folder on a local or shared disk: files appear by renaming, and are replaced under a lock if that matters."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from pyarrow import fs

from neo_assets.lake.backend import ANY, Entry, Expected, Tagged, expect
from neo_assets.lake.errors import StoreError

LOCK = ".lock"
"""At the root: held for the moment of a conditional replacement."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Disk:
    """A folder; the tag of a file is the SHA-256 of its bytes."""

    base: str

    @property
    def is_local(self) -> bool:
        """Files can be opened by path."""
        return True

    @property
    def filesystem(self) -> fs.FileSystem:
        """Arrow's local file system."""
        return fs.LocalFileSystem()

    def absolute(self, path: str) -> str:
        """The path on this machine."""
        return f"{self.base.rstrip('/')}/{path}" if path else self.base

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return os.path.exists(self.absolute(path))

    def read(self, path: str) -> Tagged:
        """The whole file and its SHA-256."""
        data = Path(self.absolute(path)).read_bytes()
        return Tagged(data, hashlib.sha256(data).hexdigest())

    def blocks(self, path: str) -> Iterator[bytes]:
        """The file's bytes, a megabyte at a time."""
        with open(self.absolute(path), "rb") as stream:
            while block := stream.read(_BLOCK):
                yield block

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        return self.filesystem.open_input_file(self.absolute(path))

    def create(self, path: str) -> DiskOutput:
        """A writer beside the file's place; parent folders are made."""
        return DiskOutput(Path(self.absolute(path)))

    def replace(self, path: str, data: bytes, expected: Expected) -> str:
        """Write beside the file's place, sync, and rename; with an expectation, compare first, under the root's lock.

        Raises:
            ChangedError: the file is not what was expected.
            StoreError: the disk cannot lock.
        """
        with self.create(path) as output:
            output.write(data)
            output.sync()
            if expected is ANY:
                output.close()
                return hashlib.sha256(data).hexdigest()
            with self._locked():
                expect(self, path, expected)
                output.close()
        return hashlib.sha256(data).hexdigest()

    def listing(self, path: str, unfinished: bool = False) -> Iterator[Entry]:
        """Every file and folder below a folder, in no order; those being written too, under names with a dot."""
        base = self.absolute("").rstrip("/") + "/"
        waiting = [self.absolute(path)]
        while waiting:
            try:
                entries = list(os.scandir(waiting.pop()))
            except FileNotFoundError:  # not there, or just removed
                continue
            for entry in entries:
                with suppress(FileNotFoundError):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    modified = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
                    yield Entry(entry.path.removeprefix(base), modified, is_folder)
                    if is_folder:
                        waiting.append(entry.path)

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        try:
            with os.scandir(self.absolute(path)) as entries:
                return sorted(entry.name for entry in entries if entry.is_dir())
        except FileNotFoundError:
            return []

    def delete_folder(self, path: str) -> None:
        """Remove a folder and all below it, or a file that was being written."""
        with suppress(FileNotFoundError):
            try:
                shutil.rmtree(self.absolute(path))
            except NotADirectoryError:
                os.unlink(self.absolute(path))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the root's lock; it ends with this process, however that ends."""
        with open(self.absolute(LOCK), "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX)
            except OSError as error:
                raise StoreError(f"{self.base}: its file system cannot lock ({error}); use one that can") from error
            yield


class DiskOutput:
    """Writes beside the file's place, and renames when closed."""

    def __init__(self, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        self._target = target
        self._beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        self._stream = self._beside.open("wb")
        self.closed = False

    def write(self, data: Any) -> int:
        """Take over bytes."""
        return self._stream.write(data)

    def tell(self) -> int:
        """Bytes written so far."""
        return self._stream.tell()

    def flush(self) -> None:
        """Nothing is seen before the end."""

    def sync(self) -> None:
        """Have the bytes on the disk itself."""
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def close(self) -> None:
        """Put the file in its place, in one step."""
        if not self.closed:
            self.closed = True
            self._stream.close()
            self._beside.replace(self._target)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        elif not self.closed:
            self.closed = True
            self._stream.close()
            self._beside.unlink(missing_ok=True)
