"""Local copies of a version's files, for programs that open files by path while the lake is on an object store.

A version stays for the next process that asks for it. What no process has asked for in a week, and none uses, is
removed by the first that fetches something.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from neo_assets.lake.errors import DamagedError, StoreError
from neo_assets.lake.manifest import FileRecord, Manifest
from neo_assets.lake.store import Store

FOLDER = "neo-assets-files"
UNUSED_SECONDS = 7 * 86_400
"""How long a version stays after it was last asked for."""


@dataclass(frozen=True)
class FetchedVersion:
    """A version whose files this process has by path; small and picklable, so that another machine can get them too.

    Args:
        folder: where they lie, an absolute path: the same on every machine, since kernels name it.
        files: the name of each below the folder, and what its bytes must be.
    """

    store: Store
    folder: str
    files: tuple[tuple[str, FileRecord], ...]

    def ensure(self) -> None:
        """Have every file there, whole; one that is missing or differs is fetched. Safe from several processes at once.

        Raises:
            DamagedError: the lake's file is missing, or not what was committed.
            StoreError: the folder belongs to somebody else, or the store cannot be read.
        """
        folder = Path(self.folder)
        _own(folder.parent)
        if not _held:
            remove_unused(folder.parent)
        with _locked(_beside(folder, "lock")):
            if self.folder not in _held:
                _held[self.folder] = _hold(_beside(folder, "used"))
            for name, record in self.files:
                _ensure(self.store, folder, name, record)


_fetched: dict[str, FetchedVersion] = {}
_held: dict[str, int] = {}
"""Descriptors of locks that this process, and those forked from it, share as long as they live."""


def fetch(store: Store, manifest: Manifest) -> Path:
    """The local folder with the files of a version of a remote store.

    Each file is compared with its SHA-256 once a process, whoever fetched it. O(bytes), about a second for 1.5 GB.

    Raises:
        DamagedError: a file is missing, or not what was committed.
    """
    folder = Path(tempfile.gettempdir()) / FOLDER / manifest.version
    if str(folder) not in _fetched:
        version = FetchedVersion(store, str(folder), tuple(sorted(manifest.files.items())))
        version.ensure()
        _fetched[version.folder] = version
    return folder


def fetched_versions() -> tuple[FetchedVersion, ...]:
    """What this process fetched so far: what a kernel made here may name by path."""
    return tuple(_fetched.values())


def ensure_fetched(entries: Iterable[FetchedVersion]) -> None:
    """Have on this machine, under the same paths, what another process fetched. Each is looked at once a process.

    Raises:
        DamagedError: a file is missing, or not what was committed.
    """
    for entry in entries:
        if _fetched.get(entry.folder) != entry:
            entry.ensure()
            _fetched[entry.folder] = entry


def remove_unused(base: Path, seconds: float = UNUSED_SECONDS) -> list[str]:
    """Remove versions that were not asked for in that time and that no living process has asked for; gives which."""
    removed, before = [], time.time() - seconds
    for used in sorted(base.glob(".*.used")):
        folder = base / used.name[1:].removesuffix(".used")
        with suppress(FileNotFoundError, BlockingIOError):
            if used.stat().st_mtime < before:
                with _locked(_beside(folder, "lock"), wait=False), _locked(used, wait=False):
                    shutil.rmtree(folder, ignore_errors=True)
                    used.unlink()
                    _beside(folder, "lock").unlink()
                    removed.append(folder.name)
    return removed


def _ensure(store: Store, folder: Path, name: str, record: FileRecord) -> None:
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise DamagedError(record.path, "recorded under a name that leads out of its version")
    target = folder / name
    if target.is_file() and target.stat().st_size == record.bytes and _sha256(target) == record.sha256:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        digest = hashlib.sha256()
        with partial.open("wb") as stream:
            for block in store.blocks(record.path):
                digest.update(block)
                stream.write(block)
        if digest.hexdigest() != record.sha256:
            raise DamagedError(record.path, "not what was committed (its SHA-256 differs)")
        partial.replace(target)
    except FileNotFoundError:
        raise DamagedError(record.path, "missing") from None
    finally:
        partial.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _own(base: Path) -> None:
    """Make the folder of all versions; refuse one that another user put there to be read by us."""
    base.mkdir(mode=0o700, parents=True, exist_ok=True)
    if base.stat().st_uid != os.getuid():
        raise StoreError(f"{base} belongs to another user; set TMPDIR to a folder of your own")


def _beside(folder: Path, kind: str) -> Path:
    """A file for locks, beside the folder of a version."""
    return folder.with_name(f".{folder.name}.{kind}")


def _hold(file: Path) -> int:
    """Say that the version is in use, until this process ends; gives the descriptor."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    os.utime(descriptor)
    return descriptor


@contextmanager
def _locked(file: Path, wait: bool = True) -> Iterator[None]:
    """Hold a lock that ends with this process: one fetches, the others wait and find it done.

    Raises:
        BlockingIOError: without `wait`, another process holds it.
    """
    while True:
        with file.open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(lock.fileno(), file):
                yield
                return


def _is_at(descriptor: int, file: Path) -> bool:
    """Not so if it was removed while we waited: others may lock the one that took its place."""
    try:
        return os.path.samestat(os.fstat(descriptor), file.stat())
    except FileNotFoundError:
        return False
