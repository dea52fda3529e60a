"""Machines of a training, played by processes of this one: node 0 is the test, the others are `model.train.node`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from neo_assets.model.train import hub

NODE = "neo_assets.model.train.node"


@dataclass
class Machines:
    """The environment of node 0, which is set, and the other nodes that were started."""

    environment: Mapping[str, str]
    started: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, node: int, **changes: str) -> subprocess.Popen[str]:
        """Start another node, in a process group of its own."""
        given = {**os.environ, **self.environment, "NEO_NODE_RANK": str(node), **changes}
        self.started[node] = subprocess.Popen(
            [sys.executable, "-m", NODE],
            env=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        return self.started[node]

    def kill(self, node: int) -> None:
        """End a machine at once: the node's process, its launcher and its ranks."""
        process = psutil.Process(self.started[node].pid)
        for victim in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()

    def below(self, node: int) -> list[psutil.Process]:
        """The processes that a node has started and that still run."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.started[node].pid).children(recursive=True)
        return []

    def over(self, node: int, seconds: float = 30) -> tuple[int, str]:
        """Wait for a node to end: its status and what it said."""
        said, _ = self.started[node].communicate(timeout=seconds)
        return self.started[node].returncode, said


def end_job() -> None:
    """What the end of the job's process does."""
    while hub._hubs:
        hub._hubs.pop().dismiss()


@contextmanager
def machines(
    monkeypatch: pytest.MonkeyPatch, folder: Path, n_nodes: int = 2, wait_seconds: int = 60
) -> Iterator[Machines]:
    """This process as node 0 of so many, on a free port of the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        "NEO_NODES": str(n_nodes),
        "NEO_NODE_RANK": "0",
        "NEO_RENDEZVOUS": f"localhost:{port}",
        "NEO_NODE_FOLDER": str(folder / "nodes"),
        "NEO_NODE_WAIT_SECONDS": str(wait_seconds),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = Machines(environment)
    try:
        yield found
    finally:
        end_job()
        for process in found.started.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
