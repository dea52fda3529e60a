"""What every table of documents shares: stable ids, the decision schema, and the marking of volatile columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

KEPT, REJECTED, QUARANTINED = "kept", "rejected", "quarantined"

VERDICT_COLUMNS: tuple[pa.Field, ...] = (
    pa.field("verdict", pa.string()),
    pa.field("rule", pa.string()),
    pa.field("value", pa.float64()),
    pa.field("threshold", pa.float64()),
    pa.field("survivor", pa.string()),
    pa.field("similarity", pa.float64()),
    pa.field("reason", pa.string()),
)
"""Columns by which a kernel or query judges its rows; the lake's writer routes rows by them."""

DECISION_SCHEMA = pa.schema([pa.field("doc_id", pa.string()), pa.field("url", pa.string()), *VERDICT_COLUMNS])
"""The table of every record that a stage did not keep, and why."""


def document_id(source: str, record: str) -> str:
    """The stable id of a record: its source, and 96 bits of the SHA-256 of its identity within that source.

    For crawled pages the source is the arrival day, so that string order is arrival order.
    """
    return f"{source}:{hashlib.sha256(record.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def volatile(field: pa.Field) -> pa.Field:
    """The same field, marked as recorded but not part of the content (a fetch time, a file offset)."""
    return field.with_metadata({**(field.metadata or {}), b"volatile": b"1"})


def is_volatile(field: pa.Field) -> bool:
    """Whether the field is left out of content digests."""
    return bool(field.metadata) and field.metadata.get(b"volatile") == b"1"


def with_verdicts(batch: pa.RecordBatch, **verdicts: pa.Array | Sequence[Any]) -> pa.RecordBatch:
    """The batch with all `VERDICT_COLUMNS` appended; columns not given are null.

    Raises:
        KeyError: a name outside `VERDICT_COLUMNS`.
    """
    unknown = set(verdicts) - {field.name for field in VERDICT_COLUMNS}
    if unknown:
        raise KeyError(f"not verdict columns: {sorted(unknown)}")
    for field in VERDICT_COLUMNS:
        given = verdicts.get(field.name)
        if given is None:
            column = pa.nulls(batch.num_rows, field.type)
        elif isinstance(given, pa.Array):
            column = given.cast(field.type)
        else:
            column = pa.array(given, field.type)
        batch = batch.append_column(field, column)
    return batch
