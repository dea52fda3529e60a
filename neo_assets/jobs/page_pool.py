"""Worker processes for pages: one that is killed or hangs costs only the group of rows that it was at.

The pool of the standard library breaks as a whole when one of its processes dies, and cannot end one that hangs.
"""

from __future__ import annotations

import ctypes
import itertools
import multiprocessing
import os
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from neo_assets.engine.orphan import exit_with_parent

READY, ROW, DONE, FAILED, MEMORY = "ready", "row", "done", "failed", "memory"
"""What a worker says."""
LATE, ENDED = "late", "ended"
"""What is seen of one that says nothing."""
Handler = Callable[[Any, Callable[[], None]], None]
"""Carries out one task; calls what it is given before each row."""


class WorkerFailedError(RuntimeError):
    """Something is wrong that no row is to blame for: a model is missing, or the work folder cannot be written."""


@dataclass(frozen=True)
class WorkLimits:
    """What a row may cost before its worker is ended."""

    row_seconds: float = 300.0
    """Wall time."""
    start_seconds: float = 3600.0
    """Wall time that loading the models may take; the first time they are fetched."""
    memory_bytes: int | None = None
    """Address space that a worker may add to what it has when its models are loaded."""


@dataclass(frozen=True)
class Lost:
    """Why a task has no result."""

    rule: str
    reason: str


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    deadline: float
    task: Any
    is_ready: bool = False
    is_busy: bool = True


def carry_out(
    tasks: Iterable[Any], start: Callable[[], Handler], workers: int, limits: WorkLimits
) -> Iterator[tuple[Any, Lost | None]]:
    """Each task, as it ends, with why it was lost, or null where it was carried out.

    Args:
        start: picklable; called once in each worker.

    Raises:
        WorkerFailedError: see there.
    """
    waiting = iter(tasks)
    pool = [_started(start, limits, task) for task in itertools.islice(waiting, workers)]
    try:
        while pool:
            for worker in _heard(pool):
                lost = _message(worker, limits)
                if worker.is_busy:
                    continue
                yield worker.task, lost
                task = next(waiting, None)
                if task is not None and lost is None:
                    _give(worker, task, limits)
                    continue
                _end(worker)
                pool.remove(worker)
                if task is not None:
                    pool.append(_started(start, limits, task))
    finally:
        for worker in pool:
            _end(worker)


def _started(start: Callable[[], Handler], limits: WorkLimits, task: Any) -> _Worker:
    """A new worker, and the task that it gets when it is ready."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, start, limits, os.getpid()))
    process.start()
    theirs.close()
    return _Worker(process, ours, time.monotonic() + limits.start_seconds, task)


def _give(worker: _Worker, task: Any, limits: WorkLimits) -> None:
    worker.task, worker.is_ready, worker.is_busy = task, True, True
    worker.deadline = time.monotonic() + limits.row_seconds
    with suppress(OSError):  # it died meanwhile: its pipe tells so when it is read
        worker.pipe.send(task)


def _heard(pool: list[_Worker]) -> list[_Worker]:
    """The workers that have something to say, or should have said something."""
    rest = min(worker.deadline for worker in pool) - time.monotonic()
    ready = wait([worker.pipe for worker in pool], max(0.0, rest))
    now = time.monotonic()
    return [worker for worker in pool if worker.pipe in ready or worker.deadline <= now]


def _message(worker: _Worker, limits: WorkLimits) -> Lost | None:
    """Take one message; the worker is busy no more when its task is done or lost."""
    what, text = _received(worker)
    worker.is_busy = what in (READY, ROW)
    match what:
        case "failed":
            raise WorkerFailedError(text)
        case "late" | "ended" if not worker.is_ready:
            raise WorkerFailedError(f"a worker process could not load its models: {text or 'it takes too long'}")
        case "ready":
            _give(worker, worker.task, limits)
        case "row":
            worker.deadline = time.monotonic() + limits.row_seconds
        case "late":
            return Lost("time", f"it takes more than {limits.row_seconds:g} seconds; leave it out")
        case "ended":
            return Lost("crash", f"it ends its worker process ({text}), also when it is tried alone; leave it out")
        case "memory":
            return Lost("memory", "it needs more memory than a worker may have; leave it out")
    return None


def _received(worker: _Worker) -> tuple[str, str]:
    """The worker's next message, or that it is late or has ended."""
    try:
        if not worker.pipe.poll():
            return LATE, ""
        what, text = worker.pipe.recv()
        return what, text
    except (EOFError, OSError):
        worker.process.join()
        return ENDED, _ending(worker.process.exitcode)


def _ending(code: int | None) -> str:
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"


def _end(worker: _Worker) -> None:
    """End a worker that is idle, hangs or is dead: it has nothing to put in order."""
    worker.pipe.close()
    worker.process.kill()
    worker.process.join()


def _work(pipe: Connection, start: Callable[[], Handler], limits: WorkLimits, parent: int) -> None:
    """A worker's life."""
    exit_with_parent(parent)
    _die_with_parent()
    try:
        handle = start()
        _limit_memory(limits.memory_bytes)
        pipe.send((READY, ""))
        while True:
            task = pipe.recv()
            try:
                handle(task, lambda: pipe.send((ROW, "")))
            except MemoryError:
                pipe.send((MEMORY, ""))
                return
            pipe.send((DONE, ""))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # nothing more to do
    except Exception as error:
        pipe.send((FAILED, f"{type(error).__name__}: {error}"))
        raise


def _die_with_parent() -> None:
    """Ask the kernel to end this process with its parent, even while compiled code keeps every thread waiting."""
    ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)  # PR_SET_PDEATHSIG, SIGKILL


def _limit_memory(more: int | None) -> None:
    if more is None:
        return
    with open("/proc/self/statm", encoding="ascii") as stream:
        now = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))
