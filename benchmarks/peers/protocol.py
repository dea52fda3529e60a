"""What every adapter does: read a JSONL file, pin itself to one core, filter documents one by one in memory, report.

    python -m benchmarks.peers.NAME --input FILE --language english|chinese [--seconds S | --verdicts]

Timed, it prints one JSON object: documents, characters, processor seconds, peak memory. Reading, loading of models and
the first document are not timed, and every filter runs on every document, so that a peer that rejects early gains
nothing. With `--verdicts` it prints one object a document: the first filter that rejects it, or none. The records then
carry `language` and `language_score`, since every system would call a fastText model that its package does not ship.

Only the standard library is used here: this module runs in every peer's environment.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

Record = dict[str, Any]
Language = Literal["english", "chinese"]
Filter = Callable[[Record], str]
"""Gives why the record is rejected, or an empty text."""
Purpose = Literal["speed", "verdicts"]
"""speed: all filters of the comparison; verdicts: the filters and limits that a project documents for the language."""

MIB = 2**20


def serve(filters_for: Callable[[Language, Purpose], Sequence[Filter]]) -> None:
    """Runs an adapter from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--input", type=Path, required=True)
    parser.add_argument("--language", choices=("english", "chinese"), required=True)
    parser.add_argument("--seconds", type=float, default=10.0, help="processor time to spend at most")
    parser.add_argument("--verdicts", action="store_true")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    pin_to_one_core()
    filters = filters_for(chosen.language, "verdicts" if chosen.verdicts else "speed")
    if chosen.verdicts:
        for record in read(chosen.input):
            print(json.dumps({"id": record["id"], "reason": first_reason(filters, record)}, ensure_ascii=False))
    else:
        print(json.dumps(timed(filters, chosen.input, chosen.seconds)))


def pin_to_one_core() -> None:
    """Runs this process and what it starts on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "NUMBA_NUM_THREADS", "TOKENIZERS_PARALLELISM"):
        os.environ[name] = "1"


def read(file: Path, limit: int | None = None) -> Iterator[Record]:
    """The records of a JSONL file."""
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if limit is not None and number >= limit:
                return
            yield json.loads(line)


def first_reason(filters: Sequence[Filter], record: Record) -> str:
    """Why the record is rejected by the first filter that rejects it; an error is named as such."""
    for judge in filters:
        try:
            reason = judge(record)
        except Exception as error:  # noqa: BLE001 what the peer does on odd text is part of the result
            return f"error: {type(error).__name__}: {error}"[:200]
        if reason:
            return reason
    return ""


def timed(filters: Sequence[Filter], file: Path, budget_seconds: float, at_most: int = 20_000) -> dict[str, Any]:
    """Filters documents until the time is spent: what was done, and in how much processor time."""
    records = list(read(file, at_most + 1))
    first_reason(filters, records[0])
    kept = characters = done = 0
    start = time.process_time()
    for record in records[1:]:
        kept += not [reason for judge in filters if (reason := judge(record))]
        characters += len(record["text"])
        done += 1
        if time.process_time() - start > budget_seconds:
            break
    seconds = time.process_time() - start
    return report(done, characters, seconds, kept)


def report(documents: int, characters: int, seconds: float, kept: int, **more: Any) -> dict[str, Any]:
    """The answer of a timed run."""
    return {
        "documents": documents,
        "characters": characters,
        "seconds": max(seconds, 1e-9),
        "kept": kept,
        "peak_mib": peak_mib(),
        **more,
    }


def peak_mib() -> float:
    """The most memory that this process has held, in MiB; not what its parent held before starting it."""
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / MIB if sys.platform == "darwin" else used / 1024
