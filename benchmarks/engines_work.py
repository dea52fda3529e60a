"""One method of the lines on one engine, into a lake in the work folder; it answers like the adapters of deduplication.

    python -m benchmarks.engines_work METHOD@ENGINE --input FILE.parquet --language english --work FOLDER [--cores N]

METHOD is `filters`, `exact` or `near`; ENGINE is `local`, `spark` (inside one Java, `local[N]`) or `cluster` (a
standalone master with two workers on this machine). The work is what comes after a few documents went through the same
stages: by then compiled loops, Java, sessions and worker processes are there. Its processor time is that of this
process and of all below it, Java and executors included.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pyarrow as pa

from benchmarks.dedup_methods import MEMORY_LIMIT, METHODS, WARM_UP_DOCUMENTS, Line, documents_in
from benchmarks.peers.dedup_protocol import Clock, Task, answer, task
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.protocol import Engine
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake

SHOWN = ("shuffle_write_bytes", "memory_spilled_bytes", "disk_spilled_bytes")


def filters(line: Line) -> Dataset:
    """Signals without models, every rule, the verdicts."""
    from benchmarks.peers.ours import kernels

    language = "english" if line.language == "english" else "chinese"
    made = line.documents
    for name, kernel in zip(("normalised", "annotated", "judged"), kernels(language, False), strict=True):
        made = line.stage(name, line.engine.map(made, kernel))
    return made


WORK: dict[str, Callable[[Line], Dataset]] = {"filters": filters, "exact": METHODS["exact"], "near": METHODS["near"]}


def run(asked: Task) -> None:
    """The method on all documents, after a warm-up on a few."""
    method, engine_name = asked.part.split("@")
    shutil.rmtree(asked.work)
    with engine_of(engine_name, asked) as engine:
        few = min(WARM_UP_DOCUMENTS, asked.documents or WARM_UP_DOCUMENTS)
        WORK[method](_line(asked, engine, "warm-up", few))
        line = _line(asked, engine, "lake", asked.documents)
        clock, before = Clock(), _family_cpu()
        judged = WORK[method](line)
        clock.wall = sum(one.wall_seconds for one in line.took.values())
        clock.cpu = _family_cpu() - before
        totals = {
            name: sum(one.engine_metrics.get(name, 0.0) for one in line.took.values()) for name in SHOWN
        }  # none of the local engine, which spills without telling
        answer(clock, asked.work, digest=judged.manifest.digest, rows=judged.rows, **totals)


@contextmanager
def engine_of(name: str, asked: Task) -> Iterator[Engine]:
    """The engine, with whatever it needs started before and stopped after the block."""
    if name == "local":
        yield LocalEngine(asked.cores, MEMORY_LIMIT, scratch=str(asked.work / "scratch"))
        return
    from neo_assets.compute.engines import held
    from neo_assets.compute.spark import LazySession
    from neo_assets.compute.spark_settings import SparkSettings
    from neo_assets.engine.spark.engine import SparkEngine

    asked.work.mkdir(parents=True)
    scratch = str(asked.work / "scratch")
    if name == "spark":
        session = LazySession(SparkSettings(f"local[{asked.cores}]", scratch, "2GB"))
        engine = SparkEngine(session=session, part_rows=10_000, scratch=session.scratch)
        with held(engine):
            yield engine
        return
    from neo_assets_tests.spark.cluster import cluster_of

    (asked.work / "cluster").mkdir()
    with cluster_of(2, asked.work / "cluster") as cluster:
        given = {"spark.executor.memory": "800m", "spark.sql.shuffle.partitions": "8"}
        session = LazySession(SparkSettings(cluster.master, scratch, "1GB", given))
        engine = SparkEngine(session=session, part_rows=10_000, scratch=session.scratch)
        with held(engine):
            yield engine


def _line(asked: Task, engine: Engine, name: str, n_documents: int | None) -> Line:
    lake = Lake(str(asked.work / name))
    more = {}
    if asked.part.startswith("filters"):
        more = {"language": pa.scalar(asked.language[:2]), "language_score": pa.scalar(0.99)}
    return Line(lake, engine, documents_in(lake, asked, n_documents, asked.cores, more), asked.language, {})


def _family_cpu() -> float:
    """Processor seconds of this process and of all that live below it."""
    total = 0.0
    for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
        try:
            used = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += used.user + used.system + used.children_user + used.children_system
    return total


if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    run(task(__doc__))
