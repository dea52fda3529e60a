"""Near deduplication over an engine: the index of bands, the compared pairs, and the judgement of one partition."""

from __future__ import annotations

from neo_assets.dedup import near
from neo_assets.dedup.components import Stars, component_duplicates_sql, star_statements
from neo_assets.dedup.minhash import BandKeys, band_schema
from neo_assets.dedup.verdicts import KeepOthers
from neo_assets.dedup.verification import VerifyPairs
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import NearSettings


def band_index(engine: Engine, signatures: Relation, settings: NearSettings) -> Relation:
    """The band keys of one partition's documents (`band_schema`), in their order."""
    return engine.map(signatures, BandKeys(settings))


def candidate_pairs(
    engine: Engine, documents: Dataset, bands: Dataset, partition: str, settings: NearSettings
) -> Relation:
    """The pairs of one partition's documents with those before them in a bucket (`PAIR_SCHEMA`), similar or not.

    Args:
        documents: those that entered this stage, of all partitions that this one sees, itself included. Only
            precedence and text are read, of the other partitions only where a pair needs them.
        bands: the index of the same partitions.

    Raises:
        DamagedError: a part of the index is not what was committed.
    """
    own, own_bands = documents.partition(partition), bands.partition(partition).verified()
    other_bands = bands.but(partition).verified() or band_schema(settings).empty_table()
    pairs = engine.query(near.candidate_pairs_sql(settings), own_bands=own_bands, other_bands=other_bands)
    if settings.verify == "nothing":
        return pairs
    others = documents.but(partition) or own.schema.empty_table()
    texts = engine.query(near.pair_texts_sql(), pairs=pairs, documents=own, other_documents=others)
    return engine.map(texts, VerifyPairs(settings))


def judge_near(engine: Engine, documents: Relation, pairs: Dataset, partition: str, settings: NearSettings) -> Relation:
    """The partition's documents with verdicts: near duplicates are rejected, by the rule of the settings.

    Args:
        documents: the partition's.
        pairs: those of all partitions that this one sees; the direct rule reads only its own.

    Raises:
        DamagedError: a part of the pairs is not what was committed.
    """
    if settings.rule == "earlier":
        found = engine.query(near.near_duplicates_sql(settings), pairs=pairs.partition(partition).verified())
    else:
        found = _component_duplicates(engine, pairs.verified(), settings)
    return engine.map(engine.attach(documents, found), KeepOthers())


def _component_duplicates(engine: Engine, pairs: Dataset, settings: NearSettings) -> Relation:
    first, *others = star_statements(settings)
    edges = engine.query(first, pairs=pairs)
    for statement in others:
        edges = engine.query(statement, edges=edges)
    stars = engine.map(edges, Stars(settings.max_rounds))
    return engine.query(component_duplicates_sql(settings), stars=stars, pairs=pairs)
