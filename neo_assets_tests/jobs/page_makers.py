"""What the tests of the page frame have workers do; and a process that does it, for a test to kill: WORK WORKERS."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.documents.model import SECONDS
from neo_assets.jobs.page_pool import WorkLimits
from neo_assets.jobs.page_work import row_results
from neo_assets.recipe.base import Section

Result = tuple[dict[str, Any], dict[str, bytes]]
SCHEMA = pa.schema(
    [("doc_id", pa.string()), ("url", pa.string()), ("page", pa.int32()), ("double", pa.int64()), SECONDS]
)
LIMITS = WorkLimits(row_seconds=120, start_seconds=300)
SHORT_LIMITS = WorkLimits(row_seconds=4, start_seconds=300)
"""For rows that hang; long enough that no other is late on a busy machine."""
N_ROWS = 50


class Settings(Section):
    """What the makers are told."""

    factor: int = 2
    marks: str = ""
    seconds: float = 0.0


class RefusedError(ValueError):
    """A row that has a rule of its own."""

    rule, reason = "odd", "it is odd; make it even"


@dataclass(frozen=True)
class Rows:
    """A source in memory."""

    table: pa.Table
    batch_rows: int = 7

    @property
    def rows(self) -> int:
        return int(self.table.num_rows)

    def batches(self) -> Iterator[pa.RecordBatch]:
        yield from self.table.to_batches(max_chunksize=self.batch_rows)


def source(n_rows: int = N_ROWS, **what: int) -> Rows:
    """Rows; `what` gives numbers of rows with what is to happen there."""
    happens = {number: name for name, number in what.items()}
    return Rows(
        pa.table(
            {
                "doc_id": [f"d{number // 5}" for number in range(n_rows)],
                "url": [f"u{number // 5}#page={number % 5 + 1}" for number in range(n_rows)],
                "page": pa.array([number % 5 + 1 for number in range(n_rows)], pa.int32()),
                "number": list(range(n_rows)),
                "happens": [happens.get(number) for number in range(n_rows)],
            }
        )
    )


def make(settings: Settings) -> Callable[[dict[str, Any]], Iterator[Result]]:
    """Doubles numbers; some rows go wrong."""

    def work(row: dict[str, Any]) -> Iterator[Result]:
        if settings.marks:
            Path(settings.marks, f"{row['number']:03d}-{time.time_ns()}").touch()
        time.sleep(settings.seconds)
        match row["happens"]:
            case "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs":
                time.sleep(3600)
            case "raises":
                raise ValueError("a bad row")
            case "refused":
                raise RefusedError("odd")
            case "memory":
                raise MemoryError
            case "twice":
                yield {"doc_id": row["doc_id"], "url": "extra", "page": 0, "double": -1}, {}
        double = settings.factor * row["number"]
        files = {f"{row['number']}.txt": str(double).encode()} if row["number"] % 10 == 3 else {}
        yield {"doc_id": row["doc_id"], "url": row["url"], "page": row["page"], "double": double}, files

    return work


def make_one(settings: Settings) -> Callable[[dict[str, Any]], Result]:
    """The same, one result a row."""
    work = make(settings)
    return lambda row: next(work(row))


def fails(settings: Settings) -> Callable[[dict[str, Any]], Iterator[Result]]:
    """A model is missing."""
    raise LookupError("no model; fetch it")


def main() -> None:
    """Work, and leave the work folder."""
    work, workers = Path(sys.argv[1]), int(sys.argv[2])
    settings = Settings(seconds=0.05, marks=str(work / "marks"))
    for _ in row_results(source(), make, settings, SCHEMA, work / "groups", "rows", workers=workers, limits=LIMITS):
        continue


if __name__ == "__main__":
    main()
