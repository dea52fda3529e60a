"""The imports of one crawl day: every file of every dump that arrives on it, over worker processes, into one partition.

What a finished segment gave stays in the work folder, so that a day that was broken off goes on with the segments that
were not finished. The partition is the same whatever the number of workers and kills.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.engine.progress import report
from neo_assets.engine.work import default_workers
from neo_assets.jobs.base import open_job
from neo_assets.jobs.import_repeats import read_rows, repeated_rows
from neo_assets.jobs.import_segment import SegmentDone, SegmentTask, import_segment, schema_of
from neo_assets.jobs.import_version import write_segment
from neo_assets.lake.dataset import ROWS
from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED
from neo_assets.lake.writer import VersionWriter
from neo_assets.metadata import TOLD
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings, arriving, told
from neo_assets.web.imports.dumps import Dump
from neo_assets.web.imports.segments import segments_of

SEGMENTS = "segments"
SEGMENT_SCHEMA = pa.schema(
    [
        ("import", pa.string()),
        ("path", pa.string()),
        ("n_records", pa.int64()),
        ("n_others", pa.int64()),
        (KEPT, pa.int64()),
        (REJECTED, pa.int64()),
        (QUARANTINED, pa.int64()),
        ("bytes", pa.int64()),
        ("fault", pa.string()),
    ]
)
"""A file; `n_others` of its `n_records` are no documents (requests, metadata, …), the others have a verdict each."""


class WorkerLostError(RuntimeError):
    """A worker process ended without a result."""


@dataclass(frozen=True)
class ImportResult:
    """The finished segments of a day, by import and path, in the work folder."""

    segments: tuple[SegmentDone, ...]
    work: Path

    def write(self, writer: VersionWriter) -> dict[str, Any]:
        """Put all parts into a version; gives the counts of each import. May be done again after a kill."""
        index, counted = itertools.count(1), []
        writer.table(schema_of(ROWS).empty_table())
        for number, (_, group) in enumerate(itertools.groupby(self.segments, key=lambda one: one.dump)):
            segments = list(group)
            repeats = self.work / "repeats" / str(number)
            shutil.rmtree(repeats, ignore_errors=True)
            repeats.mkdir(parents=True)
            for segment, rows in zip(segments, repeated_rows(segments, repeats), strict=True):
                counted.append(write_segment(writer, segment, read_rows(rows), index))
        writer.table(pa.Table.from_pylist(counted, SEGMENT_SCHEMA), SEGMENTS)
        return _summary(counted)


def import_day(
    imports: Mapping[str, ImportSettings], extraction: ExtractionSection, day: date, work: Path, workers: int
) -> ImportResult:
    """Import what arrives on a day, going on from what the work folder has.

    Raises:
        ImportFault: a listing is empty or unreadable, or a file is missing or is not what the recipe says.
        WorkerLostError: a worker process was killed.
    """
    tasks = []
    for name, settings in arriving(imports, day).items():
        dump = Dump(name, settings, extraction, day.isoformat())
        tasks += [SegmentTask(dump, path, work) for path in segments_of(name, settings, day)]
    folders = {task.folder.name for task in tasks}
    for left in (work / "segments").glob("*"):
        if left.name not in folders:
            shutil.rmtree(left, ignore_errors=True)
    done = {}
    for number, (task, result) in enumerate(_results(tasks, workers), 1):
        done[task] = result
        report("segments", number, len(tasks))
    return ImportResult(tuple(done[task] for task in tasks), work)


def _results(tasks: Sequence[SegmentTask], workers: int) -> Iterator[tuple[SegmentTask, SegmentDone]]:
    """Each task with its result, as they finish."""
    workers = min(workers, len(tasks))
    if workers <= 1:
        yield from ((task, import_segment(task)) for task in tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, exit_with_parent, (os.getpid(),)) as pool:
        try:
            waiting = {pool.submit(import_segment, task): task for task in tasks}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool:
            raise WorkerLostError(
                "a worker process of the import was killed, perhaps for lack of memory; build again (finished segments "
                "are kept), with fewer workers (NEO_WORKERS) or a smaller max_record_bytes"
            ) from None
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _summary(counted: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """For the report: each import's number of files, of its records, and of files with faults."""
    summary: dict[str, Any] = {}
    for row in counted:
        one = summary.setdefault(row["import"], {"segments": 0, "segments_with_faults": 0})
        one["segments"] += 1
        one["segments_with_faults"] += row["fault"] is not None
        for name in ("n_records", "n_others", KEPT, REJECTED, QUARANTINED, "bytes"):
            one[name] = one.get(name, 0) + row[name]
    return summary


def main() -> None:
    """Import what arrives on the partition's day."""
    with open_job() as job:
        day = date.fromisoformat(job.key)
        dumps = arriving(job.recipe.imports, day)
        work = job.work(*dumps.values(), job.recipe.extraction)
        result = import_day(dumps, job.recipe.extraction, day, work, default_workers())
        job.metadata |= {"imports": result.write(job.writer), TOLD: told(dumps)}


if __name__ == "__main__":
    main()
