"""A bucket as an Arrow file system, for scans of Parquet files with columns and filters pushed down.

Arrow's own S3 file system would do, but for its limits: no time limit on Linux, another chain of credentials, errors
of many lines, and no way through a fork. Requests wait without the interpreter's lock, so scans still overlap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import fs

if TYPE_CHECKING:
    from neo_assets.lake.s3 import Bucket


class BucketFiles(fs.FileSystemHandler):  # type: ignore[misc]
    """Reading, writing and listing below a root; paths are `bucket/prefix/…`."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BucketFiles) and self._bucket.root == other._bucket.root

    def __hash__(self) -> int:
        return hash(self._bucket.root)

    def get_type_name(self) -> str:
        """How Arrow names it."""
        return "neo-s3"

    def normalize_path(self, path: str) -> str:
        """Paths are as they are."""
        return path

    def get_file_info(self, paths: list[str]) -> list[fs.FileInfo]:
        """What is at each path."""
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: Any) -> list[fs.FileInfo]:
        """The objects below a folder; the folders directly in it too, unless it is recursive."""
        base, inside = selector.base_dir.rstrip("/"), self._inside(selector.base_dir)
        found = [
            fs.FileInfo(self._bucket.absolute(entry.path), fs.FileType.File, mtime=entry.modified)
            for entry in self._bucket.listing(inside)
            if selector.recursive or "/" not in self._bucket.absolute(entry.path).removeprefix(f"{base}/")
        ]
        if not selector.recursive:
            names = self._bucket.folders(inside)
            found += [fs.FileInfo(f"{base}/{name}", fs.FileType.Directory) for name in names]
        if not found and not selector.allow_not_found:
            raise FileNotFoundError(base)
        return found

    def open_input_file(self, path: str) -> pa.NativeFile:
        """A random-access reader."""
        return self._bucket.open(self._inside(path))

    def open_input_stream(self, path: str) -> pa.NativeFile:
        """A reader from the start."""
        return self._bucket.open(self._inside(path))

    def open_output_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        """A writer of a file that is seen when it is closed."""
        return pa.PythonFile(self._bucket.create(self._inside(path)), mode="w")

    def create_dir(self, path: str, recursive: bool) -> None:
        """Folders are not made: they are there as long as something is in them."""

    def delete_dir(self, path: str) -> None:
        """Remove all below a folder."""
        self._bucket.delete_folder(self._inside(path))

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        """Remove all below a folder."""
        self._bucket.delete_folder(self._inside(path))

    def delete_root_dir_contents(self) -> None:
        """Refused: a whole lake is not removed from here."""
        raise PermissionError(f"{self._bucket.root} is not emptied as a whole")

    def delete_file(self, path: str) -> None:
        """Remove an object."""
        self._bucket.ask("delete_object", self._inside(path))

    def move(self, src: str, dest: str) -> None:
        """Copy an object, then remove it."""
        self.copy_file(src, dest)
        self.delete_file(src)

    def copy_file(self, src: str, dest: str) -> None:
        """Copy an object within the store."""
        source = {"Bucket": self._bucket.bucket, "Key": self._bucket.key(self._inside(src))}
        self._bucket.ask("copy_object", self._inside(dest), CopySource=source)

    def open_append_stream(self, path: str, metadata: Any) -> pa.NativeFile:
        """Refused: objects are whole."""
        raise PermissionError(f"{path}: an object store does not append")

    def _inside(self, path: str) -> str:
        root = self._bucket.absolute("")
        if path.rstrip("/") != root and not path.startswith(f"{root}/"):
            raise FileNotFoundError(f"{path} is not below {root}")
        return path.removeprefix(root).strip("/")

    def _info(self, path: str) -> fs.FileInfo:
        inside = self._inside(path)
        try:
            answer = self._bucket.ask("head_object", inside)
        except FileNotFoundError:
            kind = fs.FileType.Directory if self._bucket.exists(inside) else fs.FileType.NotFound
            return fs.FileInfo(path, kind)
        return fs.FileInfo(path, fs.FileType.File, size=answer["ContentLength"], mtime=answer["LastModified"])
