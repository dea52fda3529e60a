"""Refinement: what is known of the domain after a round, what the round brought, and whether it was the last."""

from __future__ import annotations

from itertools import chain
from typing import Any, NamedTuple

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Draft
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.supplement import RecallSettings, TruthSettings
from neo_assets.retrieval.model import PAGE, PROGRESS_SCHEMA
from neo_assets.retrieval.progress import STATE, Asked, Truth, counted, new_of, progress_row, round_state, truth_of
from neo_assets.retrieval.recall import positives_sql
from neo_assets.retrieval.stages.recalls import THRESHOLDS

PROGRESS = "progress"
_PAGE = [field.name for field in PAGE]


class Found(NamedTuple):
    """The tables of one round."""

    seeds: Dataset
    before: Dataset
    scored: Dataset
    judgements: Dataset
    report: Dataset
    recalled: Dataset
    annotations: Dataset


def positives(
    engine: Engine, domain: str, number: int, found: Found, truth: TruthSettings | None, settings: RecallSettings
) -> Draft:
    """`POSITIVE_SCHEMA`; the table `progress` has a row for every round so far, the file `STATE` says if it goes on."""
    rows = engine.query(
        positives_sql(number), positives=found.before, recalled=found.recalled, annotations=found.annotations
    )
    progress = _progress(domain, number, found, truth, settings)
    return Draft(
        tables={"rows": rows, PROGRESS: progress},
        files={STATE: round_state(progress)},
        metadata=_told(progress),
    )


def _progress(
    domain: str, number: int, found: Found, truth: TruthSettings | None, settings: RecallSettings
) -> pa.Table:
    previous = found.before.named(PROGRESS).read() if number > 1 else PROGRESS_SCHEMA.empty_table()
    counts = counted(
        found.before.batches(), found.recalled.batches(), found.annotations.batches(), found.report.batches()
    )
    thresholds = found.report.named(THRESHOLDS).read()
    measured = _truth(found, truth) if truth else None
    return progress_row(domain, number, previous, counts, thresholds, _asked(found), measured, settings)


def _truth(found: Found, truth: TruthSettings) -> Truth:
    new = new_of(found.recalled.batches(), found.annotations.batches())
    known = chain(found.before.batches(_PAGE), *new)
    return truth_of(found.scored.batches(_PAGE), known, found.seeds.batches(["doc_id", "base_url"]), truth)


def _asked(found: Found) -> Asked:
    """Answers and failures of the round."""
    failed = sum(m.counts.quarantined for d in (found.judgements, found.annotations) for m in d.manifests if m.counts)
    return Asked(found.judgements.rows + found.annotations.rows, failed)


def _told(progress: pa.Table) -> dict[str, Any]:
    last = progress.slice(progress.num_rows - 1).to_pylist()[0]
    names = ("positives", "new_documents", "new_base_urls", "new_share", "truth_precision", "truth_recall", "reason")
    return {name.replace("_", " "): last[name] for name in names if last[name] is not None}
