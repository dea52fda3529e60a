"""The engine on Spark: rows, parts and bytes as the local engine has them, whatever the tree of relations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from neo_assets.compute.spark import LazySession
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.progress import listening
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation, Streamed
from neo_assets.engine.spark.engine import SparkEngine
from neo_assets.engine.spark.failure import SparkFailure
from neo_assets.engine.spark.plan import columns_read
from neo_assets.engine.spark.views import View, register
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import volatile, with_verdicts
from neo_assets.lake.store import DamagedError

pytestmark = [pytest.mark.needs("spark")]

KINDS = pa.struct([("start", pa.uint32()), ("kind", pa.dictionary(pa.int8(), pa.string()))])
SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("n", pa.int64()),
        ("text", pa.large_string()),
        ("key", pa.uint64()),
        ("score", pa.float32()),
        ("label", pa.dictionary(pa.int32(), pa.string())),
        ("pair", pa.list_(pa.float32(), 2)),
        ("spans", pa.list_(KINDS)),
        ("digest", pa.binary(4)),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", "UTC")),
        ("amount", pa.decimal128(12, 2)),
        volatile(pa.field("fetched", pa.timestamp("ms"))),
    ]
)


@dataclass(frozen=True)
class Shift:
    """n becomes n + 1; every other column is passed on."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.set_column(1, "n", pc.add(batch["n"], pa.scalar(1, pa.int64())))


@dataclass(frozen=True)
class Twice:
    """Each row twice, the second under another id."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        again = pa.array([f"{name}'" for name in batch["doc_id"].to_pylist()], pa.string())
        both = pa.Table.from_batches([batch, batch.set_column(0, "doc_id", again)])
        order = [i for row in range(batch.num_rows) for i in (row, row + batch.num_rows)]
        return (
            pa.RecordBatch.from_struct_array(
                pa.concat_arrays([b.to_struct_array() for b in both.combine_chunks().to_batches()]).take(
                    pa.array(order, pa.int64())
                )
            ).cast(batch.schema)
            if batch.num_rows
            else batch
        )


@dataclass(frozen=True)
class Judge:
    """Rejects rows whose n is odd, and quarantines those without one."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        verdicts = ["quarantined" if n is None else "rejected" if n % 2 else "kept" for n in batch["n"].to_pylist()]
        return with_verdicts(batch, verdict=verdicts, value=batch["n"].cast(pa.float64()))


@st.composite
def tables(draw: st.DrawFn, max_rows: int = 30) -> pa.Table:
    """Documents with values of every kind, nulls, nothing at all, and texts that sort differently as UTF-16."""
    texts = st.text(st.sampled_from("ab\x00ü東\uffee🦆\n'\"\\"), max_size=6)
    rows = []
    for index in range(draw(st.integers(0, max_rows))):
        n = draw(st.none() | st.integers(-5, 5))
        rows.append(
            {
                "doc_id": f"{draw(texts)}:{index}",
                "n": n,
                "text": draw(st.none() | texts),
                "key": None if n is None else 2**64 - 1 - abs(n),
                "score": draw(st.none() | st.sampled_from([0.0, -0.0, 1.5, float("inf"), float("nan")])),
                "label": draw(st.none() | st.sampled_from(["x", "y\x00"])),
                "pair": None if n == 0 else [1.5, index],
                "spans": None if n == 1 else [{"start": 2**32 - 1, "kind": "e"}] * (index % 3),
                "digest": None if n == 2 else index.to_bytes(4, "big"),
                "day": None if n == 3 else date(1969, 12, 31),
                "at": None if n == 4 else datetime(2026, 1, 1, 0, 0, 0, index, tzinfo=UTC),
                "amount": None,
                "fetched": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)


STATEMENTS = (
    "SELECT * FROM r ORDER BY doc_id",
    "SELECT * FROM r WHERE n % 2 = 0 OR text IS NULL ORDER BY n DESC, text, doc_id LIMIT 9",
    "SELECT doc_id, n, text, ROW_NUMBER() OVER (PARTITION BY n ORDER BY text, doc_id) AS place FROM r"
    " ORDER BY n, place",
    "SELECT * FROM r WHERE n > 0 UNION ALL SELECT * FROM r WHERE n < 0 ORDER BY text DESC, doc_id",
    "SELECT MIN(doc_id) AS doc_id, COUNT(*) AS n, text FROM r GROUP BY text ORDER BY text",
    "WITH f AS (SELECT n, MIN(doc_id) AS first FROM r GROUP BY n)"
    " SELECT r.doc_id, r.n, r.text, f.first FROM r JOIN f ON r.n = f.n ORDER BY f.first, r.doc_id",
    "SELECT doc_id, n, text FROM r WHERE n IN (SELECT MAX(n) FROM r) ORDER BY doc_id",
)
"""Each needs doc_id, n and text, and gives them, so that they can follow one another."""


@st.composite
def trees(draw: st.DrawFn) -> Callable[[Engine, Dataset], Relation]:
    """A relation of up to four steps over a committed table."""
    steps = draw(st.lists(st.sampled_from([*range(len(STATEMENTS)), "shift", "twice", "attach"]), max_size=4))

    def build(engine: Engine, source: Dataset) -> Relation:
        relation: Relation = source
        attached = 0
        for step in steps:
            match step:
                case "shift":
                    relation = engine.map(relation, Shift())
                case "twice":
                    relation = engine.map(relation, Twice())
                case "attach":
                    attached += 1
                    side = engine.query(
                        f"SELECT doc_id, n AS n_{attached}, text AS text_{attached} FROM r WHERE n > 0 ORDER BY doc_id",  # noqa: S608
                        r=source,
                    )
                    relation = engine.attach(relation, side)
                case int():
                    relation = engine.query(STATEMENTS[step], r=relation)
        return relation

    build.__name__ = repr(steps)
    return build


def committed(lake: Lake, table: pa.Table, part_rows: int) -> Dataset:
    writer = lake.writer("in/rows", None)
    writer.table(table, part_rows=part_rows)
    return writer.commit(Provenance())


def carried_out(engine: Engine, lake: Lake, relation: Relation) -> Dataset:
    writer = lake.writer("out/rows", None)
    return writer.commit(Provenance(), engine.write(relation, writer, "rows"))


def shown(dataset: Dataset) -> dict[str, Any]:
    """All that must not differ: digest, counts, and of each part its name, rows and bytes."""
    manifest = dataset.manifest
    return {
        "digest": manifest.digest,
        "counts": manifest.counts,
        "parts": {
            name: [(part.path.rsplit("/", 1)[1], part.rows, part.sha256) for part in table.parts]
            for name, table in manifest.tables.items()
        },
    }


def on_both(
    folder: Path, session: LazySession, table: pa.Table, build: Callable[[Engine, Dataset], Relation], part_rows: int
) -> tuple[Dataset, Dataset]:
    """The same on the local engine and on Spark, each in a lake of its own."""
    found = []
    for engine in (LocalEngine(part_rows=part_rows), SparkEngine(session, part_rows, session.scratch)):
        lake = Lake(str(folder / engine.name))
        found.append(carried_out(engine, lake, build(engine, committed(lake, table, part_rows))))
    assert not session.scratch().files("")
    return found[0], found[1]


@settings(max_examples=12, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables(), build=trees(), part_rows=st.sampled_from([4, 11, 100]), is_judged=st.booleans())
def test_any_tree_gives_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    lazy_session: LazySession,
    table: pa.Table,
    build: Callable[[Engine, Dataset], Relation],
    part_rows: int,
    is_judged: bool,
) -> None:
    def judged(engine: Engine, source: Dataset) -> Relation:
        relation = build(engine, source)
        return engine.map(relation, Judge()) if is_judged else relation

    local, spark = on_both(tmp_path_factory.mktemp("lakes"), lazy_session, table, judged, part_rows)
    assert shown(spark) == shown(local)
    assert spark.schema.equals(local.schema, check_metadata=True)


ROWS = pa.table({"doc_id": [f"d{i:03d}" for i in range(100)], "n": range(100), "text": ["x" * i for i in range(100)]})


@dataclass(frozen=True)
class FailAt:
    """A kernel that cannot do one row: for good, or since something did not answer."""

    n: int
    error: Exception

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if self.n in batch["n"].to_pylist():
            raise self.error
        return batch


def spark(session: LazySession, part_rows: int = 30) -> SparkEngine:
    return SparkEngine(session, part_rows, session.scratch)


@pytest.mark.parametrize("sizes", [(), (0,), (100,), (1, 0, 99)])
def test_streams_are_rows_like_others(tmp_path: Path, lazy_session: LazySession, sizes: tuple[int, ...]) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        at = 0
        for size in sizes:
            yield from ROWS.slice(at, size).combine_chunks().to_batches()
            at += size

    def build(engine: Engine, source: Dataset) -> Relation:
        return engine.map(Streamed(ROWS.schema, batches), Judge())

    local, found = on_both(tmp_path, lazy_session, ROWS, build, 30)
    assert shown(found) == shown(local)
    assert found.manifest.counts is not None and found.manifest.counts.balanced


def test_tables_in_memory_and_statements_without_relations(tmp_path: Path, lazy_session: LazySession) -> None:
    for build in (
        lambda engine, _: engine.map(ROWS, Judge()),
        lambda engine, _: ROWS.slice(0, 0),
        lambda engine, _: engine.query("SELECT 'it''s a\\b' AS a, 1.5 AS b, CAST(2 AS BIGINT) AS c ORDER BY a"),
        lambda engine, _: engine.query("SELECT COUNT(*) AS n FROM r ORDER BY n", r=ROWS),
        lambda engine, _: engine.attach(ROWS, engine.query("SELECT doc_id, n AS m FROM r ORDER BY doc_id", r=ROWS)),
    ):
        local, found = on_both(tmp_path, lazy_session, ROWS, build, 30)
        assert shown(found) == shown(local)


def test_what_a_task_fails_at_is_told_in_one_line(tmp_path: Path, lazy_session: LazySession) -> None:
    lake, engine = Lake(str(tmp_path)), spark(lazy_session)
    rows = committed(lake, ROWS, 30)
    for error in (ValueError("no\nsense"), ConnectionResetError("gone")):
        with pytest.raises(SparkFailure) as raised:
            carried_out(engine, lake, engine.map(rows, FailAt(70, error)))
        kind = type(error).__name__
        assert str(raised.value).startswith("rows, part 2 (in/rows/_/v-")
        assert str(raised.value).endswith(f"part-00002.parquet): {kind}: {' '.join(str(error).split())}")
        assert isinstance(raised.value.__cause__, type(error))
    assert not lazy_session.scratch().files("")


def test_a_statement_that_fails_is_told_in_one_line(tmp_path: Path, lazy_session: LazySession) -> None:
    lake, engine = Lake(str(tmp_path)), spark(lazy_session)
    for sql, reason in (
        ("SELECT doc_id, CAST(text AS BIGINT) AS n FROM r ORDER BY doc_id", "CAST_INVALID_INPUT"),
        ("SELECT doc_id, LIST_SUM([n]) AS n FROM r ORDER BY doc_id", "PARSE_SYNTAX_ERROR|UNRESOLVED_ROUTINE"),
    ):
        with pytest.raises(SparkFailure, match=reason) as raised:
            carried_out(engine, lake, engine.query(sql, r=ROWS))
        assert "\n" not in str(raised.value) and "\tat " not in str(raised.value)
    assert not lazy_session.scratch().files("")


def test_damaged_and_missing_parts_are_refused(tmp_path: Path, lazy_session: LazySession) -> None:
    lake, engine = Lake(str(tmp_path)), spark(lazy_session)
    rows = committed(lake, ROWS, 50)
    Path(lake.store.absolute(rows.parts[1].path)).write_bytes(lake.store.read(rows.parts[0].path))
    with pytest.raises(DamagedError, match="run `neo build in/rows --force"):
        carried_out(engine, lake, engine.map(rows, Shift()))
    Path(lake.store.absolute(rows.parts[1].path)).unlink()
    for relation in (engine.map(rows, Shift()), engine.query("SELECT n FROM r ORDER BY n", r=rows)):
        with pytest.raises(DamagedError, match=r"part-00001\.parquet is missing"):
            carried_out(engine, lake, relation)
    with pytest.raises(LookupError, match="materialize it first"):
        carried_out(engine, lake, engine.map(lake.dataset("in/none"), Shift()))


def test_progress_and_metrics_are_told(tmp_path: Path, lazy_session: LazySession) -> None:
    lake, engine = Lake(str(tmp_path)), spark(lazy_session)
    rows = committed(lake, ROWS, 20)
    told: list[tuple[str, int, int]] = []
    with listening(lambda *given: told.append(given)):
        found = carried_out(engine, lake, engine.map(rows, Shift()))
    assert told[-1] == ("rows", 5, 5)
    assert told == sorted(set(told))
    mapped = found.manifest.resources
    assert (mapped.engine_metrics["tasks"], mapped.engine_metrics["stages"], mapped.workers) == (5, 1, 2)
    assert mapped.engine_metrics["shuffle_write_bytes"] == 0
    assert mapped.worker_cpu_seconds > 0
    query = engine.query("SELECT n % 7 AS k, COUNT(*) AS c FROM r GROUP BY n % 7 ORDER BY k", r=rows)
    counted = carried_out(engine, lake, query).manifest.resources.engine_metrics
    assert set(counted) == {
        "stages", "tasks", "failed_tasks", "shuffle_read_bytes", "shuffle_write_bytes", "memory_spilled_bytes",
        "disk_spilled_bytes", "executor_cpu_seconds", "task_skew",
    }  # fmt: skip
    assert counted["shuffle_write_bytes"] > 0 and counted["shuffle_read_bytes"] > 0
    assert counted["stages"] >= 3 and counted["task_skew"] >= 1 and counted["executor_cpu_seconds"] > 0


def test_writes_at_the_same_time_do_not_mix_names(tmp_path: Path, lazy_session: LazySession) -> None:
    engine = spark(lazy_session)

    def total(k: int) -> list[int]:
        lake = Lake(str(tmp_path / str(k)))
        table = pa.table({"n": pa.array([k] * 10, pa.int64())})
        query = engine.query("SELECT CAST(SUM(n) AS BIGINT) AS n FROM r ORDER BY n", r=table)
        return list(carried_out(engine, lake, query).read()["n"].to_pylist())

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(total, range(3))) == [[0], [10], [20]]


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT doc_id FROM r ORDER BY doc_id", {"doc_id"}),
        ("SELECT * FROM r ORDER BY doc_id", {"doc_id", "n", "text"}),
        ("SELECT COUNT(*) AS c FROM r ORDER BY c", set()),
        ("SELECT doc_id FROM (SELECT * FROM r) AS x WHERE n > 1 ORDER BY doc_id", {"doc_id", "n"}),
        ("SELECT doc_id FROM (SELECT * FROM r UNION ALL SELECT * FROM r WHERE n = 1) ORDER BY doc_id", {"doc_id", "n"}),
        ("SELECT a.doc_id FROM r a JOIN r b ON a.n = b.n ORDER BY a.doc_id", {"doc_id", "n"}),
        ("SELECT doc_id FROM r WHERE n = (SELECT MAX(LENGTH(text)) FROM r) ORDER BY doc_id", {"doc_id", "n", "text"}),
        (
            "SELECT doc_id, ROW_NUMBER() OVER (ORDER BY n) AS k FROM r WHERE n IN (SELECT n FROM r) ORDER BY k",
            {"doc_id", "n"},
        ),
        ("SELECT DISTINCT n FROM r EXCEPT SELECT n FROM r WHERE text = 'x' ORDER BY n", {"n", "text"}),
    ],
)
def test_only_columns_that_matter_are_read(lazy_session: LazySession, sql: str, read: set[str]) -> None:
    session = lazy_session().newSession()
    views = [View("r", lazy_session.scratch(), ("none",), ROWS.schema)]
    register(session, views)
    plan = session.sql(sql)._jdf.queryExecution().optimizedPlan()
    assert columns_read(plan, 1) == [frozenset(read)]
