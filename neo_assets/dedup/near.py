"""Near deduplication: a document goes when an earlier one is similar to it.

The rule: a document is removed if and only if, among all documents of the line with a smaller id that entered this
stage, *removed or not*, there is one that shares a band with it and has a verified Jaccard similarity at or above the
threshold. Nothing later, and no verdict of another document, has a say. So the result is the same however the documents
are divided into days, provided later days have greater ids, and each day needs only what came before.

Compared with connected components (MAP-Neo Matrix), which keep one document of each cluster, this may keep a second
one, where two documents became linked only by a third that arrived after both: removing one of them then would rewrite
the past. Compared with matching against survivors only, it removes the end of a chain A ~ B ~ C although B is gone.

The survivor named is the smallest similar id. It may itself have been removed in favour of a smaller one; the chain
ends at a document that was kept.

Steps: `candidate_pairs_sql` → `pair_texts_sql` → kernel `VerifyPairs` → `near_duplicates_sql`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from neo_assets.dedup.shingles import distinct_shingles, jaccard, reduced_points
from neo_assets.recipe.lines import DedupSettings

VERIFIED_SCHEMA = pa.schema(
    [("doc_id", pa.string()), ("other", pa.string()), ("band", pa.int32()), ("similarity", pa.float64())]
)
EARLIER_SCHEMA = pa.schema([("doc_id", pa.string()), ("text", pa.string())])
"""The relation `earlier`: what entered this stage from other partitions. Rows with greater ids do no harm."""


def candidate_pairs_sql(settings: DedupSettings) -> str:
    """Pairs (doc_id, other, band), other < doc_id, that share a bucket; `band` is the first one they share.

    Relations: `candidate_bands` and `earlier_bands` (`BAND_SCHEMA`, no document in both). In each bucket a document
    is compared with the `partners_per_bucket` smallest ids only, so a bucket of n documents gives no n² pairs.
    """
    # Only numbers from checked settings enter the texts of this module.
    return f"""
WITH all_bands AS (
    SELECT doc_id, band, band_key FROM candidate_bands
    UNION ALL
    SELECT e.doc_id, e.band, e.band_key FROM earlier_bands e
    WHERE e.band_key IN (SELECT band_key FROM candidate_bands)
),
placed AS (
    SELECT doc_id, band, band_key, ROW_NUMBER() OVER (PARTITION BY band, band_key ORDER BY doc_id) AS place
    FROM all_bands
)
SELECT c.doc_id AS doc_id, p.doc_id AS other, MIN(c.band) AS band
FROM candidate_bands c JOIN placed p ON c.band = p.band AND c.band_key = p.band_key
WHERE p.doc_id < c.doc_id AND p.place <= {settings.partners_per_bucket}
GROUP BY c.doc_id, p.doc_id
ORDER BY doc_id, other
"""  # noqa: S608


def pair_texts_sql() -> str:
    """The pairs with both texts, for `VerifyPairs`.

    Relations: `pairs`, `candidates` (doc_id, text, …) and `earlier` (doc_id, text).
    """
    return """
WITH texts AS (
    SELECT doc_id, text FROM candidates
    UNION ALL
    SELECT doc_id, text FROM earlier WHERE doc_id IN (SELECT other FROM pairs)
)
SELECT p.doc_id, p.other, p.band, c.text AS text, o.text AS other_text
FROM pairs p JOIN candidates c ON p.doc_id = c.doc_id JOIN texts o ON p.other = o.doc_id
ORDER BY p.doc_id, p.other
"""


@dataclass(frozen=True)
class VerifyPairs:
    """Kernel: (doc_id, other, band, text, other_text) → `VERIFIED_SCHEMA`, with the Jaccard similarity of the pair."""

    settings: DedupSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        columns = [batch.column(name).to_pylist() for name in ("doc_id", "text", "other", "other_text")]
        texts = {**dict(zip(*columns[:2], strict=True)), **dict(zip(*columns[2:], strict=True))}
        reduced = reduced_points(list(texts.values()), self.settings.normalisation)
        shingles = dict(zip(texts, distinct_shingles(reduced, self.settings.shingle_chars), strict=True))
        similarity = [jaccard(shingles[one], shingles[two]) for one, two in zip(columns[0], columns[2], strict=True)]
        kept = [batch.column(field.name).cast(field.type) for field in list(VERIFIED_SCHEMA)[:3]]
        return pa.RecordBatch.from_arrays([*kept, pa.array(similarity, pa.float64())], schema=VERIFIED_SCHEMA)


def near_duplicates_sql(settings: DedupSettings) -> str:
    """Judges every row of `candidates` by `verified` (`VERIFIED_SCHEMA`).

    Gives the candidates' columns and the verdict columns, ordered by doc_id.
    """
    threshold = f"CAST({settings.verify_jaccard!r} AS DOUBLE)"
    return f"""
WITH matches AS (
    SELECT doc_id, other, band, similarity, ROW_NUMBER() OVER (PARTITION BY doc_id ORDER BY other) AS place
    FROM verified
    WHERE similarity >= {threshold}
)
SELECT
    c.*,
    CASE WHEN m.other IS NULL THEN 'kept' ELSE 'rejected' END AS verdict,
    CASE WHEN m.other IS NULL THEN CAST(NULL AS STRING) ELSE 'near_duplicate' END AS rule,
    m.similarity AS value,
    CASE WHEN m.other IS NULL THEN CAST(NULL AS DOUBLE) ELSE {threshold} END AS threshold,
    m.other AS survivor,
    m.similarity AS similarity,
    'met in band ' || CAST(m.band AS STRING) || ' of {settings.bands}' AS reason
FROM candidates c LEFT JOIN matches m ON c.doc_id = m.doc_id AND m.place = 1
ORDER BY c.doc_id
"""  # noqa: S608
