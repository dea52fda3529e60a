"""The frame of the jobs that work on pages: rows in, a row and files out for each, over worker processes.

What a finished group of rows gave lies in the work folder under its number, put there in one step; so a job that was
killed goes on with the groups that were not finished. The results are the same whatever the number of workers and
kills. A row that kills or blocks its worker is tried once more alone, then quarantined.
"""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

from neo_assets.documents.model import SECONDS, with_verdict_columns
from neo_assets.engine.progress import report
from neo_assets.engine.work import default_workers
from neo_assets.jobs.base import Job
from neo_assets.jobs.page_pool import Handler, WorkerFailedError, WorkLimits, carry_out
from neo_assets.lake.records import KEPT, QUARANTINED
from neo_assets.recipe.base import Section

Row = Mapping[str, Any]
Files = Mapping[str, bytes]
Work = Callable[[dict[str, Any]], tuple[Row, Files]]
"""Makes a row, and files by name, from a row of the source. May raise: then the row is quarantined, under the
exception's `rule` if it has one."""
Many = Callable[[dict[str, Any]], Iterator[tuple[Row, Files]]]
"""The same for a row that gives several."""

GROUP_ROWS = 4
"""Rows whose results are kept together; so many pages a worker does anew after a kill."""
ROWS_FILE, NAMES_FILE, FILES_FOLDER = "rows.arrow", "files.json", "files"
LIMITS = WorkLimits()
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Source(Protocol):
    """A table in row order: a `Dataset`, or whatever joins several of them."""

    @property
    def rows(self) -> int:
        """How many rows it has."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in order."""


@dataclass(frozen=True)
class _Task:
    """Rows of the source, as an Arrow stream, and the folder for what they give."""

    folder: Path
    rows: bytes
    n_rows: int

    def alone(self) -> list[_Task]:
        """A task for each of the rows."""
        batch = _unpacked(self.rows)
        return [_Task(_alone(self.folder, n), _packed(batch.slice(n, 1)), 1) for n in range(self.n_rows)]


def page_results(
    job: Job,
    source: Source,
    make: Callable[[Any], Work],
    settings: Section,
    schema: pa.Schema,
    what: str,
    files: Callable[[str, Path], None] | None = None,
    limits: WorkLimits = LIMITS,
) -> Iterator[pa.RecordBatch]:
    """A row of `schema` with a verdict for each row of the source, in its order; batches of a group each.

    Models are to be loaded by `make`: what it raises fails the job, while what its result raises quarantines a row.
    Where the schema has `seconds` and a row has none, the CPU seconds of its worker are put there. Memory: a few
    groups. Takes the job's work folder, so it is for use once a job.

    Args:
        make: a function of a module (picklable); called with the settings once in each worker.
        settings: all that the result depends on beside the source and the code.
        what: is done, for the report of progress.
        files: takes each file's name and path, in order, before its row is given; `job.writer.file` does.

    Raises:
        WorkerFailedError: a model is missing, or the work folder cannot be written.
    """
    yield from row_results(
        source, partial(_one_each, make), settings, schema, job.work(settings), what, files, limits=limits
    )


def row_results(
    source: Source,
    make: Callable[[Any], Many],
    settings: Any,
    schema: pa.Schema,
    work: Path,
    what: str,
    files: Callable[[str, Path], None] | None = None,
    *,
    workers: int | None = None,
    group_rows: int = GROUP_ROWS,
    limits: WorkLimits = LIMITS,
) -> Iterator[pa.RecordBatch]:
    """As `page_results`, with a folder to work in, and any number of rows for each row of the source."""
    wanted = with_verdict_columns(schema)
    start = partial(_start, make, settings, wanted)
    groups: list[tuple[Path, int]] = []
    lost: list[Path] = []
    waiting = _left(source, work, group_rows, groups)
    for task, why in carry_out(waiting, start, workers or default_workers(), limits):
        if why is not None:
            lost.append(task.folder.with_suffix(".lost"))
            lost[-1].write_bytes(task.rows)
        report(what, sum(n for _, n in groups), source.rows)
    _try_alone(sorted(lost), start, wanted, limits)
    for folder, n_rows in groups:
        for part in [folder] if folder.exists() else [_alone(folder, n) for n in range(n_rows)]:
            yield from _result(part, files)
    report(what, source.rows, source.rows)


def _left(source: Source, work: Path, group_rows: int, groups: list[tuple[Path, int]]) -> Iterator[_Task]:
    """The groups that have no result yet, as they are asked for; all that were passed are appended to `groups`."""
    number = 0
    for batch in source.batches():
        for first in range(0, batch.num_rows, group_rows):
            rows = batch.slice(first, group_rows)
            data = _packed(rows)
            # The digest, because a source made anew may have the same rows in other batches.
            folder = work / f"{number:07d}-{hashlib.sha256(data).hexdigest()[:16]}"
            number += 1
            groups.append((folder, rows.num_rows))
            if not folder.exists() and not all(_alone(folder, n).exists() for n in range(rows.num_rows)):
                yield _Task(folder, data, rows.num_rows)


def _try_alone(lost: list[Path], start: Callable[[], Handler], schema: pa.Schema, limits: WorkLimits) -> None:
    """Each row of the lost groups by itself, with no other worker beside it; what is lost again is quarantined."""
    for path in lost:
        data = path.read_bytes()
        tasks = _Task(path.with_suffix(""), data, _unpacked(data).num_rows).alone()
        for task, why in carry_out((task for task in tasks if not task.folder.exists()), start, 1, limits):
            if why is not None:
                [row] = _unpacked(task.rows).to_pylist()
                _write(task.folder, [(_quarantined(row, why.rule, why.reason), {})], schema)
        path.unlink()


def _start(make: Callable[[Any], Many], settings: Any, schema: pa.Schema) -> Handler:
    """What a worker does with a task."""
    work = make(settings)

    def handle(task: _Task, tick: Callable[[], None]) -> None:
        found: list[tuple[Row, Files]] = []
        for row in _unpacked(task.rows).to_pylist():
            tick()
            before, here = time.process_time(), len(found)
            try:
                found += work(row)
            except (MemoryError, WorkerFailedError):
                raise
            except Exception as error:
                if isinstance(error, OSError) and error.errno in DISK_FULL:
                    raise
                rule = getattr(error, "rule", "error")
                reason = getattr(error, "reason", None) or f"it cannot be processed ({type(error).__name__}: {error})"
                found[here:] = [(_quarantined(row, rule, reason), {})]
            seconds = time.process_time() - before
            found[here:] = [({SECONDS.name: seconds} | dict(one), files) for one, files in found[here:]]
        _write(task.folder, found, schema)

    return handle


def _one_each(make: Callable[[Any], Work], settings: Any) -> Many:
    work = make(settings)
    return lambda row: iter([work(row)])


def _quarantined(row: Row, rule: str, reason: str) -> Row:
    return {"doc_id": row.get("doc_id"), "url": row.get("url"), "page": row.get("page"), "verdict": QUARANTINED,
            "rule": rule, "reason": reason}  # fmt: skip


def _write(folder: Path, found: list[tuple[Row, Files]], schema: pa.Schema) -> None:
    """Put a finished group under its name, in one step."""
    draft = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.draft")
    (draft / FILES_FOLDER).mkdir(parents=True)
    try:
        listing: list[str] = []
        for _, files in found:
            for name, data in files.items():
                (draft / FILES_FOLDER / f"{len(listing):04d}").write_bytes(data)
                listing.append(name)
        rows = [{**row, "verdict": row.get("verdict") or KEPT} for row, _ in found]
        table = pa.RecordBatch.from_pylist(rows, schema)
        (draft / NAMES_FILE).write_text(json.dumps(listing), encoding="utf-8")
        (draft / ROWS_FILE).write_bytes(_packed(table))
        os.replace(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _result(folder: Path, files: Callable[[str, Path], None] | None) -> Iterator[pa.RecordBatch]:
    names = json.loads((folder / NAMES_FILE).read_text(encoding="utf-8"))
    if files is not None:
        for number, name in enumerate(names):
            files(name, folder / FILES_FOLDER / f"{number:04d}")
    yield _unpacked((folder / ROWS_FILE).read_bytes())


def _alone(folder: Path, number: int) -> Path:
    """The folder of one row of a group that was tried row by row."""
    return folder.with_name(f"{folder.name}-{number:03d}")


def _packed(batch: pa.RecordBatch) -> bytes:
    """A batch as an Arrow stream; the same for the same rows, whatever batch they were sliced from."""
    stream = io.BytesIO()
    with pa.ipc.new_stream(stream, batch.schema) as writer:
        writer.write_batch(pa.concat_batches([batch]) if batch.num_rows else batch)
    return stream.getvalue()


def _unpacked(data: bytes) -> pa.RecordBatch:
    with pa.ipc.open_stream(data) as reader:
        [batch] = reader
    return batch
