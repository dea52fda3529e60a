"""Materialize an asset whose job is `neo_assets_tests.compute.job`: for tests, and as a process that can be killed."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg

from neo_assets.compute.local import LocalCompute
from neo_assets.lake.lake import Lake
from neo_assets.metadata import RECIPE_KEY
from neo_assets.recipe.recipe import load_recipe

ROOT = Path(__file__).parents[2]
DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


def materialize(
    lake: Lake, act: str, module: str = "neo_assets_tests.compute.job", **environment: str
) -> dg.ExecuteInProcessResult:
    """Run the asset `t/made` on monday, from all that is in `t/given`."""
    variables = {"PYTHONPATH": str(ROOT), "ACT": act, **environment}
    compute = LocalCompute(lake, load_recipe("mini"), variables)

    @dg.asset(
        key_prefix="t",
        partitions_def=DAYS,
        code_version="code-recipe",
        metadata={RECIPE_KEY: dg.MetadataValue.json({"seed": 42})},
    )
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        given = lake.dataset("t/given", lake.partitions("t/given"))
        return compute.run(context, module, given=given, nothing=lake.dataset("t/nothing"))

    with TemporaryDirectory() as home, dg.DagsterInstance.ephemeral(home) as instance:
        return dg.materialize([made], partition_key="monday", instance=instance)


if __name__ == "__main__":
    materialize(Lake(sys.argv[1]), "wait", PID_FILE=sys.argv[2])
