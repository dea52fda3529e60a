"""Bytes at rest: a root folder on a disk, in a bucket, or on any Arrow file system, and the little a lake asks of it.

Bytes are stored as given. A file is seen when it is whole; one file can be replaced in one step, on condition that it
is still the one that was read.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from neo_assets.lake.backend import ANY, Backend, ChangedError, Entry, Expected, Output, Tagged, tag_of
from neo_assets.lake.errors import (
    AccessError,
    CommitConflictError,
    DamagedError,
    MissingBucketError,
    StoreError,
    UnavailableError,
)

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyarrow import fs

__all__ = [
    "ANY", "AccessError", "ChangedError", "CommitConflictError", "DamagedError", "Entry", "Expected",
    "MissingBucketError", "Output", "Store", "StoreError", "Tagged", "UnavailableError",
]  # fmt: skip

THREADS = 16
"""Requests to a remote store under way at once."""

A = TypeVar("A")
B = TypeVar("B")

_remote: dict[str, Backend] = {}
_lock = threading.Lock()


def _forget() -> None:
    """A fork has neither its parent's connections nor its threads, one of which may have held the lock."""
    global _lock
    _remote.clear()
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_forget)


@dataclass(frozen=True)
class Store:
    """A root path or URI; all paths handed to it are relative to that root, with forward slashes."""

    root: str

    @property
    def filesystem(self) -> fs.FileSystem:
        """The Arrow file system that holds the root."""
        return self._backend().filesystem

    @property
    def is_local(self) -> bool:
        """Whether files can be opened by path."""
        return self._backend().is_local

    def absolute(self, path: str) -> str:
        """The path as the file system knows it."""
        return self._backend().absolute(path)

    def uri(self, path: str) -> str:
        """The path as people and other programs write it: with the scheme of a remote store."""
        return f"{self.root.split('?')[0].rstrip('/')}/{path}" if "://" in self.root else self.absolute(path)

    def below(self, folder: str) -> Store:
        """The store whose root is a folder of this one."""
        root, *options = self.root.split("?", 1)
        return Store("?".join([f"{root.rstrip('/')}/{folder}", *options]))

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return self._backend().exists(path)

    def read(self, path: str) -> bytes:
        """The whole file.

        Raises:
            FileNotFoundError: there is none.
        """
        return self.read_tagged(path).data

    def read_tagged(self, path: str) -> Tagged:
        """The whole file, and the tag by which `replace` knows it again.

        Raises:
            FileNotFoundError: there is none.
        """
        return self._backend().read(path)

    def tag(self, path: str) -> str | None:
        """The tag of the file, or None if there is none."""
        return tag_of(self._backend(), path)

    def blocks(self, path: str) -> Iterator[bytes]:
        """The file's bytes in order, a few megabytes at a time."""
        return self._backend().blocks(path)

    def read_verified(self, path: str, sha256: str) -> bytes:
        """The whole file of a committed version.

        Raises:
            DamagedError: its bytes are not those that were committed.
        """
        try:
            data = self.read(path)
        except FileNotFoundError:
            raise DamagedError(path, "missing") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedError(path, "not what was committed (its SHA-256 differs)")
        return data

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        return self._backend().open(path)

    def scan(self, paths: Iterable[str], schema: pa.Schema | None = None) -> ds.Dataset:
        """Parquet files as one lazy table, columns and filters pushed down. With a schema, no file is read now."""
        import pyarrow.dataset as ds

        places = [self.absolute(path) for path in paths]
        return ds.dataset(places, schema=schema, filesystem=self.filesystem, format="parquet")

    def create(self, path: str) -> Output:
        """A writer, whose file is seen when it is closed; parent folders are made. Use it in a `with` statement."""
        return self._backend().create(path)

    def replace(self, path: str, data: bytes, expected: Expected = ANY) -> str:
        """Put the file in one atomic step: a reader sees the old bytes or the new, never a mixture.

        Args:
            expected: the tag that the file must have now; `None` if it must not be there.

        Returns:
            The file's tag.

        Raises:
            ChangedError: the file is not the expected one; it was left alone.
        """
        return self._backend().replace(path, data, expected)

    def listing(self, path: str, unfinished: bool = False) -> Iterator[Entry]:
        """Everything below a folder, in no order, with the time of its last change.

        Args:
            unfinished: also uploads to an object store that were begun and not ended.
        """
        return self._backend().listing(path, unfinished)

    def files(self, path: str) -> list[str]:
        """Every file below a folder, as paths relative to the root, sorted."""
        return sorted(entry.path for entry in self.listing(path) if not entry.is_folder)

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        return self._backend().folders(path)

    def delete_folder(self, path: str) -> None:
        """Remove a folder and all below it; one that is not there is no error."""
        self._backend().delete_folder(path)

    def each(self, call: Callable[[A], B], items: Iterable[A]) -> list[B]:
        """`call` of every item, in their order: several at once where a call means waiting for a remote store."""
        waiting = list(items)
        if self.is_local or len(waiting) < 2:
            return [call(item) for item in waiting]
        with ThreadPoolExecutor(min(THREADS, len(waiting))) as pool:
            return list(pool.map(call, waiting))

    def _backend(self) -> Backend:
        if "://" not in self.root:
            if os.path.isfile(self.root):
                raise StoreError(f"{self.root} is a file; name a folder with --lake or NEO_LAKE")
            return _disk(self.root)
        with _lock:
            if self.root not in _remote:
                _remote[self.root] = _opened(self.root)
            return _remote[self.root]


def _disk(root: str) -> Backend:
    from neo_assets.lake.disk import Disk

    return Disk(os.path.abspath(root))


def _opened(root: str) -> Backend:
    if root.startswith("s3://"):
        from neo_assets.lake.s3 import Bucket

        return Bucket(root)
    import pyarrow as pa
    from pyarrow import fs

    from neo_assets.lake.arrow_files import ArrowFiles

    try:
        filesystem, base = fs.FileSystem.from_uri(root)
    except (pa.ArrowInvalid, OSError) as error:
        raise StoreError(f"{root}: {error}; give a folder, or a URI such as s3://bucket/prefix") from error
    return _disk(base) if isinstance(filesystem, fs.LocalFileSystem) else ArrowFiles(filesystem, base)
