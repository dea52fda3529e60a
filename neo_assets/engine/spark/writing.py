"""One write: the tree of relations is turned into Spark jobs, from its leaves up."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.attach import AttachRows
from neo_assets.engine.relation import Attached, Kernel, Mapped, Queried, Relation
from neo_assets.engine.spark.blocks import RANGE, BlockWork, Range, range_writer
from neo_assets.engine.spark.machine import Luggage
from neo_assets.engine.spark.metrics import engine_metrics
from neo_assets.engine.spark.plan import columns_read
from neo_assets.engine.spark.run import JobGroup
from neo_assets.engine.spark.statement import for_spark
from neo_assets.engine.spark.tasks import DONE, NUMBER, RESULT, PartWork, Work, worker
from neo_assets.engine.spark.views import View, register
from neo_assets.engine.types import result_schema
from neo_assets.engine.work import Done, PartTask
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.manifest import Part
from neo_assets.lake.store import Store
from neo_assets.lake.writer import WrittenPart, write_scratch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SETTINGS = {
    # As statements are written for Spark.
    "spark.sql.parser.escapedStringLiterals": "false",
    # A batch is held by the process that writes it.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "1000",
}


class Writing:
    """Carries out one relation into one table.

    Args:
        scratch: a folder of this write's own, seen by all executors.
    """

    def __init__(self, session: SparkSession, scratch: Store, part_rows: int, table: str) -> None:
        self.session, self.scratch, self.part_rows = session, scratch, part_rows
        self.group = JobGroup(session, table)
        self.cpu_seconds = 0.0
        self._counter = itertools.count()

    def carried_out(
        self, relation: Relation, target: Store, folder: str, table: str, is_intermediate: bool = False
    ) -> list[Done]:
        """What each unit of work wrote, in row order."""
        kernels: list[Kernel] = []
        while isinstance(relation, Mapped | Attached):
            kernel = relation.kernel if isinstance(relation, Mapped) else self._lookup(relation.side)
            kernels.insert(0, kernel)
            relation = relation.source
        if isinstance(relation, Queried) and not kernels:
            return self._queried(relation, target, folder, table, is_intermediate)
        store, parts, _ = self._parquet(relation)
        shared = tuple(kernels)
        tasks = tuple(
            PartTask(store, part.path, part.sha256, shared, target, folder, table, index, is_intermediate)
            for index, part in enumerate(parts)
        )
        return self._run(PartWork(tasks, Luggage.packed(self.session, self.scratch, shared)))

    def metrics(self) -> dict[str, float]:
        """What Spark counted over all jobs so far."""
        return engine_metrics(self.session, self.group.name)

    def _lookup(self, side: Relation) -> AttachRows:
        store, parts, _ = self._parquet(side)
        return AttachRows(store, tuple(part.path for part in parts))

    def _run(self, work: Work) -> list[Done]:
        """One task a unit; memory of the driver: what each says it wrote."""
        context = self.session.sparkContext
        broadcast = context.broadcast(_pickled(work))
        try:
            numbers = self.session.range(0, work.units, 1, work.units)
            name = f"{self.group.name}-{next(self._counter)}"
            frame = numbers.mapInArrow(worker(name, broadcast), RESULT)
            rows = self.group.run(frame.collect, work.units)
        finally:
            broadcast.destroy()
        found = {row[NUMBER]: pickle.loads(row[DONE]) for row in rows}  # noqa: S301  # our own executors' answers
        done = [found[number] for number in range(work.units)]
        self.cpu_seconds += sum(unit.cpu_seconds for unit in done)
        return done

    def _queried(self, query: Queried, target: Store, folder: str, table: str, is_intermediate: bool) -> list[Done]:
        views = [self._view(name, relation) for name, relation in query.relations.items()]
        schema = result_schema(query.sql, {view.name: view.schema for view in views})
        own = f"relation-{next(self._counter)}"

        def write_ranges() -> list[Any]:
            frame = self._frame(query.sql, views)
            writer = range_writer(self.scratch, own, schema, table)
            return frame.mapInArrow(writer, RANGE).collect()

        rows = sorted(self.group.run(write_ranges), key=lambda row: int(row["number"]))
        self.cpu_seconds += sum(row["cpu_seconds"] for row in rows)
        ranges = tuple(Range(row["path"], row["rows"]) for row in rows if row["rows"])
        return self._run(
            BlockWork(self.scratch, ranges, schema, self.part_rows, target, folder, table, is_intermediate)
        )

    def _frame(self, sql: str, views: Sequence[View]) -> DataFrame:
        """The statement over the views, which are registered in a session of its own: names of other writes differ."""
        session = self.session.newSession()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        told = for_spark(sql)
        register(session, views)
        if views:
            plan = session.sql(told)._jdf.queryExecution().optimizedPlan()
            register(session, views, columns_read(plan, len(views)))
        return session.sql(told)

    def _view(self, name: str, relation: Relation) -> View:
        store, parts, schema = self._parquet(relation)
        return View(name, store, tuple(part.path for part in parts), schema)

    def _parquet(self, relation: Relation) -> tuple[Store, Sequence[Part], pa.Schema]:
        """Parquet files with the relation's rows; computed into scratch space unless they are committed ones."""
        if isinstance(relation, Dataset):
            return relation.store, relation.parts, relation.schema
        folder = f"relation-{next(self._counter)}"
        written: list[WrittenPart] = []
        if isinstance(relation, pa.Table):
            for index, start in enumerate(range(0, max(relation.num_rows, 1), self.part_rows)):
                rows = relation.slice(start, self.part_rows)
                written += write_scratch(self.scratch, folder, "rows", index, rows)
        else:
            # Verdicts stay columns here: a query over a judgement sees all its rows.
            done = self.carried_out(relation, self.scratch, folder, "rows", is_intermediate=True)
            written = [part for unit in done for part in unit.parts]
        with self.scratch.open(written[0].part.path) as stream:
            return self.scratch, [part.part for part in written], pq.read_schema(stream)


def _pickled(work: Work) -> bytes:
    """The work, with kernels of modules that executors do not have by value."""
    from pyspark import cloudpickle

    data: bytes = cloudpickle.dumps(work)  # type: ignore[no-untyped-call]
    return data
