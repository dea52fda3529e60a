"""How well a tokenizer fits each subset: compression, fertility, byte fallback, and whether it loses anything."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.tokenizer import Tokenizer

WORD = r"\p{Han}|[^\s\p{Z}\p{Han}]+"
"""A word, for fertility: a run of characters between spaces, or one Chinese character."""

COUNTS = (
    *("documents", "characters", "bytes", "words", "tokens"),
    *("byte_tokens", "newline_tokens", "unk_tokens", "lossy_documents"),
)

REPORT_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        *(pa.field(name, pa.int64()) for name in COUNTS),
        pa.field("characters_per_token", pa.float64()),
        pa.field("bytes_per_token", pa.float64()),
        pa.field("tokens_per_word", pa.float64()),
        pa.field("byte_token_share", pa.float64()),
        pa.field("unk_token_share", pa.float64()),
    ]
)


def count_batch(batch: pa.RecordBatch, tokenizer: Tokenizer) -> pa.Table:
    """One row per document: its subset and the columns of `COUNTS`. Needs `subset` and `text`.

    `byte_tokens` are byte-fallback pieces but for line ends (`newline_tokens`), which have no other piece.
    End-of-document tokens are not counted. Every text is decoded again and compared.
    """
    texts = batch.column("text").cast(pa.large_string())
    encoded = tokenizer.encode_batch(texts.to_pylist())
    lossy = [tokenizer.decode(ids) != text for ids, text in zip(encoded, texts.to_pylist(), strict=True)]
    newline = tokenizer.byte_ids[0x0A] if tokenizer.byte_ids else -1
    newlines = np.array([np.count_nonzero(ids == newline) for ids in encoded], np.int64)
    low, high = tokenizer.byte_ids.start, tokenizer.byte_ids.stop
    bytes_ = np.array([np.count_nonzero((ids >= low) & (ids < high)) for ids in encoded], np.int64)
    unk = [np.count_nonzero(ids == tokenizer.settings.unk_id) for ids in encoded]
    counts: dict[str, pa.Array] = {
        "documents": pa.array([1] * len(encoded), pa.int64()),
        "characters": pc.utf8_length(texts).cast(pa.int64()),
        "bytes": pc.binary_length(texts).cast(pa.int64()),
        "words": pc.count_substring_regex(texts, WORD).cast(pa.int64()),
        "tokens": pa.array([len(ids) for ids in encoded], pa.int64()),
        "byte_tokens": pa.array(bytes_ - newlines, pa.int64()),
        "newline_tokens": pa.array(newlines, pa.int64()),
        "unk_tokens": pa.array(unk, pa.int64()),
        "lossy_documents": pa.array(lossy, pa.bool_()).cast(pa.int64()),
    }
    return pa.table({"subset": batch.column("subset").cast(pa.string()), **counts})


def add_counts(tables: Iterable[pa.Table]) -> pa.Table:
    """Counts per subset, in the order of their names; sums of sums are allowed, so parts may be counted apart."""
    counts = pa.concat_tables(tables)
    sums = counts.group_by("subset", use_threads=False).aggregate([(name, "sum") for name in COUNTS])
    return sums.rename_columns([name.removesuffix("_sum") for name in sums.column_names]).sort_by("subset")


def tokenizer_report(documents: pa.Table, tokenizer: Tokenizer) -> pa.Table:
    """The report over a table of documents (`subset`, `text`): `REPORT_SCHEMA`, a row per subset and one for all."""
    batches = documents.select(["subset", "text"]).to_batches(max_chunksize=1000)
    if not batches:
        return REPORT_SCHEMA.empty_table()
    return report_of_counts(add_counts(count_batch(batch, tokenizer) for batch in batches))


def report_of_counts(counts: pa.Table) -> pa.Table:
    """Ratios for counts per subset, with a last row `all`. Source: MAP-Neo §3 (characters per token), §15."""
    rows = counts.to_pylist()
    rows.append({"subset": "all", **{name: sum(row[name] for row in rows) for name in COUNTS}})
    for row in rows:
        tokens = row["tokens"]
        row["characters_per_token"] = row["characters"] / tokens if tokens else None
        row["bytes_per_token"] = row["bytes"] / tokens if tokens else None
        row["tokens_per_word"] = tokens / row["words"] if row["words"] else None
        row["byte_token_share"] = row["byte_tokens"] / tokens if tokens else None
        row["unk_token_share"] = row["unk_tokens"] / tokens if tokens else None
    return pa.Table.from_pylist(rows, schema=REPORT_SCHEMA)
