"""Training in pods that are disturbed: watchers killed, memory exhausted, pods evicted and lost, users who cancel."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from neo_assets_tests.cluster.kube import Space, until
from neo_assets_tests.cluster.lakes import CHECKPOINT, TRAIN, InPods, digests
from neo_assets_tests.cluster.settings import own_node
from neo_assets_tests.e2e.small import Checkout

pytestmark = [pytest.mark.slow, pytest.mark.needs("cluster")]

MEBIBYTE = 2**20


def restarts(pods: InPods) -> list[int]:
    """How often the making of each checkpoint was begun anew."""
    return [m.metadata["restarts"] for m in pods.checkout.lake.whole(CHECKPOINT).manifests]


def fill(pods: InPods, pod: str, file: str, mebibytes: int) -> None:
    """Write zeros into a file of a pod; whatever comes of it."""
    try:
        pods.space.execute(pod, "dd", "if=/dev/zero", f"of={file}", "bs=1M", f"count={mebibytes}")
    except Exception as error:  # noqa: BLE001 -- the pod may end before the command does
        print(f"{file}: {error}")


def gpu_pod(limits: dict[str, str], volumes: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A profile's pod with these limits, and empty folders at these places."""
    container = {
        "name": "job",
        "resources": {"requests": {"cpu": "100m"}, "limits": limits},
        "volumeMounts": [{"name": f"v{n}", "mountPath": path} for n, path in enumerate(volumes)],
    }
    empty = [{"name": f"v{n}", "emptyDir": settings} for n, settings in enumerate(volumes.values())]
    return {"containers": [container], "volumes": empty, "automountServiceAccountToken": False}


WENT_ON = "goes on at ckpt_002, from the newest whole snapshot"


def assert_nothing_lost(pods: InPods, made: Checkout) -> None:
    """The content is what an undisturbed training gives: every step once, and the same weights."""
    assert digests(pods.checkout, CHECKPOINT) == digests(made, CHECKPOINT)


def test_a_killed_watcher_leaves_its_pod_to_the_next(made: Checkout, untrained: InPods) -> None:
    space = untrained.space
    with untrained.building(*TRAIN) as first:
        pod = untrained.held_in_training(first)
        first.process.kill()
    assert space.pod(pod.name).status.phase == "Running"
    with untrained.building(*TRAIN) as second:
        until(lambda: any(f"adopting {pod.name}" in text for text in untrained.told()), 90, 1)
        space.resume(pod.name)
        assert second.process.wait(300) == 0, second.output
    assert [seen.uid for seen in space.job_pods()] == [pod.uid]
    assert restarts(untrained) == [0, 0, 0]
    assert_nothing_lost(untrained, made)
    until(lambda: not space.live(), 45)


def test_what_ended_while_nobody_watched_is_taken_over(made: Checkout, untrained: InPods) -> None:
    with untrained.building(*TRAIN) as first:
        pod = untrained.held_in_training(first)
        first.process.kill()
    untrained.space.resume(pod.name)
    until(lambda: untrained.space.pod(pod.name).status.phase == "Succeeded", 120)
    untrained.space.delete(pod.name, 0)  # and its log with it
    untrained.build(*TRAIN)
    assert len(untrained.space.job_pods()) == 1
    assert_nothing_lost(untrained, made)


def test_exhausted_memory_is_told_and_a_retry_goes_on_from_the_last_checkpoint(
    made: Checkout, untrained: InPods
) -> None:
    untrained.write_profiles(pod=gpu_pod({"memory": "1500Mi"}, {"/dev/shm": {"medium": "Memory"}}))  # noqa: S108
    with untrained.building(*TRAIN) as first:
        pod = untrained.held_in_training(first)
        fill(untrained, pod.name, "/dev/shm/fill", 3000)  # noqa: S108
        assert first.process.wait(90) == 1, first.output
    [error] = [line for line in first.output.splitlines() if line.startswith("Error:")]
    assert "memory" in error and "1500Mi" in error and CHECKPOINT in error and "Traceback" not in error
    assert any("The last lines of its log" in text for text in untrained.told())
    assert "OOMKilled" in untrained.space.job_pods()[0].reasons
    before = digests(untrained.checkout, CHECKPOINT)
    assert f"{CHECKPOINT}|ckpt_001" in before

    assert WENT_ON in untrained.build(*TRAIN)
    assert len(untrained.space.job_pods()) == 2
    assert before.items() <= digests(untrained.checkout, CHECKPOINT).items()
    assert restarts(untrained) == [0, 1, 0]
    assert_nothing_lost(untrained, made)


def test_an_evicted_pod_is_replaced_in_the_same_run(made: Checkout, untrained: InPods) -> None:
    untrained.write_profiles(pod=gpu_pod({"memory": "3Gi", "ephemeral-storage": "64Mi"}, {}))
    with untrained.building(*TRAIN) as building:
        pod = untrained.held_in_training(building)
        fill(untrained, pod.name, "/fill", 200)
        assert building.process.wait(300) == 0, building.output
    assert WENT_ON in building.output
    first, second = untrained.space.job_pods()
    assert (first.uid, first.reasons[0]) == (pod.uid, "Evicted") and second.phases[-1] == "Succeeded"
    assert any(first.name in text and "was evicted" in text for text in untrained.told())
    assert restarts(untrained) == [0, 1, 0]
    assert_nothing_lost(untrained, made)


def test_a_drained_pod_is_replaced_in_the_same_run(made: Checkout, untrained: InPods) -> None:
    with untrained.building(*TRAIN) as building:
        pod = untrained.held_in_training(building)
        drain(untrained.space, pod.name)
        untrained.space.resume_to_end(pod.name)
        assert building.process.wait(300) == 0, building.output
    assert WENT_ON in building.output
    assert len(untrained.space.job_pods()) == 2
    assert restarts(untrained) == [0, 1, 0]
    assert_nothing_lost(untrained, made)


def drain(space: Space, pod: str) -> None:
    """Evict a pod by the API, as `kubectl drain` does."""
    from kubernetes.client import ApiException

    for version in ("v1", "v1beta1"):
        body = {
            "apiVersion": f"policy/{version}",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": space.name},
        }
        try:
            space.core.create_namespaced_pod_eviction(pod, space.name, body)
            return
        except ApiException as error:
            if version == "v1beta1":
                raise
            print(f"policy/{version}: {error.reason}")


@contextmanager
def lost_node(pods: InPods, pod: str) -> Iterator[None]:
    """The node goes down with the pod's processes, and comes back at the end. Only where its daemons can be reached."""
    node = own_node()
    if node is None:
        pytest.skip("the cluster's node cannot be stopped from here")
    uid = pods.space.pod(pod).metadata.uid
    kubelet = int((node / "pids" / "kubelet").read_text())
    tasks = ["ctr", "--address", str(node / "containerd" / "containerd.sock"), "--namespace", "k8s.io"]
    os.kill(kubelet, signal.SIGSTOP)
    try:
        for line in subprocess.check_output([*tasks, "containers", "list"], text=True).splitlines()[1:]:
            name = line.split()[0]
            told = subprocess.check_output([*tasks, "containers", "info", name], text=True)
            if uid in told:
                subprocess.run([*tasks, "tasks", "kill", "--all", "--signal", "SIGKILL", name], check=False)
        yield
    finally:
        os.kill(kubelet, signal.SIGCONT)


@pytest.mark.usefixtures("whole_cluster")
def test_a_pod_lost_with_its_node_is_replaced_in_the_same_run(made: Checkout, untrained: InPods) -> None:
    with untrained.building(*TRAIN) as building:
        pod = untrained.held_in_training(building)
        with lost_node(untrained, pod.name):
            untrained.space.delete(pod.name, 0)  # what an operator does about a node that is gone
            until(lambda: len(untrained.space.job_pods()) == 2, 60)
        assert building.process.wait(300) == 0, building.output
    assert WENT_ON in building.output
    assert restarts(untrained) == [0, 1, 0]
    assert_nothing_lost(untrained, made)


def test_who_cancels_removes_the_pod(made: Checkout, untrained: InPods) -> None:
    with untrained.building(*TRAIN) as building:
        pod = untrained.held_in_training(building)
        building.process.send_signal(signal.SIGINT)
        untrained.space.resume_to_end(pod.name)
        assert building.process.wait(90) != 0
    assert "Traceback" not in building.output
    until(lambda: untrained.space.seen(pod.name)[0].deleted, 45)
    committed = digests(untrained.checkout, CHECKPOINT)
    assert f"{CHECKPOINT}|ckpt_001" in committed and committed.items() <= digests(made, CHECKPOINT).items()


def test_a_file_of_an_unknown_key_is_refused_before_anything_starts(untrained: InPods, tmp_path: Path) -> None:
    untrained.write_profiles(pod={"nodeSelektor": {"gpu": "yes"}})
    output = untrained.fail(*TRAIN)
    assert "nodeSelektor" in output and "gpu" in output and "Traceback" not in output
    assert not untrained.space.seen()
