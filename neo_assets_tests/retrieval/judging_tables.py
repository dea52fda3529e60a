"""Small tables of the review, and running its SQL."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from neo_assets.retrieval.model import JUDGEMENT_SCHEMA, REVIEW, REVIEW_SCHEMA, SCORE_SCHEMA, STRATUM_SCHEMA


def query(sql: str, **relations: pa.Table) -> pa.Table:
    connection = _connection()
    for name, table in relations.items():
        connection.register(name, table)
    return connection.sql(sql).to_arrow_table()


@lru_cache(maxsize=1)
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def scored(rows: list[dict[str, Any]]) -> pa.Table:
    whole = [{"url": f"{row['base_url']}/{row['doc_id']}", "title": "", "collected": False, **row} for row in rows]
    return pa.Table.from_pylist(whole, schema=SCORE_SCHEMA)


def pages(count: int, **more: Any) -> pa.Table:
    """Rows of the review; `more` replaces columns of every row."""
    rows = [
        {
            "doc_id": f"d{n:04d}", "url": f"https://a.test/{n}", "base_url": "https://a.test", "title": f"page {n}",
            "score": 0.9, "collected": False, "purpose": REVIEW, "stratum": 7, "excerpt": f"text {n}", **more,
        }
        for n in range(count)
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=REVIEW_SCHEMA)


def judgements(rows: list[tuple[int, bool | None, str]]) -> pa.Table:
    """(stratum, belongs, purpose) of each."""
    names = ("stratum", "belongs", "purpose")
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=JUDGEMENT_SCHEMA)


def strata(rows: list[tuple[int, float, float, int]]) -> pa.Table:
    names = STRATUM_SCHEMA.names
    return pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=STRATUM_SCHEMA)
