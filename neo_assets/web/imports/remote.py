"""Files wherever they are: on disk, in the seed, behind HTTP, in an object store. They are listed and read forward."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import unquote, urlsplit

import pyarrow as pa
from pyarrow import fs

from neo_assets.seed import SEED_FOLDER
from neo_assets.web.imports.httpfile import HttpFile, http_stamp

BUFFER_BYTES = 1 << 20
HTTP = ("http", "https")
MAGIC = re.compile(r"[*?\[]")


class RemoteError(RuntimeError):
    """A path that cannot be listed or read; the message is one line that begins with the path."""


class AbsentError(RemoteError):
    """There is no file of that name, or none that fits the glob."""


def listed(path: str) -> list[str]:
    """The files that a path or glob names, sorted; an address is taken as it is.

    `**` stands for any number of folders on local paths only; in object stores `*` crosses none.

    Raises:
        AbsentError: there is no such file.
        RemoteError: it cannot be listed.
    """
    scheme = urlsplit(path).scheme
    if scheme in HTTP:
        return [path]
    found = _in_store(path) if scheme in ("s3", "gs") else _on_disk(path, scheme)
    if not found:
        raise AbsentError(f"{path}: no such file")
    return found


def opened(path: str) -> BinaryIO:
    """The bytes of a file, to be read once forward; close it.

    Raises:
        RemoteError: it cannot be opened.
    """
    scheme = urlsplit(path).scheme
    try:
        if scheme in HTTP:
            return HttpFile(path)
        if scheme in ("s3", "gs"):
            filesystem, inner = _store(path)
            return cast(BinaryIO, filesystem.open_input_stream(inner, compression=None, buffer_size=BUFFER_BYTES))
        return local_path(path).open("rb", BUFFER_BYTES)
    except (OSError, pa.ArrowException) as error:
        raise RemoteError(f"{path}: {one_line(error)}") from error


def stamp(path: str) -> dict[str, str | int | None]:
    """What tells whether a file is still the same: its size in bytes, and its time or entity tag; null if unknown.

    Raises:
        RemoteError: it is not there.
    """
    scheme = urlsplit(path).scheme
    try:
        if scheme in HTTP:
            return dict(http_stamp(path))
        if scheme in ("s3", "gs"):
            filesystem, inner = _store(path)
            info = filesystem.get_file_info(inner)
            if info.type != fs.FileType.File:
                raise FileNotFoundError("no such file")
            return {"size": info.size, "tag": str(info.mtime_ns)}
        state = local_path(path).stat()
        return {"size": state.st_size, "tag": str(state.st_mtime_ns)}
    except (OSError, pa.ArrowException) as error:
        raise RemoteError(f"{path}: {one_line(error)}") from error


def local_path(path: str) -> Path:
    """The file on disk that a local path, a file:// or a seed:// path names."""
    parts = urlsplit(path)
    if parts.scheme == "seed":
        inner = unquote(parts.netloc + parts.path)
        if ".." in inner.split("/"):
            raise RemoteError(f"{path}: it leaves the seed folder")
        return SEED_FOLDER / inner
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(path)


def is_local(path: str) -> bool:
    """Whether `local_path` can name it."""
    return urlsplit(path).scheme in ("", "file", "seed")


def one_line(error: Exception) -> str:
    """What went wrong, as one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split())[:300] or type(error).__name__


def _on_disk(path: str, scheme: str) -> list[str]:
    pattern = str(local_path(path))
    exact = os.path.isfile(pattern)
    found = [pattern] if exact else [name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name)]
    if scheme == "seed":
        return sorted(f"seed://{Path(name).relative_to(SEED_FOLDER).as_posix()}" for name in found)
    return sorted(found)


def _store(path: str) -> tuple[fs.FileSystem, str]:
    """The object store of an address and the path in it; credentials are those of its own tools."""
    parts = urlsplit(path)
    filesystem, bucket = fs.FileSystem.from_uri(
        f"{parts.scheme}://{parts.netloc}" + f"?{parts.query}" * bool(parts.query)
    )
    return filesystem, f"{bucket}/{parts.path.lstrip('/')}"


def _in_store(path: str) -> list[str]:
    try:
        filesystem, pattern = _store(path)
        found = MAGIC.search(pattern)
        if not found:
            return [path] if filesystem.get_file_info(pattern).type == fs.FileType.File else []
        folder = pattern[: found.start()].rpartition("/")[0]
        infos = filesystem.get_file_info(fs.FileSelector(folder, recursive=True, allow_not_found=True))
    except (OSError, pa.ArrowException) as error:
        raise RemoteError(f"{path}: {one_line(error)}") from error
    return sorted(
        _address(path, info.path) for info in infos if info.type == fs.FileType.File and _fits(info.path, pattern)
    )


def _fits(name: str, pattern: str) -> bool:
    """Whether each part of the name fits its part of the pattern."""
    names, patterns = name.split("/"), pattern.split("/")
    return len(names) == len(patterns) and all(map(fnmatch.fnmatchcase, names, patterns))


def _address(path: str, inner: str) -> str:
    parts = urlsplit(path)
    return f"{parts.scheme}://{inner}" + f"?{parts.query}" * bool(parts.query)
