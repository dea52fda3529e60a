"""A stand-in cluster, and a lake with something in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets_tests.compute.fake_kube import FakeKube


@pytest.fixture
def given(tmp_path: Path) -> Lake:
    """A lake with two partitions of `t/given`."""
    lake = Lake(str(tmp_path / "lake"))
    for partition, numbers in (("a", [1, 2]), ("b", [3])):
        writer = lake.writer("t/given", partition)
        writer.table(pa.table({"n": numbers}))
        writer.commit(Provenance())
    return lake


@pytest.fixture
def acts(tmp_path: Path) -> Path:
    """Where a test tells a job what to do."""
    folder = tmp_path / "acts"
    folder.mkdir()
    return folder


@pytest.fixture
def kube(tmp_path: Path, acts: Path) -> Iterator[FakeKube]:
    """A cluster whose pods are processes here."""
    cluster = FakeKube(tmp_path, {"ACTS": str(acts)})
    yield cluster
    cluster.close()
