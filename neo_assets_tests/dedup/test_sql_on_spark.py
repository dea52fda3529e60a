"""Every SQL statement of deduplication gives the same on Spark as on DuckDB: names, types, rows and their order.

The statements are not listed here: an engine carries out the judgements and records what they ask it.
"""

from __future__ import annotations

import importlib
import inspect
import itertools
import json
import pkgutil
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import neo_assets.dedup
from neo_assets.dedup.bloom import build_filter
from neo_assets.dedup.exact import TextDigests
from neo_assets.dedup.judge_exact import FILTER_FILE, judge_exact, judge_exact_filtered
from neo_assets.dedup.judge_near import band_index, candidate_pairs, judge_near
from neo_assets.dedup.judge_paragraphs import judge_paragraphs, paragraph_index
from neo_assets.dedup.judge_substrings import anchor_index, judge_substrings, window_index
from neo_assets.dedup.minhash import Signatures
from neo_assets.dedup.survivors import Precedence
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Kernel, Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import (
    BloomSettings,
    NearSettings,
    ParagraphSettings,
    SubstringSettings,
    SurvivorSettings,
)
from neo_assets_tests.dedup.relations import attached, mapped, measured_pairs
from neo_assets_tests.dedup.spark_runner import ERROR, RESULT, STATEMENTS, spark_python

pytestmark = [pytest.mark.slow, pytest.mark.needs("spark")]

SOURCES = ("books", "crawl", "web")
N_DOCUMENTS = 260
CHAIN = 150
NEAR = NearSettings(normalisation="none", shingle_chars=5, num_permutations=64, bands=16, rows=4, threshold=0.7)
UNVERIFIED = NEAR.model_copy(update={"verify": "nothing", "rows": 3, "partners_per_bucket": 2})
NEAR_VARIANTS = {
    "earlier": NEAR,
    "components": NEAR.model_copy(update={"rule": "components"}),
    "unverified": UNVERIFIED,
    "unverified components": UNVERIFIED.model_copy(update={"rule": "components"}),
}
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("doc_id", "url", "text")),
        ("n_words", pa.int64()),
        ("quality", pa.float64()),
        ("is_good", pa.bool_()),
        ("lines", pa.list_(pa.float32())),
        ("spans", pa.list_(pa.struct([("start", pa.int32()), ("kind", pa.string())]))),
    ]
)
ODD_WORDS = ["naïve", "e\u0301te\u0301", "東京", "大学。", "🦆", "it's", '"b"', "\\n", "50%", "\t", "\u2028"]

NOT_PORTABLE = (
    "SELECT a FROM numbers ORDER BY a",  # where nulls stand
    "SELECT SUM(a) AS total FROM numbers ORDER BY total",  # the type
    "SELECT a AS b FROM numbers QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1 ORDER BY LIST_SUM([a])",  # unknown to Spark
)
"""Proof that the comparison finds differences: in rows, in types, in what is understood."""


@dataclass(frozen=True)
class Statement:
    """What an engine was asked: SQL, what its names stand for, and what DuckDB answers."""

    sql: str
    relations: dict[str, pa.Table]
    answer: pa.Table


@dataclass(frozen=True)
class Recorder(LocalEngine):
    """Carries out each verb at once and in memory; of calls with equal SQL it keeps the one with most rows."""

    statements: dict[str, Statement] = field(default_factory=dict)

    def map(self, relation: Relation, *kernels: Kernel) -> Relation:
        table = rows(relation)
        for kernel in kernels:
            table = mapped(table, kernel)
        return table

    def query(self, sql: str, *, judges: str | None = None, **relations: Relation) -> Relation:
        super().query(sql, judges=judges, **relations)
        tables = {name: rows(relation) for name, relation in relations.items()}
        statement = Statement(sql, tables, on_duckdb(sql, tables))
        known = self.statements.get(sql)
        if known is None or known.answer.num_rows < statement.answer.num_rows:
            self.statements[sql] = statement
        return statement.answer

    def attach(self, relation: Relation, side: Relation) -> Relation:
        return attached(rows(relation), rows(side))


def rows(relation: Relation) -> pa.Table:
    assert isinstance(relation, Dataset | pa.Table), relation
    return relation.read() if isinstance(relation, Dataset) else relation


def on_duckdb(sql: str, relations: dict[str, pa.Table]) -> pa.Table:
    with duckdb.connect(config={"threads": 1, "preserve_insertion_order": False}) as connection:
        for name, table in relations.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()


def corpus() -> dict[str, pa.Table]:
    """Documents by source: new ones, exact and edited copies, shared paragraphs and passages, nothing at all."""
    draw = random.Random(11)
    texts: list[str | None] = [None, None, "", "", " ", "\n\n", "short"]
    whole: list[str] = []
    while len(texts) < N_DOCUMENTS:
        whole.append(_text(draw, whole))
        texts.append(whole[-1])
    listed: dict[str, list[dict[str, Any]]] = {source: [] for source in SOURCES}
    for text in texts:
        source = draw.choice(SOURCES)
        doc_id = f"{source}:{draw.getrandbits(96):024x}"
        row = {
            "doc_id": doc_id,
            "url": f"https://a.test/{doc_id}?q=ü",
            "text": text,
            "n_words": len((text or "").split()),
            "quality": draw.random(),
            "is_good": draw.random() < 0.5,
            "lines": [draw.random() for _ in range(draw.randrange(3))],
            "spans": [{"start": 1, "kind": "e"}] if draw.random() < 0.5 else None,
        }
        listed[source].append(row)
    return {source: pa.Table.from_pylist(found, SCHEMA) for source, found in listed.items()}


def _text(draw: random.Random, before: list[str]) -> str:
    """A text of some paragraphs, two in three made from one of those before."""
    paragraphs = [_words(draw, draw.randint(15, 30)) for _ in range(draw.randint(1, 4))]
    if not before or draw.random() < 0.33:
        return "\n".join(paragraphs)
    old = draw.choice(before)
    match draw.choice(("copy", "edited", "edited", "paragraph", "passage", "twice")):
        case "copy":
            return old
        case "edited":
            return old.replace(draw.choice(old.split()), "changed", 1)
        case "paragraph":
            return "\n".join([*paragraphs, draw.choice(old.split("\n"))])
        case "passage":
            start = draw.randrange(max(len(old) - 120, 1))
            return f"{paragraphs[0]} {old[start : start + 120]} {paragraphs[-1]}"
        case _:
            return "\n".join([*paragraphs, *paragraphs])


def _words(draw: random.Random, n: int) -> str:
    drawn = ["".join(draw.choices("abcdefghijklmnop", k=draw.randint(2, 8))) for _ in range(n)]
    return " ".join(draw.choice(ODD_WORDS) if draw.random() < 0.1 else word for word in drawn)


class Line:
    """A lake in which the stages are built one after the other, for all sources."""

    def __init__(self, folder: Path, engine: Recorder) -> None:
        self.lake, self.engine = Lake(str(folder)), engine

    def commit(self, asset: str, source: str, relation: Relation) -> None:
        writer = self.lake.writer(asset, source)
        writer.commit(Provenance(), self.engine.write(relation, writer, "rows"))

    def whole(self, asset: str) -> Dataset:
        return self.lake.whole(asset)

    def start(self, policy: SurvivorSettings) -> None:
        for source, documents in corpus().items():
            self.commit("filtered", source, self.engine.map(documents, TextDigests(), Precedence(policy)))

    def english(self) -> None:
        """Every source sees all others."""
        engine = self.engine
        self.start(SurvivorSettings(policy="longest"))
        filtered = self.whole("filtered")
        for source in SOURCES:
            self.commit("exact", source, judge_exact(engine, filtered, source))
        for name, near in NEAR_VARIANTS.items():
            self.near(name, near)
        paragraph, substring = ParagraphSettings(), SubstringSettings()
        documents = {source: self.whole("near earlier").partition(source) for source in SOURCES}
        for source in SOURCES:
            self.commit("paragraphs", source, paragraph_index(engine, documents[source], paragraph))
        for source in SOURCES:
            found = judge_paragraphs(engine, documents[source], self.whole("paragraphs"), source, paragraph)
            self.commit("cut", source, found)
        documents = {source: self.whole("cut").partition(source) for source in SOURCES}
        for source in SOURCES:
            self.commit("anchors", source, anchor_index(engine, documents[source], substring))
        anchors = self.whole("anchors")
        for source in SOURCES:
            self.commit("windows", source, window_index(engine, documents[source], anchors, source, substring))
        for source in SOURCES:
            judge_substrings(engine, documents[source], anchors.partition(source), self.whole("windows"), substring)

    def near(self, name: str, settings: NearSettings) -> None:
        engine, entered = self.engine, self.whole("exact")
        for source in SOURCES:
            signatures = rows(engine.map(entered.partition(source), Signatures(settings)))
            self.commit(f"bands {name}", source, band_index(engine, signatures, settings))
        for source in SOURCES:
            found = candidate_pairs(engine, entered, self.whole(f"bands {name}"), source, settings)
            self.commit(f"pairs {name}", source, found)
        if settings.rule == "components":
            self.commit(f"pairs {name}", "chain", chain())
        for source in SOURCES:
            judged = judge_near(engine, entered.partition(source), self.whole(f"pairs {name}"), source, settings)
            self.commit(f"near {name}", source, judged)

    def chinese(self, folder: Path) -> None:
        """Every day sees those before, here the last one; its filters are too small, so that they err."""
        self.start(SurvivorSettings())
        filtered = self.whole("filtered")
        filters = []
        for source in SOURCES[:-1]:
            before = filtered.partition(source)
            made = build_filter((batch["text_digest"] for batch in before.batches(["text_digest"])), before.rows, 0.3)
            filters.append(folder / f"{source}.{FILTER_FILE}")
            filters[-1].write_bytes(made.to_bytes())
        for confirm in (True, False):
            settings = BloomSettings(confirm=confirm)
            judge_exact_filtered(self.engine, filtered, [str(path) for path in filters], SOURCES[-1], settings)


def chain() -> pa.Table:
    """Pairs that link a long row of documents, in an order that says nothing: more than a few rounds of work."""
    names = [f"chain/chain:{number:04}" for number in range(CHAIN)]
    random.Random(3).shuffle(names)
    links = [sorted(pair, reverse=True) for pair in itertools.pairwise(names)]
    return measured_pairs([(node, other, 0, 0.9) for node, other in links])


def written_sql(package: Any) -> list[str]:
    """All literal SQL in the functions and constants of the package, cut where something is filled in."""
    found: list[str] = []
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                found += [text for text in value.__code__.co_consts if isinstance(text, str) and text != value.__doc__]
            elif isinstance(value, str) and name != "__doc__":
                found.append(value)
    return [text for text in found if "SELECT " in text]


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[Statement]:
    """Every statement that the judgements of both lines send to their engine."""
    recorder = Recorder()
    Line(tmp_path_factory.mktemp("english"), recorder).english()
    Line(tmp_path_factory.mktemp("chinese"), recorder).chinese(tmp_path_factory.mktemp("filters"))
    return list(recorder.statements.values())


def test_all_sql_of_the_package_is_among_the_statements(statements: list[Statement]) -> None:
    pieces = written_sql(neo_assets.dedup)
    assert len(pieces) > 20
    assert [piece for piece in pieces if not any(piece in statement.sql for statement in statements)] == []


def test_the_statements_have_something_to_do(statements: list[Statement]) -> None:
    assert [statement.sql for statement in statements if not statement.answer.num_rows] == []
    unsettled = [s.relations["edges"]["settled"].to_pylist().count(False) for s in statements if "edges" in s.relations]
    assert unsettled and min(unsettled) > 0


def test_spark_gives_what_duckdb_gives(statements: list[Statement], tmp_path: Path) -> None:
    numbers = {"numbers": pa.table({"a": [3, None, 1]})}
    foreign = [Statement(sql, numbers, on_duckdb(sql, numbers)) for sql in NOT_PORTABLE]
    differences = compared([*statements, *foreign], tmp_path)
    assert all(map(differences.get, NOT_PORTABLE)), "a comparison that finds nothing"
    found = [f"{sql.strip()}\n=> {what}" for sql, what in differences.items() if what and sql not in NOT_PORTABLE]
    assert not found, "\n".join(found)


def compared(statements: Sequence[Statement], folder: Path) -> dict[str, str | None]:
    """What Spark does otherwise, by statement, all of them in one session."""
    tasks = []
    for number, statement in enumerate(statements):
        tasks.append({"folder": f"{number:02}", "sql": statement.sql, "relations": sorted(statement.relations)})
        (folder / f"{number:02}").mkdir()
        for name, table in statement.relations.items():
            pq.write_table(table, folder / f"{number:02}" / f"{name}.parquet")
    (folder / STATEMENTS).write_text(json.dumps(tasks), encoding="utf-8")
    command = [str(spark_python()), str(Path(__file__).with_name("spark_runner.py")), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    return {
        task["sql"]: difference_of(s.answer, folder / task["folder"]) for s, task in zip(statements, tasks, strict=True)
    }


def difference_of(expected: pa.Table, folder: Path) -> str | None:
    """What Spark did otherwise."""
    if (folder / ERROR).exists():
        return (folder / ERROR).read_text(encoding="utf-8")
    parts = sorted((folder / RESULT).glob("part-*.parquet"))
    found = pa.concat_tables([pq.read_table(part) for part in parts])
    columns = [[(f.name, kind(f.type)) for f in table.schema] for table in (expected, found)]
    if columns[0] != columns[1]:
        return f"DuckDB's columns are {columns[0]}, Spark's {columns[1]}"
    both = [[in_any_order(row) for row in table.to_pylist()] for table in (expected, found)]
    if both[0] == both[1]:
        return None
    place, ours, theirs = next((i, *pair) for i, pair in enumerate(itertools.zip_longest(*both)) if pair[0] != pair[1])
    return f"of {len(both[0])} rows on DuckDB and {len(both[1])} on Spark, row {place} is {ours} and {theirs}"


def kind(of: pa.DataType) -> str:
    """The type's name; what an array's elements are called, and whether they may be null, is each engine's own."""
    if pa.types.is_list(of):
        return f"list<{kind(of.value_type)}>"
    if pa.types.is_struct(of):
        return f"struct<{', '.join(f'{f.name}: {kind(f.type)}' for f in of)}>"
    return str(of)


def in_any_order(value: Any) -> Any:
    """The value with its arrays sorted: in which order elements are aggregated is each engine's own."""
    if isinstance(value, dict):
        return {name: in_any_order(part) for name, part in value.items()}
    return sorted(map(in_any_order, value), key=repr) if isinstance(value, list) else value
