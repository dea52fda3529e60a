"""Files of a version on this machine: fetched once, compared, by several processes at once, and again elsewhere."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from neo_assets.lake import fetched
from neo_assets.lake.dataset import Dataset, ensure_fetched, fetched_versions
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import FileRecord, Provenance
from neo_assets.lake.store import DamagedError, StoreError
from neo_assets_tests.storage.proxy import Proxy

LARGE = os.urandom(1 << 20) * 17


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(fetched, "_fetched", {})
    held = dict[str, int]()
    monkeypatch.setattr(fetched, "_held", held)
    yield
    for descriptor in held.values():
        os.close(descriptor)


@pytest.fixture
def dataset(root: str) -> Dataset:
    writer = Lake(root).writer("area/model", "a|b")
    writer.file("sub/weights.bin", LARGE)
    writer.file("empty.txt", b"")
    return writer.commit(Provenance())


def test_files_are_fetched_once_and_compared_once_a_process(dataset: Dataset, proxy: Proxy, tmp_path: Path) -> None:
    folder = dataset.folder()
    assert folder == tmp_path / "neo-assets-files" / dataset.manifest.version
    assert (folder / "sub/weights.bin").read_bytes() == LARGE and (folder / "empty.txt").read_bytes() == b""
    seen = len(proxy.seen)
    assert dataset.file("empty.txt") == folder / "empty.txt"
    assert len(proxy.seen) == seen
    assert folder.parent.stat().st_mode & 0o077 == 0
    assert sorted(p.name for p in folder.rglob("*")) == ["empty.txt", "sub", "weights.bin"]


def test_another_machine_gets_the_same_under_the_same_path(dataset: Dataset) -> None:
    folder = dataset.folder()
    entries = pickle.loads(pickle.dumps(fetched_versions()))  # noqa: S301  # our own
    assert [entry.folder for entry in entries] == [str(folder)]
    shutil.rmtree(folder)
    fetched._fetched.clear()
    ensure_fetched(entries)
    assert (folder / "sub/weights.bin").read_bytes() == LARGE
    assert fetched_versions() == entries


def test_what_lies_there_and_is_not_it_is_fetched_again(dataset: Dataset) -> None:
    folder = dataset.folder()
    (folder / "sub/weights.bin").write_bytes(LARGE[:-1] + b"?")
    (folder / "empty.txt").unlink()
    fetched._fetched.clear()
    assert dataset.folder() == folder
    assert (folder / "sub/weights.bin").read_bytes() == LARGE and (folder / "empty.txt").exists()


def test_a_cut_connection_is_taken_up_again(dataset: Dataset, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neo_assets.lake.s3_client.pause", lambda attempt: None)
    proxy.harm = lambda request: "cut" if request.number % 2 == 0 else None
    assert (dataset.folder() / "sub/weights.bin").read_bytes() == LARGE


def test_damage_leaves_nothing_behind(dataset: Dataset, tmp_path: Path) -> None:
    path = dataset.manifest.files["sub/weights.bin"].path
    dataset.store.replace(path, LARGE[::-1])
    with pytest.raises(DamagedError, match=r"area/model \[a\|b\]: files/sub/weights.bin is not what was committed"):
        dataset.folder()
    dataset.store.filesystem.delete_file(dataset.store.absolute(path))
    with pytest.raises(DamagedError, match=r"files/sub/weights.bin is missing"):
        dataset.folder()
    assert [p.name for p in tmp_path.rglob("*weights*")] == []


def test_a_name_that_leads_elsewhere_is_refused(dataset: Dataset) -> None:
    record = FileRecord(path="area/model/_/v/files/x", bytes=1, sha256="0" * 64)
    manifest = dataset.manifest.model_copy(update={"files": {"../../evil": record}})
    with pytest.raises(DamagedError, match="a name that leads out of its version"):
        Dataset(dataset.store, "area/model", (manifest,)).folder()


def test_another_user_s_folder_is_not_read(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(StoreError, match="belongs to another user; set TMPDIR"):
        dataset.folder()


def _ended() -> None:
    """As if this process had ended, and another began."""
    fetched._fetched.clear()
    while fetched._held:
        os.close(fetched._held.popitem()[1])


def _last_asked_for(folder: Path, days: float) -> None:
    at = time.time() - days * 86_400
    os.utime(folder.with_name(f".{folder.name}.used"), (at, at))


def test_what_nobody_asks_for_in_a_week_is_removed(dataset: Dataset, tmp_path: Path) -> None:
    writer = Lake(dataset.store.root).writer("area/other", None)
    writer.file("small.txt", b"small")
    other, base = writer.commit(Provenance()), tmp_path / "neo-assets-files"
    old, recent = dataset.folder(), other.folder()
    _ended()
    _last_asked_for(old, 7.1)
    _last_asked_for(recent, 6.9)
    assert other.folder() == recent
    assert sorted(path.name for path in base.iterdir()) == sorted(
        [recent.name, f".{recent.name}.lock", f".{recent.name}.used"]
    )
    assert fetched.remove_unused(base, seconds=-60) == [], "in use"
    assert dataset.file("sub/weights.bin").read_bytes() == LARGE, "fetched again"
    _ended()
    assert sorted(fetched.remove_unused(base, seconds=-60)) == sorted([old.name, recent.name])
    assert list(base.iterdir()) == []


def test_what_a_process_uses_stays_however_old(dataset: Dataset, tmp_path: Path) -> None:
    """A child asks for the files and forks a worker; it ends, the worker goes on, then that is killed too."""
    program = (
        "import os, pickle, sys, time\n"
        "pickle.load(sys.stdin.buffer).folder()\n"
        "if pid := os.fork(): print(pid, flush=True)\n"
        "else: os.close(1); time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(dataset), stdout=subprocess.PIPE, check=True
    )
    folder, worker = tmp_path / "neo-assets-files" / dataset.manifest.version, int(done.stdout)
    try:
        _last_asked_for(folder, 100)
        assert fetched.remove_unused(folder.parent) == []
        assert (folder / "sub/weights.bin").read_bytes() == LARGE
    finally:
        os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while not fetched.remove_unused(folder.parent) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not folder.exists()


def test_a_lock_on_a_removed_file_is_none(tmp_path: Path) -> None:
    file, found = tmp_path / "lock", list[bool]()

    def wait_for_it() -> None:
        with fetched._locked(file):
            try:
                with fetched._locked(file, wait=False):
                    found.append(False)
            except BlockingIOError:
                found.append(True)

    waiting = threading.Thread(target=wait_for_it)
    with fetched._locked(file):
        waiting.start()
        time.sleep(0.1)
        file.unlink()
    waiting.join(timeout=30)
    assert found == [True], "who opens the file anew meets the lock"


def _size(dataset: Dataset) -> int:
    return dataset.file("sub/weights.bin").stat().st_size


def test_several_processes_fetch_at_once(dataset: Dataset, proxy: Proxy) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map_async(_size, [dataset] * 3, chunksize=1).get(timeout=60) == [len(LARGE)] * 3
    ranges = [request.range for request in proxy.seen if request.path.endswith("weights.bin")]
    assert len(ranges) == len(set(ranges)), "one fetched, the others waited and found it there"
