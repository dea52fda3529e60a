"""Materialize an asset whose job runs in a pod: for tests, and as a process that can be killed."""

import sys
from pathlib import Path
from typing import Any

import dagster as dg

from neo_assets.compute.kubernetes.compute import KubernetesCompute
from neo_assets.compute.kubernetes.profiles import PodProfiles
from neo_assets.lake.lake import Lake
from neo_assets.metadata import RECIPE_KEY
from neo_assets.recipe.recipe import load_recipe

MODULE = "neo_assets_tests.compute.pod_job"
DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


def profiles(**gpu: Any) -> PodProfiles:
    """Profiles of pods that are processes here."""
    plain = {"pod": {"containers": [{"resources": {"limits": {"memory": "2Gi"}}}]}}
    given = {"cpu": plain, "gpu": {**plain, **gpu}, "crawl": plain}
    return PodProfiles.model_validate({"namespace": "neo", "image": "neo-assets:test", "profiles": given})


def compute(lake: Lake, kubeconfig: Path | str, pods: PodProfiles | None = None, **options: Any) -> KubernetesCompute:
    """A compute that looks often."""
    given = {"poll_seconds": 0.1, "patience_seconds": 20.0, **options}
    return KubernetesCompute(lake, load_recipe("mini"), pods or profiles(), str(kubeconfig), **given)


def definitions(lake: Lake, by: Any, module: str = MODULE, code: str = "code-recipe") -> dg.Definitions:
    """The asset `t/made`, from all that is in `t/given`."""

    @dg.asset(
        key_prefix="t",
        partitions_def=DAYS,
        code_version=code,
        metadata={RECIPE_KEY: dg.MetadataValue.json({"seed": 42})},
    )
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        given = lake.dataset("t/given", lake.partitions("t/given"))
        return by.run(context, module, profile="gpu", given=given, nothing=lake.dataset("t/nothing"))

    return dg.Definitions(assets=[made], executor=dg.in_process_executor)


def materialize(
    lake: Lake, by: Any, instance: dg.DagsterInstance | None = None, raise_on_error: bool = True, **options: Any
) -> dg.ExecuteInProcessResult:
    """Make `t/made` of monday."""
    job = definitions(lake, by, **options).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(partition_key="monday", instance=instance, raise_on_error=raise_on_error)


if __name__ == "__main__":
    root, kubeconfig = sys.argv[1:]
    lake = Lake(root)
    with dg.DagsterInstance.get() as instance:
        materialize(lake, compute(lake, kubeconfig), instance)
