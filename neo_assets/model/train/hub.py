"""Node 0's side of a training on several machines: waits for the others, tells them what to do, hears how it went."""

from __future__ import annotations

import atexit
import os
import queue
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from neo_assets.model.train.channel import Channel, ChannelError, Told
from neo_assets.model.train.machines import Machines, MachinesError, listening

MAX_TOLD_BYTES = 2**20
LINGER_SECONDS = 1.0


@dataclass
class Hub:
    """The other nodes of a job, from its first segment to its end."""

    machines: Machines
    inbox: queue.SimpleQueue[tuple[int, Any]] = field(default_factory=queue.SimpleQueue)
    """(node, message or `ChannelError`), in order of arrival."""
    nodes: dict[int, Channel] = field(default_factory=dict)
    went_well: bool = False
    """Whether the last segment did: what the nodes are told at the end."""
    n_segments: int = 0
    """Begun so far."""
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = listening(self.machines.host, self.machines.port)
        threading.Thread(target=self._accept, name="nodes", daemon=True).start()
        atexit.register(self.dismiss)

    def gather(self) -> None:
        """Wait until every node is there.

        Raises:
            MachinesError: one does not come in time, is gone again, or thinks that there are more or fewer.
        """
        until = time.monotonic() + self.machines.wait_seconds
        with self._changed:
            told = False
            while not self._faults and self.missing:
                left = until - time.monotonic()
                if left <= 0:
                    raise MachinesError(
                        f"{_names(self.missing)} of {self.machines.n_nodes} did not come within"
                        f" {self.machines.wait_seconds:.0f} seconds; look whether it runs and reaches"
                        f" {self.machines.host}:{self.machines.port}, or set NEO_NODES to what there is"
                    )
                if not told:
                    print(f"waits for {_names(self.missing)} of {self.machines.n_nodes}", flush=True)
                    told = True
                self._changed.wait(min(left, 1.0))
            if self._faults:
                raise MachinesError(self._faults[0])

    @property
    def missing(self) -> list[int]:
        """The nodes that have not come yet."""
        return [node for node in range(1, self.machines.n_nodes) if node not in self.nodes]

    def begin(self, **values: Any) -> None:
        """Tell every node to train its part of the next segment."""
        self.went_well = False
        self.n_segments += 1
        self.tell("segment", segment=self.n_segments, **values)

    def tell(self, say: str, **values: Any) -> None:
        """Send a message to every node."""
        for channel in list(self.nodes.values()):
            channel.send(say, **values)

    def dismiss(self) -> None:
        """Tell the nodes that the job is over, and let them go."""
        atexit.unregister(self.dismiss)
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for nodes
        self._listener.close()
        self.tell("end", ok=self.went_well)
        waiting, until = set(self.nodes), time.monotonic() + LINGER_SECONDS
        while waiting and (left := until - time.monotonic()) > 0:  # a connection closed too soon drops what was sent
            try:
                node, told = self.inbox.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(told, ChannelError):
                waiting.discard(node)
        for channel in self.nodes.values():
            channel.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed: the job is over
                return
            threading.Thread(target=self._greet, args=(connection,), name="hello", daemon=True).start()

    def _greet(self, connection: socket.socket) -> None:
        """Take a node in. What is none (a probe, a scanner) is let go without a word."""
        channel = Channel(connection, MAX_TOLD_BYTES)
        try:
            hello = channel.receive()
        except ChannelError:
            channel.close()
            return
        if hello["say"] != "hello":
            channel.close()
            return
        with self._changed:
            fault = self._fault(hello)
            if fault is None:
                node = int(hello["node"])
                self.nodes[node] = channel
                channel.keep_alive()
                channel.follow(lambda told: self._take(node, told))
            else:
                self._faults.append(fault)
                channel.send("refused", why=fault)
                channel.close()
            self._changed.notify_all()

    def _fault(self, hello: Told) -> str | None:
        """Why a node cannot be one of ours."""
        node, n_nodes, own = hello.get("node"), hello.get("nodes"), self.machines.n_nodes
        if n_nodes != own:
            return f"node {node} was started as one of {n_nodes} nodes, node 0 as one of {own}; set the same NEO_NODES"
        if not isinstance(node, int) or not 0 < node < own:
            return f"a node says that it is number {node} of {own}; set NEO_NODE_RANK to 1 to {own - 1}"
        if node in self.nodes:
            return f"two machines say that they are node {node}; give each its own NEO_NODE_RANK"
        return None

    def _take(self, node: int, told: Told | ChannelError) -> None:
        if isinstance(told, ChannelError):
            with self._changed:
                self._faults.append(f"node {node} {told}")
                self._changed.notify_all()
        self.inbox.put((node, told))


_hubs: list[Hub] = []


def hub_of_this_process(environment: Mapping[str, str] | None = None) -> Hub | None:
    """The hub, opened at the first call; None on one machine. It lives as long as the process: nodes stay for all
    segments of a job. A job that has much to do before its first segment calls this first.

    Raises:
        MachinesError: the environment makes no sense, or this is not node 0.
    """
    machines = Machines.from_environment(os.environ if environment is None else environment)
    if machines is None:
        return None
    if machines.node:
        raise MachinesError(
            f"this is node {machines.node} (NEO_NODE_RANK): the job runs on node 0, here runs"
            " `python -m neo_assets.model.train.node`"
        )
    if not _hubs:
        _hubs.append(Hub(machines))
    return _hubs[0]


def _names(nodes: list[int]) -> str:
    return f"node{'s' * (len(nodes) > 1)} {', '.join(map(str, nodes))}"
