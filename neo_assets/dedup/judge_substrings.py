"""Exact substring deduplication over an engine: the two indexes, and the judgement of one partition's documents.

SQL moves rows and spills what does not fit in memory; kernels see one part. A partition's documents are read by its own
steps only: what the others need of them stands in the indexes. Documents are numbered in the order of precedence within
a statement, so that places in them are compared as integers (up to 2^31 documents, and 2^31 runs in one of them).
"""

from __future__ import annotations

from neo_assets.dedup.anchors import KEY_CHARS, Anchors
from neo_assets.dedup.substring import ORIGINS, PASSAGE_BITS, PASSAGES, CutSubstrings
from neo_assets.dedup.survivors import doc_id_of
from neo_assets.dedup.windows import Windows, first_runs_sql, number_of, place_sql, runs_sql
from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import SubstringSettings


def anchor_index(engine: Engine, documents: Relation, settings: SubstringSettings) -> Relation:
    """The runs of windows of one partition's documents (`ANCHOR_SCHEMA`)."""
    return engine.map(documents, Anchors(settings))


def window_index(
    engine: Engine, documents: Relation, anchors: Dataset, partition: str, settings: SubstringSettings
) -> Relation:
    """Of the partition's documents the runs that are the first of their content (`WINDOW_SCHEMA`).

    Args:
        engine: carries it out.
        documents: those of the partition.
        anchors: the anchor index of all partitions.
        partition: the documents'.
        settings: the same as for the anchor index.

    Raises:
        DamagedError: a part of the index is not what was committed.
    """
    anchors = anchors.verified()
    firsts = engine.query(first_runs_sql(), anchors=anchors, own=anchors.partition(partition))
    return engine.map(engine.attach(documents, firsts), Windows(settings))


def judge_substrings(
    engine: Engine, documents: Relation, anchors: Dataset, windows: Dataset, settings: SubstringSettings
) -> Relation:
    """The partition's documents without repeated passages, those left too short rejected.

    Args:
        engine: carries it out.
        documents: those of the partition.
        anchors: the anchor index of the partition.
        windows: the window index of all partitions.
        settings: the same as for the indexes.

    Raises:
        DamagedError: a part of an index is not what was committed.
    """
    passages = engine.query(passages_sql(settings), anchors=anchors.verified(), windows=windows.verified())
    return engine.map(engine.attach(documents, passages), CutSubstrings(settings))


def passages_sql(settings: SubstringSettings) -> str:
    """`passages` and `origins`, as `CutSubstrings` reads them, of each document (doc_id) that repeats something.

    A run repeats the first one of its content; and the windows that this one shares with earlier contents stand first
    there. Windows shared with one run need not be neighbours: those between are shared as well, with it and with one
    that is earlier still.

    Relations: `anchors` (`ANCHOR_SCHEMA`) of the documents, and `windows` (`WINDOW_SCHEMA`) of all partitions.
    """
    most = settings.window_chars - settings.anchor_chars + 1
    unit = 1 << PASSAGE_BITS
    # Only numbers from checked settings enter the text.
    return f"""
WITH documents AS (
    SELECT precedence, ROW_NUMBER() OVER (ORDER BY precedence) AS number
    FROM (SELECT precedence FROM windows UNION SELECT precedence FROM anchors) AS named
),
firsts AS (
    SELECT w.anchor, w.content, w.windows, {place_sql("d.number", "w.run")} AS place
    FROM windows w JOIN documents d ON w.precedence = d.precedence
),
listed AS (
    SELECT anchor, place, s.shift AS shift,
        SUBSTRING(windows, CAST(s.shift * {KEY_CHARS} + 1 AS INT), {KEY_CHARS}) AS hash
    FROM firsts CROSS JOIN (SELECT * FROM range({most})) AS s(shift)
    WHERE LENGTH(windows) > s.shift * {KEY_CHARS}
),
first_windows AS (
    SELECT anchor, hash, MIN(place) AS place FROM listed GROUP BY anchor, hash HAVING COUNT(*) > 1
),
found AS (
    SELECT place AS content, place, 0 AS shift, 0 AS windows FROM firsts
    UNION ALL
    SELECT l.place AS content, w.place, MIN(l.shift) AS shift, MAX(l.shift) - MIN(l.shift) + 1 AS windows
    FROM listed l JOIN first_windows w ON l.anchor = w.anchor AND l.hash = w.hash
    WHERE w.place < l.place
    GROUP BY l.place, w.place
),
own AS (
    SELECT d.number, r.run, f.place AS content
    FROM ({runs_sql("anchors")}) AS r
        JOIN documents d ON r.precedence = d.precedence
        JOIN firsts f ON r.anchor = f.anchor AND r.content = f.content
),
repeats AS (
    SELECT o.number, {number_of("f.place")} AS origin, (o.run * {unit} + f.shift) * {unit} + f.windows AS passage
    FROM own o JOIN found f ON o.content = f.content
    WHERE f.place < {place_sql("o.number", "o.run")}
),
lists AS (
    SELECT number, origin, ARRAY_AGG(passage) AS passages
    FROM (SELECT * FROM repeats UNION ALL SELECT DISTINCT number, origin, -1 - origin AS passage FROM repeats) AS marked
    GROUP BY number, origin
)
SELECT {doc_id_of("d.precedence")} AS doc_id, ARRAY_AGG(l.passages) AS {PASSAGES}, ARRAY_AGG(k.precedence) AS {ORIGINS}
FROM lists l JOIN documents d ON l.number = d.number JOIN documents k ON l.origin = k.number
GROUP BY d.precedence
ORDER BY doc_id
"""  # noqa: S608
