"""Paragraph deduplication over an engine: the index of each partition, and the cuts in one partition's documents."""

from __future__ import annotations

from neo_assets.dedup.paragraph import REPEATS, ParagraphCuts, ParagraphRows
from neo_assets.dedup.survivors import PRECEDENCE, doc_id_of
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import ParagraphSettings


def paragraph_index(engine: Engine, documents: Relation, settings: ParagraphSettings) -> Relation:
    """The paragraphs of one partition's documents (`PARAGRAPH_SCHEMA`), in the order of the documents.

    Not sorted by key: a digest looks random, so nothing could be skipped by it, while precedence and position in
    this order take almost no space.
    """
    return engine.map(documents, ParagraphRows(settings))


def judge_paragraphs(
    engine: Engine, documents: Relation, index: Dataset, partition: str, settings: ParagraphSettings
) -> Relation:
    """The partition's documents without the paragraphs that occur before, with `paragraph_cuts` and verdicts.

    Args:
        documents: the partition's.
        index: the paragraphs of all partitions that this one sees, itself included.

    Raises:
        DamagedError: a part of the index is not what was committed.
    """
    index = index.verified()
    found = engine.query(repeated_paragraphs_sql(), own=index.partition(partition), paragraphs=index)
    return engine.map(engine.attach(documents, found), ParagraphCuts(settings))


def repeated_paragraphs_sql() -> str:
    """Of each document (doc_id) its `repeats`: paragraphs that are not the first of their kind. Ordered by doc_id.

    Relations: `own` (`PARAGRAPH_SCHEMA`, the documents' paragraphs) and `paragraphs` (`PARAGRAPH_SCHEMA`, all that may
    come before, `own` among them). Documents that repeat nothing have no row; `repeats` are in no order.
    """
    # Only names that are constants of this package enter the text.
    return f"""
WITH firsts AS (
    SELECT key, MIN({PRECEDENCE}) AS first_document
    FROM paragraphs
    WHERE key IN (SELECT key FROM own)
    GROUP BY key
    HAVING COUNT(*) > 1
),
occurrences AS (
    SELECT o.{PRECEDENCE}, o.position, o.key, f.first_document
    FROM own o JOIN firsts f ON o.key = f.key
),
first_places AS (
    SELECT key, MIN(position) AS first_position
    FROM occurrences
    WHERE {PRECEDENCE} = first_document
    GROUP BY key
)
SELECT {doc_id_of(f"o.{PRECEDENCE}")} AS doc_id,
    ARRAY_AGG(CAST(o.position AS STRING) || ' ' || o.first_document) AS {REPEATS}
FROM occurrences o LEFT JOIN first_places p ON o.key = p.key
WHERE o.{PRECEDENCE} > o.first_document OR o.position > p.first_position
GROUP BY o.{PRECEDENCE}
ORDER BY doc_id
"""  # noqa: S608
