"""Runs a command in a process of its own, pinned to cores, and counts what it and its children took."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.environments import REPOSITORY, Peer, PeerError, python_of

SAMPLES_A_SECOND = 20
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_THREADS = (
    "OMP_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "OPENBLAS_NUM_THREADS",
    "RENSA_NUM_THREADS",
)  # fmt: skip


class Measured(NamedTuple):
    """What a process took from its start to its end, and what it says of its work."""

    wall: float
    cpu: float
    peak_mib: float
    answer: dict[str, Any]


def measure(peer: Peer, arguments: Sequence[str], cores: int, timeout: float) -> Measured | None:
    """Runs the system's adapter on the first cores allowed; nothing where it is not installed.

    Raises:
        PeerError: it failed, or took too long.
    """
    python = python_of(peer)
    if python is None:
        return None
    module = f"benchmarks.peers.{peer.adapter}" if "." not in peer.adapter else peer.adapter
    # What a former run left to be written to disk is not this one's: a container's file system may be slow.
    os.sync()
    return _measured(peer.title, [str(python), "-m", module, *arguments], cores, timeout)


def available_cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def _measured(title: str, command: list[str], cores: int, timeout: float) -> Measured:
    chosen = sorted(os.sched_getaffinity(0))[:cores]
    environment = os.environ | dict.fromkeys(_THREADS, str(cores)) | {"TOKENIZERS_PARALLELISM": "false"}
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as out,
        tempfile.TemporaryFile("w+", encoding="utf-8") as errors,
    ):
        started = time.perf_counter()
        process = _pinned(command, chosen, cwd=REPOSITORY, env=environment, stdout=out, stderr=errors)
        watched = _watch(process, started + timeout)
        wall = time.perf_counter() - started
        for stream in (out, errors):
            stream.seek(0)
        if process.returncode != 0:
            why = "took too long" if watched is None else (errors.read().strip().splitlines() or ["without a word"])[-1]
            raise PeerError(f"{title}: {why}")
        assert watched is not None  # noqa: S101
        answers = [json.loads(line) for line in out if line.startswith("{")]
        # A short process may have ended between two samples: it says itself what it held at most.
        return Measured(wall, watched[0], max(watched[1], answers[-1].get("peak_mib", 0.0)), answers[-1])


def _pinned(command: list[str], cores: list[int], **more: Any) -> subprocess.Popen[bytes]:
    """The command started on these cores, by being on them oneself for a moment."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        return subprocess.Popen(command, start_new_session=True, **more)
    finally:
        os.sched_setaffinity(0, allowed)


def _watch(process: subprocess.Popen[bytes], deadline: float) -> tuple[float, float] | None:
    """(processor seconds, most MiB held at once) of the process and all below it; nothing where it was stopped.

    Processor time is the larger of what the kernel counted for the process with the children it waited for, and the
    sum of what was last seen of each process: a child that nobody waits for is in the second only.
    """
    seen: dict[int, float] = {}
    most = 0.0
    while True:
        # The status stays to be collected, so that the numbers of the process can still be read.
        ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
        held = 0.0
        for identity in _family(process.pid):
            cpu, resident = _state(identity)
            seen[identity] = max(cpu, seen.get(identity, 0.0))
            held += resident
        most = max(most, held)
        if ended:
            break
        if time.perf_counter() > deadline:
            os.killpg(process.pid, 9)
            process.wait()
            return None
        time.sleep(1 / SAMPLES_A_SECOND)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return max(used.ru_utime + used.ru_stime, sum(seen.values())), most / 2**20


def _family(root: int) -> list[int]:
    """The process and all below it that live."""
    found = [root]
    for identity in found:
        try:
            for thread in Path(f"/proc/{identity}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text(encoding="ascii").split()]
        except OSError:  # it has ended meanwhile
            continue
    return found


def _state(identity: int) -> tuple[float, float]:
    """(processor seconds, resident bytes) of a process; zeros when it has ended."""
    try:
        fields = Path(f"/proc/{identity}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return 0.0, 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS, int(fields[21]) * _PAGE
