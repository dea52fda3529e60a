"""The index of windows: each distinct content that may meet another one, once, with the hashes of its windows.

Of all runs (see `anchors`) with equal contents only the first one matters to others: whatever its windows repeat, the
later ones repeat too. If all runs with an anchor have one content, nothing more is needed. If they have several, these
may share some of their windows, so the windows' hashes are listed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.anchors import (
    BLOCK,
    KEY_CHARS,
    Int64s,
    UInt32s,
    UInt64s,
    keys_column,
    passage_hash,
    powers,
    prefix_hashes,
    runs_of,
    texts_of,
)
from neo_assets.dedup.survivors import doc_id_of
from neo_assets.recipe.dedup import SubstringSettings

WINDOW_SCHEMA = pa.schema(
    [
        ("precedence", pa.string()),
        ("run", pa.int64()),
        ("anchor", pa.string()),
        ("content", pa.string()),
        ("windows", pa.string()),
    ]
)
"""A document's run that is the first of its content; `windows` are the hashes of its windows, KEY_CHARS each, and
empty where no other content has the anchor."""


def runs_sql(relation: str) -> str:
    """SQL for (precedence, run, anchor, content), a row for each run in an index of `ANCHOR_SCHEMA`."""
    begin = f"CAST(s.slot * {KEY_CHARS} + 1 AS INT), {KEY_CHARS}"
    return f"""
    SELECT precedence, block * {BLOCK} + s.slot AS run, SUBSTRING(anchors, {begin}) AS anchor,
        SUBSTRING(contents, {begin}) AS content
    FROM {relation} CROSS JOIN (SELECT * FROM range({BLOCK})) AS s(slot)
    WHERE LENGTH(anchors) > s.slot * {KEY_CHARS}
"""  # noqa: S608


def place_sql(number: str, run: str) -> str:
    """SQL for the order of all runs: documents by their number, then the runs of a document, as one BIGINT."""
    return f"{number} * CAST(4294967296 AS BIGINT) + {run}"


def number_of(place: str) -> str:
    """SQL for the document's number in a place."""
    return f"CAST(({place} - {place} % 4294967296) / 4294967296 AS BIGINT)"


def first_runs_sql() -> str:
    """Of each document (doc_id) that has a first run its `codes`: twice the run, plus one where runs with the same
    anchor differ in content.

    Relations: `anchors` (`ANCHOR_SCHEMA`) of all partitions, and `own` of the documents.
    """
    return f"""
WITH runs AS ({runs_sql("anchors")}),
documents AS (
    SELECT precedence, ROW_NUMBER() OVER (ORDER BY precedence) AS number
    FROM (SELECT DISTINCT precedence FROM anchors) AS named
),
repeated AS (SELECT anchor FROM runs GROUP BY anchor HAVING COUNT(*) > 1),
firsts AS (
    SELECT r.anchor, r.content, MIN({place_sql("d.number", "r.run")}) AS place
    FROM runs r JOIN repeated a ON r.anchor = a.anchor JOIN documents d ON r.precedence = d.precedence
    GROUP BY r.anchor, r.content
),
marked AS (
    SELECT place, CASE WHEN COUNT(*) OVER (PARTITION BY anchor) > 1 THEN 1 ELSE 0 END AS mixed FROM firsts
),
coded AS (SELECT {number_of("place")} AS number, place % 4294967296 * 2 + mixed AS code FROM marked)
SELECT {doc_id_of("d.precedence")} AS doc_id, ARRAY_AGG(f.code) AS codes
FROM coded f JOIN documents d ON f.number = d.number
WHERE d.precedence IN (SELECT precedence FROM own)
GROUP BY d.precedence
ORDER BY doc_id
"""  # noqa: S608


@dataclass(frozen=True)
class Windows:
    """Kernel: (precedence, text, codes) with codes as in `first_runs_sql`, or null → `WINDOW_SCHEMA`, run by run."""

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch.filter(batch.column("codes").is_valid())
        texts = texts_of(batch.column("text").to_pylist())
        runs = runs_of(texts, self.settings)
        lists = batch.column("codes")
        documents = np.repeat(np.arange(batch.num_rows), lists.value_lengths().to_numpy(zero_copy_only=False))
        codes = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
        order = np.lexsort((codes, documents))
        documents, codes = documents[order], codes[order]
        which = runs.offsets[documents] + codes // 2
        n_listed = np.where(codes % 2 == 1, runs.windows[which], 0)
        bounds = np.append(0, np.cumsum(n_listed))
        hashes = window_hashes(
            texts.points, texts.offsets, documents, runs.starts[which], bounds, self.settings.window_chars
        )
        each = np.arange(which.size + 1, dtype=np.int64)
        return pa.RecordBatch.from_arrays(
            [
                batch.column("precedence").cast(pa.string()).take(pa.array(documents)),
                pa.array(codes // 2, pa.int64()),
                keys_column(runs.anchors[which], each),
                keys_column(runs.contents[which], each),
                keys_column(hashes, bounds),
            ],
            schema=WINDOW_SCHEMA,
        )


@compiled()
def window_hashes(
    points: UInt32s, offsets: Int64s, documents: Int64s, starts: Int64s, bounds: Int64s, window: int
) -> UInt64s:
    """Row i's bounds[i + 1] - bounds[i] windows of text documents[i] from starts[i] on. Rows are sorted by document."""
    power = powers(window + 1)[window]
    found = np.empty(bounds[-1], np.uint64)
    prefix = np.empty(0, np.uint64)
    read = -1
    for row in range(documents.size):
        document = documents[row]
        if bounds[row + 1] > bounds[row] and document != read:
            prefix = prefix_hashes(points[offsets[document] : offsets[document + 1]])
            read = document
        for i in range(bounds[row + 1] - bounds[row]):
            start = starts[row] + i
            found[bounds[row] + i] = passage_hash(prefix, start, start + window, power)
    return found
