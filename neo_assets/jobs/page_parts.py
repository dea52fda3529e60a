"""Rows of pages put into the parts of a version."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pyarrow as pa

from neo_assets.lake.dataset import ROWS
from neo_assets.lake.writer import VersionWriter, write_judged


def write_rows(
    writer: VersionWriter,
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    part_rows: int,
    part_bytes: int | None = None,
    seen: Callable[[pa.Table], None] | None = None,
) -> None:
    """Write rows with a verdict in parts of at most `part_rows`, at least one part, be it empty. Memory: one part.

    The parts are filled row by row: how rows came in batches depends on kills and must not show in them.

    Args:
        part_bytes: a part is closed when it has so many bytes in memory, or more by less than a row.
        seen: is given each part, those of its rows included that are not kept.
    """
    waiting: list[pa.RecordBatch] = []
    size = index = 0

    def close() -> None:
        nonlocal size, index
        table = pa.Table.from_batches(waiting, schema)
        writer.add(write_judged(writer.store, writer.folder, ROWS, index, table))
        if seen is not None:
            seen(table)
        waiting.clear()
        size, index = 0, index + 1

    for row in (batch.slice(at, 1) for batch in batches for at in range(batch.num_rows)):
        waiting.append(row)
        size += row.nbytes
        if len(waiting) >= part_rows or (part_bytes is not None and size >= part_bytes):
            close()
    if waiting or not index:
        close()
