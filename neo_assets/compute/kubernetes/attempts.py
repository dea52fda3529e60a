"""From an order to its end: find the pod that is at it, or launch one, and another when Kubernetes took it away."""

from __future__ import annotations

import logging
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from neo_assets.compute.kubernetes.body import PREFIX, Identity, PodMaker, partitions_text
from neo_assets.compute.kubernetes.cluster import CONFLICT, Cluster, ClusterError
from neo_assets.compute.kubernetes.existing import Existing, existing
from neo_assets.compute.kubernetes.indexed import job_body, service_body
from neo_assets.compute.kubernetes.interrupts import is_cancelled, noting_keyboard
from neo_assets.compute.kubernetes.leftovers import is_leftover
from neo_assets.compute.kubernetes.watch import Ending, Launched, Watch
from neo_assets.compute.order import covers
from neo_assets.compute.report import Output
from neo_assets.engine.progress import report
from neo_assets.jobs.channel import Channel, attempts, closing_message, published, rest_of
from neo_assets.lake.lake import Lake

GONE_SECONDS = 180.0
"""How long a pod that is being deleted is waited for before the next one is launched beside it."""


@dataclass
class Attempts:
    """One order's way through as many pods as it takes.

    Args:
        told: the context of the Pipes session, with the order as its extras.
    """

    context: dg.AssetExecutionContext
    cluster: Cluster
    lake: Lake
    maker: PodMaker
    identity: Identity
    told: dict[str, Any]
    output: Output
    poll_seconds: float
    messages: list[dict[str, Any]] = field(default_factory=list)
    """What the jobs told: of lost ones what they had published, of the last one all."""
    _numbers: set[int] = field(default_factory=set)
    _current: Launched | None = None

    def to_end(self) -> str | None:
        """Take the order to its end; None if that was good, else how it ended.

        Raises:
            ClusterError: Kubernetes refuses, or does not answer; what runs goes on.
            dg.Failure: a pod is at the same partitions with another order.
        """
        with noting_keyboard() as keyboard:
            try:
                return self._to_end()
            except BaseException as error:
                if not isinstance(error, Exception) and (keyboard or is_cancelled(self.context)):
                    self._cancel()
                raise

    def _to_end(self) -> str | None:
        launched = self._adopted()
        if launched is None and self._is_done_in_lake():
            return None
        lost, may_be_lost = 0, self.maker.profile.relaunches
        while (launched := launched or self._launch()) is not None:
            ending = self._watch(launched)
            self._collect(launched.channel, whole=ending.kind == "done")
            if ending.kind != "lost" or lost == may_be_lost:
                self.cluster.delete(launched.name, launched.is_job)
                self._take()
                pods = f", the last of {lost + 1} pods" if ending.kind == "lost" and lost else ""
                return None if ending.kind == "done" else f"{ending.text} ({launched.name}{pods})"
            lost += 1
            self._tell(f"{launched.name} {ending.text}; starting the next one, relaunch {lost} of {may_be_lost}")
            self.cluster.delete(launched.name, launched.is_job)
            launched = None
        return None

    def _watch(self, launched: Launched) -> Ending:
        def waits(why: str) -> None:
            self._tell(f"{launched.name} waits: {why}", logging.INFO)
            report(f"{launched.name} waits: {why}", 0, 1)

        self._current, limit = launched, self.maker.profile.pending_timeout_seconds
        return Watch(self.cluster, launched, self.output, waits, self.poll_seconds, limit).to_end()

    def _tell(self, text: str, level: int = logging.WARNING) -> None:
        """In the run's log, and where whoever started the run may look."""
        self.context.log.log(level, text)
        print(text, file=sys.stderr, flush=True)

    def _cancel(self) -> None:
        """The user wants no more of it."""
        if self._current is not None:
            self.context.log.info(f"cancelled: deleting {self._current.name}")
            self.cluster.delete(self._current.name, self._current.is_job)
            self._take()

    def _channel(self, number: int) -> Channel:
        return Channel(self.lake.store, f"{self.identity.base}-{number}")

    def _collect(self, channel: Channel, whole: bool) -> None:
        found = channel.messages()
        self.messages += found if whole else [m for m in found if m["method"] == "report_custom_message"]

    def _take(self) -> None:
        """Note that the ends of all these pods are known."""
        channels = {channel.name: channel for channel in map(self._channel, self._numbers)}
        if self._current is not None:
            channels[self._current.name] = self._current.channel
        for channel in channels.values():
            channel.take(self.context.run.run_id)

    def _adopted(self) -> Launched | None:
        """The pod that is at this order; those that ended with another one are removed, and what others left.

        Raises:
            dg.Failure: a pod is at these partitions with another order.
        """
        ours = list[Existing]()
        for found in existing(self.cluster, self.identity.selector, self.maker.profiles.have_jobs):
            if not found.concerns(self.identity):
                if is_leftover(found, self.lake):
                    self.cluster.delete(found.name, found.is_job)
            elif found.order == self.identity.order:
                ours.append(found)
            elif not found.leaving and self._makes_it_too(found):
                self.context.log.info(f"adopting {found.name}, which makes these partitions on its way")
                return self._launched(found.name, found.is_job)
            elif found.ended:
                self.cluster.delete(found.name, found.is_job)
            elif found.leaving:
                self._wait_until_gone(found)
            else:
                raise dg.Failure(
                    f"{partitions_text(self.identity)} is being made by {found.name} from other code, settings or"
                    f" inputs; wait for it, or end it with `kubectl delete {found.kubectl}`",
                    allow_retries=False,
                )
        self._numbers = {*attempts(self.lake.store, self.identity.base), *(found.number for found in ours)}
        for found in sorted(ours, key=lambda found: -found.number):
            launched = self._launched(found.name, found.is_job)
            result = launched.channel.result() if found.ended else None
            if found.leaving or launched.channel.is_taken:
                self._wait_until_gone(found)
            elif result is not None and result.code != 0 and not result.interrupted:
                self._tell(f"{found.name} failed while nobody watched it; trying once more")
                self.cluster.delete(found.name, found.is_job)
            else:
                self.context.log.info(f"adopting {found.name}, launched by run {found.run_id}")
                self._collect_untaken(found.number)
                return launched
        self._collect_untaken(None)
        return None

    def _makes_it_too(self, found: Existing) -> bool:
        """Whether it makes, or has made while nobody watched, what is wanted on its way through a longer range."""
        channel = Channel(self.lake.store, found.name)
        result = channel.result() if found.ended else None
        if found.ended and (result is None or result.code != 0 or channel.is_taken):
            return False
        running = channel.order()
        return found.module == self.identity.module and running is not None and covers(running["extras"], self._order)

    @property
    def _order(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told["extras"]
        return found

    def _launched(self, name: str, is_job: bool) -> Launched:
        nodes = self.maker.nodes(self.identity.module) if is_job else 1
        return Launched(name, is_job, nodes, Channel(self.lake.store, name))

    def _collect_untaken(self, before: int | None) -> None:
        """What pods of this order had published whose end nobody took."""
        for number in sorted(self._numbers):
            channel = self._channel(number)
            if (before is None or number < before) and not channel.is_taken:
                self._collect(channel, whole=False)

    def _is_done_in_lake(self) -> bool:
        """Whether a pod that is gone had ended well while nobody watched, and what it made is in force."""
        last = self.identity.partitions[-1] if self.identity.partitions else None
        manifest = self.lake.manifest(self.identity.asset, last)
        for channel in map(self._channel, sorted(self._numbers, reverse=True)):
            result = channel.result()
            if manifest is None or channel.is_taken or result is None or result.code != 0:
                continue
            found = channel.messages()
            reported = [m["params"]["data_version"] for m in found if m["method"] == "report_asset_materialization"]
            if reported == [manifest.digest]:
                self.context.log.info(f"{channel.name} had ended; its pod is gone, its result is in the lake")
                self.messages = found
                self._take()
                return True
        return False

    def _launch(self) -> Launched | None:
        """Start the next pod with what is left of the order; None if nothing is.

        Raises:
            ClusterError: Kubernetes refuses it.
        """
        made = published(self.messages)
        told = rest_of(self.told, made, self.lake) if made else self.told
        if made and not told["extras"]["partitions"]:
            self.messages.append(closing_message(self.identity.asset, made[self.identity.partitions[-1]]["digest"]))
            self._take()
            return None
        number = max(self._numbers, default=0) + 1
        nodes, profile = self.maker.nodes(self.identity.module), self.maker.profile
        name, run_id = f"{self.identity.base}-{number}", self.context.run.run_id
        launched = self._launched(name, nodes > 1 or profile.as_job)
        launched.channel.put_order(told)
        self._numbers.add(number)
        self._current = launched
        try:
            if launched.is_job:
                uid = self.cluster.create_job(job_body(self.maker, self.identity, name, run_id))
                if nodes > 1:
                    self.cluster.create_service(service_body(self.maker, self.identity, name, run_id, uid))
            else:
                self.cluster.create_pod(self.maker.pod(self.identity, name, run_id))
        except ClusterError as error:
            if error.status != CONFLICT:
                self._take()
                raise
            self.context.log.info(f"adopting {name}, launched meanwhile")
        else:
            self.context.log.info(f"launched {name} in {self.cluster.namespace}")
        return launched

    def _wait_until_gone(self, found: Existing) -> None:
        self.cluster.delete(found.name, found.is_job)
        end = time.monotonic() + GONE_SECONDS
        while self.cluster.pods(f"{PREFIX}/name={found.name}") and time.monotonic() < end:
            report(f"waiting for {found.name} to end", 0, 1)
            time.sleep(self.poll_seconds)
