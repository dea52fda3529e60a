"""Several writers of one partition, and writers that are killed: on a disk and in a bucket."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import ANY, ChangedError, CommitConflictError, Store
from neo_assets_tests.storage.conftest import Server, at_server

DOCUMENTS = pa.table({"doc_id": [f"d{i:04d}" for i in range(1000)]})
WRITERS, ROUNDS = 2, 3


@pytest.fixture(params=["disk", "bucket"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A root on either kind of store."""
    return str(tmp_path / "lake") if request.param == "disk" else str(request.getfixturevalue("root"))


def _write(root: str, number: int, same: bool, barrier: Any, results: Any) -> None:
    lake = Lake(root)
    for _ in range(ROUNDS):
        writer = lake.writer("area/name", "p")
        writer.table(DOCUMENTS.slice(0 if same else number))
        barrier.wait(30)
        try:
            made = writer.commit(Provenance())
            results.put((number, "won" if made.manifest.version == writer.version else "joined", made.manifest.digest))
        except CommitConflictError as error:
            writer.discard()
            results.put((number, "lost", str(error)))
        barrier.wait(30)


@pytest.mark.parametrize("same", [False, True], ids=["other rows", "the same rows"])
def test_of_writers_in_several_processes_one_wins(anywhere: str, same: bool) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(WRITERS), context.Queue()
    writers = [context.Process(target=_write, args=(anywhere, n, same, barrier, results)) for n in range(WRITERS)]
    for process in writers:
        process.start()
    told = [results.get(timeout=60) for _ in range(ROUNDS * WRITERS)]
    for process in writers:
        process.join(30)
        assert process.exitcode == 0
    outcomes = [outcome for _, outcome, _ in told]
    assert outcomes.count("won") == ROUNDS  # one in each round
    assert outcomes.count("joined" if same else "lost") == ROUNDS * (WRITERS - 1)
    lake = Lake(anywhere)
    dataset = lake.dataset("area/name", ["p"]).verified()
    winner = 0 if same else [number for number, outcome, _ in told if outcome == "won"][-1]
    assert dataset.read() == DOCUMENTS.slice(winner)
    garbage = list(lake.garbage())
    assert len(garbage) == ROUNDS - 1, "former versions stay for `neo gc`, those of losers are gone"
    assert all(dataset.manifest.version not in folder for folder in garbage)


def test_a_writer_that_found_nothing_does_not_replace_a_first_version(anywhere: str) -> None:
    lake = Lake(anywhere)
    writers = [lake.writer("area/name", None) for _ in range(2)]
    for number, writer in enumerate(writers):
        writer.table(DOCUMENTS.slice(number))
    writers[1].commit(Provenance())
    with pytest.raises(CommitConflictError, match="another writer committed"):
        writers[0].commit(Provenance())


def test_a_manifest_that_is_removed_meanwhile_is_a_conflict(anywhere: str) -> None:
    lake = Lake(anywhere)
    first = lake.writer("area/name", None)
    first.table(DOCUMENTS)
    first.commit(Provenance())
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS)
    lake.store.filesystem.delete_file(lake.store.absolute("area/name/_/manifest.json"))
    with pytest.raises(CommitConflictError, match="removed or broken meanwhile; nothing was committed"):
        writer.commit(Provenance())


def test_a_broken_manifest_can_be_replaced(anywhere: str) -> None:
    lake = Lake(anywhere)
    lake.store.replace("area/name/_/manifest.json", b"{")
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS)
    writer.commit(Provenance())
    assert lake.dataset("area/name").read() == DOCUMENTS


def test_a_committed_version_is_never_discarded(anywhere: str) -> None:
    """A job that fails after its commit, say when it removes its work, calls `discard` all the same."""
    lake = Lake(anywhere)
    writer = lake.writer("area/name", None)
    writer.table(DOCUMENTS)
    writer.commit(Provenance())
    writer.discard()
    assert lake.dataset("area/name").verified().read() == DOCUMENTS


def test_of_many_replacements_of_one_state_one_holds(anywhere: str) -> None:
    store = Store(anywhere)
    tag: str | None = None
    for _ in range(5):
        texts = [uuid.uuid4().bytes for _ in range(8)]

        def replace(data: bytes, expected: str | None = tag) -> str | None:
            try:
                return store.replace("area/file", data, expected)
            except ChangedError:
                return None

        with ThreadPoolExecutor(8) as pool:
            tags = list(pool.map(replace, texts))
        [winner] = [data for data, given in zip(texts, tags, strict=True) if given is not None]
        assert store.read("area/file") == winner
        tag = store.read_tagged("area/file").tag


class Model:
    """The obvious conditional replacement: bytes and a number that grows."""

    def __init__(self) -> None:
        self.data: bytes | None = None

    def replace(self, data: bytes, expected: object) -> bool:
        if expected is not ANY and expected != self.data:
            return False
        self.data = data
        return True


STEPS = st.lists(st.tuples(st.binary(max_size=3), st.sampled_from(["any", "none", "now", "before"])), max_size=6)


def _follows_the_model(root: str, steps: list[tuple[bytes, str]]) -> None:
    store, model, path = Store(root), Model(), f"area/{uuid.uuid4().hex}"
    states: list[tuple[bytes | None, str | None]] = [(None, None)]
    for data, kind in steps:
        given_states = {"any": (ANY, ANY), "none": (None, None), "now": states[-1], "before": states[-2:][0]}
        known, tag = given_states[kind]
        unchanged = model.data == data  # our own bytes count as an attempt of ours whose answer was lost
        if model.replace(data, known):
            states.append((data, store.replace(path, data, tag)))
            assert store.read_tagged(path) == states[-1]
        elif unchanged and not store.is_local:
            assert store.replace(path, data, tag) == states[-1][1]
        else:
            with pytest.raises(ChangedError):
                store.replace(path, data, tag)
            assert model.data is None or store.read(path) == model.data


@given(steps=STEPS)
def test_a_disk_follows_the_model(tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bytes, str]]) -> None:
    _follows_the_model(str(tmp_path_factory.getbasetemp() / "model"), steps)


@pytest.fixture(scope="module")
def model_root(server: Server) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as environment:
        server.client().create_bucket(Bucket="model")
        at_server(server, environment)
        yield "s3://model/lake"


@settings(max_examples=15)
@given(steps=STEPS)
def test_a_bucket_follows_the_model(model_root: str, steps: list[tuple[bytes, str]]) -> None:
    _follows_the_model(model_root, steps)


SLOW_WRITER = """
import sys, time
import pyarrow as pa
from neo_assets.lake.lake import Lake
writer = Lake(sys.argv[1]).writer("area/name", None)
writer.table(pa.table({"doc_id": ["x"] * 30}), part_rows=10)
with writer.store.create(f"{writer.folder}/files/large") as stream:
    stream.write(bytes(40_000_000))
    print(writer.folder, flush=True)
    time.sleep(60)
"""


@contextmanager
def _killed(root: str) -> Iterator[str]:
    command = [sys.executable, "-c", SLOW_WRITER, root]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = process.stdout.readline().strip()
        process.send_signal(signal.SIGKILL)
        process.wait()
        yield folder


def test_a_killed_writer_does_no_damage_and_leaves_garbage(anywhere: str) -> None:
    lake = Lake(anywhere)
    first = lake.writer("area/name", None)
    first.table(DOCUMENTS)
    first.commit(Provenance())
    with _killed(anywhere) as folder:
        assert folder.startswith("area/name/_/v-")
    assert lake.dataset("area/name").verified().read() == DOCUMENTS
    assert not lake.store.exists(f"{folder}/files/large")
    assert list(lake.garbage()) == [folder]
    second = lake.writer("area/name", None)
    second.table(DOCUMENTS.slice(1))
    second.commit(Provenance())
    assert lake.dataset("area/name").verified().read() == DOCUMENTS.slice(1)
    lake.store.delete_folder(folder)
    assert list(lake.store.listing(folder, unfinished=True)) == []


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, time; from neo_assets.lake.disk import Disk\n"
        "with Disk(sys.argv[1])._locked(): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        os.kill(process.pid, signal.SIGKILL)
    started = time.monotonic()
    Store(str(tmp_path)).replace("area/file", b"1", None)
    assert time.monotonic() - started < 5
