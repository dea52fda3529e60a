"""What the adapters of deduplication share: arguments, and the time of the work alone, without imports and start-up.

    python -m benchmarks.peers.dedup_NAME PART --input FILE --language english|chinese --work FOLDER [--cores N]

An adapter prints one JSON object: processor and wall seconds of its work, and whatever it wants to tell. What it keeps
it writes to `kept.txt` in the work folder, an id a line. Only the standard library is used here.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.peers.protocol import peak_mib

KEPT = "kept.txt"


class Task(NamedTuple):
    """What an adapter is asked for."""

    part: str
    input: Path
    language: str
    work: Path
    cores: int
    documents: int | None


def task(description: str | None = None) -> Task:
    """The command line."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("part")
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--language", choices=("english", "chinese"), required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--cores", type=int, default=1)
    parser.add_argument("--documents", type=int, default=None, help="only so many of the first documents")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    return Task(**vars(chosen))


class Clock:
    """Processor time of this process and of the children it has waited for, and wall time, while work is done."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __enter__(self) -> Clock:
        self.began = _cpu(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu += _cpu() - self.began[0]
        self.wall += time.perf_counter() - self.began[1]


def best(run: Callable[[], Any], times: int = 3) -> Clock:
    """The quickest of several runs."""
    clocks = []
    for _ in range(times):
        clock = Clock()
        with clock:
            run()
        clocks.append(clock)
    return min(clocks, key=lambda clock: clock.cpu)


def records(file: Path, at_most: int | None = None) -> Iterator[dict[str, Any]]:
    """The documents of a JSONL file."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if at_most is not None and number >= at_most:
                return
            yield json.loads(line)


def answer(done: Clock, work: Path, kept: Iterable[str] | None = None, **more: Any) -> None:
    """Prints what was done, and writes what was kept."""
    if kept is not None:
        (work / KEPT).write_text("".join(f"{name}\n" for name in kept), encoding="utf-8")
    found = {"cpu": max(done.cpu, 1e-9), "wall": max(done.wall, 1e-9), "peak_mib": peak_mib(), **more}
    print(json.dumps(found, ensure_ascii=False))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
