"""Files of a version on this machine: fetched once, compared, by several processes at once, and again elsewhere."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import shutil
import tempfile
from pathlib import Path

import pytest

from neo_assets.lake import fetched
from neo_assets.lake.dataset import Dataset, ensure_fetched, fetched_versions
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import FileRecord, Provenance
from neo_assets.lake.store import DamagedError, StoreError
from neo_assets_tests.storage.proxy import Proxy

LARGE = os.urandom(1 << 20) * 40


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(fetched, "_fetched", {})


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
    monkeypatch.setattr("neo_assets.lake.s3._pause", lambda attempt: None)
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


def _size(dataset: Dataset) -> int:
    return dataset.file("sub/weights.bin").stat().st_size


def test_several_processes_fetch_at_once(dataset: Dataset, proxy: Proxy) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        assert pool.map_async(_size, [dataset] * 3, chunksize=1).get(timeout=60) == [len(LARGE)] * 3
    ranges = [request.range for request in proxy.seen if request.path.endswith("weights.bin")]
    assert len(ranges) == len(set(ranges)), "one fetched, the others waited and found it there"
