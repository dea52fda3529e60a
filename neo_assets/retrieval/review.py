"""What the judge looks at in a round: a sample of each stratum of confidence, and a few pages of each base URL.

MAP-Neo chooses its threshold "by inspecting a sub-sample". Here the crawl is cut into strata of confidence, each is
sampled by itself, and every page has one chance that depends on nothing but its id; so nothing is sorted by confidence,
and what the sample says of a stratum holds for all of it (`threshold.choose_threshold`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.model import BASE_URL, REVIEW, REVIEW_SCHEMA
from neo_assets.retrieval.threshold import choose_threshold

__all__ = ["Excerpts", "Strata", "choose_threshold", "review_sql", "strata_sql"]

LEFT_OUT = " […] "
"""Between the two pieces of an excerpt."""


@dataclass(frozen=True)
class Strata:
    """Kernel: appends `stratum`, the number of edges at or below the score."""

    edges: tuple[float, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        scores = batch.column("score").to_numpy(zero_copy_only=False)
        strata = np.searchsorted(np.array(self.edges, np.float64), scores, side="right").astype(np.int32)
        return batch.append_column(pa.field("stratum", pa.int32()), pa.array(strata, pa.int32()))


@dataclass(frozen=True)
class Excerpts:
    """Kernel: the rows with a `purpose`, each with what a judge sees of its `text`, as `REVIEW_SCHEMA`.

    A longer text is shown by its beginning and, a third of the length, by its middle: pages begin with headings and
    navigation that say little of what follows.
    """

    excerpt_chars: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = batch.filter(pc.is_valid(batch.column("purpose")))
        shown = [excerpt(text, self.excerpt_chars) for text in rows.column("text").to_pylist()]
        columns = [
            pa.array(shown, field.type) if field.name == "excerpt" else rows.column(field.name).cast(field.type)
            for field in REVIEW_SCHEMA
        ]
        return pa.RecordBatch.from_arrays(columns, schema=REVIEW_SCHEMA)


def excerpt(text: str | None, n_chars: int) -> str:
    """At most `n_chars` characters of the text without white space around it, and the mark of what is left out."""
    text = (text or "").strip()
    if len(text) <= n_chars:
        return text
    n_middle = n_chars // 3
    middle = max(n_chars - n_middle, (len(text) - n_middle) // 2)
    return text[: n_chars - n_middle] + LEFT_OUT + text[middle : middle + n_middle]


def review_sql(settings: ReviewSettings, recall: RecallSettings) -> str:
    """The pages to be judged of `scored` (`SCORE_SCHEMA` and `stratum`): doc_id, purpose, stratum, by doc_id.

    Of each stratum, and of the pages at or above the floor of each base URL, the first few by sample key that were not
    collected before. A page that both would take is there once, for its stratum.
    """
    above = f"score >= CAST({settings.floor!r} AS DOUBLE)"
    return f"""
SELECT doc_id, CASE WHEN in_stratum <= {settings.pages_per_stratum} THEN '{REVIEW}' ELSE '{BASE_URL}' END AS purpose,
       stratum
FROM (
    SELECT doc_id, stratum, {above} AS above,
           ROW_NUMBER() OVER (PARTITION BY stratum ORDER BY sample_key, doc_id) AS in_stratum,
           ROW_NUMBER() OVER (PARTITION BY base_url, {above} ORDER BY sample_key, doc_id) AS in_base_url
    FROM scored
    WHERE NOT collected
) AS placed
WHERE in_stratum <= {settings.pages_per_stratum} OR (above AND in_base_url <= {recall.judged_per_base_url})
ORDER BY doc_id
"""  # noqa: S608  (numbers of the recipe)


def strata_sql(settings: ReviewSettings) -> str:
    """`STRATUM_SCHEMA`: how many pages of `scored` that were not collected before lie in each stratum that has any.

    A confidence of 1 is in the last one.
    """
    lows, highs = (0.0, *settings.edges), (*settings.edges, 1.0)
    low, high = (" ".join(f"WHEN {place} THEN CAST({edge!r} AS DOUBLE)" for place, edge in enumerate(edges))
                 for edges in (lows, highs))  # fmt: skip
    return f"""
SELECT stratum, CASE stratum {low} END AS low, CASE stratum {high} END AS high, CAST(COUNT(*) AS BIGINT) AS pages
FROM scored
WHERE NOT collected
GROUP BY stratum
ORDER BY stratum
"""  # noqa: S608  (numbers of the recipe)
