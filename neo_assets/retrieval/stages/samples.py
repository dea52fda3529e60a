"""Sampling: positives of every base URL, and as many pages of the pool that are none."""

from __future__ import annotations

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.corpus import Line
from neo_assets.recipe.supplement import SamplingSettings
from neo_assets.retrieval.kernels import FromFiles, Take, Without
from neo_assets.retrieval.lines import Lines
from neo_assets.retrieval.model import SAMPLE_SCHEMA
from neo_assets.retrieval.sampling import drawn_sql
from neo_assets.retrieval.stages.pool import Draw, has_stopped, known_of, pages_of

CANDIDATES = """
SELECT doc_id, url, base_url, sample_key, site_key, COALESCE(known, 0) AS label FROM pages
UNION ALL
SELECT doc_id, url, base_url, sample_key, site_key, 1 AS label FROM texts
ORDER BY doc_id
"""

SAMPLE = """
SELECT doc_id, url, base_url, label, split, line FROM pages
UNION ALL
SELECT doc_id, url, base_url, label, split, line FROM texts
ORDER BY doc_id
"""


def sample(
    engine: Engine, pool: Relation, seeds: Dataset, before: Dataset, language: Line, settings: SamplingSettings,
    draw: Draw,
) -> Relation:  # fmt: skip
    """`SAMPLE_SCHEMA`; empty after the loop stopped.

    Args:
        before: the positives so far (`POSITIVE_SCHEMA`); what a round recalled is among them, so it is no negative.
    """
    if has_stopped(before):
        return SAMPLE_SCHEMA.empty_table()
    pages = engine.attach(pages_of(engine, pool, draw), known_of(engine, before))
    texts = pages_of(engine, engine.map(seeds, FromFiles()), draw)
    candidates = engine.query(
        CANDIDATES, pages=engine.map(pages, Without(("text",))), texts=engine.map(texts, Without(("text",)))
    )
    drawn = engine.query(drawn_sql(settings), candidates=candidates)
    chosen = Take("label", (*SAMPLE_SCHEMA.names[:-1], "text"))
    lines = Lines(language, settings.max_chars)
    return engine.query(
        SAMPLE,
        pages=engine.map(engine.attach(pages, drawn), chosen, lines),
        texts=engine.map(engine.attach(texts, drawn), chosen, lines),
    )
