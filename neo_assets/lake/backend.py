"""What a store needs of the place where its bytes lie, and what all such places share."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Final, NamedTuple, Protocol, Self

import pyarrow as pa
from pyarrow import fs

from neo_assets.lake.errors import StoreError


class Whatever(enum.Enum):
    """The type of `ANY`."""

    ANY = enum.auto()


ANY: Final = Whatever.ANY
"""`replace` whatever is there."""

Expected = str | None | Whatever
"""The tag that the file must have now, `None` if it must not be there, or `ANY`."""


class ChangedError(StoreError):
    """A file was not replaced, since it is no longer what the caller had found there."""


class Tagged(NamedTuple):
    """A file's bytes, and what tells them from other bytes there: an ETag, or a digest."""

    data: bytes
    tag: str


class Entry(NamedTuple):
    """A file or folder below a listed one; on an object store there are only files."""

    path: str
    modified: datetime
    is_folder: bool = False


class Output(Protocol):
    """A writer whose file is seen only when it is closed; left by an exception, it leaves nothing."""

    closed: bool

    def write(self, data: Any) -> int:
        """Take over bytes; gives how many."""
        ...

    def tell(self) -> int:
        """Bytes written so far."""
        ...

    def flush(self) -> None:
        """Nothing is seen before the end, so there is nothing to do."""
        ...

    def close(self) -> None:
        """Put the file in its place."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def expect(backend: Backend, path: str, expected: str | None) -> None:
    """Compare the file's tag with the one that it must have now; `None` if it must not be there.

    Raises:
        ChangedError: it is not that.
    """
    found = tag_of(backend, path)
    if found != expected:
        how = "removed" if found is None else "replaced"
        raise ChangedError(f"{backend.absolute(path)} was {how} meanwhile")


def tag_of(backend: Backend, path: str) -> str | None:
    """The tag of the file, or None if there is none."""
    try:
        return backend.read(path).tag
    except FileNotFoundError:
        return None


class Backend(Protocol):
    """A root on one kind of storage. Paths are relative to it; a missing file is a `FileNotFoundError`."""

    @property
    def is_local(self) -> bool:
        """Whether files can be opened by path."""
        ...

    @property
    def filesystem(self) -> fs.FileSystem:
        """The Arrow file system in which `absolute` paths are."""
        ...

    def absolute(self, path: str) -> str:
        """The path as the file system knows it."""
        ...

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        ...

    def read(self, path: str) -> Tagged:
        """The whole file and its tag."""
        ...

    def blocks(self, path: str) -> Iterator[bytes]:
        """The file's bytes in order, some megabytes at a time."""
        ...

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        ...

    def create(self, path: str) -> Output:
        """A writer of a file that is seen when it is closed."""
        ...

    def replace(self, path: str, data: bytes, expected: Expected) -> str:
        """Put the file in one step if it is as expected; gives its tag.

        Raises:
            ChangedError: it is not.
        """
        ...

    def listing(self, path: str, unfinished: bool = False) -> Iterator[Entry]:
        """Everything below a folder; with `unfinished` also uploads that were begun and not ended."""
        ...

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        ...

    def delete_folder(self, path: str) -> None:
        """Remove a folder and all below it, unfinished uploads too; one that is not there is no error."""
        ...
