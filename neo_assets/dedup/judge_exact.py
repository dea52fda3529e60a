"""Exact deduplication over an engine: against the digests of all partitions, or first against Bloom filters of them.

Filters spare the look-up of a day's texts among those of all days before: with `confirm` only what they take for known
is looked up, so their errors cost time and change nothing; without it they are believed, as MAP-Neo does in Chinese.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.bloom import BloomFilter, CorruptFilter, held_by_any, keys_of
from neo_assets.dedup.exact import EARLIER_SCHEMA, exact_duplicates_sql
from neo_assets.dedup.survivors import doc_id_of
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset, input_name
from neo_assets.recipe.dedup import BloomSettings

FILTER_FILE = "filter.bloom"
MAYBE_KNOWN = "maybe_known"
_DIGESTS = "SELECT DISTINCT text_digest FROM candidates WHERE text_digest IS NOT NULL ORDER BY text_digest"
_KNOWN_DIGESTS = f"SELECT text_digest FROM probed WHERE {MAYBE_KNOWN}"  # noqa: S608


def judge_exact(engine: Engine, documents: Dataset, partition: str) -> Relation:
    """The partition's documents with exact duplicates rejected; `documents` spans it and all others that it sees."""
    return engine.query(
        exact_duplicates_sql(),
        judges="candidates",
        candidates=documents.partition(partition),
        earlier=documents.but(partition) or EARLIER_SCHEMA.empty_table(),
    )


def judge_exact_filtered(
    engine: Engine, documents: Dataset, filters: Sequence[str], partition: str, settings: BloomSettings
) -> Relation:
    """The same, with the filters of the other partitions asked first.

    With `settings.confirm` the result is that of `judge_exact`, row for row. Without it a text that a filter takes for
    known is rejected by the rule `bloom_duplicate` and names no survivor: a filter knows none.

    Args:
        documents: the partition and those before it, of smaller precedence.
        filters: paths of the files with those partitions' filters (`earlier_filters`), in any order.

    Raises:
        ValueError: there are not as many filters as partitions before it, so texts could be missed.
    """
    candidates, earlier = documents.partition(partition), documents.but(partition)
    if len(filters) != len(earlier.manifests):
        raise ValueError(
            f"{len(filters)} filters for {len(earlier.manifests)} partitions of {documents.asset} before {partition}: "
            "give one each"
        )
    if not filters:
        return judge_exact(engine, documents, partition)
    # Texts stay where they are: only digests are sent through the filters.
    probed = engine.map(engine.query(_DIGESTS, candidates=candidates), MaybeKnown(tuple(filters)))
    if not settings.confirm:
        sql = believed_duplicates_sql(settings.error_rate)
        return engine.query(sql, judges="candidates", candidates=candidates, probed=probed)
    return engine.query(
        exact_duplicates_sql(_KNOWN_DIGESTS), judges="candidates", candidates=candidates, earlier=earlier, probed=probed
    )


@dataclass(frozen=True)
class MaybeKnown:
    """Kernel: appends `maybe_known`, whether one of the filters takes `text_digest` for known; false for a null.

    Raises:
        CorruptFilter: a file is damaged, or no filter.
    """

    paths: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        digests = batch.column("text_digest")
        known = np.zeros(batch.num_rows, np.bool_)
        known[np.flatnonzero(pc.is_valid(digests))] = held_by_any(_opened(self.paths), keys_of(digests))
        return batch.append_column(pa.field(MAYBE_KNOWN, pa.bool_()), pa.array(known))


def believed_duplicates_sql(error_rate: float) -> str:
    """Judges every row of `candidates` (doc_id, precedence, text_digest, …) by it and what `MaybeKnown` says.

    Relations: `candidates`, and `probed` (text_digest, maybe_known) with a row for each digest of theirs. Of equal
    texts in `candidates` the one of smallest precedence survives, unless the filters take it for known. Gives the
    candidates' columns and the verdict columns, ordered by doc_id.
    """
    # Only a number from checked settings enters the text.
    return f"""
WITH firsts AS (
    SELECT text_digest, MIN(precedence) AS survives FROM candidates GROUP BY text_digest
),
duplicates AS (
    SELECT
        c.precedence,
        CASE WHEN p.{MAYBE_KNOWN} THEN 'bloom_duplicate' ELSE 'exact_duplicate' END AS rule,
        CASE WHEN NOT p.{MAYBE_KNOWN} THEN {doc_id_of("f.survives")} END AS survivor
    FROM candidates c
    JOIN firsts f ON c.text_digest = f.text_digest
    JOIN probed p ON c.text_digest = p.text_digest
    WHERE p.{MAYBE_KNOWN} OR f.survives < c.precedence
)
SELECT
    c.*,
    CASE WHEN d.rule IS NULL THEN 'kept' ELSE 'rejected' END AS verdict,
    d.rule AS rule,
    CASE WHEN d.rule = 'exact_duplicate' THEN CAST(1.0 AS DOUBLE) END AS value,
    CASE WHEN d.rule = 'exact_duplicate' THEN CAST(1.0 AS DOUBLE) END AS threshold,
    d.survivor AS survivor,
    CASE WHEN d.rule = 'exact_duplicate' THEN CAST(1.0 AS DOUBLE) END AS similarity,
    CASE
        WHEN d.rule = 'exact_duplicate' THEN 'the same text, sha256 ' || c.text_digest
        WHEN d.rule = 'bloom_duplicate' THEN 'the filters of what came before, which take at most a share of '
            || '{error_rate!r} of new texts for known, take sha256 ' || c.text_digest || ' for known'
    END AS reason
FROM candidates c LEFT JOIN duplicates d ON c.precedence = d.precedence
ORDER BY c.doc_id
"""  # noqa: S608


def earlier_filters(bloom: Dataset, documents: Dataset, partition: str) -> list[str]:
    """Local paths of the filters of all partitions of `documents` but this one, each made from the rows in force.

    Raises:
        CorruptFilter: one is missing or was made from other rows; the message says what to build.
        DamagedError: a file is not what was committed.
    """
    paths = []
    for manifest in documents.but(partition).manifests:
        of = bloom.partition(manifest.partition)
        source = input_name(manifest.asset, manifest.partition)
        made_from = of.manifest.provenance.inputs.get(source) if of else None
        if made_from != manifest.digest:
            fault = "was not made from that version" if of else "is missing"
            raise CorruptFilter(
                f"the filter of {source} {fault}; run `neo build {bloom.asset} --partition {manifest.partition}`"
            )
        paths.append(str(of.verified().file(FILTER_FILE)))
    return paths


@lru_cache(maxsize=1)
def _opened(paths: tuple[str, ...]) -> tuple[BloomFilter, ...]:
    """The filters, each checked whole as it is opened; kept for the next batch."""
    found = []
    for path in paths:
        try:
            found.append(BloomFilter.open(path))
        except CorruptFilter as error:
            raise CorruptFilter(f"{path}: {error}") from None
    return tuple(found)
