"""Deduplication stages over an engine: one partition's documents judged against all that came before it."""

from __future__ import annotations

from neo_assets.dedup import exact, near
from neo_assets.dedup.minhash import BAND_SCHEMA, BandRows
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.lines import DedupSettings


def judge_exact(engine: Engine, documents: Dataset, partition: str) -> Relation:
    """The partition's documents with exact duplicates rejected; `documents` spans it and all earlier partitions."""
    return engine.query(
        exact.exact_duplicates_sql(),
        judges="candidates",
        candidates=documents.partition(partition),
        earlier=documents.but(partition) or exact.EARLIER_SCHEMA.empty_table(),
    )


def judge_near(
    engine: Engine, documents: Dataset, signatures: Dataset, partition: str, settings: DedupSettings
) -> Relation:
    """The partition's documents with near duplicates rejected, candidates found by bands and verified on the texts."""
    candidates = documents.partition(partition)
    earlier = documents.but(partition) or near.EARLIER_SCHEMA.empty_table()
    earlier_signatures = signatures.but(partition)
    bands = BandRows(settings)
    pairs = engine.query(
        near.candidate_pairs_sql(settings),
        candidate_bands=engine.map(signatures.partition(partition), bands),
        earlier_bands=engine.map(earlier_signatures, bands) if earlier_signatures else BAND_SCHEMA.empty_table(),
    )
    texts = engine.query(near.pair_texts_sql(), pairs=pairs, candidates=candidates, earlier=earlier)
    return engine.query(
        near.near_duplicates_sql(settings),
        judges="candidates",
        candidates=candidates,
        verified=engine.map(texts, near.VerifyPairs(settings)),
    )
