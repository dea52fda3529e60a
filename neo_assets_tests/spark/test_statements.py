"""Every SQL statement of the lines gives the same on Spark as on DuckDB: names, types, rows and their order.

The statements are not listed here: an engine carries out the work of every line and records what it is asked.
"""

from __future__ import annotations

import ast
import itertools
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

import neo_assets
from neo_assets.recipe.dedup import SurvivorSettings
from neo_assets_tests.spark.judgements import NEAR_VARIANTS, Line
from neo_assets_tests.spark.other_lines import everything_else
from neo_assets_tests.spark.recorder import Recorder, Statement, on_duckdb

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from neo_assets.compute.spark import LazySession

pytestmark = [pytest.mark.slow, pytest.mark.needs("spark")]

PACKAGE = Path(neo_assets.__file__).parent
OTHER_DATABASES = ("web/crawler/", "engine/")
"""What asks SQLite and not an engine, and engines."""

NOT_PORTABLE = (
    "SELECT a FROM numbers ORDER BY a",  # where nulls stand
    "SELECT SUM(a) AS total FROM numbers ORDER BY total",  # the type
    "SELECT a AS b FROM numbers QUALIFY ROW_NUMBER() OVER (ORDER BY a) = 1 ORDER BY LIST_SUM([a])",  # unknown to Spark
    "SELECT AVG(LENGTH(b)) AS mean, 'a\\tb' AS raw FROM numbers ORDER BY mean",  # what a backslash is
)
"""Proof that the comparison finds differences: in rows, in types, in what is understood."""


def written_sql() -> dict[str, list[str]]:
    """All literal SQL of the package, by its place, cut where something is filled in."""
    found = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        name = file.relative_to(PACKAGE).as_posix()
        if name.startswith(OTHER_DATABASES) or "seed/" in name:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and "SELECT " in node.value:
                pieces = [text for text, *_ in Formatter().parse(node.value) if text.strip()]
                found[f"{name}:{node.lineno}:{node.col_offset}"] = pieces
    return found


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[Statement]:
    """Every statement that the lines send to their engine."""
    recorder = Recorder()
    english = Line(tmp_path_factory.mktemp("english"), recorder)
    english.start(SurvivorSettings(policy="longest"))
    english.exact()
    for name, settings in NEAR_VARIANTS.items():
        english.near(name, settings)
    english.paragraphs(after="near/earlier")
    english.substrings()
    chinese = Line(tmp_path_factory.mktemp("chinese"), recorder)
    chinese.start(SurvivorSettings())
    chinese.filtered_by_bloom(tmp_path_factory.mktemp("filters"))
    everything_else(recorder, tmp_path_factory.mktemp("files"))
    return list(recorder.statements.values())


def test_all_sql_of_the_package_is_among_the_statements(statements: list[Statement]) -> None:
    written = written_sql()
    assert len(written) > 30
    sent = [statement.sql for statement in statements]
    assert [place for place, pieces in written.items() if not any(all(p in sql for p in pieces) for sql in sent)] == []


def test_the_statements_have_something_to_do(statements: list[Statement]) -> None:
    assert [statement.sql for statement in statements if not statement.answer.num_rows] == []
    unsettled = [s.relations["edges"]["settled"].to_pylist().count(False) for s in statements if "edges" in s.relations]
    assert unsettled and min(unsettled) > 0
    assert not [s.sql for s in statements if "\\" in s.sql], "a backslash is a character to DuckDB, an escape to Spark"


def test_spark_gives_what_duckdb_gives(statements: list[Statement], spark: LazySession) -> None:
    numbers = {"numbers": pa.table({"a": [3, None, 1], "b": ["a", "ab", "abc"]})}
    foreign = [Statement(sql, numbers, on_duckdb(sql, numbers)) for sql in NOT_PORTABLE]
    differences = {s.sql: difference(spark(), s) for s in [*statements, *foreign]}
    assert all(map(differences.get, NOT_PORTABLE)), "a comparison that finds nothing"
    found = [f"{sql.strip()}\n=> {what}" for sql, what in differences.items() if what and sql not in NOT_PORTABLE]
    assert not found, "\n".join(found)


def difference(spark: SparkSession, statement: Statement) -> str | None:
    """What Spark does otherwise, asked in the very words that DuckDB is asked in."""
    from pyspark.errors import PySparkException

    session = spark.newSession()
    for name, table in statement.relations.items():
        session.createDataFrame(table).createOrReplaceTempView(name)
    try:
        return difference_of(statement.answer, session.sql(statement.sql).toArrow())
    except PySparkException as error:
        return " ".join(str(error).split())[:300]


def difference_of(expected: pa.Table, found: pa.Table) -> str | None:
    """What Spark did otherwise."""
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
