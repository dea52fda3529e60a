"""The embedded engine: the same rows whatever the workers and the part size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.progress import listening
from neo_assets.engine.relation import Relation, Streamed, rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import with_verdicts
from neo_assets.lake.store import DamagedError

ROWS = pa.table({"doc_id": [f"d{i:03d}" for i in range(100)], "n": range(100)})


@dataclass(frozen=True)
class Double:
    """n becomes 2n."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.set_column(1, "n", pc.multiply(batch["n"], 2))


@dataclass(frozen=True)
class Explode:
    """Each row twice: a kernel may change the number of rows."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.take(pa.array([i for i in range(batch.num_rows) for _ in range(2)], pa.int64()))


@dataclass(frozen=True)
class KeepUnder:
    """Rejects n at or above the limit."""

    limit: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        verdict = pc.if_else(pc.less(batch["n"], self.limit), "kept", "rejected")
        return with_verdicts(batch, verdict=verdict, value=batch["n"])


def committed(lake: Lake, table: pa.Table, part_rows: int) -> Dataset:
    writer = lake.writer("in/rows", None)
    writer.table(table, part_rows=part_rows)
    return writer.commit(Provenance())


def carried_out(engine: LocalEngine, lake: Lake, relation: Relation) -> Dataset:
    writer = lake.writer("out/rows", None)
    writer.rows_in = rows_judged(relation)
    return writer.commit(Provenance(), engine.write(relation, writer, "rows"))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("part_rows", [7, 1000])
def test_map_judges_and_keeps_order(tmp_path: Path, workers: int, part_rows: int) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine(workers=workers, part_rows=part_rows)
    rows = committed(lake, ROWS, part_rows)
    found = carried_out(engine, lake, engine.map(rows, Double(), KeepUnder(50)))
    assert found.read().to_pylist() == [{"doc_id": f"d{i:03d}", "n": 2 * i} for i in range(25)]
    assert found.manifest.counts is not None
    assert found.manifest.counts.model_dump() == {"rows_in": 100, "kept": 25, "rejected": 75, "quarantined": 0}
    assert found.named("decisions").read()["doc_id"].to_pylist() == [f"d{i:03d}" for i in range(25, 100)]


def test_digests_do_not_depend_on_workers_or_part_size(tmp_path: Path) -> None:
    digests = set()
    for workers, part_rows in ((1, 3), (2, 10), (1, 1000)):
        lake = Lake(str(tmp_path / f"{workers}-{part_rows}"))
        engine = LocalEngine(workers=workers, part_rows=part_rows)
        rows = engine.map(committed(lake, ROWS, part_rows), Double())
        sql = "SELECT doc_id, SUM(n) AS n FROM r GROUP BY doc_id ORDER BY doc_id"
        query = engine.query(sql, r=engine.map(rows, Explode()))
        digests.add(carried_out(engine, lake, query).manifest.digest)
    assert len(digests) == 1


def test_a_query_over_a_judgement_sees_every_row(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine(part_rows=9)
    judged = engine.map(committed(lake, ROWS, 9), KeepUnder(10))
    query = engine.query("SELECT verdict AS v, COUNT(*) AS n FROM j GROUP BY verdict ORDER BY v", j=judged)
    assert carried_out(engine, lake, query).read().to_pylist() == [{"v": "kept", "n": 10}, {"v": "rejected", "n": 90}]


def test_empty_input_keeps_the_schema(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    rows = committed(lake, ROWS.slice(0, 0), 10)
    found = carried_out(engine, lake, engine.map(rows, Double(), KeepUnder(50)))
    assert found.rows == 0 and found.schema.names == ["doc_id", "n"]
    again = carried_out(engine, lake, engine.query("SELECT * FROM r ORDER BY doc_id", r=found))
    assert again.rows == 0 and again.schema.names == ["doc_id", "n"]


def test_larger_than_memory_spills(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    engine = LocalEngine(memory_limit="300MB", part_rows=5_000)
    n = 200_000
    wide = pa.table(
        {"doc_id": [f"{(i * 7919) % n:06d}" for i in range(n)], "text": [f"{i:06d}" * 333 for i in range(n)]}
    )
    assert wide.nbytes > 400_000_000
    found = carried_out(engine, lake, engine.query("SELECT * FROM r ORDER BY doc_id", r=committed(lake, wide, 5_000)))
    assert found.rows == n
    first = next(found.batches(["doc_id"]))["doc_id"].to_pylist()
    assert first[:3] == ["000000", "000001", "000002"]


def test_an_unordered_query_is_refused() -> None:
    with pytest.raises(ValueError, match="ORDER BY"):
        LocalEngine().query("SELECT 1 AS one")
    with pytest.raises(ValueError, match="none of the relations"):
        LocalEngine().query("SELECT 1 AS one ORDER BY one", judges="documents")


def test_a_handle_without_partitions_says_what_to_do(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    with pytest.raises(LookupError, match="materialize it first"):
        carried_out(engine, lake, engine.map(lake.dataset("in/rows"), Double()))


def test_progress_is_told(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    told: list[tuple[str, int, int]] = []
    with listening(lambda *given: told.append(given)):
        carried_out(engine, lake, engine.map(committed(lake, ROWS, 50), Double()))
    assert told == [("rows", 1, 2), ("rows", 2, 2)]


def stream(*sizes: int) -> Streamed:
    """100 rows in batches of these sizes."""

    def batches() -> Iterator[pa.RecordBatch]:
        at = 0
        for size in sizes:
            yield from ROWS.slice(at, size).combine_chunks().to_batches() or [EMPTY]
            at += size

    return Streamed(ROWS.schema, batches)


EMPTY = pa.RecordBatch.from_pylist([], ROWS.schema)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_stream_is_rows_like_others(tmp_path: Path, workers: int) -> None:
    digests = set()
    for sizes in ((100,), (1, 0, 99), (50, 50)):
        lake, engine = Lake(str(tmp_path / "-".join(map(str, sizes)))), LocalEngine(workers=workers, part_rows=30)
        found = carried_out(engine, lake, engine.map(stream(*sizes), Double(), KeepUnder(50)))
        assert found.manifest.counts is not None
        assert found.manifest.counts.model_dump() == {"rows_in": 100, "kept": 25, "rejected": 75, "quarantined": 0}
        digests.add(found.manifest.digest)
        query = engine.query(
            "SELECT a.doc_id, a.n FROM a JOIN b USING (doc_id) ORDER BY doc_id", a=stream(*sizes), b=found
        )
        assert carried_out(engine, lake, query).rows == 25
    assert len(digests) == 1


def test_rows_that_a_query_loses_from_a_stream_are_missed(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    sql = "SELECT doc_id, n, 'kept' AS verdict FROM found WHERE n > 9 ORDER BY doc_id"
    found = carried_out(engine, lake, engine.query(sql, judges="found", found=stream(60, 40)))
    assert found.manifest.counts is not None
    assert (found.manifest.counts.rows_in, found.manifest.counts.kept) == (100, 90)
    assert not found.manifest.counts.balanced


def test_a_stream_without_rows_keeps_its_schema(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    for given in (stream(), stream(0)):
        assert carried_out(engine, lake, given).schema.names == ["doc_id", "n"]


def test_damaged_input_is_refused_not_processed(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path / "lake"))
    rows = committed(lake, ROWS, 50)
    other = committed(lake, ROWS.slice(7, 50), 50)
    Path(lake.store.absolute(rows.parts[0].path)).write_bytes(lake.store.read(other.parts[0].path))
    two_parts = committed(lake, ROWS, 50)
    Path(lake.store.absolute(two_parts.parts[1].path)).unlink()
    with pytest.raises(DamagedError, match=r"part-00001\.parquet is missing"):  # told by a worker process
        carried_out(LocalEngine(workers=2), lake, LocalEngine().map(two_parts, Double()))
    engine = LocalEngine(workers=1, part_rows=40)
    with pytest.raises(DamagedError, match="run `neo build in/rows --force"):
        carried_out(engine, lake, engine.map(rows, Double()))


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("part_rows", [7, 100])
def test_attached_rows_stand_beside_their_documents(tmp_path: Path, workers: int, part_rows: int) -> None:
    lake = Lake(str(tmp_path / "lake"))
    engine = LocalEngine(workers=workers, part_rows=part_rows)
    shuffled = ROWS.take(pa.array([(37 * i) % 100 for i in range(100)]))
    side = engine.query("SELECT doc_id, n * n AS square, [n] AS list FROM t WHERE n % 3 = 0 ORDER BY doc_id", t=ROWS)
    for documents in (ROWS, shuffled, ROWS.slice(0, 0)):
        relation = engine.map(engine.attach(engine.map(committed(lake, documents, 30), Double()), side), Explode())
        found = carried_out(engine, lake, relation).read().to_pylist()
        expected = [
            {"doc_id": r["doc_id"], "n": 2 * n, "square": None if n % 3 else n * n, "list": None if n % 3 else [n]}
            for r in documents.to_pylist()
            for n in [r["n"]] * 2
        ]
        assert found == expected
    assert rows_judged(relation) == 0


def test_a_side_with_two_rows_of_a_document_is_refused(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path / "lake")), LocalEngine()
    twice = engine.query("SELECT doc_id, 1 AS one FROM t UNION ALL SELECT doc_id, 2 FROM t ORDER BY doc_id", t=ROWS)
    with pytest.raises(ValueError, match="two rows of one document"):
        carried_out(engine, lake, engine.attach(ROWS, twice))
