"""The process that watches over the ranks of a training: starts them, hands on what they report, says how they died.

It imports no torch, so a job that supervises stays small and can outlive a rank that runs out of memory. On several
machines it runs on node 0, and the others run `neo_assets.model.train.node`.
"""

from __future__ import annotations

import json
import queue
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import stopped_with_us
from neo_assets.model.train.channel import ChannelError
from neo_assets.model.train.hub import Hub, hub_of_this_process
from neo_assets.model.train.inputs import fetched_of, paths_of
from neo_assets.model.train.machines import LOOPBACK, listening
from neo_assets.model.train.processes import EVENT_PREFIX, LOST, Ending, Group, Ranks

__all__ = ["EVENT_PREFIX", "GRACE_SECONDS", "WorkerError", "run_workers"]

OnEvent = Callable[[dict[str, Any]], None]
GRACE_SECONDS = 15
SETTLE_SECONDS = 3
"""For ranks whose peer has died to end by themselves: what they say then is worth more than that they were ended."""
GO_ON = "Checkpoints that were reported are whole and stay; start the same again: it goes on from the last snapshot"


class WorkerError(RuntimeError):
    """A rank died or gave up, or its machine did; the message says which, why, and what to do."""


def run_workers(spec: Mapping[str, Any], n_ranks: int, on_event: OnEvent) -> None:
    """Train a segment in processes of their own, and return when they have ended well.

    Args:
        spec: a `Segment.spec()`.
        n_ranks: processes; more than one are started by torch's launcher. On several machines (see `Machines`) each
            runs equally many; its folders must be on a disk that all share, at the same path.
        on_event: gets every event of rank 0 in order, in this thread, while training goes on.

    All other output of the ranks is printed. They end when this process does, however it ends.

    Raises:
        WorkerError: a rank or a machine died or gave up. What `on_event` raises ends the ranks and is raised again.
        MachinesError: the machines do not come together, or cannot share the ranks.
    """
    hub = hub_of_this_process()
    ranks_here = n_ranks if hub is None else hub.machines.ranks_here(n_ranks)
    out = Path(spec["out"])  # here and not among the system's temporary files: whoever cleans up after a kill knows it
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ranks-", dir=out) as folder:
        file = Path(folder) / "spec.json"
        file.write_text(json.dumps(dict(spec)), encoding="utf-8")
        ranks = _started(spec, file, ranks_here, hub)
        watch = _Watch(ranks, on_event, hub)
        with ranks.process, stopped_with_us(ranks.process, GRACE_SECONDS):
            watch.run()
        watch.check()


def _started(spec: Mapping[str, Any], file: Path, ranks_here: int, hub: Hub | None) -> Ranks:
    """The ranks of this machine; those of the others are told to start."""
    if hub is None and ranks_here == 1:
        return Ranks.started(spec, file, Group(1, LOOPBACK, 0), None)
    if hub is None:
        with listening(LOOPBACK, 0) as listener:
            return Ranks.started(spec, file, Group(ranks_here, LOOPBACK, listener.getsockname()[1]), listener)
    hub.gather()
    machines = hub.machines
    with listening(machines.host, 0) as listener:
        group = Group(ranks_here, machines.host, listener.getsockname()[1], machines.n_nodes)
        paths = [str(path) for path in (file, *paths_of(spec))]  # the first is new: nobody has it by chance
        hub.begin(spec=dict(spec), paths=paths, fetched=fetched_of(spec), group=asdict(group))
        return Ranks.started(spec, file, group, listener, machines.loopback)


@dataclass
class _Watch:
    """The ranks of all machines while they train."""

    ranks: Ranks
    on_event: OnEvent
    hub: Hub | None = None
    endings: dict[int, Ending | str] = field(default_factory=dict)
    """By node, in order of arrival; a text: why it is gone."""
    failed_at: float | None = None
    """When the first end was seen that was not good, in `time.monotonic`."""
    asked: bool = False
    """Whether this machine's ranks were asked to end."""

    def run(self) -> None:
        """Hand on events until all machines have told how their ranks ended, or have had time enough."""
        inbox = self.hub.inbox if self.hub else queue.SimpleQueue()
        self.ranks.read_into(inbox, 0)
        n_nodes = self.hub.machines.n_nodes if self.hub else 1
        try:
            while len(self.endings) < n_nodes and not self._out_of_patience():
                with suppress(queue.Empty):
                    self._take(*inbox.get(timeout=None if self.failed_at is None else 0.2))
        except BaseException:
            if self.hub:
                self.hub.tell("stop", at_once=True)
            raise

    def check(self) -> None:
        """That all ended well.

        Raises:
            WorkerError: one did not; the likeliest cause is named.
        """
        bad = [(node, ending) for node, ending in self.endings.items() if isinstance(ending, str) or ending.status]
        if self.hub is None:
            if bad and isinstance(bad[0][1], Ending):
                raise WorkerError(f"{bad[0][1].cause[1]}. {GO_ON}")
            return
        if not bad:
            self.hub.went_well = True
            return
        causes = [(node, (LOST, e) if isinstance(e, str) else e.cause) for node, e in bad]
        node, (_, text) = min(causes, key=lambda cause: cause[1][0])
        raise WorkerError(f"node {node}{' ' if text.startswith('has') else ': '}{text}. {GO_ON}")

    def _take(self, node: int, told: Any) -> None:
        if isinstance(told, str):
            event = self.ranks.take(told)
            if event is not None:
                self.on_event(event)
            return
        if told is None:
            self.endings[node] = self.ranks.ending()
        elif isinstance(told, ChannelError):
            self.endings.setdefault(node, str(told))  # one that said why it leaves has told more
        elif told["say"] == "leaving":
            self.endings[node] = told["why"]
        elif told["say"] == "ended" and self.hub and told["segment"] == self.hub.n_segments:
            self.endings.setdefault(node, Ending(**told["ending"]))
        else:
            return
        ending = self.endings[node]
        if self.failed_at is None and (isinstance(ending, str) or ending.status):
            self.failed_at = time.monotonic()
            if self.hub:
                self.hub.tell("stop", at_once=False)

    def _out_of_patience(self) -> bool:
        """Some time after a failure ask this machine's ranks to end, later end them and wait for nobody any more."""
        if self.failed_at is None:
            return False
        passed = time.monotonic() - self.failed_at
        if passed >= SETTLE_SECONDS and 0 not in self.endings and not self.asked:
            self.asked = True
            self.ranks.process.terminate()
        if passed >= SETTLE_SECONDS + GRACE_SECONDS and 0 not in self.endings:
            self.ranks.process.kill()
        return passed >= SETTLE_SECONDS + GRACE_SECONDS
