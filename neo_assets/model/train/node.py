"""A machine beside node 0 in a training on several: `python -m neo_assets.model.train.node`.

It joins node 0, runs its ranks of every segment, says how they ended, and ends when node 0 says that the job is over.
It imports no torch itself. See `Machines` for the environment.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import stopped_with_us
from neo_assets.lake.errors import StoreError
from neo_assets.lake.fetched import ensure_fetched
from neo_assets.model.train.channel import Channel, ChannelError, Told, connected
from neo_assets.model.train.inputs import version_of
from neo_assets.model.train.machines import Machines, MachinesError
from neo_assets.model.train.processes import Ending, Group, Ranks
from neo_assets.model.train.supervisor import GRACE_SECONDS, SETTLE_SECONDS

SEEN_SECONDS = 90
"""For a file that node 0 has just written to show here: network file systems may look only once a minute."""


class LeavingError(Exception):
    """This machine ends before the job does."""


@dataclass
class _Node:
    machines: Machines
    channel: Channel
    inbox: queue.SimpleQueue[tuple[int, Any]] = field(default_factory=queue.SimpleQueue)

    def run(self) -> bool:
        """Train until the job is over; whether it went well.

        Raises:
            LeavingError: node 0 is gone, or does not want this node.
        """
        self.channel.follow(lambda told: self.inbox.put((0, told)))
        self.channel.keep_alive()
        self.channel.send("hello", node=self.machines.node, nodes=self.machines.n_nodes)
        while True:
            told = self._told(self.inbox.get()[1])
            if told["say"] == "end":
                return bool(told["ok"])
            if told["say"] == "segment":
                ending = self._train(told)
                self.channel.send("ended", segment=told["segment"], ending=asdict(ending))

    def _train(self, given: Told) -> Ending:
        spec, group = given["spec"], Group(**{**given["group"], "node": self.machines.node})
        ensure_fetched(map(version_of, given["fetched"]))
        if hidden := _hidden(map(Path, given["paths"])):
            raise LeavingError(f"does not see {hidden}, which node 0 does; mount the same disk at the same path")
        folder = self.machines.folder
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"node-{self.machines.node}-", dir=folder) as own:
            file = Path(own) / "spec.json"
            file.write_text(json.dumps(spec), encoding="utf-8")
            ranks = Ranks.started(spec, file, group, None, self.machines.loopback)
            with ranks.process, stopped_with_us(ranks.process, GRACE_SECONDS):
                self._watch(ranks)
            return ranks.ending()

    def _watch(self, ranks: Ranks) -> None:
        """Read what the ranks say until they have ended, by themselves or because node 0 wants it."""
        ranks.read_into(self.inbox, self.machines.node)
        end_at: list[tuple[float, Callable[[], None]]] = []
        while True:
            if end_at and time.monotonic() >= end_at[0][0]:
                end_at.pop(0)[1]()
            try:
                node, told = self.inbox.get(timeout=0.2 if end_at else None)
                if node == 0 and self._told(told)["say"] == "stop":
                    now = time.monotonic() + (0 if told["at_once"] else SETTLE_SECONDS)
                    end_at = [(now, ranks.process.terminate), (now + GRACE_SECONDS, ranks.process.kill)]
                elif node != 0 and told is None:
                    return
                elif node != 0:
                    ranks.take(told)
            except queue.Empty:
                continue
            except LeavingError as error:
                self.channel.send("leaving", why=str(error))  # before the ranks are ended, which may take its time
                raise

    def _told(self, told: Told | ChannelError) -> Told:
        if isinstance(told, ChannelError):
            raise LeavingError(f"node 0 {told}")
        if told["say"] == "refused":
            raise LeavingError(f"node 0 refuses this node: {told['why']}")
        return told


def _hidden(paths: Iterable[Path]) -> Path | None:
    """The first path that cannot be seen here, after some patience."""
    until = time.monotonic() + SEEN_SECONDS
    for path in paths:
        while not path.exists():
            if time.monotonic() > until:
                return path
            time.sleep(0.5)
    return None


def _joined(machines: Machines) -> Channel:
    """The connection to node 0.

    Raises:
        LeavingError: it did not come, or its job is over already.
    """
    ended = machines.ended

    def over() -> bool:
        return ended is not None and ended.is_file()

    channel = connected(machines.host, machines.port, time.monotonic() + machines.wait_seconds, over)
    if channel is not None:
        return channel
    where = f"{machines.host}:{machines.port}"
    if ended is not None and over():
        raise LeavingError(f"node 0 was done before this node came ({ended.read_text(encoding='utf-8')})")
    raise LeavingError(f"node 0 did not answer at {where} within {machines.wait_seconds:.0f} seconds; does it run?")


def _asked_to_end(number: int, frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise LeavingError(f"was ended by {signal.Signals(number).name}")


def run(environment: Mapping[str, str]) -> int:
    """Be one of the machines of a training; gives the exit status."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _asked_to_end)
    channel: Channel | None = None
    try:
        machines = Machines.from_environment(environment)
        if machines is None or machines.node == 0:
            raise MachinesError("this is node 0: the job itself runs here; set NEO_NODES and NEO_NODE_RANK for another")
        print(f"node {machines.node} of {machines.n_nodes} joins {machines.host}:{machines.port}", flush=True)
        channel = _joined(machines)
        return 0 if _Node(machines, channel).run() else 1
    except (MachinesError, LeavingError, StoreError) as error:
        print(str(error), file=sys.stderr, flush=True)
        if channel is not None:
            channel.send("leaving", why=str(error))
        return 1
    finally:
        if channel is not None:
            channel.close()


if __name__ == "__main__":
    sys.exit(run(os.environ))
