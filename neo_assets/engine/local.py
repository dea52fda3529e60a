"""The embedded engine: parts in parallel over worker processes, SQL in DuckDB with a memory limit and spilling."""

from __future__ import annotations

import atexit
import itertools
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from neo_assets.engine.attach import AttachRows
from neo_assets.engine.layout import GROUP_ROWS, write_pieces
from neo_assets.engine.progress import report
from neo_assets.engine.relation import Attached, Kernel, Mapped, Queried, Relation, Streamed, landed, rows_judged
from neo_assets.engine.streams import land, straight
from neo_assets.engine.types import IN_UTC, plain
from neo_assets.engine.verbs import Verbs
from neo_assets.engine.work import Done, PartTask, peak_memory, run
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.manifest import Part, Resources
from neo_assets.lake.store import Store
from neo_assets.lake.writer import VersionWriter, WrittenPart, write_scratch

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_pools: dict[int, ProcessPoolExecutor] = {}


@dataclass(frozen=True)
class LocalEngine(Verbs):
    """Runs on one machine.

    Args:
        workers: processes for kernels and threads for DuckDB.
        memory_limit: DuckDB's limit, e.g. `4GB`; beyond it, it spills to `scratch`.
        part_rows: rows per part of a query's result or of an in-memory table; the same everywhere, so that part
            layout, like everything else, does not depend on the machine.
        scratch: folder for intermediate results and spilling.
    """

    workers: int = 1
    memory_limit: str = "4GB"
    part_rows: int = 10_000
    scratch: str | None = None
    name: str = "local"

    def write(self, relation: Relation, writer: VersionWriter, table: str) -> Resources:
        """Carry the relation out into a table of the version."""
        started, cpu = time.perf_counter(), time.process_time()
        if isinstance(relation, Streamed):
            written = list(straight(relation, writer, table))
            writer.add(part for parts in written for part in parts)
            return _resources(started, cpu, [])
        with self._scratch_store() as scratch:
            relation = landed(relation, lambda stream: land(stream, scratch))
            if table == ROWS and writer.rows_in is None:
                writer.rows_in = rows_judged(relation)  # how many rows a stream has is known only now
            done = list(self._carry_out(relation, writer.store, writer.folder, table, scratch))
        # Rows and decisions interleave per unit of work; each table's parts stay in unit order.
        writer.add(part for unit in done for part in unit.parts)
        return _resources(started, cpu, done).model_copy(update={"workers": self.workers})

    def _carry_out(
        self, relation: Relation, target: Store, folder: str, table: str, scratch: Store, intermediate: bool = False
    ) -> Iterator[Done]:
        kernels: list[Kernel] = []
        while isinstance(relation, Mapped | Attached):
            kernel = relation.kernel if isinstance(relation, Mapped) else self._lookup(relation.side, scratch)
            kernels.insert(0, kernel)
            relation = relation.source
        if isinstance(relation, Queried) and not kernels:
            yield from self._query(relation, target, folder, table, scratch, intermediate)
            return
        store, parts = self._parquet(relation, scratch)
        tasks = [
            PartTask(store, part.path, part.sha256, tuple(kernels), target, folder, table, index, intermediate)
            for index, part in enumerate(parts)
        ]
        yield from self._run(tasks, table)

    def _lookup(self, side: Relation, scratch: Store) -> AttachRows:
        store, parts = self._parquet(side, scratch)
        return AttachRows(store, tuple(part.path for part in parts))

    def _run(self, tasks: list[PartTask], what: str) -> Iterator[Done]:
        inline = self.workers == 1 or len(tasks) == 1
        # Work done in this process is measured by the caller's clock: count only the workers' CPU.
        results = (
            (Done(unit.parts, 0.0, 0) for unit in map(run, tasks)) if inline else _pool(self.workers).map(run, tasks)
        )
        for done, unit in enumerate(results, start=1):
            report(what, done, len(tasks))
            yield unit

    def _query(
        self, query: Queried, target: Store, folder: str, table: str, scratch: Store, intermediate: bool
    ) -> Iterator[Done]:
        import duckdb

        settings: dict[str, str | int | float | list[str]] = {
            "threads": self.workers,
            "memory_limit": self.memory_limit,
            "temp_directory": scratch.root,
        }
        # Order comes from ORDER BY alone; keeping that of the input would only cost memory.
        connection = duckdb.connect(config={**settings, "preserve_insertion_order": False})
        try:
            connection.execute(IN_UTC)
            for name, relation in query.relations.items():
                self._register(connection, name, relation, scratch)
            reader = connection.sql(query.sql).to_arrow_reader(min(self.part_rows, GROUP_ROWS))
            for written in write_pieces(
                reader, reader.schema, self.part_rows, target, folder, table, scratch=intermediate
            ):
                yield Done(written, 0.0, 0)
        finally:
            connection.close()

    def _register(self, connection: DuckDBPyConnection, name: str, relation: Relation, scratch: Store) -> None:
        """Make the relation known to SQL, scanned lazily with projection and filter pushed down."""
        if isinstance(relation, pa.Table):
            connection.register(name, relation.cast(plain(relation.schema)))
            return
        store, parts = self._parquet(relation, scratch)
        if not store.is_local:
            found = store.scan(part.path for part in parts)
            connection.register(name, found.replace_schema(plain(found.schema)))
            return
        files = ", ".join("'" + store.absolute(part.path).replace("'", "''") + "'" for part in parts)
        # Names come from keyword arguments, paths are quoted.
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{files}], hive_partitioning = false)')  # noqa: S608

    def _parquet(self, relation: Relation, scratch: Store) -> tuple[Store, Sequence[Part]]:
        """Parquet files with the relation's rows; computed into scratch space unless they are committed ones."""
        if isinstance(relation, Dataset):
            relation.schema  # noqa: B018  # raises a clear error where nothing is committed
            return relation.store, relation.parts
        folder = f"relation-{next(_counter)}"
        if isinstance(relation, pa.Table):
            starts = range(0, max(relation.num_rows, 1), self.part_rows)
            written: list[WrittenPart] = []
            for index, start in enumerate(starts):
                written += write_scratch(scratch, folder, "rows", index, relation.slice(start, self.part_rows))
        else:
            # Verdicts stay columns here: a query over a judgement sees all its rows.
            done = self._carry_out(relation, scratch, folder, "rows", scratch, intermediate=True)
            written = [part for unit in done for part in unit.parts]
        return scratch, [part.part for part in written]

    @contextmanager
    def _scratch_store(self) -> Iterator[Store]:
        if self.scratch:
            Path(self.scratch).mkdir(parents=True, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="neo-scratch-", dir=self.scratch)
        try:
            yield Store(folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


_counter = itertools.count()


def _resources(started: float, cpu_before: float, done: Sequence[Done]) -> Resources:
    own, workers = time.process_time() - cpu_before, sum(unit.cpu_seconds for unit in done)
    return Resources(
        cpu_seconds=round(own + workers, 3),
        worker_cpu_seconds=round(workers, 3),
        wall_seconds=round(time.perf_counter() - started, 3),
        peak_memory_bytes=max([peak_memory(), *(unit.peak_memory_bytes for unit in done)]),
    )


def _pool(workers: int) -> ProcessPoolExecutor:
    """One pool per size and process, kept: starting a worker and its imports costs a second or two.

    Fresh interpreters rather than forks: the caller may hold threads (Dagster, gRPC) that a fork would copy half.
    """
    if workers not in _pools:
        pool = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent)
        atexit.register(pool.shutdown, wait=False, cancel_futures=True)
        _pools[workers] = pool
    return _pools[workers]


def _follow_parent() -> None:
    """End this worker when the process that started it is gone, however it ended."""
    from neo_assets.engine.orphan import exit_with_parent

    exit_with_parent(os.getppid())
