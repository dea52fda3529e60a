"""Pods whose end nobody came to see: whoever wanted what they made found it made, and asked no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from neo_assets.compute.kubernetes.body import of_lake
from neo_assets.compute.kubernetes.cluster import Cluster
from neo_assets.compute.kubernetes.existing import Existing, existing
from neo_assets.jobs.channel import FOLDER, Channel
from neo_assets.lake.lake import Lake

KEPT = timedelta(days=1)
"""How long a pod that has ended is kept for who may look at its log or take its result over."""


@dataclass(frozen=True)
class Leftovers:
    """What a cluster has of a lake's jobs.

    Args:
        ended: pods and Jobs that can go.
        in_use: folders of the lake by which the others and their watchers talk, however long ago.
    """

    cluster: Cluster
    ended: tuple[Existing, ...]
    in_use: frozenset[str]

    @classmethod
    def of(cls, cluster: Cluster, lake: Lake, jobs_too: bool, kept: timedelta = KEPT) -> Leftovers:
        """Look; removes nothing.

        Raises:
            ClusterError: Kubernetes refuses to list them, or does not answer.
        """
        found = list(existing(cluster, of_lake(lake.root), jobs_too))
        ended = tuple(each for each in found if is_leftover(each, lake, kept))
        return cls(cluster, ended, frozenset(f"{FOLDER}/{each.name}" for each in found if each not in ended))

    def __iter__(self) -> Iterator[str]:
        return (each.kubectl for each in self.ended)

    def remove(self) -> None:
        """Delete what can go."""
        for each in self.ended:
            self.cluster.delete(each.name, each.is_job)


def is_leftover(found: Existing, lake: Lake, kept: timedelta = KEPT) -> bool:
    """Whether it ended that long ago, and what it had to tell is in the lake, or was and has been removed."""
    if not found.ended or found.leaving or found.ended_at > datetime.now(UTC) - kept:
        return False
    channel = Channel(lake.store, found.name)
    return channel.result() is not None or channel.order() is None
