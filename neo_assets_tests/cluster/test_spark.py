"""Spark in client mode from the pod of a run, with executors as pods: the same content as the local engine's."""

from __future__ import annotations

import random
import sys
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest
import yaml

from neo_assets.partitions import crawl_days
from neo_assets.seed import SEED_FOLDER
from neo_assets_tests.cluster.kube import JOB, Space, until
from neo_assets_tests.cluster.lakes import InPods, cluster_recipe, commit, digests
from neo_assets_tests.cluster.runs import Instance, errors, wait
from neo_assets_tests.cluster.settings import ROOT, pod_settings
from neo_assets_tests.e2e.small import Checkout

pytestmark = [
    pytest.mark.slow,
    *(pytest.mark.needs(name) for name in ("cluster", "postgres", "spark")),
]

PAIRS = "chinese/pairs"
DAY = crawl_days.get_partition_keys()[0]
N_EXECUTORS = 2


def make_documents(checkout: Checkout) -> None:
    """The texts of a day, many of which are like another one, and the index of their bands."""
    draw = random.Random(5)
    lines = (SEED_FOLDER / "text" / "sanguo.zh.txt").read_text().split("\n")
    texts = ["\n".join(draw.sample(lines[:60], 4)) for _ in range(60)]
    ids = [f"{DAY}:{number:04d}" for number in range(len(texts))]
    documents = pa.table(
        {"doc_id": ids, "precedence": ids, "url": [f"http://a.test/{name}" for name in ids], "text": texts}
    )
    commit(checkout.lake, "chinese/exact_unique", DAY, documents)
    made = ("chinese/signatures", "chinese/bands")
    checkout.neo("build", " or ".join(f'key:"{key}"' for key in made), "--partition", DAY, "--no-upstream")


def executors(pods: InPods) -> dict[str, str]:
    """Spark's properties for executors as pods, whose template is written beside the lake."""
    settings, folder = pod_settings(pods.checkout.folder), pods.checkout.folder
    container: dict[str, Any] = {
        "name": "executor",
        "imagePullPolicy": settings.get("image_pull_policy", "IfNotPresent"),
        "volumeMounts": settings.get("volume_mounts", []),
    }
    if "hostPath" in str(settings.get("volumes")):  # an image of ours has Spark's entry point, a bare one has not
        container["command"] = [str(ROOT / "neo_assets_tests" / "cluster" / "executor")]
    spec = {"serviceAccountName": JOB, "automountServiceAccountToken": False, "containers": [container]}
    template = folder / "executor.yaml"
    template.write_text(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "spec": {**spec, "volumes": settings.get("volumes", [])}})
    )
    variables = {**settings.get("environment", {}), "PYSPARK_PYTHON": sys.executable}
    return {
        "spark.kubernetes.container.image": settings["image"],
        "spark.kubernetes.executor.podTemplateFile": str(template),
        "spark.kubernetes.executor.podTemplateContainerName": "executor",
        "spark.executor.instances": str(N_EXECUTORS),
        "spark.executor.cores": "1",
        "spark.executor.memory": "600m",
        "spark.executor.memoryOverhead": "900m",
        "spark.kubernetes.executor.request.cores": "100m",
        "spark.scheduler.minRegisteredResourcesRatio": "1.0",
        "spark.sql.shuffle.partitions": "3",
        "spark.driver.memory": "600m",
        **{f"spark.executorEnv.{name}": value for name, value in variables.items()},
    }


def test_an_asset_is_made_by_executors_in_pods(space: Space, folder: Any, instance: Instance) -> None:
    checkout = Checkout.make(folder, cluster_recipe())
    make_documents(checkout)
    here = checkout.copy(folder.parent / "here")
    here.neo("build", PAIRS, "--partition", DAY, "--no-upstream")
    assert here.lake.dataset(PAIRS, [DAY]).read().num_rows > 10

    pods = InPods.make(checkout, space)
    properties = folder / "spark.conf"
    properties.write_text("".join(f"{key} {value}\n" for key, value in executors(pods).items()))
    spark = {"NEO_ENGINE": "spark", "NEO_SPARK_PROPERTIES": str(properties)}
    api = space.core.read_namespaced_service("kubernetes", "default").spec.cluster_ip
    runs, opened = instance(pods, NEO_SPARK_MASTER=f"k8s://https://{api}", **spark)
    run_id = runs.launch(PAIRS, DAY)
    assert wait(opened, run_id, 420) == dg.DagsterRunStatus.SUCCESS, errors(opened, run_id)
    assert digests(checkout, PAIRS) == digests(here, PAIRS)
    manifest = checkout.lake.dataset(PAIRS, [DAY]).manifest
    assert manifest.provenance.engine == "spark"
    assert manifest.resources.engine_metrics["tasks"] > 1
    seen = [pod for pod in space.seen() if pod.labels.get("spark-role") == "executor"]
    assert len(seen) == N_EXECUTORS
    until(lambda: all(pod.deleted for pod in seen), 60)
    assert {pod.spec.service_account_name for pod in seen} == {JOB}
    assert not list((folder / "lake" / ".scratch").glob("*"))
