"""What kernels need on an executor's machine beside their rows: files that they name by path, and machine code.

Files of a local lake are named by path and reached by path, for all machines see it. Those of a remote lake were
fetched by the driver, to a folder of which executors know nothing: they fetch them too, once a machine.

Machine code of compiled loops is kept in a cache. An executor's machine may have none: then it gets the driver's. What
is not in there either is compiled by the first task that needs it, while the others on that machine wait for it.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import shutil
import tarfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neo_assets.compiled import _cache_folder
from neo_assets.engine.relation import Kernel
from neo_assets.engine.work import PartTask, apply, read_part
from neo_assets.lake.dataset import FetchedVersion, ensure_fetched, fetched_versions
from neo_assets.lake.store import Store

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

WARM_ROWS = 16
_MACHINE_CODE = "machine-code.tar"
_ready: set[str] = set()


@dataclass(frozen=True)
class Luggage:
    """Goes with kernels to every executor.

    Args:
        fetched: versions whose files the kernels name by path.
        scratch: where `machine_code`, the path of an archive with this SHA-256, lies; empty if there is none.
    """

    fetched: tuple[FetchedVersion, ...] = ()
    scratch: Store | None = None
    machine_code: str = ""
    sha256: str = ""

    @classmethod
    def packed(cls, session: SparkSession, scratch: Store, kernels: Sequence[Kernel]) -> Luggage:
        """What these kernels need; machine code is put into scratch space unless the executors are on this machine."""
        from pyspark import cloudpickle

        shipped: bytes = cloudpickle.dumps(tuple(kernels))  # type: ignore[no-untyped-call]
        fetched = tuple(one for one in fetched_versions() if Path(one.folder).name.encode() in shipped)
        if not kernels or str(session.sparkContext.master).startswith("local"):
            return cls(fetched)
        data = archive(Path(_cache_folder()))
        if not data:
            return cls(fetched)
        path = f"luggage-{uuid.uuid4().hex[:12]}/{_MACHINE_CODE}"
        with scratch.create(path) as stream:
            stream.write(data)
        return cls(fetched, scratch, path, hashlib.sha256(data).hexdigest())

    def unpack(self, task: PartTask) -> None:
        """Have everything in its place on this machine, before this process runs the task's kernels for the first time.

        Raises:
            DamagedError: a file is missing, or not what was committed.
        """
        if not task.kernels:
            return
        ensure_fetched(self.fetched)
        name = hashlib.sha256(";".join(_described(kernel) for kernel in task.kernels).encode()).hexdigest()[:16]
        if name in _ready:
            return
        folder = Path(_cache_folder())
        if self.scratch is not None and not folder.exists():
            data = self.scratch.read(self.machine_code)
            if hashlib.sha256(data).hexdigest() == self.sha256:  # else another's: it can be compiled anew
                unpack_archive(data, folder)
        with first_here(folder, name) as is_first:
            if is_first:
                apply(read_part(task).slice(0, WARM_ROWS), task.kernels)
        _ready.add(name)


def _described(kernel: Kernel) -> str:
    kind = type(kernel)
    return f"{kind.__module__}.{kind.__qualname__}"


@contextmanager
def first_here(folder: Path, name: str) -> Iterator[bool]:
    """Whether this is the first process of the machine to do what `name` says; the others wait until it is done.

    Where the folder cannot be written, nobody is the first and nobody waits.
    """
    done = folder / f"{name}.compiled"
    if done.exists():
        yield False
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / f"{name}.lock").open("w")
    except OSError:
        yield False
        return
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if done.exists():
            yield False
            return
        yield True
        done.touch()


def archive(folder: Path) -> bytes:
    """The files of a cache of machine code, without what marks this machine's own state; nothing if there are none."""
    files = [file for file in sorted(folder.rglob("*")) if file.suffix in {".nbi", ".nbc"}] if folder.exists() else []
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for file in files:
            tar.add(file, str(file.relative_to(folder)), recursive=False)
    return buffer.getvalue() if files else b""


def unpack_archive(data: bytes, folder: Path) -> None:
    """Put the archive's files into the folder, in one step; whoever was faster, or may not write there, has his way."""
    beside = folder.with_name(f".{folder.name}.{uuid.uuid4().hex}")
    try:
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            tar.extractall(beside, filter="data")
        os.rename(beside, folder)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
