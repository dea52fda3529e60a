"""Work folders: where a long job keeps what it has done, so that one that was killed goes on where it was."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path

from neo_assets.lake.dataset import input_name, partition_folder
from neo_assets.lake.lake import Lake
from neo_assets.lake.store import StoreError

FOLDER = "work"
ORDER, LOCK = "order", "lock"


class BusyError(StoreError):
    """Another process makes the same partition."""


def work_path(lake: Lake, asset: str, partition: str | None) -> Path:
    """The local folder for work on a partition: beside its versions, where `neo gc` finds what nobody came back for.

    For a lake that is not local it lies below `NEO_WORK`, or the folder for temporary files.
    """
    folder = partition_folder(asset, partition)
    if lake.store.is_local:
        return Path(lake.store.absolute(f"{folder}/{FOLDER}"))
    base = Path(os.environ.get("NEO_WORK") or tempfile.gettempdir())
    return base / f"neo-work-{sha256(lake.root.encode()).hexdigest()[:12]}" / folder / FOLDER


@contextmanager
def work_folder(lake: Lake, asset: str, partition: str | None, order: str, alone: bool = False) -> Iterator[Path]:
    """A folder that outlives a kill and is removed when the block ends well.

    Args:
        order: what the work was ordered with (code, recipe, inputs); what an earlier order left is thrown away.
        alone: no other partition of the asset may be worked on meanwhile, on this machine.

    Raises:
        BusyError: another process holds the folder, or with `alone` one of the asset's.
    """
    path = work_path(lake, asset, partition)
    content = path / "content"
    with ExitStack() as locks:
        if alone:
            locks.enter_context(_locked(path.parents[1] / LOCK, f"another partition of {asset}"))
        locks.enter_context(_locked(path / LOCK, input_name(asset, partition)))
        given = path / ORDER
        if not given.exists() or given.read_text() != order:
            shutil.rmtree(content, ignore_errors=True)
            given.write_text(order)
        content.mkdir(exist_ok=True)
        yield content
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _locked(file: Path, what: str) -> Iterator[None]:
    """Hold a lock that ends with this process, however it ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{what} is being made by another process; wait for it") from None
        yield
