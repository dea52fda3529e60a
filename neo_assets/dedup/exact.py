"""Exact deduplication: of documents with the same text the one of smallest precedence survives.

The survivor is the minimum over everything that ever arrived, so the result does not depend on how the documents are
divided into partitions, nor, for crawl days, on whether they are processed one by one or together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.survivors import doc_id_of
from neo_assets.recipe.dedup import ExactSettings, Normalisation

EARLIER_SCHEMA = pa.schema([("precedence", pa.string()), ("text_digest", pa.string())])
"""The relation `earlier`: what the other partitions hold. Rows of greater precedence do no harm."""

CANDIDATE_DIGESTS = "SELECT text_digest FROM candidates"
"""The digests that are looked up in `earlier`: all there are."""

_RAW = ExactSettings()
_CHUNK_BYTES = 2**24


@dataclass(frozen=True)
class TextDigests:
    """Kernel: appends `text_digest`, the SHA-256 (hex) of the UTF-8 of what is compared; null for a null text.

    Args:
        settings: `raw` compares the text as it is, `normalised` what MinHash compares (`shingles.reduced_points`);
            a text of which normalisation leaves nothing counts as raw, so that such texts are not all one.
        normalisation: how, where the settings say `normalised`.
    """

    settings: ExactSettings = _RAW
    normalisation: Normalisation = "none"
    column: str = "text"

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column(self.column)
        compared: list[memoryview | bytes] = list(_utf8(texts))
        if self.settings.text == "normalised":
            compared = [left or whole for left, whole in zip(self._reduced(texts), compared, strict=True)]
        valid = texts.is_valid().to_pylist()
        digests = [
            hashlib.sha256(text).hexdigest() if there else None for text, there in zip(compared, valid, strict=True)
        ]
        return batch.append_column(pa.field("text_digest", pa.string()), pa.array(digests, pa.string()))

    def _reduced(self, texts: pa.Array) -> Iterator[bytes]:
        from neo_assets.dedup.shingles import reduced_points, slices

        for rows in slices(pc.binary_length(texts), _CHUNK_BYTES):
            points, offsets = reduced_points(texts[rows], self.normalisation)
            chunk = points.astype("<u4").tobytes().decode("utf-32-le")
            yield from (chunk[start:end].encode() for start, end in pairwise(offsets.tolist()))


def exact_duplicates_sql(looked_up: str = CANDIDATE_DIGESTS) -> str:
    """Judges every row of `candidates` (doc_id, precedence, text_digest, …) by it and `earlier` (`EARLIER_SCHEMA`).

    Gives the candidates' columns and the verdict columns, ordered by doc_id. Rows without a digest are kept. Texts are
    read and sorted once, in the last step; all before it sees precedences and digests only.

    Args:
        looked_up: a query of this module or a neighbour, for the digests to search `earlier` for.
    """
    return f"""
WITH everything AS (
    SELECT precedence, text_digest FROM candidates
    UNION ALL
    SELECT precedence, text_digest FROM earlier WHERE text_digest IN ({looked_up})
),
firsts AS (
    SELECT text_digest, MIN(precedence) AS survives FROM everything GROUP BY text_digest
),
duplicates AS (
    SELECT c.precedence, {doc_id_of("f.survives")} AS survivor
    FROM candidates c JOIN firsts f ON c.text_digest = f.text_digest
    WHERE f.survives < c.precedence
)
SELECT
    c.*,
    CASE WHEN d.survivor IS NULL THEN 'kept' ELSE 'rejected' END AS verdict,
    CASE WHEN d.survivor IS NOT NULL THEN 'exact_duplicate' END AS rule,
    CASE WHEN d.survivor IS NOT NULL THEN CAST(1.0 AS DOUBLE) END AS value,
    CASE WHEN d.survivor IS NOT NULL THEN CAST(1.0 AS DOUBLE) END AS threshold,
    d.survivor AS survivor,
    CASE WHEN d.survivor IS NOT NULL THEN CAST(1.0 AS DOUBLE) END AS similarity,
    CASE WHEN d.survivor IS NOT NULL THEN 'the same text, sha256 ' || c.text_digest END AS reason
FROM candidates c LEFT JOIN duplicates d ON c.precedence = d.precedence
ORDER BY c.doc_id
"""  # noqa: S608


def _utf8(texts: pa.Array) -> list[memoryview]:
    """The UTF-8 of every text, where it lies; that of a null has no meaning."""
    texts = texts.cast(pa.large_string())
    if not len(texts):
        return []
    _, ends, data = texts.buffers()
    view = memoryview(data or b"")
    found = np.frombuffer(ends, np.int64, len(texts) + 1, texts.offset * 8)
    return [view[start:end] for start, end in pairwise(found.tolist())]
