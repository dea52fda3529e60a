"""Bytes at rest: a root folder on any Arrow file system (local, S3, GCS, HDFS), with atomic replacement of one file.

Bytes are stored as given: Arrow would compress a file whose name ends in `.gz` once more, so that is switched off.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs


class StoreError(RuntimeError):
    """A root or a record in it that cannot be used: says which, and what to do."""


class DamagedError(StoreError):
    """A committed file that is missing, or no longer holds the bytes that its manifest records.

    Args:
        path: the file, `area/name/partition/version/…` relative to the root.
        fault: what is wrong with it.
    """

    def __init__(self, path: str, fault: str) -> None:
        self._given = path, fault
        area, name, folder, _, file = path.split("/", 4)
        asset, partition = f"{area}/{name}", unquote(folder)
        only = "" if partition == "_" else f" --partition {partition}"
        where = asset if partition == "_" else f"{asset} [{partition}]"
        super().__init__(f"{where}: {file} is {fault}; run `neo build {asset}{only} --force --no-upstream`")

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str, str]]:
        return DamagedError, self._given  # it crosses processes


@dataclass(frozen=True)
class Store:
    """A root path or URI; all paths handed to it are relative to that root, with forward slashes."""

    root: str

    @property
    def filesystem(self) -> fs.FileSystem:
        """The Arrow file system that holds the root."""
        return self._resolved()[0]

    @property
    def is_local(self) -> bool:
        """Whether files can be opened by path."""
        return isinstance(self.filesystem, fs.LocalFileSystem)

    def _resolved(self) -> tuple[fs.FileSystem, str]:
        if "://" in self.root:
            try:
                filesystem, base = fs.FileSystem.from_uri(self.root)
            except (pa.ArrowInvalid, OSError) as error:
                raise StoreError(f"{self.root}: {error}; give a folder, or a URI such as s3://bucket/prefix") from error
            return filesystem, base
        if os.path.isfile(self.root):
            raise StoreError(f"{self.root} is a file; name a folder with --lake or NEO_LAKE")
        return fs.LocalFileSystem(), os.path.abspath(self.root)

    def absolute(self, path: str) -> str:
        """The path as the file system knows it."""
        base = self._resolved()[1]
        return f"{base.rstrip('/')}/{path}" if path else base

    def exists(self, path: str) -> bool:
        """Whether a file or folder is there."""
        return bool(self.filesystem.get_file_info(self.absolute(path)).type != fs.FileType.NotFound)

    def read(self, path: str) -> bytes:
        """The whole file."""
        with self.filesystem.open_input_stream(self.absolute(path), compression=None) as stream:
            return cast(bytes, stream.read())

    def read_verified(self, path: str, sha256: str) -> bytes:
        """The whole file of a committed version.

        Raises:
            DamagedError: its bytes are not those that were committed.
        """
        data = self.read(path) if self.exists(path) else None
        if data is None or hashlib.sha256(data).hexdigest() != sha256:
            raise DamagedError(path, "missing" if data is None else "not what was committed (its SHA-256 differs)")
        return data

    def open(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        return self.filesystem.open_input_file(self.absolute(path))

    def create(self, path: str) -> BinaryIO:
        """A writer; parent folders are made. On an object store nothing is visible before it is closed."""
        self.filesystem.create_dir(self.absolute(path).rsplit("/", 1)[0], recursive=True)
        return cast(BinaryIO, self.filesystem.open_output_stream(self.absolute(path), compression=None))

    def replace(self, path: str, data: bytes) -> None:
        """Put the file in one atomic step: a reader sees the old bytes or the new, never a mixture.

        A local file is written beside its place, synced and renamed; an object store's put is atomic by itself.
        """
        if not self.is_local:
            with self.create(path) as stream:
                stream.write(data)
            return
        target = Path(self.absolute(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
        with beside.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(target)

    def files(self, path: str) -> list[str]:
        """Every file below a folder, as paths relative to the root, sorted."""
        base = self.absolute("").rstrip("/") + "/"
        selector = fs.FileSelector(self.absolute(path), recursive=True, allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        return sorted(info.path.removeprefix(base) for info in infos if info.type == fs.FileType.File)

    def folders(self, path: str) -> list[str]:
        """The names of the folders directly in a folder, sorted."""
        selector = fs.FileSelector(self.absolute(path), allow_not_found=True)
        infos = self.filesystem.get_file_info(selector)
        return sorted(info.base_name for info in infos if info.type == fs.FileType.Directory)

    def delete_folder(self, path: str) -> None:
        """Remove a folder and all below it."""
        self.filesystem.delete_dir(self.absolute(path))
