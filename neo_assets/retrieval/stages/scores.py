"""Confidence: every page of the pool scored by the round's classifier."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Draft
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.kernels import Collected
from neo_assets.retrieval.model import SCORE_SCHEMA
from neo_assets.retrieval.scoring import Score
from neo_assets.retrieval.speed import N_PAGES, speeds
from neo_assets.retrieval.stages.pool import Draw, known_of, pages_of

MODEL = "model.ftz"
"""The classifier's file; absent where a round has none, because the loop stopped before it."""


def scored(
    engine: Engine, pool: Dataset, before: Dataset, classifier: Dataset, language: Line, max_chars: int, draw: Draw
) -> Draft:
    """`SCORE_SCHEMA`; empty where there is no classifier. The metadata `speed` compares it with plain fastText."""
    model = classifier.manifest.files.get(MODEL)
    if model is None:
        return Draft.of(SCORE_SCHEMA.empty_table())
    pages = engine.attach(pages_of(engine, pool, draw), known_of(engine, before))
    file = classifier.file(MODEL)
    score = Score(str(file), model.sha256, language, max_chars)
    speed = speeds(file, model.sha256, list(islice(_texts(pool), N_PAGES)), language, max_chars)
    return Draft({ROWS: engine.map(pages, score, Collected())}, metadata={"speed": speed} if speed else {})


def _texts(pool: Dataset) -> Iterator[str]:
    for batch in pool.batches(["text"]):
        yield from (text for text in batch.column("text").to_pylist() if text)
