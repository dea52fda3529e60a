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

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.engine.progress import report
from neo_assets.jobs.base import open_job
from neo_assets.jobs.import_records import SIGNALS
from neo_assets.jobs.import_repeats import read_rows, repeated_rows
from neo_assets.jobs.import_segment import PLACES, SegmentDone, SegmentTask, import_segment, schema_of
from neo_assets.lake.dataset import DECISIONS, ROWS
from neo_assets.lake.records import DECISION_SCHEMA, KEPT, QUARANTINED, REJECTED, document_id
from neo_assets.lake.writer import VersionWriter, WrittenPart, write_part
from neo_assets.recipe.crawl import ExtractionSection
from neo_assets.recipe.imports import ImportSettings
from neo_assets.web.imports.dumps import PLACE, Dump
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
                counted.append(_write_segment(writer, segment, read_rows(rows), index))
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
    for name, settings in sorted(imports.items()):
        if settings.arrives_on(day):
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


def _write_segment(
    writer: VersionWriter, segment: SegmentDone, again: np.ndarray, index: Iterator[int]
) -> dict[str, Any]:
    """Copy a segment's parts into the version, or write those anew that hold repeated addresses."""
    counts = segment.counts | {KEPT: 0, REJECTED: 0, QUARANTINED: 0}
    first = 0
    for _, group in itertools.groupby(segment.parts, key=lambda part: _number(part)):
        parts = {part.table: part for part in group}
        number, kept = next(index), parts[ROWS].part.rows
        here = again[(again >= first) & (again < first + kept)] - first
        written = (
            _rewritten(writer, segment, parts, number, here)
            if len(here)
            else [_copied(writer, segment, part, number) for part in parts.values()]
        )
        writer.add(written)
        for verdict, n_rows in next(part.verdicts for part in written if part.verdicts).items():
            counts[verdict] += n_rows
        first += kept
    return {"import": segment.dump, "path": segment.path, "fault": segment.fault, **counts}


def _number(part: WrittenPart) -> str:
    return part.part.path.rpartition("/")[2]


def _copied(writer: VersionWriter, segment: SegmentDone, part: WrittenPart, number: int) -> WrittenPart:
    path = f"{writer.folder}/{part.table}/part-{number:05d}.parquet"
    with (segment.folder / part.part.path).open("rb") as source, writer.store.create(path) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return WrittenPart(part.table, part.part.model_copy(update={"path": path}), part.schema, part.verdicts)


def _rewritten(
    writer: VersionWriter, segment: SegmentDone, parts: Mapping[str, WrittenPart], number: int, again: np.ndarray
) -> list[WrittenPart]:
    """The parts without the rows whose address an earlier record has; those go to the decisions."""
    tables = {name: pq.read_table(segment.folder / part.part.path) for name, part in parts.items()}
    places = pq.read_table(segment.folder / parts[ROWS].part.path.replace(f"/{ROWS}/", f"/{PLACES}/"))[PLACE]
    rows = tables[ROWS]
    mask = np.ones(rows.num_rows, np.bool_)
    mask[again] = False
    repeated = rows.select(["doc_id", "url", "day"]).take(pa.array(again)).to_pylist()
    decisions = [
        {
            "doc_id": document_id(row["day"], f"{segment.dump}\n{segment.path}\n{place}"),
            "url": row["url"],
            "verdict": REJECTED,
            "rule": "repeated_url",
            "survivor": row["doc_id"],
            "reason": f"{segment.path}, {place}: an earlier record has its address",
        }
        for row, place in zip(repeated, places.take(pa.array(again)).to_pylist(), strict=True)
    ]
    tables[ROWS] = rows.filter(pa.array(mask))
    tables[DECISIONS] = pa.concat_tables([tables[DECISIONS], pa.Table.from_pylist(decisions, DECISION_SCHEMA)])
    verdicts = dict(parts[ROWS].verdicts)
    verdicts[KEPT] -= len(again)
    verdicts[REJECTED] += len(again)
    if SIGNALS in tables:
        tables[SIGNALS] = tables[SIGNALS].filter(pa.array(mask))
    written = []
    for name, table in tables.items():
        [part] = write_part(writer.store, writer.folder, name, number, table)
        written.append(WrittenPart(name, part.part, part.schema, verdicts if name == ROWS else {}))
    return written


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
        arriving = {name: one for name, one in job.recipe.imports.items() if one.arrives_on(day)}
        work = job.work(*(arriving[name] for name in sorted(arriving)), job.recipe.extraction)
        workers = int(os.environ.get("NEO_WORKERS") or os.cpu_count() or 1)
        result = import_day(arriving, job.recipe.extraction, day, work, workers)
        job.metadata["imports"] = result.write(job.writer)


if __name__ == "__main__":
    main()
