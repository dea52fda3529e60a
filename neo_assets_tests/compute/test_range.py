"""Jobs over ranges of partitions that continue one another: one job gives what one job each gives."""

import itertools
import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from neo_assets.build import RANGE_END, RANGE_START, Graph, run_in_process
from neo_assets.compute.local import LocalCompute
from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.partitions import PREVIOUS, ordinal
from neo_assets.recipe.recipe import load_recipe

KEYS = [f"link_00{number}" for number in (1, 2, 3, 4)]


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[tuple[Lake, dg.Definitions, dg.DagsterInstance]]:
    lake = Lake(str(tmp_path / "lake"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        decorate = dg.asset(
            key=["t", "chain"],
            partitions_def=ordinal("link", len(KEYS)),
            ins={"previous": dg.AssetIn(["t", "chain"], partition_mapping=PREVIOUS)},
            backfill_policy=dg.BackfillPolicy.single_run(),
            code_version="code-recipe",
            dagster_type=None,
        )

    @decorate
    def links(context: dg.AssetExecutionContext, previous: Dataset) -> dg.MaterializeResult[None]:
        compute = LocalCompute(lake, load_recipe("mini"), {"FAIL_AT": os.environ.get("FAIL_AT", "")})
        return compute.run(context, "neo_assets_tests.compute.range_job", previous=previous)

    definitions = dg.Definitions(
        assets=[links], resources={"io_manager": LakeIOManager(lake, LocalEngine())}, executor=dg.in_process_executor
    )
    with dg.instance_for_test() as instance:
        yield lake, definitions, instance


def _run(chain: tuple[Lake, dg.Definitions, dg.DagsterInstance], first: str, last: str) -> dg.ExecuteInProcessResult:
    _, definitions, instance = chain
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, raise_on_error=False, tags={RANGE_START: first, RANGE_END: last})


def test_a_range_is_made_by_one_job(chain: tuple[Lake, dg.Definitions, dg.DagsterInstance]) -> None:
    lake, _, instance = chain
    assert _run(chain, KEYS[0], KEYS[2]).success
    assert _run(chain, KEYS[3], KEYS[3]).success
    values = [lake.dataset("t/chain", [key]).read()["n"][0].as_py() for key in KEYS]
    assert values == [1, 2, 3, 4]
    assert lake.manifest("t/chain", KEYS[0]).provenance.inputs == {}  # type: ignore[union-attr]
    for before, key in itertools.pairwise(KEYS):
        manifest, earlier = lake.manifest("t/chain", key), lake.manifest("t/chain", before)
        assert manifest is not None and earlier is not None
        assert manifest.provenance.inputs == {f"t/chain|{before}": earlier.digest}
    # The instance knows of every partition: what it holds, and what was observed while it was made.
    asset = dg.AssetKey(["t", "chain"])
    assert instance.get_materialized_partitions(asset) == set(KEYS)
    for key, value in zip(KEYS, values, strict=True):
        [event] = instance.fetch_materializations(dg.AssetRecordsFilter(asset, asset_partitions=[key]), limit=1).records
        shown = event.asset_materialization
        assert shown is not None and shown.metadata["value"].value == value
        assert isinstance(shown.metadata["sample"], dg.MarkdownMetadataValue)
        [seen] = instance.fetch_observations(dg.AssetRecordsFilter(asset, asset_partitions=[key]), limit=9).records
        assert seen.asset_observation is not None and seen.asset_observation.metadata["value"].value == value


def test_what_was_published_before_a_failure_stays_and_the_next_job_goes_on(
    chain: tuple[Lake, dg.Definitions, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = chain[0]
    monkeypatch.setenv("FAIL_AT", KEYS[2])
    result = _run(chain, KEYS[0], KEYS[3])
    assert not result.success
    assert lake.partitions("t/chain") == KEYS[:2]
    # The instance knows of them too, with their own versions.
    asset, instance = dg.AssetKey(["t", "chain"]), chain[2]
    assert instance.get_materialized_partitions(asset) == set(KEYS[:2])
    for key in KEYS[:2]:
        [event] = instance.fetch_materializations(dg.AssetRecordsFilter(asset, asset_partitions=[key]), limit=9).records
        shown = event.asset_materialization
        assert shown is not None and shown.tags is not None
        assert shown.tags["dagster/data_version"] == lake.dataset("t/chain", [key]).manifest.digest
    monkeypatch.setenv("FAIL_AT", KEYS[3])
    result = _run(chain, KEYS[2], KEYS[3])
    failure = next(event.step_failure_data for event in result.all_events if event.is_step_failure)
    assert "told to fail at link_004 after 2 starts" in str(failure.user_failure_data)  # the work folder was kept
    assert lake.partitions("t/chain") == KEYS[:3]


def test_a_range_that_begins_anew_does_not_read_its_own_old_partitions(
    chain: tuple[Lake, dg.Definitions, dg.DagsterInstance],
) -> None:
    lake = chain[0]
    assert _run(chain, KEYS[0], KEYS[3]).success
    digests = [lake.dataset("t/chain", [key]).manifest.digest for key in KEYS]
    assert _run(chain, KEYS[1], KEYS[3]).success  # `previous` holds link_001 alone: the job asserts it
    assert [lake.dataset("t/chain", [key]).manifest.digest for key in KEYS] == digests


def test_a_build_makes_the_range_that_is_missing_and_no_more(
    chain: tuple[Lake, dg.Definitions, dg.DagsterInstance],
) -> None:
    lake, definitions, instance = chain

    def build() -> list[list[str | None]]:
        graph = Graph(definitions, lake)
        outcomes = graph.build(graph.select(None, None), run_in_process(definitions, instance))
        return [[node.partition for node in outcome.nodes] for outcome in outcomes if outcome.nodes]

    assert build() == [list(KEYS)]
    assert build() == []
    for lost in KEYS[1:3]:
        shutil.rmtree(Path(lake.root) / "t/chain" / lost)
    # The fourth was made from what the third is again: equal bits leave it current.
    assert build() == [KEYS[1:3]]
