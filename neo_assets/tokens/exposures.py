"""Exposures: for every document, when a run was trained on it: positions, tokens and checkpoints."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.chunks import target_positions

EXPOSURE_SCHEMA = pa.schema(
    [
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("run", pa.string()),
        pa.field("first_position", pa.int64()),
        pa.field("last_position", pa.int64()),
        pa.field("sequences", pa.int64()),
        pa.field("stored_tokens", pa.int64()),
        pa.field("target_positions", pa.int64()),
        pa.field("checkpoints", pa.list_(pa.string())),
    ]
)
"""`sequences` is the number of positions that hold a part of the document; `checkpoints` are those whose own chunk
does, in order of training: every checkpoint from the first of them on has seen it."""


def exposures(run: str, chunks: Iterable[tuple[str, pa.Table]]) -> pa.Table:
    """The exposures of all documents in a run (`EXPOSURE_SCHEMA`), ordered by document id.

    Args:
        chunks: each checkpoint's name with its chunk's spans (`CHUNK_SPAN_SCHEMA`), in order of training.

    A sum of `target_positions` over documents is the run's number of target positions. Memory: one row per document
    and chunk.
    """
    parts = [_of_chunk(number, name, spans) for number, (name, spans) in enumerate(chunks)]
    if not parts:
        return EXPOSURE_SCHEMA.empty_table()
    rows = pa.concat_tables(parts).sort_by([("doc_id", "ascending"), ("chunk", "ascending")])
    grouped = rows.group_by("doc_id", use_threads=False).aggregate(
        [
            ("url", "first"),
            ("subset", "first"),
            ("first_position", "min"),
            ("last_position", "max"),
            ("sequences", "sum"),
            ("stored_tokens", "sum"),
            ("target_positions", "sum"),
            ("checkpoint", "list"),
        ]
    )
    columns = [
        grouped.column("doc_id"),
        grouped.column("url_first"),
        grouped.column("subset_first"),
        pa.array([run] * grouped.num_rows, pa.string()),
        grouped.column("first_position_min"),
        grouped.column("last_position_max"),
        grouped.column("sequences_sum"),
        grouped.column("stored_tokens_sum"),
        grouped.column("target_positions_sum"),
        grouped.column("checkpoint_list"),
    ]
    return pa.table(columns, names=EXPOSURE_SCHEMA.names).cast(EXPOSURE_SCHEMA).sort_by("doc_id")


def _of_chunk(number: int, checkpoint: str, spans: pa.Table) -> pa.Table:
    """One row per document of a chunk."""
    table = spans.select(["doc_id", "url", "subset", "position", "length"]).append_column(
        "targets", target_positions(spans)
    )
    grouped = table.group_by("doc_id", use_threads=False).aggregate(
        [
            ("url", "first"),
            ("subset", "first"),
            ("position", "min"),
            ("position", "max"),
            ("position", "count_distinct"),
            ("length", "sum"),
            ("targets", "sum"),
        ]
    )
    columns = {
        "doc_id": grouped.column("doc_id"),
        "url": grouped.column("url_first"),
        "subset": grouped.column("subset_first"),
        "first_position": grouped.column("position_min"),
        "last_position": grouped.column("position_max"),
        "sequences": grouped.column("position_count_distinct"),
        "stored_tokens": pc.cast(grouped.column("length_sum"), pa.int64()),
        "target_positions": grouped.column("targets_sum"),
        "chunk": pa.array([number] * grouped.num_rows, pa.int64()),
        "checkpoint": pa.array([checkpoint] * grouped.num_rows, pa.string()),
    }
    return pa.table(columns)
