"""A finished segment of an import put into a version: its parts as they are, or without repeated addresses."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.jobs.import_records import SIGNALS
from neo_assets.jobs.import_segment import PLACES, SegmentDone
from neo_assets.lake.dataset import DECISIONS, ROWS
from neo_assets.lake.records import DECISION_SCHEMA, KEPT, QUARANTINED, REJECTED, document_id
from neo_assets.lake.writer import VersionWriter, WrittenPart, write_part
from neo_assets.web.imports.dumps import PLACE


def write_segment(
    writer: VersionWriter, segment: SegmentDone, again: np.ndarray, index: Iterator[int]
) -> dict[str, Any]:
    """Copy a segment's parts into the version, or write those anew that hold repeated addresses; gives its row of the
    table of segments.

    Args:
        again: numbers of the segment's kept rows whose address an earlier record has.
        index: gives the numbers of the version's parts.
    """
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
