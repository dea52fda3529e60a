"""Confidence: every page of the pool scored by the round's classifier."""

from __future__ import annotations

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.kernels import Collected
from neo_assets.retrieval.model import SCORE_SCHEMA
from neo_assets.retrieval.scoring import Score
from neo_assets.retrieval.stages.pool import Draw, known_of, pages_of

MODEL = "model.ftz"
"""The classifier's file; absent where a round has none, because the loop stopped before it."""


def scored(
    engine: Engine, pool: Relation, before: Dataset, classifier: Dataset, language: Line, max_chars: int, draw: Draw
) -> Relation:
    """`SCORE_SCHEMA`; empty where there is no classifier."""
    model = classifier.manifest.files.get(MODEL)
    if model is None:
        return SCORE_SCHEMA.empty_table()
    pages = engine.attach(pages_of(engine, pool, draw), known_of(engine, before))
    score = Score(str(classifier.file(MODEL)), model.sha256, language, max_chars)
    return engine.map(pages, score, Collected())
