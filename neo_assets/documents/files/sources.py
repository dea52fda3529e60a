"""The files of a batch, wherever they are: on disk, in the seed, in an object store."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast
from urllib.parse import quote, unquote, urlsplit

from neo_assets.recipe.documents import DATED, BatchSettings, InboxSettings
from neo_assets.seed import SEED_FOLDER

if TYPE_CHECKING:
    from pyarrow import fs

STORES = ("s3", "gs")
ANY_FOLDERS = "**"
_MAGIC = re.compile(r"[*?\[]")
_BATCH = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,99}$")
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\\\ud800-\udfff]")
BUFFER_BYTES = 1 << 20


class SourceError(RuntimeError):
    """The files of a batch cannot be listed; the message is one line that begins with the path."""


class SourceFile(NamedTuple):
    """A file of a batch: its name within the batch, where it is, and what tells whether it is still the same."""

    name: str
    address: str
    size: int
    stamp: str


def batch_files(settings: BatchSettings) -> list[SourceFile]:
    """The files of a batch in the order of their names; none twice.

    A name is relative to the folder before the first wildcard of its path, without characters that no name should
    have. Where two paths give the same name, the later one's begins with the number of its path.

    Raises:
        SourceError: a path names no file, or cannot be listed.
    """
    found: dict[str, SourceFile] = {}
    addresses: set[str] = set()
    for number, path in enumerate(settings.paths, 1):
        files = _listed(path)
        if not files:
            raise SourceError(f"{path}: no such file; put it there or mend the batch's paths")
        for file in files:
            if file.address in addresses:
                continue
            addresses.add(file.address)
            name = file.name
            while name in found:
                name = f"{number}/{name}"
            found[name] = file._replace(name=name)
    return [found[name] for name in sorted(found)]


def batch_stamps(settings: BatchSettings) -> dict[str, str]:
    """The files of a batch by address, each with its size and time of change; none where there are no files yet.

    Raises:
        SourceError: a path cannot be listed.
    """
    return {file.address: file.stamp for path in settings.paths for file in _listed(path)}


def inbox_batches(inbox: InboxSettings) -> list[str]:
    """The folders of the inbox that are batches, by name: they begin with a day and are named as batches are.

    Raises:
        SourceError: the inbox cannot be listed.
    """
    return sorted(name for name in _folders(inbox.path.rstrip("/")) if _BATCH.match(name) and _is_dated(name))


def opened(address: str) -> BinaryIO:
    """The bytes of a file; close it.

    Raises:
        OSError: it cannot be read.
    """
    if urlsplit(address).scheme in STORES:
        store, inner = _store(address)
        return cast(BinaryIO, store.open_input_stream(inner, compression=None, buffer_size=BUFFER_BYTES))
    return local_path(address).open("rb")


def local_path(path: str) -> Path:
    """The file on disk that a local path, a file:// or a seed:// path names.

    Raises:
        SourceError: a seed path leads out of the seed.
    """
    parts = urlsplit(path)
    if parts.scheme == "seed":
        inner = unquote(parts.netloc + parts.path)
        if ".." in inner.split("/"):
            raise SourceError(f"{path}: it leaves the seed folder; mend the path")
        return SEED_FOLDER / inner.lstrip("/")
    return Path(unquote(parts.path)) if parts.scheme == "file" else Path(path)


def _is_dated(name: str) -> bool:
    from datetime import date

    dated = DATED.match(name)
    try:
        return dated is not None and bool(date.fromisoformat(dated.group(1)))
    except ValueError:
        return False


def _listed(path: str) -> list[SourceFile]:
    try:
        found = _in_store(path) if urlsplit(path).scheme in STORES else _on_disk(path)
        return sorted(found, key=lambda file: file.name)
    except OSError as error:
        raise SourceError(f"{path}: {_one_line(error)}; mend the path or the access to it") from None


def _on_disk(path: str) -> Iterable[SourceFile]:
    pattern = str(local_path(path))
    if os.path.isfile(pattern):  # a name may hold brackets
        names, base = [pattern], os.path.dirname(pattern)
    else:
        names, base = glob.glob(pattern, recursive=True), _base(pattern)
    for name in names:
        if os.path.isfile(name):
            state = os.stat(name)
            address = f"seed://{quote(Path(name).relative_to(SEED_FOLDER).as_posix())}" if _is_seed(path) else name
            relative = os.path.relpath(name, base or "/")
            yield SourceFile(_safe(relative), address, state.st_size, f"{state.st_size} {state.st_mtime_ns}")


def _is_seed(path: str) -> bool:
    return urlsplit(path).scheme == "seed"


def _base(pattern: str) -> str:
    """The folder before the first wildcard."""
    found = _MAGIC.search(pattern)
    return pattern[: found.start() if found else len(pattern)].rpartition("/")[0]


def _store(path: str) -> tuple[fs.FileSystem, str]:
    """The object store of an address and the path in it; credentials are those of its own tools."""
    from pyarrow import fs

    parts = urlsplit(path)
    query = f"?{parts.query}" if "=" in parts.query else ""  # a bare ? is a wildcard
    store, bucket = fs.FileSystem.from_uri(f"{parts.scheme}://{parts.netloc}{query}")
    rest = parts.path if query or not parts.query else f"{parts.path}?{parts.query}"
    return store, f"{bucket}/{rest.lstrip('/')}"


def _in_store(path: str) -> Iterable[SourceFile]:
    from pyarrow import fs

    store, pattern = _store(path)
    base = _base(pattern) if _MAGIC.search(pattern) else pattern.rpartition("/")[0]
    if _MAGIC.search(pattern):
        infos = store.get_file_info(fs.FileSelector(base, recursive=True, allow_not_found=True))
    else:
        infos = [store.get_file_info(pattern)]
    parts = urlsplit(path)
    query = f"?{parts.query}" if "=" in parts.query else ""
    for info in infos:
        if info.type == fs.FileType.File and (info.path == pattern or fits(info.path, pattern)):
            name = info.path.removeprefix(base).lstrip("/")
            address = f"{parts.scheme}://{info.path}{query}"
            yield SourceFile(_safe(name), address, info.size, f"{info.size} {info.mtime_ns}")


def fits(name: str, pattern: str) -> bool:
    """Whether each part of a path fits its part of the pattern; `**` stands for any number of folders, none hidden."""
    return _fits(name.split("/"), pattern.split("/"))


def _fits(names: list[str], patterns: list[str]) -> bool:
    if not patterns or not names:
        return not patterns and not names
    first, rest = patterns[0], patterns[1:]
    is_hidden = names[0].startswith(".")
    if first == ANY_FOLDERS and rest:
        return _fits(names, rest) or (not is_hidden and len(names) > 1 and _fits(names[1:], patterns))
    if is_hidden and not first.startswith("."):
        return False
    return fnmatch.fnmatchcase(names[0], first) and _fits(names[1:], rest)


def _folders(path: str) -> list[str]:
    try:
        if urlsplit(path).scheme not in STORES:
            with os.scandir(local_path(path)) as entries:
                return [entry.name for entry in entries if entry.is_dir()]
        from pyarrow import fs

        store, inner = _store(path)
        found = store.get_file_info(fs.FileSelector(inner.rstrip("/"), allow_not_found=True))
        return [info.base_name for info in found if info.type == fs.FileType.Directory]
    except OSError as error:
        raise SourceError(f"{path}: {_one_line(error)}; make the folder or mend documents.inbox.path") from None


def _safe(name: str) -> str:
    """A relative name without characters that break lines, paths or encodings: they are written as %XX."""
    return _UNSAFE.sub(lambda one: quote(one.group().encode("utf-8", "surrogateescape"), safe=""), name)


def _one_line(error: OSError) -> str:
    return " ".join(str(error.strerror or error).split())[:300] or type(error).__name__
