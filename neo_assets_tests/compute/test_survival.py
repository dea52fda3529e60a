"""Pods outlive whoever watches them, and end when a user says so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from neo_assets.lake.lake import Lake
from neo_assets_tests.compute.fake_kube import ROOT, FakeKube, meanwhile, running, starts, wait_for
from neo_assets_tests.compute.run_pod import compute, materialize
from neo_assets_tests.compute.test_pods import failure, materialization

pytestmark = pytest.mark.slow


@contextmanager
def watcher(given: Lake, kube: FakeKube, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that materializes the asset and watches its pod."""
    with (folder / "watcher.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "neo_assets_tests.compute.run_pod", given.root, str(kube.kubeconfig)],
            cwd=ROOT, stdout=log, stderr=log, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_pod_of_a_killed_watcher_is_taken_over(
    given: Lake, kube: FakeKube, acts: Path, tmp_path: Path, how: signal.Signals, capfd: pytest.CaptureFixture[str]
) -> None:
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.send_signal(how)
        process.wait(200)
    running(kube, 20)
    assert not kube.deleted, "an eviction of the watcher ends no pod"
    with meanwhile(lambda: (running(kube, 30), (acts / "finish").touch())):
        result = materialize(given, compute(given, kube.kubeconfig))
    assert result.success and materialization(result).metadata["answer"].value == 42
    assert [body["metadata"]["name"] for body in kube.created] == [pod.name] == kube.deleted
    assert starts(acts) == [0]
    lines = [line for line in capfd.readouterr().out.splitlines() if line.startswith("step ")]
    assert lines == [f"step {number} é" for number in range(1, len(lines) + 1)] and len(lines) >= 30


def test_ctrl_c_ends_the_pod(given: Lake, kube: FakeKube, tmp_path: Path) -> None:
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.send_signal(signal.SIGINT)
        process.wait(200)
    assert kube.deleted == [pod.name]
    wait_for(lambda: not kube.pods)
    assert given.manifest("t/made", "monday") is None


def test_a_run_that_a_user_cancels_ends_its_pod(given: Lake, kube: FakeKube, acts: Path, tmp_path: Path) -> None:
    with watcher(given, kube, tmp_path) as process, dg.DagsterInstance.get() as instance:
        pod = running(kube)
        [run] = instance.get_runs()
        instance.report_run_canceling(run)
        process.send_signal(signal.SIGTERM)  # as Kubernetes' launcher does when it deletes the run's pod
        process.wait(200)
    assert kube.deleted == [pod.name]
    wait_for(lambda: not kube.pods)
    # A cancelled pod is nobody's to take over.
    (acts / "finish").touch()
    assert materialize(given, compute(given, kube.kubeconfig)).success
    assert [body["metadata"]["name"][-2:] for body in kube.created] == ["-1", "-2"]


def test_a_result_is_taken_from_the_lake_when_the_pod_is_gone(
    given: Lake, kube: FakeKube, acts: Path, tmp_path: Path
) -> None:
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.kill()
        process.wait()
    (acts / "finish").touch()
    wait_for(lambda: pod.is_over)
    made = given.dataset("t/made", ["monday"]).manifest
    kube.delete_pod(pod.name)
    result = materialize(given, compute(given, kube.kubeconfig))
    assert len(kube.created) == 1
    assert materialization(result).tags["dagster/data_version"] == made.digest
    assert given.dataset("t/made", ["monday"]).manifest.version == made.version
    # It was news once: who asks again wants it made again.
    assert materialize(given, compute(given, kube.kubeconfig)).success
    assert len(kube.created) == 2


def test_a_pod_that_failed_unwatched_is_tried_once_more(
    given: Lake, kube: FakeKube, acts: Path, tmp_path: Path
) -> None:
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.kill()
        process.wait()
    (acts / "raise").touch()
    wait_for(lambda: pod.is_over)
    (acts / "raise").unlink()
    (acts / "finish").touch()
    assert materialize(given, compute(given, kube.kubeconfig)).success
    assert len(kube.created) == 2 and starts(acts)[1] >= 3


def test_a_pod_at_work_on_another_order_is_named(given: Lake, kube: FakeKube, acts: Path, tmp_path: Path) -> None:
    with watcher(given, kube, tmp_path) as process:
        pod = running(kube)
        process.kill()
        process.wait()
    other = {"code": "other-recipe", "raise_on_error": False}
    text = failure(materialize(given, compute(given, kube.kubeconfig), **other))  # type: ignore[arg-type]
    assert text.startswith(f"t/made [monday] is being made by {pod.name} from other code, settings or inputs")
    assert f"kubectl delete pod {pod.name}" in text
    assert len(kube.created) == 1 and not kube.deleted
    # Once it has ended, nothing stands in the way.
    (acts / "finish").touch()
    wait_for(lambda: pod.is_over)
    assert materialize(given, compute(given, kube.kubeconfig), code="other-recipe").success
    assert len(kube.created) == 2 and not kube.pods


def test_the_watchers_environment_is_not_the_pods(given: Lake, kube: FakeKube, acts: Path) -> None:
    os.environ["NEO_KNOWN_TO_THE_WATCHER"] = "hidden"
    try:
        (acts / "finish").touch()
        assert materialize(given, compute(given, kube.kubeconfig)).success
    finally:
        del os.environ["NEO_KNOWN_TO_THE_WATCHER"]
    assert "hidden" not in str(kube.created)
