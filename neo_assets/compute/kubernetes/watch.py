"""Watching one pod, or the pods of one Job, from the queue to the end."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from neo_assets.compute.kubernetes.cluster import Cluster
from neo_assets.compute.kubernetes.logs import JobLog, Stream, drain
from neo_assets.compute.kubernetes.state import ENDED, Verdict, container, judge
from neo_assets.compute.report import TAIL_LINES, Output, status_text
from neo_assets.jobs.channel import NOTE_PREFIX, POSITION_PREFIX, Channel

EVENTS_SECONDS = 10.0
STORE_SECONDS = 15.0
LEAVE_SECONDS = 60.0
"""How much longer than its grace period a pod may take to go before its machine is given up."""
LAST_LINES_SECONDS = 5.0
COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"


@dataclass(frozen=True)
class Launched:
    """A pod, or a Job of several, by its name."""

    name: str
    is_job: bool
    nodes: int
    channel: Channel


@dataclass(frozen=True)
class Ending:
    """How it came out.

    Args:
        kind: `lost`: by no fault of the job.
        text: why it did not end well.
    """

    kind: Literal["done", "failed", "lost"]
    text: str = ""


@dataclass
class Watch:
    """Follows a launch.

    Args:
        poll_seconds: between two looks at its state.
        pending_timeout_seconds: how long it may wait for its place.
        waiting: told why it waits, whenever that changes.
    """

    cluster: Cluster
    launched: Launched
    output: Output
    waiting: Callable[[str], None]
    poll_seconds: float = 2.0
    pending_timeout_seconds: float | None = None
    _seen: dict[str, tuple[Verdict, float]] = field(default_factory=dict)
    """Of every pod: the last verdict, and when it was first given."""
    _stream: Stream | None = None
    _waits_since: float | None = None
    _waits_for: str = ""
    _asked_events: float = 0.0
    _read_store: float = 0.0

    def __post_init__(self) -> None:
        self._log = JobLog(self.launched.channel, self.output)

    def to_end(self) -> Ending:
        """Follow it to its end."""
        try:
            while True:
                pods, job = self._look()
                ending = self._ending(pods, job)
                if ending is not None:
                    self._last_lines(pods)
                    return ending
                self._follow_log(pods)
        finally:
            if self._stream is not None:
                self._stream.stop()

    def _look(self) -> tuple[list[Any], Any]:
        name, now = self.launched.name, time.monotonic()
        selector = f"neo-assets/name={name}"
        pods = sorted(self.cluster.pods(selector), key=lambda pod: str(pod.metadata.creation_timestamp))
        job = next(iter(self.cluster.jobs(selector)), None) if self.launched.is_job else None
        verdicts = {pod.metadata.name: judge(pod) for pod in pods}
        for gone in self._seen.keys() - verdicts.keys():
            if self._seen[gone][0].stage not in ENDED:
                verdicts[gone] = Verdict("deleted", "was deleted from outside")
        for pod, verdict in verdicts.items():
            before, since = self._seen.get(pod, (verdict, now))
            alike = before.stage == verdict.stage or (before.stage, verdict.stage) == ("stopping", "deleted")
            self._seen[pod] = (verdict, since if alike else now)
        return pods, job

    def _ending(self, pods: list[Any], job: Any) -> Ending | None:
        result = self.launched.channel.result() if not self._all_wait() else None
        if result is not None and result.code == 0:
            return Ending("done")
        if hopeless := self._find("hopeless"):
            return Ending("failed", hopeless.text)
        over = self._job_is_over(job, pods) if self.launched.is_job else self._pod_is_over(pods)
        if not over:
            return self._too_long_pending(pods)
        return self._why()

    def _all_wait(self) -> bool:
        return bool(self._seen) and all(verdict.stage == "waiting" for verdict, _ in self._seen.values())

    def _pod_is_over(self, pods: list[Any]) -> bool:
        if not self._seen:  # adopted by name alone, and gone at the first look
            self._is_gone()
        return all(verdict.stage in ENDED for verdict, _ in self._seen.values()) or self._never_goes(pods)

    def _job_is_over(self, job: Any, pods: list[Any]) -> bool:
        if job is None:
            self._is_gone()
        elif not any(c.type in {"Failed", "Complete"} and c.status == "True" for c in job.status.conditions or ()):
            return False
        return all(judge(pod).stage in ENDED for pod in pods) or self._never_goes(pods)

    def _is_gone(self) -> None:
        self._seen.setdefault(self.launched.name, (Verdict("deleted", "was deleted from outside"), time.monotonic()))

    def _never_goes(self, pods: list[Any]) -> bool:
        """Whether all that is left are pods whose machine has not said for long that they are gone."""
        left = [pod for pod in pods if judge(pod).stage not in ENDED]
        return all(
            judge(pod).stage == "stopping"
            and time.monotonic() - self._seen[pod.metadata.name][1] > LEAVE_SECONDS + _grace_seconds(pod)
            for pod in left
        )

    def _find(self, stage: str) -> Verdict | None:
        return next((verdict for verdict, _ in self._seen.values() if verdict.stage == stage), None)

    def _why(self) -> Ending:
        """The cause among what is known of all pods: what Kubernetes did comes before what the others made of it."""
        if disrupted := self._find("disrupted"):
            return Ending("lost", disrupted.text)
        if memory := self._find("memory"):
            return Ending("failed", memory.text)
        deleted = [since for verdict, since in self._seen.values() if verdict.stage in {"deleted", "stopping"}]
        failed = [since for verdict, since in self._seen.values() if verdict.stage == "failed"]
        if deleted and failed and min(deleted) < min(failed):
            return Ending("lost", "was deleted from outside")
        for rank in range(self.launched.nodes):
            result = self.launched.channel.node(rank).result()
            if result is not None and result.code != 0 and not result.interrupted:
                self._tell_node(rank)
                return Ending("failed", f"{status_text(result.code)}{f' on node {rank}' if rank else ''}")
        if verdict := self._find("failed"):
            return Ending("failed", verdict.text)
        if self._find("succeeded") and not deleted:
            return Ending("failed", "left no result in the lake")
        return Ending("lost", "was deleted from outside")

    def _tell_node(self, rank: int) -> None:
        """Show the last lines of a node that is not the one whose log was followed."""
        if rank:
            JobLog(self.launched.channel.node(rank), self.output).from_store()

    def _too_long_pending(self, pods: list[Any]) -> Ending | None:
        waits = [self._seen[pod.metadata.name][0] for pod in pods]
        if pods and not any(verdict.stage == "waiting" for verdict in waits):
            self._waits_since, self._waits_for = None, ""
            return None
        now = time.monotonic()
        self._waits_since = self._waits_since or now
        text = next((verdict.text for verdict in waits if verdict.text), "")
        if not text and now - self._asked_events >= EVENTS_SECONDS:
            self._asked_events = now
            names = [pod.metadata.name for pod in pods] or [self.launched.name]
            said = self.cluster.warnings(names[0])
            text = said[-1] if said else self._waits_for or "its containers are being created"
        if text and text != self._waits_for:
            self._waits_for = text
            self.waiting(text)
        limit = self.pending_timeout_seconds
        if limit is not None and now - self._waits_since >= limit:
            return Ending("failed", f"had not started after {limit:.0f} s: {self._waits_for}")
        return None

    def _follow_log(self, pods: list[Any]) -> None:
        """Show what the log brings until it is time to look again."""
        main = next((pod for pod in reversed(pods) if _is_first_node(pod) and judge(pod).stage == "running"), None)
        if main is not None and (self._stream is None or self._stream.pod != main.metadata.name):
            if self._stream is not None:
                self._stream.stop()
            self._log.cut()
            self._stream = Stream(self.cluster, main.metadata.name, container(main).name)
        now = time.monotonic()
        if not self._all_wait() and (not self._log.is_live or now - self._read_store >= STORE_SECONDS):
            self._read_store = now
            self._log.from_store()
        end = now + self.poll_seconds
        while (left := end - time.monotonic()) > 0:
            drain(self._stream, self._log, left)

    def _last_lines(self, pods: list[Any]) -> None:
        """Show all that is left of the log, wherever it is."""
        if self._stream is not None:
            self._stream.stop(LAST_LINES_SECONDS if pods else 0.0)
            while True:
                try:
                    line = self._stream.lines.get_nowait()
                except queue.Empty:
                    break
                if line is None:
                    self._log.cut()
                else:
                    self._log.from_stream(line)
        self._log.from_store()
        result = self.launched.channel.result()
        if result is not None and self._log.shown >= result.lines:
            return
        for pod in [pod for pod in pods if _is_first_node(pod)][-1:]:
            self._log.cut()
            tail = self.cluster.log_tail(pod.metadata.name, container(pod).name, 10 * TAIL_LINES)
            for line in tail:
                self._log.from_stream(line)
            if not self._log.shown:  # the job did not begin: what its container said instead
                for line in tail:
                    if not line.startswith((POSITION_PREFIX, NOTE_PREFIX)):
                        self.output(line)


def _is_first_node(pod: Any) -> bool:
    return str((pod.metadata.annotations or {}).get(COMPLETION_INDEX, "0")) == "0"


def _grace_seconds(pod: Any) -> float:
    given = pod.metadata.deletion_grace_period_seconds
    return 30.0 if given is None else float(given)
