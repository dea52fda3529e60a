"""What the state of a pod means for its job."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Stage = Literal["waiting", "hopeless", "running", "stopping", "succeeded", "failed", "memory", "disrupted", "deleted"]
"""`disrupted` and `deleted` are no fault of the job: moved away or lost by Kubernetes, removed by somebody."""

ENDED: frozenset[Stage] = frozenset({"succeeded", "failed", "memory", "disrupted", "deleted"})
HOPELESS = {
    *("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"),
    *("RegistryUnavailable", "CreateContainerConfigError", "CreateContainerError", "RunContainerError"),
}
DISRUPTED = {
    *("Evicted", "NodeLost", "NodeShutdown", "Shutdown", "Terminated", "Preempting", "NodeAffinity"),
    *("UnexpectedAdmissionError", "TopologyAffinityError", "ContainerStatusUnknown"),
}


@dataclass(frozen=True)
class Verdict:
    """Where a pod stands, and why in words."""

    stage: Stage
    text: str = ""


def container(pod: Any) -> Any:
    """The job's container, as it was asked for."""
    return pod.spec.containers[0]


def ended_at(pod: Any) -> datetime:
    """When the job's container ended; of one that never began, when the pod was made."""
    ended = _ended(pod)
    at: datetime = (ended and ended.finished_at) or pod.metadata.creation_timestamp
    return at


def judge(pod: Any) -> Verdict:
    """What a `V1Pod` is doing, or how it ended."""
    status, leaving = pod.status, pod.metadata.deletion_timestamp is not None
    if reason := _disruption(status):
        return Verdict("disrupted", reason)
    ended = _ended(pod)
    if ended is not None:
        if leaving and ended.exit_code != 0 and ended.reason != "OOMKilled":
            return Verdict("deleted", "was deleted")
        return _end(pod, ended)
    if leaving:
        return Verdict("stopping", "is being deleted")
    match status.phase:
        case "Succeeded":
            return Verdict("succeeded")
        case "Failed":
            return Verdict("failed", _words("failed", status.reason, status.message))
        case "Running":
            return Verdict("running")
        case "Unknown":
            return Verdict("running", "its node does not answer")
    return _waiting(status)


def _disruption(status: Any) -> str | None:
    for condition in status.conditions or ():
        if condition.type == "DisruptionTarget" and condition.status == "True" and status.phase != "Succeeded":
            return _words("was taken away", condition.reason, condition.message)
    if status.phase == "Failed" and status.reason:
        if status.reason == "Evicted":
            return _words("was evicted", None, status.message)
        if status.reason in DISRUPTED or status.reason.startswith("OutOf"):
            return _words("was taken away", status.reason, status.message)
    for found in _statuses(status):
        terminated = found.state and found.state.terminated
        if terminated and terminated.reason in DISRUPTED:
            return _words("was lost with its node", terminated.reason, terminated.message)
    return None


def _statuses(status: Any) -> Iterator[Any]:
    yield from status.init_container_statuses or ()
    yield from status.container_statuses or ()


def _ended(pod: Any) -> Any:
    """How the job's container ended, or a failed one that had to come before it."""
    name = container(pod).name
    for found in _statuses(pod.status):
        terminated = found.state and found.state.terminated
        if terminated and (found.name == name or (terminated.exit_code != 0 and _is_first(pod, found.name))):
            return terminated
    return None


def _is_first(pod: Any, name: str) -> bool:
    return pod.status.phase == "Failed" and any(c.name == name for c in pod.spec.init_containers or ())


def _end(pod: Any, ended: Any) -> Verdict:
    if ended.reason == "OOMKilled" and ended.exit_code != 0:
        limit = ((container(pod).resources and container(pod).resources.limits) or {}).get("memory")
        if limit is None:
            return Verdict("memory", "was killed for want of memory: it has no limit, its machine itself ran out")
        return Verdict("memory", f"was killed for want of memory: it may use {limit}")
    if ended.exit_code == 0:
        return Verdict("succeeded")
    if pod.status.reason == "DeadlineExceeded":
        return Verdict("failed", "took longer than its activeDeadlineSeconds")
    if ended.exit_code > 128 and ended.reason in {"Error", None}:
        return Verdict("failed", f"was killed by signal {ended.exit_code - 128}")
    reason = None if ended.reason == "Error" else ended.reason
    return Verdict("failed", _words(f"ended with status {ended.exit_code}", reason, ended.message))


def _waiting(status: Any) -> Verdict:
    for found in _statuses(status):
        waiting = found.state and found.state.waiting
        if waiting and waiting.reason in HOPELESS:
            return Verdict("hopeless", _words("cannot start", waiting.reason, waiting.message))
    for condition in status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False" and condition.message:
            return Verdict("waiting", condition.message)
    return Verdict("waiting")


def _words(what: str, reason: str | None, message: str | None) -> str:
    more = ": ".join(part for part in (reason, " ".join((message or "").split())) if part)
    return f"{what}: {more}" if more else what
