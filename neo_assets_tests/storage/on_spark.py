"""A kernel that reads a fetched file by its path, run by Spark after the file is gone: `main(ROOT)` tells of it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from neo_assets.engine.spark.engine import SparkEngine
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import KEPT, REJECTED, with_verdicts
from neo_assets_tests.spark.sessions import small_session


@dataclass(frozen=True)
class Allowed:
    """Keeps the words that a file lists."""

    file: Path

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        words = set(self.file.read_text().split())
        return with_verdicts(batch, verdict=[KEPT if word.as_py() in words else REJECTED for word in batch["word"]])


def main(root: str) -> None:
    lake = Lake(root)
    file = lake.dataset("area/model").file("words.txt")
    session = small_session()
    engine = SparkEngine(session=session, part_rows=10, scratch=lambda: lake.store.below(".scratch"))
    writer = lake.writer("area/judged", None)
    shutil.rmtree(file.parent)
    with session.hold():
        chosen = engine.query("SELECT word FROM source ORDER BY word DESC", source=lake.dataset("area/source"))
        engine.write(engine.map(chosen, Allowed(file)), writer, "rows")
    writer.commit(Provenance())
    print(file.exists())
