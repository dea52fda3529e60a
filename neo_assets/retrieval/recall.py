"""Recall of a round: which pages are taken, what that says of their base URLs, and what is known of the domain after.

SQL over the round's tables. The threshold comes as the chosen row of a relation `thresholds` (`THRESHOLD_SCHEMA`): no
row, no recall. MAP-Neo keeps what lies above a confidence and then looks at base URLs of which more than a tenth was
recalled; here pages that the judge refused, and base URLs that it mostly refused, are taken out first.
"""

from __future__ import annotations

from neo_assets.lake.records import KEPT, REJECTED
from neo_assets.recipe.supplement import RecallSettings, ReviewSettings
from neo_assets.retrieval.model import ANNOTATED, BASE_URL, POSITIVE_SCHEMA, RECALLED

CONFIDENCE_RULE, JUDGE_RULE, BASE_URL_RULE = "confidence", "judge", "base_url"
NO_STRATUM = -1
"""The stratum of pages that are asked about for their base URL, whatever their confidence."""
SAID_CHARS = 300
"""Of a judge's answer, in the reason of a rejection."""

_BAR = "bar AS (SELECT MAX(threshold) AS threshold FROM thresholds WHERE chosen)"


def sites_sql(review: ReviewSettings, recall: RecallSettings) -> str:
    """`SITE_SCHEMA`: base URLs with a page above the threshold, by base_url.

    Relations: `scored` (`SCORE_SCHEMA`), `judgements` (`JUDGEMENT_SCHEMA`; rows without an answer count for nothing),
    `thresholds`. A hit is a page above the threshold that the judge did not refuse, collected before or not; so a base
    URL of which it refused all has none, and is there. `judged` are the answers about pages at or above the floor.
    """
    return f"""
WITH {_BAR},
answers AS (
    SELECT
        base_url,
        CAST(COUNT(*) AS BIGINT) AS judged,
        CAST(SUM(CASE WHEN belongs THEN 1 ELSE 0 END) AS BIGINT) AS confirmed
    FROM judgements
    WHERE belongs IS NOT NULL AND score >= {_double(review.floor)}
    GROUP BY base_url
),
refused AS (SELECT DISTINCT doc_id FROM judgements WHERE NOT belongs),
marked AS (
    SELECT
        s.base_url,
        CASE WHEN s.collected THEN 1 ELSE 0 END AS known,
        CASE WHEN s.score > b.threshold THEN 1 ELSE 0 END AS above,
        CASE WHEN s.score > b.threshold AND r.doc_id IS NULL THEN 1 ELSE 0 END AS hit
    FROM scored s CROSS JOIN bar b LEFT JOIN refused r ON s.doc_id = r.doc_id
),
counts AS (
    SELECT
        base_url,
        CAST(COUNT(*) AS BIGINT) AS pages,
        CAST(SUM(hit) AS BIGINT) AS hits,
        CAST(SUM(hit * (1 - known)) AS BIGINT) AS new_hits
    FROM marked
    GROUP BY base_url
    HAVING SUM(above) > 0
),
judged_counts AS (
    SELECT
        c.base_url, c.pages, c.hits, c.new_hits,
        CAST(c.hits AS DOUBLE) / CAST(c.pages AS DOUBLE) AS hit_rate,
        COALESCE(a.judged, 0) AS judged,
        COALESCE(a.confirmed, 0) AS confirmed,
        CASE
            WHEN a.judged IS NULL THEN FALSE
            ELSE CAST(a.confirmed AS DOUBLE) / CAST(a.judged AS DOUBLE) < {_double(recall.min_confirmed)}
        END AS refuted
    FROM counts c LEFT JOIN answers a ON c.base_url = a.base_url
)
SELECT
    base_url, pages, hits, hit_rate, new_hits, judged, confirmed, refuted AS foreign,
    NOT refuted AND pages >= {recall.min_pages} AND hit_rate > {_double(recall.hit_rate)} AS specific
FROM judged_counts
ORDER BY base_url
"""  # noqa: S608  (numbers of the recipe)


def recalled_sql(review: ReviewSettings, recall: RecallSettings) -> str:
    """Judges every page at or above the floor: doc_id, url, base_url, title, score, collected and the verdict columns.

    Relations: `scored`, `judgements`, `thresholds` and `sites` (`SITE_SCHEMA`). The first rule that speaks against a
    page counts: `confidence`, not above the threshold; `judge`, refused by it (value: the confidence nevertheless);
    `base_url`, the judge confirmed too few of the judged pages of its base URL (value: the share). Pages collected
    before are kept, so that nothing found is lost again; of them `collected` is true. Nothing without a threshold.
    """
    return f"""
WITH {_BAR},
refused AS (SELECT doc_id, MIN(said) AS said FROM judgements WHERE NOT belongs GROUP BY doc_id),
refuted AS (SELECT t.base_url, t.judged, t.confirmed FROM sites t WHERE t.foreign),
ruled AS (
    SELECT
        s.doc_id, s.url, s.base_url, s.title, s.score, s.collected,
        b.threshold, r.said, f.judged, f.confirmed,
        CASE
            WHEN s.collected THEN NULL
            WHEN s.score <= b.threshold THEN '{CONFIDENCE_RULE}'
            WHEN r.doc_id IS NOT NULL THEN '{JUDGE_RULE}'
            WHEN f.base_url IS NOT NULL THEN '{BASE_URL_RULE}'
        END AS rule
    FROM scored s
    CROSS JOIN bar b
    LEFT JOIN refused r ON s.doc_id = r.doc_id
    LEFT JOIN refuted f ON s.base_url = f.base_url
    WHERE b.threshold IS NOT NULL AND s.score >= {_double(review.floor)}
)
SELECT
    doc_id, url, base_url, title, score, collected,
    CASE WHEN rule IS NULL THEN '{KEPT}' ELSE '{REJECTED}' END AS verdict,
    rule,
    CASE
        WHEN rule = '{BASE_URL_RULE}' THEN CAST(confirmed AS DOUBLE) / CAST(judged AS DOUBLE)
        WHEN rule IS NOT NULL THEN score
    END AS value,
    CASE
        WHEN rule = '{BASE_URL_RULE}' THEN {_double(recall.min_confirmed)}
        WHEN rule IS NOT NULL THEN threshold
    END AS threshold,
    CAST(NULL AS STRING) AS survivor,
    CAST(NULL AS DOUBLE) AS similarity,
    CASE
        WHEN rule = '{CONFIDENCE_RULE}' THEN 'the confidence is not above the threshold of the round'
        WHEN rule = '{JUDGE_RULE}' THEN 'the judge said that it does not belong: '
            || SUBSTRING(COALESCE(said, ''), 1, {SAID_CHARS})
        WHEN rule = '{BASE_URL_RULE}' THEN 'the judge confirmed ' || CAST(confirmed AS STRING) || ' of '
            || CAST(judged AS STRING) || ' judged pages of ' || base_url
    END AS reason
FROM ruled
ORDER BY doc_id
"""  # noqa: S608  (numbers of the recipe, and names from here)


def revisited_sql(recall: RecallSettings) -> str:
    """The other pages of specific base URLs that the judge shall be asked about: `REVIEW_SCHEMA` without `excerpt`.

    Relations: `scored`, `sites`, and `recalled`, the pages that were kept. Of each base URL the first few by sample
    key that were neither recalled nor collected before, whatever their confidence.
    """
    return f"""
WITH kept AS (SELECT DISTINCT doc_id FROM recalled),
others AS (
    SELECT
        s.doc_id, s.url, s.base_url, s.title, s.score, s.collected,
        ROW_NUMBER() OVER (PARTITION BY s.base_url ORDER BY s.sample_key, s.doc_id) AS place
    FROM scored s
    JOIN sites t ON s.base_url = t.base_url
    LEFT JOIN kept k ON s.doc_id = k.doc_id
    WHERE t.specific AND NOT s.collected AND k.doc_id IS NULL
)
SELECT
    doc_id, url, base_url, title, score, collected, '{BASE_URL}' AS purpose, CAST({NO_STRATUM} AS INT) AS stratum
FROM others
WHERE place <= {recall.annotated_per_base_url}
ORDER BY doc_id
"""  # noqa: S608  (numbers of the recipe, and names from here)


def positives_sql(round_number: int) -> str:
    """`POSITIVE_SCHEMA`: what is known of the domain after a round, one row a page, by doc_id.

    Relations: `positives`, those before the round; `recalled`, the pages that were kept; `annotations`
    (`JUDGEMENT_SCHEMA`). What was a positive stays as it was; a page that came in twice came in by its confidence.
    """
    columns = ", ".join(POSITIVE_SCHEMA.names)
    now = f"CAST({int(round_number)} AS INT)"
    return f"""
WITH found AS (
    SELECT {columns}, 0 AS place FROM positives
    UNION ALL
    SELECT doc_id, url, base_url, '{RECALLED}' AS how, {now} AS round, score, 1 AS place
    FROM recalled WHERE NOT collected
    UNION ALL
    SELECT doc_id, url, base_url, '{ANNOTATED}' AS how, {now} AS round, score, 2 AS place
    FROM annotations WHERE belongs
),
placed AS (
    SELECT {columns}, ROW_NUMBER() OVER (PARTITION BY doc_id ORDER BY round, place, score) AS first FROM found
)
SELECT {columns} FROM placed WHERE first = 1 ORDER BY doc_id
"""  # noqa: S608  (column names of a schema, and a whole number)


def _double(value: float) -> str:
    """A literal that both engines read as this very number: a bare one would be a decimal."""
    return f"CAST({float(value)!r} AS DOUBLE)"
