"""Running the dedup SQL and kernels over small days in memory, as the platform runs them over partitions."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from neo_assets.dedup import exact, near
from neo_assets.dedup.components import Stars, component_duplicates_sql, star_statements
from neo_assets.dedup.minhash import BandKeys, Signatures
from neo_assets.dedup.verdicts import KeepOthers
from neo_assets.dedup.verification import PAIR_SCHEMA, VerifyPairs
from neo_assets.recipe.dedup import NearSettings

DOCUMENT_SCHEMA = pa.schema([(name, pa.string()) for name in ("doc_id", "precedence", "url", "text")])

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
    """Documents of which the smaller id survives."""
    rows = [{"doc_id": d, "precedence": d, "url": f"u/{d}", "text": text} for d, text in texts.items()]
    return pa.Table.from_pylist(rows, DOCUMENT_SCHEMA)


def digested(texts: Documents, kernel: Any = None, ranks: Documents | None = None) -> pa.Table:
    """Documents with precedence (by `ranks`, or the id itself) and digest."""
    table = documents(texts)
    precedence = pa.array([f"{ranks[d]}/{d}" if ranks else d for d in texts], pa.string())
    table = table.drop_columns([name for name in table.schema.names if name == "precedence"])
    return mapped(table.append_column("precedence", precedence), kernel or exact.TextDigests())


def text_digest(text: str | None) -> str | None:
    """SHA-256 of the text's UTF-8 bytes, in hex."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def exact_verdicts(texts: Documents, earlier: Documents, ranks: Documents | None = None) -> Verdicts:
    candidates = digested(texts, ranks=ranks)
    before = digested(earlier, ranks=ranks).select(exact.EARLIER_SCHEMA.names)
    judged = query(exact.exact_duplicates_sql(), candidates=candidates, earlier=before)
    assert judged.column("doc_id").to_pylist() == sorted(texts)
    return {row["doc_id"]: row for row in judged.to_pylist()}


def bands(texts: Documents, settings: NearSettings) -> pa.Table:
    return mapped(mapped(documents(texts), Signatures(settings)), BandKeys(settings))


def compared_pairs(texts: Documents, others: Documents, settings: NearSettings) -> pa.Table:
    """The pairs of the texts with those that rank before them, measured."""
    relations = {"own_bands": bands(texts, settings), "other_bands": bands(others, settings)}
    pairs = query(near.candidate_pairs_sql(settings), **relations)
    if settings.verify == "nothing":
        return pairs
    found = {"pairs": pairs, "documents": documents(texts), "other_documents": documents(others)}
    return mapped(query(near.pair_texts_sql(), **found), VerifyPairs(settings))


def near_verdicts(texts: Documents, others: Documents, settings: NearSettings) -> Verdicts:
    """The texts judged by the direct rule."""
    pairs = compared_pairs(texts, others, settings)
    return _by_id(texts, query(near.near_duplicates_sql(settings), pairs=pairs))


def component_verdicts(texts: Documents, pairs: pa.Table, settings: NearSettings) -> Verdicts:
    """The texts judged by the components of these pairs."""
    stars = mapped(star_edges(pairs, settings), Stars(settings.max_rounds))
    sql = component_duplicates_sql(settings)
    return _by_id(texts, query(sql, pairs=pairs, stars=stars))


def star_edges(pairs: pa.Table, settings: NearSettings) -> pa.Table:
    """What the last statement of the components' search gives."""
    first, *others = star_statements(settings)
    edges = query(first, pairs=pairs)
    for statement in others:
        edges = query(statement, edges=edges)
    return edges


def measured_pairs(rows: list[tuple[str, str, int, float | None]]) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(PAIR_SCHEMA.names, row, strict=True)) for row in rows], PAIR_SCHEMA)


def beside(candidates: pa.Table, found: pa.Table) -> pa.Table:
    """The candidates by id, each with the verdict found for it; the others are kept."""
    return mapped(attached(candidates, found), KeepOthers())


def attached(candidates: pa.Table, found: pa.Table) -> pa.Table:
    """The candidates by id, each with what was found of it."""
    columns = ", ".join(f"f.{name}" for name in found.column_names if name != "doc_id")
    sql = f"SELECT c.*, {columns} FROM c LEFT JOIN f ON c.doc_id = f.doc_id ORDER BY c.doc_id"  # noqa: S608
    return query(sql, c=candidates, f=found)


def _by_id(texts: Documents, found: pa.Table) -> Verdicts:
    judged = beside(documents(texts), found)
    assert judged.column("doc_id").to_pylist() == sorted(texts)
    return {row["doc_id"]: row for row in judged.to_pylist()}
