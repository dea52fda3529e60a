"""What the judge looks at: a sample of every stratum of confidence and of every base URL, and later whole sites."""

from __future__ import annotations

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Draft, Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.kernels import BaseUrls
from neo_assets.retrieval.review import Excerpts, Strata, review_sql, strata_sql

CHOSEN = """
SELECT s.doc_id, s.score, s.collected, r.purpose, r.stratum
FROM review r JOIN scored s ON r.doc_id = s.doc_id ORDER BY s.doc_id
"""


def review(
    engine: Engine, pool: Relation, scored: Dataset, settings: ReviewSettings, recall: RecallSettings,
    excerpt_chars: int,
) -> Draft:  # fmt: skip
    """`REVIEW_SCHEMA`; the table `strata` counts the pages of the pool in each stratum (`STRATUM_SCHEMA`)."""
    graded = engine.map(scored, Strata(settings.edges))
    chosen = engine.query(CHOSEN, review=engine.query(review_sql(settings, recall), scored=graded), scored=scored)
    strata = engine.query(strata_sql(settings), scored=graded)
    return Draft(tables={"rows": shown(engine, pool, chosen, excerpt_chars), "strata": strata})


def shown(engine: Engine, pool: Relation, chosen: Relation, excerpt_chars: int) -> Relation:
    """`REVIEW_SCHEMA`: the chosen pages (doc_id, score, collected, purpose, stratum) with what a judge sees of them."""
    pages = engine.attach(engine.map(pool, BaseUrls()), chosen)
    return engine.map(pages, Excerpts(excerpt_chars))
