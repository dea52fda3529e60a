"""A namespace for each test, and what is made here beside what pods make."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pytest

from neo_assets_tests.cluster import kube, postgres
from neo_assets_tests.cluster.kube import Space
from neo_assets_tests.cluster.lakes import EVALUATE, TRAIN, InPods, cluster_recipe, make_inputs
from neo_assets_tests.cluster.runs import Instance, Runs
from neo_assets_tests.cluster.settings import kubeconfig, shared_folder
from neo_assets_tests.e2e.small import Checkout


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spread these modules among the other long ones.

    They mostly wait, for pods and for one another's turns on the cluster: another process had better compute meanwhile.
    """
    long = list(dict.fromkeys(item.path for item in items if item.get_closest_marker("slow")))
    ours = [path for path in long if path.parent == Path(__file__).parent]
    order = [path for path in long if path not in ours]
    for number, path in enumerate(ours):
        order.insert(number * len(long) // len(ours), path)
    rank = {path: number for number, path in enumerate(order)}
    items.sort(key=lambda item: rank.get(item.path, len(order)))


@contextmanager
def locked(file: Path, kind: int) -> Iterator[None]:
    """Hold a lock of that kind (`fcntl.LOCK_SH` or `LOCK_EX`) on a file that is there, against other processes."""
    with file.open() as held:
        fcntl.flock(held, kind)
        yield


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """Tests of several processes share the cluster, but for those that want all of it."""
    wanted = kubeconfig()
    assert wanted is not None
    with locked(Path(wanted), fcntl.LOCK_EX if "whole_cluster" in request.fixturenames else fcntl.LOCK_SH):
        yield


@pytest.fixture
def whole_cluster(turn: None) -> None:
    """No other test of these is at work on the cluster."""


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Checkpoints and their evaluation, made on this machine by local processes; once for all processes of pytest."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "made_here"
    folder.mkdir(exist_ok=True)
    checkout, lock = Checkout(folder / "checkout"), folder / "lock"
    lock.touch()
    with locked(lock, fcntl.LOCK_EX):
        if not (folder / "done").exists():
            shutil.rmtree(checkout.folder, ignore_errors=True)
            Checkout.make(checkout.folder, cluster_recipe())
            make_inputs(checkout)
            checkout.neo("build", *TRAIN)
            checkout.neo("build", *EVALUATE)
            (folder / "done").touch()
    return checkout


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Space]:
    """A namespace of its own."""
    with kube.space(tmp_path) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not there yet, where pods find what is put into it."""
    return shared_folder(tmp_path) / f"lake-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def untrained(made: Checkout, space: Space, folder: Path) -> InPods:
    """What training reads, its jobs to be pods."""
    return InPods.make(
        made.copy(folder, without=["training/checkpoint", "evaluation/report", "evaluation/held_out"]), space
    )


@pytest.fixture
def trained(made: Checkout, space: Space, folder: Path) -> InPods:
    """Checkpoints without their evaluation, its jobs to be pods."""
    return InPods.make(made.copy(folder, without=["evaluation/report", "evaluation/held_out"]), space)


@pytest.fixture
def instance(monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    """Opens an instance over pods, on a PostgreSQL server of its own."""
    with TemporaryDirectory() as folder, postgres.server(Path(folder) / "postgres") as url:
        opened: list[dg.DagsterInstance] = []

        def open_instance(pods: InPods, **environment: str) -> tuple[Runs, dg.DagsterInstance]:
            runs = Runs.make(pods, url, **environment)
            monkeypatch.setenv("NEO_POSTGRES_URL", url)
            opened.append(dg.DagsterInstance.from_config(str(runs.home)))
            return runs, opened[-1]

        yield open_instance
        for each in opened:
            each.dispose()
