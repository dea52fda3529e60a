"""One segment of an import, as it runs in a worker process: read the file, write its parts, mark it done.

All goes into a folder of its own, which gets its name in one step when it is complete: a killed worker leaves nothing
that is taken for a result, and a finished segment is not read again unless its file changed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from neo_assets.jobs.import_records import SIGNALS, data_rows
from neo_assets.lake.dataset import DECISIONS, ROWS
from neo_assets.lake.manifest import Part
from neo_assets.lake.records import DECISION_SCHEMA, KEPT, VERDICT_COLUMNS
from neo_assets.lake.store import Store
from neo_assets.lake.writer import WrittenPart, write_judged, write_part
from neo_assets.text.redpajama import SHIPPED
from neo_assets.text.source_files import UnusableFileError
from neo_assets.web.archive.warcrecords import NoWarcError
from neo_assets.web.imports.dumps import ROW_SCHEMA, Dump, Row, Tally
from neo_assets.web.imports.remote import RemoteError, one_line, opened, stamp
from neo_assets.web.imports.segments import ImportFault
from neo_assets.web.language import IdentifyLanguage

MARKER, KEYS, TABLES, PLACES = "segment.json", "keys.npy", "tables", "places"
PART_ROWS = 5_000
PART_CHARS = 8_000_000
"""A part is closed at either; what a worker holds in memory follows from them."""
SIGNALS_SCHEMA = pa.schema([("doc_id", pa.string()), *SHIPPED.items()])
PLACES_SCHEMA = pa.schema([("place", pa.string())])
MAX_FAULT_CHARS = 2_000
DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class _UnreadableError(Exception):
    """The file cannot be read; what goes wrong in writing the parts is another matter."""


@dataclass(frozen=True)
class SegmentTask:
    """A file to import, into a folder below `work`."""

    dump: Dump
    path: str
    work: Path

    @property
    def folder(self) -> Path:
        """Where its results are once it is done."""
        named = f"{self.dump.name}\n{self.path}"
        return self.work / "segments" / hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:24]


@dataclass(frozen=True)
class SegmentDone:
    """What a finished segment holds: counts of its records, what was wrong with the file, and its parts in order."""

    dump: str
    path: str
    folder: Path
    counts: dict[str, int]
    fault: str | None
    stamp: dict[str, Any]
    parts: list[WrittenPart] = field(default_factory=list)


def import_segment(task: SegmentTask) -> SegmentDone:
    """The segment's results: those of an earlier run, or new ones.

    Memory: one part, and the largest record.

    Raises:
        ImportFault: the file cannot be had, or is not what the recipe says.
        OSError: the work folder cannot be written.
    """
    name, path = task.dump.name, task.path
    try:
        now = stamp(path)
        done = _loaded(task.folder)
        if done is not None and done.stamp == now:
            return done
        return _imported(task, now)
    except RemoteError as error:
        raise ImportFault(name, "paths", str(error), "restore the file, or take it out of") from None
    except (NoWarcError, UnusableFileError) as error:
        key = "fields" if "fields." in str(error) else "kind" if "of kind" in str(error) else "paths"
        advice = "mend" if key != "paths" else "restore the file, or take it out of"
        raise ImportFault(name, key, f"{path} {one_line(error)}", advice) from None
    except _UnreadableError as error:
        what = f"{path}: cannot be read ({error})"
        raise ImportFault(name, "paths", what, "restore the file, or take it out of") from None


def _imported(task: SegmentTask, now: dict[str, Any]) -> SegmentDone:
    folder, target = task.folder.with_name(f"{task.folder.name}.{uuid.uuid4().hex}"), task.folder
    folder.mkdir(parents=True)
    try:
        tally = Tally()
        parts, keys = _written(folder, _rows(task, folder / "scratch", tally), task.dump.settings.kind)
        shutil.rmtree(folder / "scratch", ignore_errors=True)
        np.save(folder / KEYS, _sorted(keys), allow_pickle=False)
        verdicts = [part.verdicts for part in parts if part.table == ROWS]
        counts = {"n_records": tally.n_records, "n_others": tally.n_others, "bytes": now.get("size") or 0}
        counts |= {name: sum(one[name] for one in verdicts) for name in ("kept", "rejected", "quarantined")}
        fault = "; ".join(tally.faults)[:MAX_FAULT_CHARS] or None
        done = SegmentDone(task.dump.name, task.path, target, counts, fault, now, parts)
        (folder / MARKER).write_text(json.dumps(_plain(done)), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(folder, target)
        return done
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rows(task: SegmentTask, scratch: Path, tally: Tally) -> Iterator[Row]:
    try:
        if task.dump.settings.kind in ("warc", "wet"):
            with opened(task.path) as stream:
                yield from task.dump.warc_rows(task.path, stream, tally)
        else:
            yield from data_rows(task.dump, task.path, scratch, tally)
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, OSError) and error.errno in DISK_FULL:
            raise
        raise _UnreadableError(one_line(error)) from error


def _written(folder: Path, rows: Iterator[Row], kind: str) -> tuple[list[WrittenPart], np.ndarray]:
    """The parts written, and 64 bits of the id of each kept row, in their order."""
    store, keys = Store(str(folder)), [np.zeros(0, np.uint64)]
    parts: list[WrittenPart] = []
    for index in count():
        batch = _next_rows(rows)
        if not batch and index:
            return parts, np.concatenate(keys)
        found = IdentifyLanguage()(pa.RecordBatch.from_pylist(batch, schema=ROW_SCHEMA))
        parts += write_judged(store, TABLES, ROWS, index, pa.Table.from_batches([found]))
        kept = [row for row in batch if row["verdict"] == KEPT]
        keys.append(np.array([int(row["doc_id"].rpartition(":")[2][:16], 16) for row in kept], np.uint64))
        write_part(store, TABLES, PLACES, index, pa.Table.from_pylist(kept, PLACES_SCHEMA))
        if kind == "redpajama" or any(SIGNALS in row for row in kept):
            shipped = [{"doc_id": row["doc_id"], **row.get(SIGNALS, {})} for row in kept]
            parts += write_part(store, TABLES, SIGNALS, index, pa.Table.from_pylist(shipped, SIGNALS_SCHEMA))
    raise AssertionError


def _sorted(keys: np.ndarray) -> np.ndarray:
    """The keys in ascending order, each with the number of its row; of equal ones the first row first."""
    found = np.empty(len(keys), [("key", np.uint64), ("row", np.int64)])
    found["row"] = np.argsort(keys, kind="stable")
    found["key"] = keys[found["row"]]
    return found


def _next_rows(rows: Iterator[Row]) -> list[Row]:
    batch: list[Row] = []
    n_chars = 0
    for row in rows:
        batch.append(row)
        n_chars += len(row.get("text") or "")
        if len(batch) >= PART_ROWS or n_chars >= PART_CHARS:
            break
    return batch


def schema_of(table: str) -> pa.Schema:
    """The columns of a segment's table."""
    kept = [field for field in ROW_SCHEMA if field not in VERDICT_COLUMNS]
    return {ROWS: pa.schema(kept), DECISIONS: DECISION_SCHEMA, SIGNALS: SIGNALS_SCHEMA}[table]


def _plain(done: SegmentDone) -> dict[str, Any]:
    parts = [
        {"table": part.table, "part": part.part.model_dump(mode="json"), "verdicts": dict(part.verdicts)}
        for part in done.parts
    ]
    names = ("dump", "path", "counts", "fault", "stamp")
    return {**{name: getattr(done, name) for name in names}, "parts": parts}


def _loaded(folder: Path) -> SegmentDone | None:
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    parts = [
        WrittenPart(part["table"], Part.model_validate(part["part"]), schema_of(part["table"]), part["verdicts"])
        for part in found.pop("parts")
    ]
    return SegmentDone(folder=folder, parts=parts, **found)
