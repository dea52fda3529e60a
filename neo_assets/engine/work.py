"""One unit of work, as it runs in a worker process: read a part, apply the kernels, write what comes out."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.relation import Kernel
from neo_assets.lake.store import Store
from neo_assets.lake.writer import WrittenPart, write_judged, write_scratch


@dataclass(frozen=True)
class PartTask:
    """Kernels over one Parquet part of `source`, into part `index` of a table below `folder` of `target`.

    Args:
        sha256: of the part's bytes, if it belongs to a committed version.
        scratch: the result is an intermediate one; else rows are routed by their verdict.
    """

    source: Store
    path: str
    sha256: str
    kernels: tuple[Kernel, ...]
    target: Store
    folder: str
    table: str
    index: int
    scratch: bool = False


@dataclass(frozen=True)
class Done:
    """What a unit of work wrote, and what it took in its process."""

    parts: list[WrittenPart]
    cpu_seconds: float
    peak_memory_bytes: int


def run(task: PartTask) -> Done:
    """Carry out one unit of work. Memory: one part and what the kernels make of it.

    Raises:
        DamagedError: the part is not what was committed.
    """
    started = time.process_time()
    rows = apply(read_part(task), task.kernels)
    write = write_scratch if task.scratch else write_judged
    written = write(task.target, task.folder, task.table, task.index, rows)
    return Done(written, time.process_time() - started, peak_memory())


def read_part(task: PartTask) -> pa.Table:
    """The part's rows; bytes other than those committed are refused, not processed."""
    if task.sha256:
        return pq.read_table(pa.BufferReader(task.source.read_verified(task.path, task.sha256)))
    with task.source.open(task.path) as stream:
        return pq.read_table(stream)


def apply(table: pa.Table, kernels: Sequence[Kernel]) -> pa.Table:
    """Send every batch of a table through the kernels; an empty table still yields the resulting schema."""
    batches = table.to_batches() or [pa.RecordBatch.from_pylist([], schema=table.schema)]
    for kernel in kernels:
        batches = [kernel(batch) for batch in batches]
    # In one piece: how Parquet lays rows out depends on the batches they come in.
    return pa.Table.from_batches(batches).combine_chunks()


def default_workers() -> int:
    """How many processes work is divided among: `NEO_WORKERS`, or one for each processor."""
    return int(os.environ.get("NEO_WORKERS") or os.cpu_count() or 1)


def peak_memory() -> int:
    """The process's largest resident set so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
