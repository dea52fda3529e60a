"""The checks that every asset has, run through Dagster on a lake that is sound, damaged or out of date."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from neo_assets.checks.lake import CONSERVED, CURRENT, GraphSource, lake_checks
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Mapped
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.records import with_verdicts
from neo_assets.metadata import RECIPE_KEY


def lose_a_row(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A kernel with a fault."""
    return with_verdicts(batch.slice(1), verdict=["kept"] * (batch.num_rows - 1))


DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


def definitions(lake: Lake, *, limit: int = 3, numbers: int = 5) -> dg.Definitions:
    """numbers → kept (those under a limit, the last one quarantined) → after, all by day, with their checks.

    A negative limit stands for a filter that loses a row.
    """

    def attributes(**recipe: int) -> dict[str, Any]:
        version = f"c-{sorted(recipe.items())}"
        return {
            "code_version": version,
            "metadata": {RECIPE_KEY: dg.MetadataValue.json(recipe)},
            "dagster_type": dg.Any,
        }

    @dg.asset(name="numbers", key_prefix="t", partitions_def=DAYS, **attributes(numbers=numbers))
    def source() -> Any:
        names = [f"d{n}" for n in range(numbers)]
        return pa.table({"doc_id": names, "url": names, "n": pa.array(range(numbers), pa.int64())})

    @dg.asset(
        key_prefix="t", partitions_def=DAYS, ins={"given": dg.AssetIn(["t", "numbers"])}, **attributes(limit=limit)
    )
    def kept(given: Dataset) -> Any:
        if limit < 0:
            return Mapped(given, lose_a_row)
        batch = given.read().combine_chunks().to_batches()[0]
        verdicts = ["kept" if n < limit else "rejected" for n in batch["n"].to_pylist()]
        return pa.Table.from_batches([with_verdicts(batch, verdict=[*verdicts[:-1], "quarantined"])])

    @dg.asset(key_prefix="t", partitions_def=DAYS, ins={"given": dg.AssetIn(["t", "kept"])}, **attributes(limit=limit))
    def after(given: Dataset) -> Any:
        return given.read()

    graph, assets = GraphSource(), [source, kept, after]
    graph.definitions = dg.Definitions(
        assets=assets,
        asset_checks=lake_checks("t", assets, graph),
        resources={"io_manager": LakeIOManager(lake, LocalEngine()), "lake": lake},
        executor=dg.in_process_executor,
    )
    return graph.definitions


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


Evaluations = dict[tuple[str, str], dg.AssetCheckEvaluation]


@pytest.fixture
def run(lake: Lake, tmp_path: Path) -> Iterator[Callable[..., Evaluations]]:
    """Materialize assets of one day (by name), or only check everything; gives the evaluations."""
    with dg.DagsterInstance.ephemeral(str(tmp_path)) as instance:

        def execute(*names: str, day: str | None = "monday", **changes: int) -> Evaluations:
            job = definitions(lake, **changes).resolve_implicit_global_asset_job_def()
            checks = {
                dg.AssetCheckKey(dg.AssetKey(["t", a]), c)
                for a in {"numbers", "kept", *names}
                for c in (CONSERVED, CURRENT)
            }
            keys = {dg.AssetKey(["t", name]) for name in names}
            subset = job.get_subset(asset_selection=keys, asset_check_selection=checks)
            result = subset.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)
            found = result.get_asset_check_evaluations()
            return {(e.asset_key.path[-1], e.check_name): e for e in found}

        yield execute


def text(evaluation: dg.AssetCheckEvaluation, key: str = "faults") -> Any:
    return evaluation.metadata[key].value


def test_a_sound_lake_passes(run: Callable[..., Evaluations]) -> None:
    found = run("numbers", "kept")
    assert len(found) == 4 and all(evaluation.passed for evaluation in found.values())
    assert {text(evaluation) for evaluation in found.values()} == {"none"}
    counts = found["kept", CONSERVED]
    assert [text(counts, name) for name in ("rows in", "kept", "rejected", "quarantined")] == [5, 3, 1, 1]
    # An asset that judges nothing loses nothing.
    assert [text(found["numbers", CONSERVED], name) for name in ("rows in", "kept")] == [5, 5]
    assert counts.severity == dg.AssetCheckSeverity.ERROR
    assert found["kept", CURRENT].severity == dg.AssetCheckSeverity.WARN


@pytest.mark.parametrize(
    ("counts", "fault"),
    [
        ({"rows_in": 6}, "monday: 6 rows in, but 3 kept, 1 rejected, 1 quarantined"),
        ({"kept": 2, "rows_in": 4}, "monday: 2 rows kept, 3 in the table"),
        ({"rejected": 4, "rows_in": 8}, "monday: decisions do not cover every row that was not kept"),
    ],
)
def test_lost_rows_fail(run: Callable[..., Evaluations], lake: Lake, counts: dict[str, int], fault: str) -> None:
    run("numbers", "kept")
    path = "t/kept/monday/manifest.json"
    manifest = json.loads(lake.store.read(path))
    manifest["counts"] |= counts
    lake.store.replace(path, json.dumps(manifest).encode())
    found = run()
    assert not found["kept", CONSERVED].passed
    assert text(found["kept", CONSERVED]) == fault
    assert found["numbers", CONSERVED].passed and found["kept", CURRENT].passed


def test_nothing_is_made_from_what_lost_rows(run: Callable[..., Evaluations], lake: Lake) -> None:
    found = run("numbers", "kept", "after", limit=-1)
    assert not found["kept", CONSERVED].passed and found["kept", CONSERVED].blocking
    assert text(found["kept", CONSERVED]) == "monday: 5 rows in, but 4 kept, 0 rejected, 0 quarantined"
    assert lake.partitions("t/kept") and not lake.partitions("t/after")
    assert ("after", CONSERVED) not in found
    # Each partition is judged by itself, and one that is made well again lets its successors be made.
    found = run("numbers", "kept", "after", day="tuesday")
    assert found["after", CONSERVED].passed and lake.partitions("t/after") == ["tuesday"]
    found = run("numbers", "kept", "after")
    assert found["after", CONSERVED].passed and lake.partitions("t/after") == ["monday", "tuesday"]


def test_an_input_that_changed_fails_until_it_is_followed(run: Callable[..., Evaluations]) -> None:
    run("numbers", "kept")
    found = run("numbers", numbers=6)
    assert found["numbers", CURRENT].passed and found["kept", CONSERVED].passed
    assert not found["kept", CURRENT].passed
    assert text(found["kept", CURRENT]) == "monday: input changed: t/numbers|monday"
    assert all(evaluation.passed for evaluation in run("kept", numbers=6).values())


def test_a_changed_recipe_fails(run: Callable[..., Evaluations]) -> None:
    run("numbers", "kept")
    found = run(limit=2)
    assert text(found["kept", CURRENT]) == "monday: recipe changed: limit 3 → 2"
    assert found["numbers", CURRENT].passed


def test_without_a_partition_all_are_checked(run: Callable[..., Evaluations]) -> None:
    run("numbers", "kept")
    run("numbers", "kept", day="tuesday")
    found = run(day=None, limit=2)
    assert text(found["kept", CONSERVED], "rows in") == 10
    assert text(found["kept", CURRENT]).splitlines() == [
        f"{day}: recipe changed: limit 3 → 2" for day in ("monday", "tuesday")
    ]


def test_what_was_never_made_is_not_judged(run: Callable[..., Evaluations]) -> None:
    found = run("numbers")
    assert all(evaluation.passed for evaluation in found.values())
    assert text(found["kept", CONSERVED], "rows in") == 0
