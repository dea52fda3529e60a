"""Deduplication of documents that arrive beside a line: against what the line kept, and among themselves.

The line's documents rank first, so they always survive; of two newcomers the one with the smaller id does. Compared
are the digests of texts, and by MinHash the texts themselves, with the line's own index of bands.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup import near
from neo_assets.dedup.minhash import BandKeys, Signatures, band_schema
from neo_assets.dedup.survivors import PRECEDENCE, SEPARATOR, doc_id_of
from neo_assets.dedup.verdicts import KeepOthers
from neo_assets.dedup.verification import VerifyPairs
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import NearSettings

NEWCOMER = "~"
"""Sorts after every digit and letter, so after every precedence of a line."""


@dataclass(frozen=True)
class RankLast:
    """Kernel: sets `precedence` to one that is greater than any in a line."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        ranks = pc.binary_join_element_wise(NEWCOMER, batch.column("doc_id").cast(pa.string()), SEPARATOR)
        if PRECEDENCE in batch.schema.names:
            batch = batch.drop_columns([PRECEDENCE])
        return batch.append_column(pa.field(PRECEDENCE, pa.string()), ranks)


def judge_against(
    engine: Engine, documents: Relation, line: Dataset, bands: Dataset, settings: NearSettings
) -> Relation:
    """The documents with verdicts: rejected where the line holds the document, its text or a similar one.

    Args:
        documents: doc_id, text, text_digest and whatever else; by doc_id.
        line: what the line kept after near deduplication (doc_id, precedence, text, text_digest).
        bands: the line's index (`band_schema`), of these and other documents.
    """
    ranked = engine.map(documents, RankLast())
    kept = line if line else _nothing()
    own_bands = engine.map(ranked, Signatures(settings), BandKeys(settings))
    other_bands = engine.query(_KEPT_BANDS, bands=bands, kept=kept) if bands else band_schema(settings).empty_table()
    pairs = engine.query(near.candidate_pairs_sql(settings), own_bands=own_bands, other_bands=other_bands)
    if settings.verify != "nothing":
        texts = engine.query(near.pair_texts_sql(), pairs=pairs, documents=ranked, other_documents=kept)
        pairs = engine.map(texts, VerifyPairs(settings))
    alike = engine.query(near.near_duplicates_sql(settings), pairs=pairs)
    found = engine.query(duplicates_of_line_sql(), documents=ranked, line=kept, alike=alike)
    return engine.map(engine.attach(documents, found), KeepOthers())


_KEPT_BANDS = """
SELECT b.* FROM bands b WHERE b.precedence IN (SELECT precedence FROM kept) ORDER BY b.precedence
"""


def duplicates_of_line_sql() -> str:
    """Documents that the line has, by id, by text or by likeness: doc_id and verdict columns, one row each.

    Relations: `documents` (doc_id, precedence, text_digest), `line` (precedence, text_digest) and `alike`
    (`near_duplicates_sql`).
    """
    return f"""
WITH held AS (
    SELECT d.doc_id FROM documents d WHERE d.doc_id IN (SELECT {doc_id_of("precedence")} FROM line)
),
texts AS (
    SELECT text_digest, MIN(precedence) AS survives FROM (
        SELECT text_digest, precedence FROM line
        UNION ALL
        SELECT text_digest, precedence FROM documents WHERE doc_id NOT IN (SELECT doc_id FROM held)
    ) AS every_text WHERE text_digest IS NOT NULL GROUP BY text_digest
),
same_text AS (
    SELECT d.doc_id, {doc_id_of("t.survives")} AS survivor
    FROM documents d JOIN texts t ON d.text_digest = t.text_digest
    WHERE t.survives < d.precedence AND d.doc_id NOT IN (SELECT doc_id FROM held)
)
SELECT doc_id, 'rejected' AS verdict, 'kept_by_line' AS rule, CAST(1.0 AS DOUBLE) AS value,
    CAST(1.0 AS DOUBLE) AS threshold, doc_id AS survivor, CAST(1.0 AS DOUBLE) AS similarity,
    'the line keeps this document: it is in the corpus already' AS reason
FROM held
UNION ALL
SELECT doc_id, 'rejected' AS verdict, 'exact_duplicate' AS rule, CAST(1.0 AS DOUBLE) AS value,
    CAST(1.0 AS DOUBLE) AS threshold, survivor, CAST(1.0 AS DOUBLE) AS similarity, 'the same text' AS reason
FROM same_text
UNION ALL
SELECT doc_id, verdict, rule, value, threshold, survivor, similarity, reason
FROM alike WHERE doc_id NOT IN (SELECT doc_id FROM held) AND doc_id NOT IN (SELECT doc_id FROM same_text)
ORDER BY doc_id
"""  # noqa: S608  (fixed expressions)


def _nothing() -> pa.Table:
    names = ("doc_id", PRECEDENCE, "text", "text_digest")
    return pa.schema([(name, pa.string()) for name in names]).empty_table()
