"""What assets take and return, through Dagster and the lake: versions, metadata, provenance, missing inputs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Draft
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.records import with_verdicts
from neo_assets.metadata import RECIPE_KEY
from neo_assets.partitions import ALL, PREVIOUS, UP_TO

DAYS = dg.DailyPartitionsDefinition(start_date="2024-11-01", end_date="2024-11-04")
FIRST, SECOND, THIRD = DAYS.get_partition_keys()
IN = {"documents": dg.AssetIn(["t", "documents"])}


@dg.asset(
    key_prefix="t",
    partitions_def=DAYS,
    code_version="c-r",
    metadata={RECIPE_KEY: dg.MetadataValue.json({"a.b": 1})},
    dagster_type=dg.Any,
)
def documents(context: dg.AssetExecutionContext) -> Any:
    ids = [f"{context.partition_key}:{n}" for n in range(3)]
    return pa.table({"doc_id": ids, "url": [f"http://x.test/{i}" for i in ids], "n": pa.array([1, 2, 3], pa.int32())})


@dg.asset(key_prefix="t", partitions_def=DAYS, ins=IN, dagster_type=dg.Any)
def judged(documents: Dataset) -> Any:
    [batch] = documents.read().to_batches()
    verdicts = with_verdicts(
        batch, verdict=["kept", "rejected", "rejected"], rule=["words"] * 3, value=[9.0, 1.0, 2.0], threshold=[3.0] * 3
    )
    draft = {"rows": pa.Table.from_batches([verdicts]), "spans": pa.table({"k": [1, 2]})}
    files = {"note.md": b"# *Note*", "plot.png": b"png bytes", "model.bin": b"weights"}
    return Draft(tables=draft, files=files, metadata={"tokens": 7, "mix": [{"a": 1}], "nested": {"x": [1]}})


@dg.asset(
    key_prefix="t", partitions_def=DAYS, ins={"before": dg.AssetIn(["t", "documents"], partition_mapping=PREVIOUS)}
)
def yesterday(context: dg.AssetExecutionContext, before: Dataset) -> Any:
    context.log.info("%s", before.digests)
    return before.read() if before else pa.table({"doc_id": pa.array([], pa.string())})


@dg.asset(key_prefix="t", partitions_def=DAYS, ins={"given": dg.AssetIn(["t", "documents"], partition_mapping=UP_TO)})
def so_far(given: Dataset) -> Any:
    return pa.table({"rows": [given.rows]})


@dg.asset(key_prefix="t", ins={"given": dg.AssetIn(["t", "documents"], partition_mapping=ALL)})
def everything(given: Dataset) -> Any:
    return pa.table({"rows": [given.rows]})


@dg.asset(key_prefix="t", ins=IN | {"documents": dg.AssetIn(["t", "everything"])})
def failing(documents: Dataset) -> Any:
    return Draft(tables={"first": pa.table({"a": [1]}), "rows": pa.table({"verdict": ["perhaps"]})})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def make(lake: Lake, tmp_path: Path) -> Iterator[Callable[..., dg.ExecuteInProcessResult]]:
    """Materialize one asset, of a day if it has days."""
    resources = {"io_manager": LakeIOManager(lake, LocalEngine())}
    assets = [documents, judged, yesterday, so_far, everything, failing]
    with dg.DagsterInstance.ephemeral(str(tmp_path)) as instance:

        def run(asset: dg.AssetsDefinition, day: str | None = None) -> dg.ExecuteInProcessResult:
            return dg.materialize(assets, selection=[asset], partition_key=day, instance=instance, resources=resources)

        yield run


def shown(result: dg.ExecuteInProcessResult) -> dg.AssetMaterialization:
    [event] = [event for event in result.all_events if event.is_step_materialization]
    return event.step_materialization_data.materialization


def test_the_content_digest_is_the_data_version(make: Callable[..., Any], lake: Lake) -> None:
    found = shown(make(documents, FIRST))
    digest = lake.dataset("t/documents", [FIRST]).manifest.digest
    assert found.tags is not None and found.tags["dagster/data_version"] == digest
    assert found.metadata["digest"].value == digest
    # The same rows again: a new version, of equal content.
    again = shown(make(documents, FIRST))
    assert again.tags is not None and again.tags["dagster/data_version"] == digest
    assert len(list(lake.garbage())) == 1


def test_provenance_names_every_input_partition(make: Callable[..., Any], lake: Lake) -> None:
    for day in (FIRST, SECOND):
        make(documents, day)
    make(so_far, SECOND)
    made = lake.dataset("t/so_far", [SECOND])
    assert made.read()["rows"].to_pylist() == [6]
    provenance = made.manifest.provenance
    assert provenance.inputs == lake.dataset("t/documents", [FIRST, SECOND]).digests
    assert provenance.engine == "local"
    assert set(provenance.libraries) >= {"pyarrow", "duckdb"}
    source = lake.dataset("t/documents", [FIRST]).manifest.provenance
    assert (source.inputs, source.code_version, source.recipe) == ({}, "c-r", {"a.b": 1})


def test_the_first_partition_has_no_previous_one(make: Callable[..., Any], lake: Lake) -> None:
    make(yesterday, FIRST)
    assert lake.dataset("t/yesterday", [FIRST]).rows == 0
    make(documents, FIRST)
    make(yesterday, SECOND)
    assert lake.dataset("t/yesterday", [SECOND]).read()["doc_id"].to_pylist()[0] == f"{FIRST}:0"


def test_a_missing_input_is_told_with_the_remedy(make: Callable[..., Any]) -> None:
    make(documents, SECOND)
    for asset, day, missing in (
        (judged, FIRST, FIRST),
        (yesterday, THIRD, None),
        (so_far, SECOND, FIRST),
        (everything, None, f"{FIRST}, {THIRD}"),
        (failing, None, "unpartitioned"),
    ):
        if missing is None:
            make(asset, day)
            continue
        with pytest.raises(dg.Failure) as failure:
            make(asset, day)
        name = "t/everything" if asset is failing else "t/documents"
        assert failure.value.description == f"{name} is not materialized ({missing}); run `neo build {name}` first"


def test_a_failure_while_writing_leaves_nothing(make: Callable[..., Any], lake: Lake) -> None:
    for day in (FIRST, SECOND, THIRD):
        make(documents, day)
    make(everything)
    with pytest.raises(ValueError, match="perhaps"):
        make(failing)
    assert lake.partitions("t/failing") == []
    assert list(lake.garbage()) == []


def test_metadata_of_a_judged_table(make: Callable[..., Any], lake: Lake) -> None:
    make(documents, FIRST)
    found = shown(make(judged, FIRST)).metadata
    manifest = lake.dataset("t/judged", [FIRST]).manifest
    counts = {"rows": 1, "dagster/partition_row_count": 1, "rows in": 3, "rejected": 2, "tokens": 7}
    assert {name: found[name].value for name in counts} == counts
    assert found["bytes"].value == manifest.bytes
    assert "t/judged" in str(found["dagster/uri"].value)
    schema = found["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert [(c.name, c.type) for c in schema.schema.columns] == [
        ("doc_id", "string"),
        ("url", "string"),
        ("n", "int32"),
    ]
    for name in ("sample", "reasons", "files", "note", "plot", "mix"):
        assert isinstance(found[name], dg.MarkdownMetadataValue), name
    assert str(found["sample"].value).splitlines()[2] == f"| {FIRST}:0 | http://x.test/{FIRST}:0 | 1 |"
    reasons = str(found["reasons"].value).splitlines()
    assert reasons[0] == "| verdict | rule | documents | example | value | threshold |"
    assert reasons[2:] == [f"| rejected | words | 2 | http://x.test/{FIRST}:1 | 1 | 3 |"]
    assert found["note"].value == "# *Note*"
    assert str(found["plot"].value).startswith("![plot.png](data:image/png;base64,")
    assert found["nested"] == dg.JsonMetadataValue({"x": [1]})
    # A plot is kept, but is not content: renderings differ between installations.
    assert {name: file.content for name, file in manifest.files.items()} == {
        "note.md": True, "plot.png": False, "model.bin": True,
    }  # fmt: skip
    assert lake.dataset("t/judged", [FIRST]).named("spans").read()["k"].to_pylist() == [1, 2]
