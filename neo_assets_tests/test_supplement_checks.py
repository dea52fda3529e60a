"""A judge that failed too often, and a classifier that lost too much, are warnings in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from neo_assets.checks.results import RESULT_CHECKS
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import with_verdicts
from neo_assets.recipe.recipe import load_recipe

CHECKS = [c for c in RESULT_CHECKS if next(iter(c.check_keys)).asset_key.path[0] == "supplement"]


def judged(lake: Lake, asset: str, answered: int, failed: int) -> None:
    names = [f"d{n}" for n in range(answered + failed)]
    batch = pa.RecordBatch.from_pydict({"doc_id": names, "url": names})
    verdicts = ["kept"] * answered + ["quarantined"] * failed
    writer = lake.writer(f"supplement/round_1_{asset}", "statutes")
    writer.table(pa.Table.from_batches([with_verdicts(batch, verdict=verdicts)]))
    writer.commit(Provenance())


def found(lake: Lake) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
    """The evaluations of the first round's checks."""
    resources: dict[str, Any] = {"lake": lake, "recipe": load_recipe()}
    definitions = dg.Definitions(asset_checks=CHECKS, resources=resources)
    result = definitions.resolve_implicit_global_asset_job_def().execute_in_process()
    evaluations = result.get_asset_check_evaluations()
    return {(one.asset_key.path[1].removeprefix("round_1_"), one.check_name): one for one in evaluations}


@pytest.mark.parametrize(("failed", "passed"), [(0, True), (1, True), (2, False)])
def test_two_in_a_hundred_judgements_may_fail(tmp_path: Path, failed: int, passed: bool) -> None:
    lake = Lake(str(tmp_path))
    judged(lake, "judgements", 60 - failed, failed)
    judged(lake, "annotations", 5, 0)
    evaluations = found(lake)
    judgements = evaluations["judgements", "judge_answered"]
    assert judgements.passed is passed and judgements.severity == dg.AssetCheckSeverity.WARN
    assert judgements.metadata["failed"].value == failed and judgements.metadata["asked"].value == 60
    assert evaluations["annotations", "judge_answered"].passed


@pytest.mark.parametrize("loses", [True, False, None])
def test_a_classifier_that_lost_too_much_is_named(tmp_path: Path, loses: bool | None) -> None:
    lake = Lake(str(tmp_path))
    told = {} if loses is None else {"quantising loses too much": loses}
    lake.writer("supplement/round_1_classifier", "statutes").commit(Provenance(), metadata=told)
    check = found(lake)["classifier", "quantising_keeps_accuracy"]
    assert check.passed is not bool(loses) and check.severity == dg.AssetCheckSeverity.WARN
    assert check.metadata["losing too much"].value == ("statutes" if loses else "none")
