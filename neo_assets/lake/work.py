"""Work folders: where a long job keeps what it has done, so that one that was killed goes on where it was."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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
def work_folder(lake: Lake, asset: str, partition: str | None, order: str) -> Iterator[Path]:
    """A folder that outlives a kill and is removed when the block ends well.

    Args:
        order: what the work was ordered with (code, recipe, inputs); what an earlier order left is thrown away.

    Raises:
        BusyError: another process holds the folder.
    """
    path = work_path(lake, asset, partition)
    path.mkdir(parents=True, exist_ok=True)
    content = path / "content"
    with (path / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"{input_name(asset, partition)} is being made by another process; wait for it") from None
        given = path / ORDER
        if not given.exists() or given.read_text() != order:
            shutil.rmtree(content, ignore_errors=True)
            given.write_text(order)
        content.mkdir(exist_ok=True)
        yield content
        shutil.rmtree(path, ignore_errors=True)
