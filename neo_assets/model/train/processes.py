"""The ranks of one machine as child processes: how they are started, what they say, how they ended."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

EVENT_PREFIX = "::event "
"""A rank's way to report: a line of its output with this and a JSON object whose key `event` says what it is."""
TAIL_LINES, TAIL_CHARS = 40, 2000
WORKER, LAUNCHER = "neo_assets.model.train.worker", "neo_assets.model.train.launcher"
_DEAD_RANK = re.compile(r"^\s*exitcode\s*:\s*(-?\d+)")
_RANK = re.compile(r"^\s*rank\s*:\s*(\d+)")
_OF_OTHERS = (signal.SIGTERM, signal.SIGABRT)  # the launcher ends ranks so; NCCL ends those whose peer is gone so

LOST, TOLD, KILLED, ENDED, ASKED = range(5)
"""How likely an ending is the cause of the others, the likeliest first: a machine that is gone; an error that a rank
told; a rank that was killed; any other end; ranks that were told to end, or whose peers were gone."""


@dataclass(frozen=True)
class Group:
    """The place of a machine's ranks among all: `host:port` is where the ranks of all machines find each other."""

    ranks_here: int
    host: str
    port: int
    n_nodes: int = 1
    node: int = 0

    @property
    def launched(self) -> bool:
        """Whether torch's launcher starts the ranks; one alone needs none."""
        return self.n_nodes * self.ranks_here > 1

    def command(self, spec: Path, parent: int, listener: int | None) -> list[str]:
        """What starts the ranks.

        Args:
            parent: the process without which they end.
            listener: file descriptor of a socket that listens at `host:port`, on node 0.
        """
        if not self.launched:
            return [sys.executable, "-m", WORKER, str(spec), str(parent)]
        return [sys.executable, "-m", LAUNCHER, str(spec), str(parent), json.dumps(asdict(self)), str(listener)]


@dataclass
class Ending:
    """How the ranks of a machine ended.

    Attributes:
        told: events `failed` of ranks, in order.
        tail: the last lines of the other output.
        launched: by torch's launcher, whose status this is.
    """

    status: int
    told: list[dict[str, Any]] = field(default_factory=list)
    tail: Sequence[str] = ()
    launched: bool = False

    @property
    def cause(self) -> tuple[int, str]:
        """How likely it is the cause of others, and what happened, for a person; of an ending that was not good."""
        own = [event for event in self.told if not event.get("of_others")]
        if own:
            return TOLD, f"rank {own[0]['rank']} stopped: {own[0]['message']}"
        if dead := _dead_rank(self.tail):
            rank, code = dead
            if code < 0:
                of_others = -code in _OF_OTHERS
                return (ASKED if of_others else KILLED), f"rank {rank} was killed by {signal.Signals(-code).name}"
        if self.told:
            return ASKED, f"rank {self.told[0]['rank']} stopped: {self.told[0]['message']}"
        if dead:
            return ENDED, f"rank {dead[0]} ended with status {dead[1]}"
        if self.status < 0:
            name = signal.Signals(-self.status).name
            who = "the launcher of the ranks" if self.launched else "rank 0"
            return (ASKED if -self.status in _OF_OTHERS else KILLED), f"{who} was killed by {name}"
        last = next((line for line in reversed(self.tail) if line.strip()), "they said nothing")
        return ENDED, f"the ranks ended with status {self.status}: {last}"


@dataclass
class Ranks:
    """The running ranks of a machine. Their output comes line by line through `inbox`, as (node, line); at its end
    (node, None)."""

    process: subprocess.Popen[str]
    launched: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))

    @classmethod
    def started(
        cls, spec: Mapping[str, Any], file: Path, group: Group, listener: socket.socket | None, loopback: bool = True
    ) -> Ranks:
        """Start them on the specification in a file; they end when this process does, however it ends.

        Args:
            loopback: all nodes are on this machine in truth.
        """
        handle = None if listener is None else listener.fileno()
        process = subprocess.Popen(
            group.command(file, os.getpid(), handle),
            env=_environment(spec, loopback and group.n_nodes > 1),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=() if handle is None else (handle,),
        )
        return cls(process, group.launched)

    def read_into(self, inbox: queue.SimpleQueue[Any], node: int) -> None:
        """Read in a thread, so that ranks never wait for what is done with their events."""

        def read() -> None:
            for line in self.process.stdout or ():
                inbox.put((node, line))
            inbox.put((node, None))

        threading.Thread(target=read, name="output-of-ranks", daemon=True).start()

    def take(self, line: str) -> dict[str, Any] | None:
        """The event in a line of output; other lines are printed, and failures kept."""
        event = _event(line)
        if event is None:
            self.tail.append(line.rstrip("\n")[:TAIL_CHARS])
            print(line, end="", flush=True)
        elif event["event"] == "failed":
            self.told.append(event)
            return None
        return event

    def ending(self) -> Ending:
        """How they ended, when the output has."""
        return Ending(self.process.wait(), self.told, list(self.tail), self.launched)


def _environment(spec: Mapping[str, Any], loopback: bool) -> dict[str, str]:
    """One thread pool of the recipe's size, and libraries that give the same bits whatever the machine's load.

    What must be set for a GPU alone, a rank sets itself (`stack.ranks.deterministic`).
    """
    threads = spec["training"].get("n_threads", 1)
    given = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    if threads > 1:
        given.setdefault("MKL_CBWR", "AVX2,STRICT")
    if loopback:
        given.setdefault("GLOO_SOCKET_IFNAME", "lo")
    return given


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith(EVENT_PREFIX):
        return None
    try:
        event = json.loads(line.removeprefix(EVENT_PREFIX))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _dead_rank(tail: Sequence[str]) -> tuple[int, int] | None:
    """Rank and exit code from the launcher's table of failures, whose last entry is the root cause."""
    rank: int | None = None
    found: tuple[int, int] | None = None
    for line in tail:
        if match := _RANK.match(line):
            rank = int(match[1])
        elif rank is not None and (match := _DEAD_RANK.match(line)):
            found = (rank, int(match[1]))
    return found
