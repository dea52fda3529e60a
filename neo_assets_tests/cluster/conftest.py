"""A namespace for each test, and what is made here beside what pods make."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pytest

from neo_assets_tests.cluster import kube, postgres
from neo_assets_tests.cluster.kube import Space
from neo_assets_tests.cluster.lakes import EVALUATE, TRAIN, InPods, cluster_recipe, make_inputs
from neo_assets_tests.cluster.runs import Instance, Runs
from neo_assets_tests.cluster.settings import shared_folder
from neo_assets_tests.e2e.small import Checkout


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """Checkpoints and their evaluation, made on this machine by local processes."""
    checkout = Checkout.make(tmp_path_factory.mktemp("made") / "here", cluster_recipe())
    make_inputs(checkout)
    checkout.neo("build", *TRAIN)
    checkout.neo("build", *EVALUATE)
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
