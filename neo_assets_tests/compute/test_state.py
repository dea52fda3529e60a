"""What pods' states mean; the states are those that Kubernetes gives."""

from __future__ import annotations

from typing import Any

import pytest
from kubernetes.client import ApiClient

from neo_assets.compute.kubernetes.state import judge


class _Answer:
    def __init__(self, value: Any) -> None:
        import json

        self.data = json.dumps(value)


def pod(status: dict[str, Any], leaving: bool = False, limit: str | None = "64Mi") -> Any:
    main: dict[str, Any] = {"name": "job", "image": "x"}
    if limit:
        main["resources"] = {"limits": {"memory": limit}}
    metadata = {"name": "p"} | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if leaving else {})
    spec = {"containers": [main, {"name": "sidecar"}], "initContainers": [{"name": "first"}]}
    body = {"metadata": metadata, "spec": spec, "status": status}
    return ApiClient()._ApiClient__deserialize(body, "V1Pod")


def with_state(name: str = "job", **state: Any) -> list[dict[str, Any]]:
    plain = {"image": "x", "imageID": "", "ready": False, "restartCount": 0}
    return [{"name": name, "state": state, **plain}]


def ended(code: int, reason: str = "Error", name: str = "job") -> list[dict[str, Any]]:
    return with_state(name, terminated={"exitCode": code, "reason": reason})


WHY = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."


@pytest.mark.parametrize(
    ("status", "stage", "text"),
    [
        ({"phase": "Pending"}, "waiting", ""),
        (
            {
                "phase": "Pending",
                "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": WHY}],
            },
            "waiting",
            WHY,
        ),
        ({"phase": "Pending", "containerStatuses": with_state(waiting={"reason": "ContainerCreating"})}, "waiting", ""),
        (
            {
                "phase": "Pending",
                "containerStatuses": with_state(waiting={"reason": "ErrImagePull", "message": "no\n such image"}),
            },
            "hopeless",
            "cannot start: ErrImagePull: no such image",
        ),
        (
            {
                "phase": "Pending",
                "initContainerStatuses": with_state("first", waiting={"reason": "ImagePullBackOff", "message": "no"}),
            },
            "hopeless",
            "cannot start: ImagePullBackOff: no",
        ),
        ({"phase": "Running", "containerStatuses": with_state(running={})}, "running", ""),
        ({"phase": "Running", "containerStatuses": ended(0, "Completed")}, "succeeded", ""),  # a sidecar still runs
        ({"phase": "Running", "containerStatuses": ended(1, name="sidecar")}, "running", ""),
        ({"phase": "Unknown"}, "running", "its node does not answer"),
        ({"phase": "Succeeded", "containerStatuses": ended(0, "Completed")}, "succeeded", ""),
        ({"phase": "Succeeded"}, "succeeded", ""),
        ({"phase": "Failed", "containerStatuses": ended(3)}, "failed", "ended with status 3"),
        ({"phase": "Failed", "containerStatuses": ended(137)}, "failed", "was killed by signal 9"),
        (
            {"phase": "Failed", "containerStatuses": ended(128, "StartError")},
            "failed",
            "ended with status 128: StartError",
        ),
        ({"phase": "Failed", "initContainerStatuses": ended(1, name="first")}, "failed", "ended with status 1"),
        (
            {"phase": "Failed", "reason": "DeadlineExceeded", "containerStatuses": ended(137)},
            "failed",
            "took longer than its activeDeadlineSeconds",
        ),
        (
            {"phase": "Failed", "containerStatuses": ended(137, "OOMKilled")},
            "memory",
            "was killed for want of memory: it may use 64Mi",
        ),
        ({"phase": "Succeeded", "containerStatuses": ended(0, "OOMKilled")}, "succeeded", ""),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "low on memory", "containerStatuses": ended(137)},
            "disrupted",
            "was evicted: low on memory",
        ),
        ({"phase": "Failed", "reason": "NodeLost"}, "disrupted", "was taken away: NodeLost"),
        ({"phase": "Failed", "reason": "OutOfnvidia.com/gpu"}, "disrupted", "was taken away: OutOfnvidia.com/gpu"),
        (
            {"phase": "Failed", "containerStatuses": ended(137, "ContainerStatusUnknown")},
            "disrupted",
            "was lost with its node: ContainerStatusUnknown",
        ),
        (
            {
                "phase": "Failed",
                "containerStatuses": ended(143),
                "conditions": [
                    {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": "m"}
                ],
            },
            "disrupted",
            "was taken away: PreemptionByScheduler: m",
        ),
    ],
)
def test_what_a_state_means(status: dict[str, Any], stage: str, text: str) -> None:
    verdict = judge(pod(status))
    assert (verdict.stage, verdict.text) == (stage, text)


def test_a_pod_that_is_deleted() -> None:
    assert judge(pod({"phase": "Running", "containerStatuses": with_state(running={})}, True)).stage == "stopping"
    assert judge(pod({"phase": "Failed", "containerStatuses": ended(143)}, True)).stage == "deleted"
    assert judge(pod({"phase": "Succeeded", "containerStatuses": ended(0)}, True)).stage == "succeeded"
    assert judge(pod({"phase": "Failed", "containerStatuses": ended(137, "OOMKilled")}, True)).stage == "memory"


def test_memory_without_a_limit() -> None:
    text = judge(pod({"phase": "Failed", "containerStatuses": ended(137, "OOMKilled")}, limit=None)).text
    assert text == "was killed for want of memory: it has no limit, its machine itself ran out"
