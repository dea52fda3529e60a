"""Recall: the threshold by the judge's sample, base URLs and what it says of them, pages taken, sites revisited."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Draft, Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.recall import recalled_sql, revisited_sql, sites_sql
from neo_assets.retrieval.stages.reviews import shown
from neo_assets.retrieval.threshold import choose_threshold

THRESHOLDS = "thresholds"


def domain_report(
    engine: Engine, scored: Dataset, review: Dataset, judgements: Dataset, settings: ReviewSettings,
    recall: RecallSettings,
) -> Draft:  # fmt: skip
    """`SITE_SCHEMA`: base URLs with a page above the threshold; `thresholds` are those that could be taken."""
    thresholds = choose_threshold(review.named("strata").read(), judgements.read(), settings)
    sites = engine.query(sites_sql(settings, recall), scored=scored, judgements=judgements, thresholds=thresholds)
    return Draft(tables={"rows": sites, THRESHOLDS: thresholds}, metadata=_chosen(thresholds))


def recalled(
    engine: Engine, scored: Dataset, judgements: Dataset, report: Dataset, settings: ReviewSettings,
    recall: RecallSettings,
) -> Relation:  # fmt: skip
    """Pages at or above the floor with verdicts: above the threshold, not refused, on no base URL that was."""
    thresholds = report.named(THRESHOLDS).read()
    return engine.query(
        recalled_sql(settings, recall), scored=scored, judgements=judgements, thresholds=thresholds, sites=report
    )


def revisited(
    engine: Engine, pool: Relation, scored: Dataset, recalled: Dataset, report: Dataset, recall: RecallSettings,
    excerpt_chars: int,
) -> Relation:  # fmt: skip
    """`REVIEW_SCHEMA`: the pages of specific base URLs that were passed over."""
    others = engine.query(revisited_sql(recall), scored=scored, sites=report, recalled=recalled)
    return shown(engine, pool, engine.query(ASKED, others=others), excerpt_chars)


ASKED = "SELECT doc_id, score, collected, purpose, stratum FROM others ORDER BY doc_id"


def _chosen(thresholds: pa.Table) -> dict[str, Any]:
    """The chosen threshold, for people."""
    found = [row for row in thresholds.to_pylist() if row["chosen"]]
    if not found:
        return {"threshold": "none: the loop had stopped"}
    names = {"precision": "estimated precision", "low": "at least", "high": "at most", "pages": "pages above it"}
    told = {name: found[0][key] for key, name in names.items() if found[0][key] is not None}
    all_of_them = [
        {key: "" if value is None else value for key, value in row.items()} for row in thresholds.to_pylist()
    ]
    return {"threshold": found[0]["threshold"], "reason": found[0]["reason"], **told, "thresholds": all_of_them}
