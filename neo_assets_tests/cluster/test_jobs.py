"""Training and evaluation as pods: the content is what this machine makes, GPUs are counted, waiting pods say why."""

from __future__ import annotations

from typing import Any

import pytest

from neo_assets_tests.cluster.kube import JOB, Space, until
from neo_assets_tests.cluster.lakes import CHECKPOINT, EVALUATE, HELD_OUT, REPORT, TRAIN, InPods, digests
from neo_assets_tests.cluster.settings import GPU, pod_settings
from neo_assets_tests.e2e.small import Checkout

pytestmark = [pytest.mark.slow, pytest.mark.needs("cluster")]

ONE_REPORT = (REPORT, "--partition", "ckpt_001", "--no-upstream")


def gpus_of_a_node(space: Space) -> int:
    """The most that any node has."""
    return max(int((node.status.allocatable or {}).get(GPU, 0)) for node in space.core.list_node().items)


def occupant(space: Space, image: dict[str, Any], gpus: int) -> dict[str, Any]:
    """A pod that holds GPUs and does nothing."""
    container = {
        "name": "idle", "image": image["image"], "imagePullPolicy": image.get("image_pull_policy", "IfNotPresent"),
        "command": ["sleep", "600"], "resources": {"limits": {GPU: str(gpus)}},
    }  # fmt: skip
    spec = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    return {"metadata": {"name": "occupant", "namespace": space.name}, "spec": spec}


def test_pods_make_what_this_machine_makes(made: Checkout, untrained: InPods) -> None:
    untrained.build(*TRAIN)
    untrained.build(*EVALUATE)
    assets = (CHECKPOINT, REPORT, HELD_OUT)
    assert digests(untrained.checkout, *assets) == digests(made, *assets)

    seen = untrained.space.job_pods()
    assert sorted(pod.annotations["neo-assets/asset"] for pod in seen) == sorted(assets)
    assert {pod.annotations["neo-assets/partitions"] for pod in seen} == {'["ckpt_001", "ckpt_002", "ckpt_003"]'}
    assert {(pod.gpus, pod.spec.service_account_name) for pod in seen} == {("1", JOB)}
    assert all(pod.phases[-1] == "Succeeded" for pod in seen), [(pod.name, pod.phases, pod.reasons) for pod in seen]
    assert until(lambda: not untrained.space.live(), 15) and all(pod.deleted for pod in seen)


@pytest.mark.usefixtures("whole_cluster")
def test_a_pod_waits_for_its_gpu_and_says_why(made: Checkout, trained: InPods) -> None:
    space, n_gpus = trained.space, gpus_of_a_node(trained.space)
    space.create(occupant(space, pod_settings(trained.checkout.folder), n_gpus))
    until(lambda: space.pod("occupant").status.phase == "Running", 30)
    with trained.building(*ONE_REPORT) as building:
        until(lambda: any(f"Insufficient {GPU}" in text for text in trained.told()), 90, 1)
        [pod] = space.job_pods()
        assert space.pod(pod.name).status.phase == "Pending" and building.process.poll() is None
        space.delete("occupant", 0)
        assert building.process.wait(180) == 0, building.output
        assert building.output.count(f"{pod.name} waits: 0/1 nodes are available") == 1
    key = f"{REPORT}|ckpt_001"
    assert digests(trained.checkout, REPORT)[key] == digests(made, REPORT)[key]
    assert len(space.job_pods()) == 1


def test_more_gpus_than_any_node_has_are_an_error_in_the_end(trained: InPods) -> None:
    n_gpus = gpus_of_a_node(trained.space)
    trained.write_profiles(gpus_per_node=n_gpus + 1, pending_timeout_seconds=3)
    output = trained.fail(*ONE_REPORT)
    [error] = [line for line in output.splitlines() if line.startswith("Error:")]
    assert f"Insufficient {GPU}" in error and "Traceback" not in output
    [pod] = trained.space.job_pods()
    assert pod.gpus == str(n_gpus + 1) and pod.phases == ["Pending"]
    until(lambda: not trained.space.live(), 15)
