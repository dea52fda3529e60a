"""An instance that is told of what the lake holds: SQLite, and a real Postgres server."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
import yaml
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from neo_assets.compute.instance import InstanceError, Registered, postgres_url, register, use_postgres
from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets_tests.compute import instance_definitions
from neo_assets_tests.compute.instance_definitions import DAYS, N_DAYS, events, kept, pages, report, total
from neo_assets_tests.compute.postgres import postgres_server

ROOT = Path(__file__).parents[2]
KEYS = list(DAYS.get_partition_keys())
ASSETS = [pages, kept, total, report]
N_PARTITIONS = 2 * N_DAYS + 2
TAGS = ("dagster/data_version", "dagster/code_version", "dagster/data_version_is_user_provided")


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("NEO_LAKE", str(tmp_path / "lake"))
    return Lake.from_environment()


@pytest.fixture
def definitions(lake: Lake) -> dg.Definitions:
    io_manager = LakeIOManager(lake, LocalEngine(workers=1))
    return dg.Definitions(assets=ASSETS, resources={"io_manager": io_manager})


@pytest.fixture
def laptop(definitions: dg.Definitions) -> Iterator[dg.DagsterInstance]:
    """The instance on SQLite by which everything was made."""
    with dg.DagsterInstance.get() as instance:
        build(definitions, instance)
        yield instance


def build(definitions: dg.Definitions, instance: dg.DagsterInstance, *names: str, days: list[str] = KEYS) -> None:
    """Materialize assets, in order; all by default."""
    for name in names or ("pages", "kept", "total", "report"):
        for day in days if name in {"pages", "kept"} else [None]:
            dg.materialize(
                ASSETS,
                selection=[dg.AssetKey(["t", name])],
                partition_key=day,
                instance=instance,
                resources=definitions.resources,
            )


def latest(instance: dg.DagsterInstance, asset: str) -> dict[str | None, dg.AssetMaterialization]:
    return {event.partition: event for event in reversed(list(events(instance, asset)))}


def stale(instance: dg.DagsterInstance, definitions: dg.Definitions) -> list[str]:
    """What Dagster's UI would call stale or missing."""
    graph = definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    nodes = [(name, day) for name in ("pages", "kept") for day in KEYS] + [("total", None), ("report", None)]
    status = {node: resolver.get_status(dg.AssetKey(["t", node[0]]), node[1]) for node in nodes}
    return [f"{name} {day}" for (name, day), found in status.items() if found != StaleStatus.FRESH]


def is_told_everything(
    new: dg.DagsterInstance, laptop: dg.DagsterInstance, lake: Lake, definitions: dg.Definitions
) -> None:
    """An empty instance, after `register`, shows what the laptop's does; a second time nothing happens."""
    began = time.perf_counter()
    told = register(lake, new, definitions)
    assert (len(told.told), told.known, told.unknown_assets) == (N_PARTITIONS, 0, ())
    assert (time.perf_counter() - began) / N_PARTITIONS < 0.2  # much less on a machine of its own
    for asset in ("t/pages", "t/kept", "t/total", "t/report"):
        was, now = latest(laptop, asset), latest(new, asset)
        assert was.keys() == now.keys()
        for partition, event in now.items():
            assert event.metadata == was[partition].metadata
            tags, wanted = event.tags or {}, was[partition].tags or {}
            assert [tags[name] for name in TAGS] == [wanted[name] for name in TAGS]
            versions = {name for name in wanted if name.startswith("dagster/input_data_version/")}
            assert {name: tags[name] for name in versions} == {name: wanted[name] for name in versions}
            assert tags["dagster/data_version"] == lake.dataset(asset, [partition]).manifest.digest
    assert new.get_materialized_partitions(dg.AssetKey(["t", "pages"])) == set(KEYS)
    assert stale(new, definitions) == stale(laptop, definitions) == []
    assert register(lake, new, definitions) == Registered((), N_PARTITIONS, ())
    assert len(list(events(new, "t/pages"))) == N_DAYS


def test_a_new_instance_is_told_what_the_lake_holds(
    laptop: dg.DagsterInstance, lake: Lake, definitions: dg.Definitions
) -> None:
    assert register(lake, laptop, definitions).told == ()
    with dg.DagsterInstance.ephemeral() as other:
        is_told_everything(other, laptop, lake, definitions)


def test_what_was_made_elsewhere_since_is_told_and_what_is_stale_shows_so(
    laptop: dg.DagsterInstance, lake: Lake, definitions: dg.Definitions
) -> None:
    writer = lake.writer("t/pages", KEYS[1])
    writer.table(pa.table({"doc_id": ["new"], "text": ["page"]}))
    writer.commit(Provenance(code_version="1"))
    for name, partition in (("t/gone", None), ("t/gone too", "a")):
        writer = lake.writer(name, partition)
        writer.table(pa.table({"n": [1]}))
        writer.commit(Provenance())
    seen: list[tuple[str, int, int]] = []
    told = register(lake, laptop, definitions, lambda *given: seen.append(given))
    assert told == Registered((f"t/pages|{KEYS[1]}",), N_PARTITIONS - 1, ("t/gone", "t/gone too"))
    assert seen == [(f"t/pages|{KEYS[1]}", 0, 1)]
    assert stale(laptop, definitions) == [f"kept {KEYS[1]}"]
    with dg.DagsterInstance.ephemeral() as other:
        register(lake, other, definitions)
        assert f"kept {KEYS[1]}" in stale(other, definitions)  # by the asset's last event: its other days too
        assert not [name for name in stale(other, definitions) if not name.startswith("kept")]
        build(definitions, other, "kept", "total", "report")
        assert stale(other, definitions) == []


def test_hundreds_of_partitions_take_seconds(lake: Lake) -> None:
    days = dg.StaticPartitionsDefinition([f"{n:04d}" for n in range(200)])
    asset = dg.AssetSpec(["t", "many"], partitions_def=days)
    for key in days.get_partition_keys():
        writer = lake.writer("t/many", key)
        writer.table(pa.table({"n": [1]}))
        writer.commit(Provenance())
    with dg.DagsterInstance.get() as instance:
        began = time.process_time()
        assert len(register(lake, instance, dg.Definitions(assets=[asset])).told) == 200
        assert (time.process_time() - began) / 200 < 0.04
        began = time.process_time()
        assert register(lake, instance, dg.Definitions(assets=[asset])).known == 200
        assert time.process_time() - began < 2


@pytest.mark.needs("postgres")
def test_a_laptop_instance_moves_to_postgres(
    laptop: dg.DagsterInstance, lake: Lake, definitions: dg.Definitions, monkeypatch: pytest.MonkeyPatch
) -> None:
    from neo_assets_tests.conftest import OPTIONAL

    home, programs = Path(os.environ["DAGSTER_HOME"]), OPTIONAL["postgres"][0]()
    assert isinstance(programs, Path)
    settings = home / "dagster.yaml"
    before = yaml.safe_load(settings.read_text())
    checkout = home.parent / "settings-of-the-checkout.yaml"  # as `make` links them
    settings.rename(checkout)
    settings.symlink_to(checkout)
    with postgres_server(programs) as url, warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        monkeypatch.setenv("NEO_POSTGRES_URL", url)
        said: list[str] = []
        assert use_postgres(home, said.append) == home / "dagster.yaml.before-postgres"
        assert any("event storage" in line for line in said)
        assert yaml.safe_load(settings.read_text()) == before | {
            "storage": {"postgres": {"postgres_url": {"env": "NEO_POSTGRES_URL"}}}
        }
        assert yaml.safe_load(checkout.read_text()) == before
        assert use_postgres(home) is None
        with dg.DagsterInstance.get() as instance:
            assert "Postgres" in type(instance.event_log_storage).__name__
            is_told_everything(instance, laptop, lake, definitions)
            command = [str(Path(sys.executable).with_name("dagster")), "asset", "materialize"]
            select = ["-m", instance_definitions.__name__, "--select", "t/pages", "--partition", KEYS[0]]
            done = subprocess.run(
                [*command, *select], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert [event.partition for event in events(instance, "t/pages")].count(KEYS[0]) == 2
            [run] = instance.get_runs()
            assert run.status == dg.DagsterRunStatus.SUCCESS
            assert stale(instance, definitions) == []  # the same content once more
            assert register(lake, instance, definitions).told == ()
    with pytest.raises(InstanceError, match=r"the database of NEO_POSTGRES_URL cannot be used: .*No such file"):
        use_postgres(home)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "it is not set"),
        ("mysql://a@b/c", "its scheme is mysql"),
        ("postgresql+psycopg://a@b/c", r"its scheme is postgresql\+psycopg,"),
        ("postgresql://a@b", "it names no database"),
    ],
)
def test_a_url_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch, url: str | None, why: str) -> None:
    monkeypatch.delenv("NEO_POSTGRES_URL", raising=False)
    if url:
        monkeypatch.setenv("NEO_POSTGRES_URL", url)
    with pytest.raises(InstanceError, match=rf"NEO_POSTGRES_URL must be postgresql\+psycopg2://.*{why}"):
        postgres_url()


@pytest.mark.needs("postgres")
def test_settings_with_another_storage_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neo_assets_tests.conftest import OPTIONAL

    programs = OPTIONAL["postgres"][0]()
    assert isinstance(programs, Path)
    settings = tmp_path / "dagster.yaml"
    settings.write_text("storage: {sqlite: {base_dir: /elsewhere}}\n")
    with postgres_server(programs) as url:
        monkeypatch.setenv("NEO_POSTGRES_URL", url)
        with pytest.raises(InstanceError, match="sets another `storage` already; remove that key"):
            use_postgres(tmp_path)
    assert settings.read_text() == "storage: {sqlite: {base_dir: /elsewhere}}\n"
    assert list(tmp_path.iterdir()) == [settings]
