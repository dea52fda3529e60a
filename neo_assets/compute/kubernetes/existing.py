"""What is at work already, or was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from neo_assets.compute.kubernetes.body import PREFIX, Identity
from neo_assets.compute.kubernetes.cluster import Cluster
from neo_assets.compute.kubernetes.state import ENDED, ended_at, judge

JOB_KIND = "Job"


@dataclass(frozen=True)
class Existing:
    """A pod, or a Job with its pods.

    Args:
        ended: it has come to its end, well or not.
        ended_at: when; meaningless before.
        leaving: it is being deleted.
    """

    name: str
    is_job: bool
    annotations: Mapping[str, str]
    ended: bool
    ended_at: datetime
    leaving: bool

    @property
    def number(self) -> int:
        """Which attempt at its order it is."""
        return int(self.name.rsplit("-", 1)[-1])

    @property
    def order(self) -> str:
        """The digest of its order."""
        return self.annotations[f"{PREFIX}/order"]

    @property
    def module(self) -> str:
        """What it runs."""
        return self.annotations[f"{PREFIX}/module"]

    @property
    def run_id(self) -> str:
        """The run that launched it."""
        return self.annotations[f"{PREFIX}/run-id"]

    @property
    def kubectl(self) -> str:
        """How to name it to kubectl."""
        return f"{'job' if self.is_job else 'pod'} {self.name}"

    def concerns(self, identity: Identity) -> bool:
        """Whether it makes a partition of the identity, whose asset is its own."""
        keys = set(json.loads(self.annotations[f"{PREFIX}/partitions"]))
        return not keys or not identity.partitions or bool(keys & set(identity.partitions))


def existing(cluster: Cluster, selector: str, jobs_too: bool) -> Iterator[Existing]:
    """Everything that a label selector finds, in the order of names."""
    jobs = {job.metadata.name: job for job in cluster.jobs(selector)} if jobs_too else {}
    pods: dict[str, list[Any]] = {name: [] for name in jobs}
    for pod in cluster.pods(selector):
        pods.setdefault(pod.metadata.labels[f"{PREFIX}/name"], []).append(pod)
    for name, group in sorted(pods.items()):
        holders = [jobs[name]] if name in jobs else group
        over = name in jobs and any(c.status == "True" for c in _conditions(jobs[name]))
        yield Existing(
            name=name,
            is_job=name in jobs or any(_is_of_job(pod) for pod in group),
            annotations=holders[0].metadata.annotations,
            ended=over if name in jobs else all(judge(pod).stage in ENDED for pod in group),
            ended_at=max(map(ended_at, group), default=holders[0].metadata.creation_timestamp),
            leaving=all(holder.metadata.deletion_timestamp is not None for holder in holders),
        )


def _conditions(job: Any) -> Iterator[Any]:
    return (c for c in job.status.conditions or () if c.type in {"Failed", "Complete"})


def _is_of_job(pod: Any) -> bool:
    return any(owner.kind == JOB_KIND for owner in pod.metadata.owner_references or ())
