"""Near deduplication: the rows of its steps, as SQL. `judge_near` puts them together.

The direct rule (`earlier`): a document is removed if and only if, among all documents of the line that rank before it
and entered this stage, *removed or not*, there is one that shares a band with it and is similar enough. Nothing that
ranks later, and no verdict of another document, has a say. So the result is the same however the documents are divided
into days, provided later days rank later, and each day needs only what came before.

Compared with connected components (see `components`), which keep one document of each cluster, this may keep a second
one, where two documents became linked only by a third that ranks after both: removing one of them then would rewrite
the past. Compared with matching against survivors only, it removes the end of a chain A ~ B ~ C although B is gone.

The survivor named is the first similar document. It may itself have been removed in favour of one before it; the chain
ends at a document that was kept.

Run again on the kept documents, both rules remove nothing, but for a case: where a bucket held more documents than
`partners_per_bucket`, those who first looked at removed ones now look at others.
"""

from __future__ import annotations

from neo_assets.dedup.survivors import doc_id_of
from neo_assets.recipe.dedup import NearSettings

# Only numbers from checked settings enter the texts of this module.


def candidate_pairs_sql(settings: NearSettings) -> str:
    """Pairs as in `PAIR_SCHEMA`, not measured, of documents that share a bucket, each with those that rank before it.

    Relations: `own_bands` and `other_bands` (`band_schema`, no document in both); the first documents of the pairs are
    of the former. In each bucket a document is compared with the `partners_per_bucket` first ones only, so a bucket of
    n documents gives no n² pairs.
    """
    return f"""
WITH {_pairs(settings)}
SELECT precedence, other, band, CAST(NULL AS DOUBLE) AS similarity
FROM pairs
ORDER BY precedence, other
"""  # noqa: S608


def pair_texts_sql() -> str:
    """The pairs with both texts, for `VerifyPairs`.

    Relations: `pairs` (`candidate_pairs_sql`), and `documents` and `other_documents` (precedence, text, …). It is a
    statement of its own, so that the memory in which pairs were found is free when texts are sorted.
    """
    return """
WITH own AS (
    SELECT precedence, text FROM documents WHERE precedence IN (SELECT precedence FROM pairs)
),
others AS (
    SELECT precedence, text FROM documents WHERE precedence IN (SELECT other FROM pairs)
    UNION ALL
    SELECT precedence, text FROM other_documents WHERE precedence IN (SELECT other FROM pairs)
)
SELECT p.precedence, p.other, p.band, c.text AS text, o.text AS other_text
FROM pairs p JOIN own c ON p.precedence = c.precedence JOIN others o ON p.other = o.precedence
ORDER BY p.precedence, p.other
"""


def near_duplicates_sql(settings: NearSettings) -> str:
    """The documents that the direct rule rejects by `pairs` (`PAIR_SCHEMA`): doc_id and verdict columns, by doc_id."""
    return f"""
WITH matches AS (
    SELECT precedence, other, band, similarity, ROW_NUMBER() OVER (PARTITION BY precedence ORDER BY other) AS place
    FROM pairs
    WHERE {similar_enough(settings)}
)
SELECT {verdict_columns("precedence", "other", settings)},
    'met in band ' || CAST(band AS STRING) || ' of {settings.bands}' AS reason
FROM matches
WHERE place = 1
ORDER BY doc_id
"""  # noqa: S608


def similar_enough(settings: NearSettings) -> str:
    """SQL: whether a pair counts. With `verify: nothing` all do."""
    return "precedence > other" if settings.verify == "nothing" else f"similarity >= {_threshold(settings)}"


def verdict_columns(precedence: str, survivor: str, settings: NearSettings) -> str:
    """SQL for the columns of a rejection but the reason, given both precedences, and `similarity`."""
    threshold = "CAST(NULL AS DOUBLE)" if settings.verify == "nothing" else _threshold(settings)
    return f"""{doc_id_of(precedence)} AS doc_id,
    'rejected' AS verdict,
    'near_duplicate' AS rule,
    similarity AS value,
    {threshold} AS threshold,
    {doc_id_of(survivor)} AS survivor,
    similarity AS similarity"""


def _threshold(settings: NearSettings) -> str:
    return f"CAST({settings.threshold!r} AS DOUBLE)"


def _pairs(settings: NearSettings) -> str:
    """Common table expressions that end in `pairs` (precedence, other, band).

    Keys that occur once, nearly all, are dropped before anything is known of their documents.
    """
    return f"""numbers AS (
    SELECT * FROM (VALUES {", ".join(f"({band})" for band in range(settings.bands))}) AS n(band)
),
own AS ({_unfolded("own_bands", settings)}),
others AS ({_unfolded("other_bands", settings)}),
shared AS (
    SELECT band, band_key FROM (
        SELECT band, band_key FROM own
        UNION ALL
        SELECT band, band_key FROM others
    ) AS keys GROUP BY band, band_key HAVING COUNT(*) > 1
),
own_shared AS (
    SELECT o.precedence, o.band, o.band_key FROM own o JOIN shared s ON o.band = s.band AND o.band_key = s.band_key
),
met AS (
    SELECT precedence, band, band_key FROM own_shared
    UNION ALL
    SELECT t.precedence, t.band, t.band_key
    FROM others t JOIN shared s ON t.band = s.band AND t.band_key = s.band_key
),
placed AS (
    SELECT
        precedence, band, band_key,
        ROW_NUMBER() OVER (PARTITION BY band, band_key ORDER BY precedence) AS place
    FROM met
),
pairs AS (
    SELECT c.precedence AS precedence, p.precedence AS other, MIN(c.band) AS band
    FROM own_shared c JOIN placed p ON c.band = p.band AND c.band_key = p.band_key
    WHERE p.precedence < c.precedence AND p.place <= {settings.partners_per_bucket}
    GROUP BY c.precedence, p.precedence
)"""  # noqa: S608


def _unfolded(relation: str, settings: NearSettings) -> str:
    """SQL for a row per document and band of an index."""
    whens = " ".join(f"WHEN {band} THEN band_{band}" for band in range(settings.bands))
    return f"SELECT precedence, n.band, CASE n.band {whens} END AS band_key FROM {relation} CROSS JOIN numbers n"  # noqa: S608
