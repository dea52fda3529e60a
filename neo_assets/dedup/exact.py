"""Exact deduplication: of documents with the same text the one with the smallest id survives.

The survivor is the minimum over everything that ever arrived, so a day's result is the same whether the days are
processed one by one or together, as long as a later day's documents have greater ids.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import pyarrow as pa

EARLIER_SCHEMA = pa.schema([("doc_id", pa.string()), ("text_digest", pa.string())])
"""The relation `earlier`: what the other partitions kept. Rows with greater ids than the candidates' do no harm."""


@dataclass(frozen=True)
class TextDigests:
    """Kernel: appends `text_digest`, the SHA-256 (hex) of the text's UTF-8 bytes; null for a null text."""

    column: str = "text"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        digests = [text_digest(text) for text in batch.column(self.column).to_pylist()]
        return batch.append_column(pa.field("text_digest", pa.string()), pa.array(digests, pa.string()))


def text_digest(text: str | None) -> str | None:
    """SHA-256 of the text's UTF-8 bytes, in hex."""
    return None if text is None else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def exact_duplicates_sql() -> str:
    """Judges every row of `candidates` (doc_id, text_digest, …) by it and `earlier` (doc_id, text_digest).

    Gives the candidates' columns and the verdict columns, ordered by doc_id. Rows without a digest are kept.
    """
    return """
WITH everything AS (
    SELECT doc_id, text_digest FROM candidates
    UNION ALL
    SELECT doc_id, text_digest FROM earlier WHERE text_digest IN (SELECT text_digest FROM candidates)
),
firsts AS (
    SELECT text_digest, MIN(doc_id) AS first_id FROM everything GROUP BY text_digest
)
SELECT
    c.*,
    CASE WHEN f.first_id < c.doc_id THEN 'rejected' ELSE 'kept' END AS verdict,
    CASE WHEN f.first_id < c.doc_id THEN 'exact_duplicate' END AS rule,
    CASE WHEN f.first_id < c.doc_id THEN CAST(1.0 AS DOUBLE) END AS value,
    CASE WHEN f.first_id < c.doc_id THEN CAST(1.0 AS DOUBLE) END AS threshold,
    CASE WHEN f.first_id < c.doc_id THEN f.first_id END AS survivor,
    CASE WHEN f.first_id < c.doc_id THEN CAST(1.0 AS DOUBLE) END AS similarity,
    CASE WHEN f.first_id < c.doc_id THEN 'the same text, sha256 ' || c.text_digest END AS reason
FROM candidates c LEFT JOIN firsts f ON c.text_digest = f.text_digest
ORDER BY c.doc_id
"""
