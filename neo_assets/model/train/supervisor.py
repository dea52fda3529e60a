"""The process that watches over the ranks of a training: starts them, hands on what they report, says how they died.

It imports no torch, so a job that supervises stays small and can outlive a rank that runs out of memory.
"""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from neo_assets.engine.orphan import stopped_with_us

EVENT_PREFIX = "::event "
"""A rank's way to report: a line of its output with this and a JSON object whose key `event` says what it is."""

OnEvent = Callable[[dict[str, Any]], None]
GRACE_SECONDS = 15
TAIL_LINES = 40
GO_ON = "Checkpoints that were reported are whole and stay; start the same again: it goes on from the last snapshot"
_DEAD_RANK = re.compile(r"^\s*exitcode\s*:\s*(-?\d+)")
_RANK = re.compile(r"^\s*rank\s*:\s*(\d+)")


class WorkerError(RuntimeError):
    """A rank died or gave up; the message says which, why, and what to do."""


def run_workers(spec: Mapping[str, Any], n_ranks: int, on_event: OnEvent) -> None:
    """Train a segment in processes of their own, and return when they have ended well.

    Args:
        spec: a `Segment.spec()`.
        n_ranks: processes; more than one are started by torch's launcher, on this machine.
        on_event: gets every event of rank 0 in order, in this thread, while training goes on.

    All other output of the ranks is printed. They end when this process does, however it ends.

    Raises:
        WorkerError: a rank died or gave up. What `on_event` raises ends the ranks and is raised again.
    """
    out = Path(spec["out"])  # here and not among the system's temporary files: whoever cleans up after a kill knows it
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="ranks-", dir=out) as folder:
        file = Path(folder) / "spec.json"
        file.write_text(json.dumps(dict(spec)), encoding="utf-8")
        module = "neo_assets.model.train.worker" if n_ranks == 1 else "neo_assets.model.train.launcher"
        arguments = [str(file), str(os.getpid())] + ([] if n_ranks == 1 else [str(n_ranks)])
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            env=_environment(spec),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        with process, stopped_with_us(process, GRACE_SECONDS):
            failures: list[dict[str, Any]] = []
            tail: deque[str] = deque(maxlen=TAIL_LINES)
            for line in _lines(process):
                event = _event(line)
                if event is None:
                    tail.append(line.rstrip("\n"))
                    print(line, end="", flush=True)
                elif event["event"] == "failed":
                    failures.append(event)
                else:
                    on_event(event)
            status = process.wait()
        if status:
            raise WorkerError(_why(status, failures, tail))


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    """One thread pool of the recipe's size, and libraries that give the same bits whatever the machine's load.

    What must be set for a GPU alone, a rank sets itself (`stack.ranks.deterministic`).
    """
    threads = spec["training"].get("n_threads", 1)
    given = {**os.environ, "OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    if threads > 1:
        given.setdefault("MKL_CBWR", "AVX2,STRICT")
    return given


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """The lines of its output; read in a thread, so that ranks never wait for what is done with their events."""
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, name="output-of-ranks", daemon=True).start()
    while (line := lines.get()) is not None:
        yield line


def _event(line: str) -> dict[str, Any] | None:
    if not line.startswith(EVENT_PREFIX):
        return None
    try:
        event = json.loads(line.removeprefix(EVENT_PREFIX))
    except ValueError:
        return None
    return event if isinstance(event, dict) and "event" in event else None


def _why(status: int, failures: list[dict[str, Any]], tail: deque[str]) -> str:
    """One line for a person: which rank, what happened, what is safe."""
    if failures:
        first = failures[0]
        return f"rank {first['rank']} stopped: {first['message']}. {GO_ON}"
    if dead := _dead_rank(tail):
        rank, code = dead
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        return f"rank {rank} {how}. {GO_ON}"
    if status < 0:
        return f"rank 0 was killed by {signal.Signals(-status).name}. {GO_ON}"
    last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
    return f"the ranks ended with status {status}: {last}. {GO_ON}"


def _dead_rank(tail: deque[str]) -> tuple[int, int] | None:
    """Rank and exit code from the launcher's table of failures, whose last entry is the root cause."""
    rank: int | None = None
    found: tuple[int, int] | None = None
    for line in tail:
        if match := _RANK.match(line):
            rank = int(match[1])
        elif rank is not None and (match := _DEAD_RANK.match(line)):
            found = (rank, int(match[1]))
    return found
