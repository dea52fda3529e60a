"""The engine on Spark."""

from __future__ import annotations

import itertools
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neo_assets.engine.relation import Relation, Streamed, landed, rows_judged
from neo_assets.engine.spark.writing import Writing
from neo_assets.engine.streams import land, straight
from neo_assets.engine.verbs import Verbs
from neo_assets.engine.work import Done, peak_memory
from neo_assets.lake.dataset import ROWS
from neo_assets.lake.manifest import Resources
from neo_assets.lake.store import Store
from neo_assets.lake.writer import VersionWriter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class SparkEngine(Verbs):
    """Runs on as many machines as Spark has.

    Args:
        session: gives the session when work is to be done; it is another's to open and to stop.
        part_rows: rows per part of a query's result or of an in-memory table, as in the local engine.
        scratch: gives the root of intermediate results, which driver and executors see.
    """

    session: Callable[[], SparkSession]
    part_rows: int
    scratch: Callable[[], Store]
    name: str = "spark"

    def write(self, relation: Relation, writer: VersionWriter, table: str) -> Resources:
        """Carry the relation out into a table of the version.

        Raises:
            SparkFailure: it failed in Spark: one line.
            ConversionError: a type or value of a statement's result is not what DuckDB gives.
        """
        started, cpu = time.perf_counter(), time.process_time()
        if isinstance(relation, Streamed):
            for parts in straight(relation, writer, table):
                writer.add(parts)
            return _resources(started, cpu, [], 0.0)
        session = self.session()
        with self._own_scratch() as scratch:
            relation = landed(relation, lambda stream: land(stream, scratch))
            if table == ROWS and writer.rows_in is None:
                writer.rows_in = rows_judged(relation)  # how many rows a stream has is known only now
            writing = Writing(session, scratch, self.part_rows, table)
            done = writing.carried_out(relation, writer.store, writer.folder, table)
            metrics = writing.metrics()
        writer.add(part for unit in done for part in unit.parts)
        took = _resources(started, cpu, done, writing.cpu_seconds + metrics.get("executor_cpu_seconds", 0.0))
        return took.model_copy(update={"workers": session.sparkContext.defaultParallelism, "engine_metrics": metrics})

    @contextmanager
    def _own_scratch(self) -> Iterator[Store]:
        root = self.scratch()
        folder = f"spark-{next(_counter):04d}-{uuid.uuid4().hex[:12]}"
        try:
            yield root.below(folder)
        finally:
            root.delete_folder(folder)


_counter = itertools.count()


def _resources(started: float, cpu_before: float, done: Sequence[Done], workers: float) -> Resources:
    return Resources(
        cpu_seconds=round(time.process_time() - cpu_before + workers, 3),
        worker_cpu_seconds=round(workers, 3),
        wall_seconds=round(time.perf_counter() - started, 3),
        peak_memory_bytes=max([peak_memory(), *(unit.peak_memory_bytes for unit in done)]),
    )
