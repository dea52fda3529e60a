"""Running the dedup SQL and kernels over small days in memory, as the platform runs them over partitions."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from neo_assets.dedup import exact, near
from neo_assets.dedup.minhash import BandRows, Signatures
from neo_assets.recipe.lines import DedupSettings

DOCUMENT_SCHEMA = pa.schema([("doc_id", pa.string()), ("url", pa.string()), ("text", pa.string())])

Documents = dict[str, str]
Verdicts = dict[str, dict[str, Any]]


def query(sql: str, **relations: pa.Table) -> pa.Table:
    connection = _connection()
    for name, table in relations.items():
        connection.register(name, table)
    try:
        return connection.sql(sql).to_arrow_table()
    finally:
        for name in relations:
            connection.unregister(name)


@lru_cache(maxsize=1)
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def mapped(table: pa.Table, kernel: Any) -> pa.Table:
    columns = [column.combine_chunks() for column in table.columns]
    return pa.Table.from_batches([kernel(pa.RecordBatch.from_arrays(columns, schema=table.schema))])


def documents(texts: Documents) -> pa.Table:
    rows = [{"doc_id": doc_id, "url": f"u/{doc_id}", "text": text} for doc_id, text in texts.items()]
    return pa.Table.from_pylist(rows, DOCUMENT_SCHEMA)


def exact_verdicts(texts: Documents, earlier: Documents) -> Verdicts:
    candidates = mapped(documents(texts), exact.TextDigests())
    before = mapped(documents(earlier), exact.TextDigests()).select(exact.EARLIER_SCHEMA.names)
    judged = query(exact.exact_duplicates_sql(), candidates=candidates, earlier=before)
    assert judged.column("doc_id").to_pylist() == sorted(texts)
    return {row["doc_id"]: row for row in judged.to_pylist()}


def bands(texts: Documents, settings: DedupSettings) -> pa.Table:
    return mapped(mapped(documents(texts), Signatures(settings)), BandRows(settings))


def near_verdicts(texts: Documents, earlier: Documents, settings: DedupSettings) -> Verdicts:
    candidates, before = documents(texts), documents(earlier).select(near.EARLIER_SCHEMA.names)
    pairs = query(
        near.candidate_pairs_sql(settings),
        candidate_bands=bands(texts, settings),
        earlier_bands=bands(earlier, settings),
    )
    with_texts = query(near.pair_texts_sql(), pairs=pairs, candidates=candidates, earlier=before)
    verified = mapped(with_texts, near.VerifyPairs(settings))
    judged = query(near.near_duplicates_sql(settings), candidates=candidates, verified=verified)
    assert judged.column("doc_id").to_pylist() == sorted(texts)
    return {row["doc_id"]: row for row in judged.to_pylist()}


def verified_pairs(rows: list[tuple[str, str, int, float]]) -> pa.Table:
    return pa.Table.from_pylist(
        [dict(zip(near.VERIFIED_SCHEMA.names, row, strict=True)) for row in rows], near.VERIFIED_SCHEMA
    )
