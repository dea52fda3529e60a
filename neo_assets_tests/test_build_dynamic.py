"""Dynamic partitions: `neo build` knows them without an instance; who reads them all takes what is committed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from neo_assets.build import Graph, Node, run_in_process
from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.metadata import RECIPE_KEY

BATCHES = dg.DynamicPartitionsDefinition(name="batches")
DAYS = dg.DailyPartitionsDefinition("2024-11-01", end_date="2024-11-03")
ROWS = {"a": 1, "b": 2, "c": 3}
ATTRIBUTES: dict[str, Any] = {"code_version": "a", "metadata": {RECIPE_KEY: dg.MetadataValue.json({})}}


def definitions(lake: Lake) -> dg.Definitions:
    @dg.asset(key_prefix="t", partitions_def=BATCHES, **ATTRIBUTES)
    def source(context: dg.AssetExecutionContext) -> Any:
        return pa.table({"n": [ROWS[context.partition_key]]})

    @dg.asset(key_prefix="t", partitions_def=BATCHES, ins={"source": dg.AssetIn(["t", "source"])}, **ATTRIBUTES)
    def doubled(source: Dataset) -> Any:
        return pa.table({"n": [2 * n for n in source.read()["n"].to_pylist()]})

    everything = {"doubled": dg.AssetIn(["t", "doubled"], partition_mapping=dg.AllPartitionMapping())}

    @dg.asset(key_prefix="t", partitions_def=DAYS, ins=everything, **ATTRIBUTES)
    def gathered(doubled: Dataset) -> Any:
        return pa.table({"n": pa.array(doubled.read()["n"].to_pylist() if doubled else [], pa.int64())})

    return dg.Definitions(
        assets=[source, doubled, gathered],
        resources={"io_manager": LakeIOManager(lake, LocalEngine())},
        executor=dg.in_process_executor,
    )


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def build(lake: Lake, instance: dg.DagsterInstance, *named: str) -> list[str]:
    found = definitions(lake)
    graph = Graph(found, lake, {"batches": list(named)})
    graph.store.register(instance)
    outcomes = list(graph.build(graph.select(None, None), run_in_process(found, instance)))
    assert all(outcome.error is None for outcome in outcomes), outcomes
    return [str(node) for outcome in outcomes for node in outcome.nodes]


def gathered(lake: Lake) -> dict[str | None, list[int]]:
    return {day: lake.dataset("t/gathered", [day]).read()["n"].to_pylist() for day in lake.partitions("t/gathered")}


def test_without_any_partition_what_gathers_them_is_empty(lake: Lake, instance: dg.DagsterInstance) -> None:
    assert build(lake, instance) == ["t/gathered|2024-11-01", "t/gathered|2024-11-02"]
    assert gathered(lake) == {"2024-11-01": [], "2024-11-02": []}
    assert build(lake, instance) == []


def test_a_new_partition_is_made_and_gathered(lake: Lake, instance: dg.DagsterInstance) -> None:
    build(lake, instance, "b")
    assert gathered(lake) == {"2024-11-01": [4], "2024-11-02": [4]}
    made = build(lake, instance, "a", "b")
    assert made == ["t/source|a", "t/doubled|a", "t/gathered|2024-11-01", "t/gathered|2024-11-02"]
    assert gathered(lake)["2024-11-01"] == [2, 4]
    assert build(lake, instance, "a", "b") == []


def test_another_instance_knows_what_is_committed(lake: Lake, instance: dg.DagsterInstance) -> None:
    build(lake, instance, "a", "b")
    with dg.instance_for_test() as other:
        assert build(lake, other) == []
        assert set(other.get_dynamic_partitions("batches")) == {"a", "b"}


def test_what_is_only_named_keeps_nobody_waiting(lake: Lake, instance: dg.DagsterInstance) -> None:
    build(lake, instance, "a")
    instance.add_dynamic_partitions("batches", ["c"])  # as a sensor does, before the batch is made
    job = definitions(lake).resolve_implicit_global_asset_job_def()
    selection = {dg.AssetKey(["t", "gathered"])}
    result = job.get_subset(asset_selection=selection).execute_in_process(instance=instance, partition_key="2024-11-01")
    assert result.success
    assert gathered(lake)["2024-11-01"] == [2]
    graph = Graph(definitions(lake), lake, {"batches": ["c"]})
    assert str(graph.stale(Node("t/gathered", "2024-11-01"))) == "input changed: t/doubled|c"


def test_keys_as_dagster_asks_for_them(lake: Lake) -> None:
    store = Graph(definitions(lake), lake, {"batches": ["b", "a"]}).store
    assert store.get_dynamic_partitions("batches") == ["a", "b"]
    assert store.has_dynamic_partition("batches", "a") and not store.has_dynamic_partition("batches", "z")
    assert store.get_existing_dynamic_partitions("batches", ["a", "z"]) == {"a"}
    page = store.get_paginated_dynamic_partitions("batches", limit=1, ascending=True)
    assert (page.results, page.has_more) == (["a"], True)
    other = Graph(definitions(lake), lake, {"batches": ["a"]}).store
    assert store.get_dynamic_partitions_definition_id("batches") != other.get_dynamic_partitions_definition_id(
        "batches"
    )
