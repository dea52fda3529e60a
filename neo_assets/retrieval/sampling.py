"""The draw of a round: which positives, and which of the other pages, a classifier learns from and is measured on."""

from __future__ import annotations

from neo_assets.recipe.supplement import SamplingSettings
from neo_assets.retrieval.model import TEST, TRAIN, VALID

MIN_BASE_URLS = 4
"""With fewer base URLs all of them are trained on: one to validate and one to test would be half of what there is."""


def drawn_sql(settings: SamplingSettings) -> str:
    """SQL for (doc_id, label, split), by doc_id, over `candidates`: doc_id, base_url, both keys, and label 1 or 0.

    Base URLs are put in splits, those with positives and those without by themselves: of at least four, the first by
    `site_key` validate, the next test, one at least each. So no base URL is in two splits.

    Of each base URL with positives up to ceil(per_class / number of such base URLs) are drawn, all if it has fewer, and
    at most `per_class` altogether: the first by `sample_key`. In every split there are as many negatives as positives,
    again the first; the larger class is cut to the smaller one. MAP-Neo draws and cuts alike, but splits single
    records, so that a site's boilerplate is in all its splits.

    Where a class has no candidate at all, one document a split is left of the other, for training to say so.
    """
    n_valid, n_test = (_share(share) for share in (settings.valid_share, settings.test_share))
    return f"""
WITH sites AS (
    SELECT base_url, MIN(site_key) AS site_key, MAX(label) AS positive FROM candidates GROUP BY base_url
),
places AS (
    SELECT
        base_url, positive,
        ROW_NUMBER() OVER (PARTITION BY positive ORDER BY site_key, base_url) AS place,
        COUNT(*) OVER (PARTITION BY positive) AS n
    FROM sites
),
splits AS (
    SELECT
        base_url, n,
        CASE
            WHEN n < {MIN_BASE_URLS} THEN '{TRAIN}'
            WHEN place <= {n_valid} THEN '{VALID}'
            WHEN place <= {n_valid} + {n_test} THEN '{TEST}'
            ELSE '{TRAIN}'
        END AS split
    FROM places
),
positives AS (
    SELECT
        doc_id, candidates.base_url, split, n, sample_key, site_key,
        ROW_NUMBER() OVER (PARTITION BY candidates.base_url ORDER BY sample_key, doc_id) AS place
    FROM candidates JOIN splits ON candidates.base_url = splits.base_url WHERE label = 1
),
spread AS (
    SELECT
        doc_id, split, ROW_NUMBER() OVER (ORDER BY place, site_key, base_url) AS place
    FROM positives WHERE (place - 1) * n < {settings.per_class}
),
ranked AS (
    SELECT doc_id, 1 AS label, split, ROW_NUMBER() OVER (PARTITION BY split ORDER BY place) AS place
    FROM spread WHERE place <= {settings.per_class}
    UNION ALL
    SELECT doc_id, 0 AS label, split, ROW_NUMBER() OVER (PARTITION BY split ORDER BY sample_key, doc_id) AS place
    FROM candidates JOIN splits ON candidates.base_url = splits.base_url WHERE label = 0
),
sizes AS (
    SELECT
        split, SUM(label) AS n_positives, SUM(1 - label) AS n_negatives,
        SUM(SUM(label)) OVER () AS all_positives, SUM(SUM(1 - label)) OVER () AS all_negatives
    FROM ranked GROUP BY split
),
taken AS (
    SELECT
        split,
        CASE WHEN LEAST(all_positives, all_negatives) = 0 THEN 1 ELSE LEAST(n_positives, n_negatives) END AS n_taken
    FROM sizes
)
SELECT doc_id, CAST(label AS INT) AS label, ranked.split AS split
FROM ranked JOIN taken ON ranked.split = taken.split
WHERE place <= n_taken
ORDER BY doc_id
"""  # noqa: S608  (checked numbers and constants)


def _share(share: float) -> str:
    """How many of `n` base URLs, one at least."""
    return f"GREATEST(1, CAST(FLOOR(CAST({share!r} AS DOUBLE) * n) AS BIGINT))"
