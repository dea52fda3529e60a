"""Runs launched by `K8sRunLauncher` on an instance in PostgreSQL: a pod for the run, and one for the asset's job."""

from __future__ import annotations

import dagster as dg
import pytest

from neo_assets_tests.cluster.kube import Seen, until
from neo_assets_tests.cluster.lakes import CHECKPOINT, REPORT, InPods, digests
from neo_assets_tests.cluster.runs import Instance, errors, wait
from neo_assets_tests.e2e.small import Checkout

pytestmark = [pytest.mark.slow, pytest.mark.needs("cluster"), pytest.mark.needs("postgres")]


def test_a_run_in_a_pod_makes_an_asset_whose_job_is_another_pod(
    made: Checkout, trained: InPods, instance: Instance
) -> None:
    runs, opened = instance(trained)
    run_id = runs.launch(REPORT, "ckpt_001")
    status = wait(opened, run_id)
    of_run, of_job = pods_of_run_and_job(trained, run_id)
    assert status == dg.DagsterRunStatus.SUCCESS, errors(opened, run_id)
    assert (of_run.gpus, of_job.gpus) == (None, "1")
    assert of_job.labels["neo-assets/run-id"] == run_id
    event = opened.get_latest_materialization_event(dg.AssetKey(REPORT.split("/")))
    assert event is not None and event.run_id == run_id
    key = f"{REPORT}|ckpt_001"
    assert digests(trained.checkout, REPORT) == {key: digests(made, REPORT)[key]}
    assert event.asset_materialization is not None and event.asset_materialization.tags is not None
    assert event.asset_materialization.tags["dagster/data_version"] == digests(made, REPORT)[key]


def test_a_cancelled_run_takes_its_pod_with_it(untrained: InPods, instance: Instance) -> None:
    runs, opened = instance(untrained)
    run_id = runs.launch(CHECKPOINT, "ckpt_001")
    pod = untrained.held_at_its_start()
    assert opened.run_launcher.terminate(run_id)
    untrained.space.resume_to_end(pod.name)
    assert wait(opened, run_id, 60) == dg.DagsterRunStatus.CANCELED
    until(lambda: all(pod.deleted for pod in untrained.space.job_pods()), 60)
    assert not digests(untrained.checkout, CHECKPOINT)


def pods_of_run_and_job(pods: InPods, run_id: str) -> tuple[Seen, Seen]:
    """The two pods that there ever were: of the run, and of its job."""
    [of_run] = [pod for pod in pods.space.seen() if pod.labels.get("dagster/run-id") == run_id]
    [of_job] = pods.space.job_pods()
    return of_run, of_job
