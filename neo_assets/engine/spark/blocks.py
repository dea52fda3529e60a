"""A sorted result as parts of fixed size: ranges of it go to scratch space, then each block is made of global rows.

Spark sorts by dividing rows into ranges of unequal, unpredictable size. Only when all are counted is it known which
rows a block has, so it takes two stages; the first one's files are read once, by row groups.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.layout import write_pieces
from neo_assets.engine.spark.failure import marked
from neo_assets.engine.spark.tasks import Reader
from neo_assets.engine.types import converted
from neo_assets.engine.work import Done, peak_memory
from neo_assets.lake.store import Store

RANGE = "number bigint, path string, rows bigint, cpu_seconds double"


@dataclass(frozen=True)
class Range:
    """One range of a sorted result: a file in scratch space with so many rows."""

    path: str
    rows: int


def range_writer(store: Store, folder: str, schema: pa.Schema, what: str) -> Reader:
    """The function that writes the range it is given, in row groups of the batches it comes in, and counts it."""

    def write(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from pyspark import TaskContext

        context = TaskContext.get()
        number = context.partitionId() if context else 0
        # Each attempt has a file of its own: one that was given up may still be writing.
        path = f"{folder}/{number:05d}-{context.taskAttemptId() if context else 0}.parquet"
        rows, started = 0, time.process_time()
        with (
            marked(f"{what}, range {number} of the sorted result"),
            store.create(path) as stream,
            pq.ParquetWriter(stream, schema, compression="lz4", use_dictionary=False) as writer,
        ):
            for batch in batches:
                writer.write_batch(converted(batch, schema))
                rows += batch.num_rows
        found = {"number": [number], "path": [path], "rows": [rows], "cpu_seconds": [time.process_time() - started]}
        yield pa.RecordBatch.from_pydict(found)

    return write


@dataclass(frozen=True)
class BlockWork:
    """A unit is a block of `part_rows` rows of the ranges put one after the other; at least one block."""

    scratch: Store
    ranges: tuple[Range, ...]
    schema: pa.Schema
    part_rows: int
    target: Store
    folder: str
    table: str
    is_intermediate: bool

    @property
    def units(self) -> int:
        return max(1, -(-sum(one.rows for one in self.ranges) // self.part_rows))

    def named(self, number: int) -> str:
        return f"{self.table}, part {number}"

    def run(self, number: int) -> Done:
        started = time.process_time()
        written = write_pieces(
            self._rows(number * self.part_rows, (number + 1) * self.part_rows),
            self.schema,
            self.part_rows,
            self.target,
            self.folder,
            self.table,
            first_block=number,
            scratch=self.is_intermediate,
        )
        parts = [part for piece in written for part in piece]
        return Done(parts, time.process_time() - started, peak_memory())

    def _rows(self, first: int, end: int) -> Iterator[pa.RecordBatch]:
        """The rows from number `first` on and before `end`; memory of one row group."""
        before = 0
        for one in self.ranges:
            if before < end and before + one.rows > first:
                yield from _slice(self.scratch, one.path, first - before, end - before)
            before += one.rows


def _slice(store: Store, path: str, first: int, end: int) -> Iterator[pa.RecordBatch]:
    with store.open(path) as stream:
        file = pq.ParquetFile(stream, pre_buffer=not store.is_local)
        before = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            start, stop = max(first - before, 0), min(end - before, rows)
            if start < stop:
                yield from file.read_row_group(group).slice(start, stop - start).to_batches()
            before += rows
