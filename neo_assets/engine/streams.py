"""Rows from outside the lake: read once, a batch at a time, in the process that was asked to write them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pyarrow as pa

from neo_assets.engine.relation import Streamed
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import Store
from neo_assets.lake.writer import VersionWriter, WrittenPart, write_judged, write_part

_counter = itertools.count()


def straight(stream: Streamed, writer: VersionWriter, table: str) -> Iterator[list[WrittenPart]]:
    """The stream's rows where they are to be, a part for each batch; at least one part."""
    rows = 0
    batches: Iterator[pa.RecordBatch | None] = itertools.chain(stream.batches(), [None])
    for index, batch in enumerate(batches):
        if batch is None and index:
            break
        part = pa.Table.from_batches([] if batch is None else [batch], stream.schema)
        rows += part.num_rows
        yield write_judged(writer.store, writer.folder, table, index, part)
    if table == ROWS and writer.rows_in is None:
        writer.rows_in = rows


def land(stream: Streamed, scratch: Store) -> Dataset:
    """The stream's rows in scratch space, a part for each batch: memory of one batch."""
    writer = VersionWriter(scratch, f"stream-{next(_counter)}", None)
    for index, batch in enumerate(stream.batches()):
        writer.add(write_part(scratch, writer.folder, ROWS, index, pa.Table.from_batches([batch], stream.schema)))
    if not writer.written:
        writer.table(stream.schema.empty_table())
    return writer.commit(Provenance())
