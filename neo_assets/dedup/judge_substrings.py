"""Exact substring deduplication over an engine: the two indexes, and the judgement of one partition's documents.

SQL moves rows and spills what does not fit in memory; kernels see one part. A partition's documents are read by its own
steps only: what the others need of them stands in the indexes.
"""

from __future__ import annotations

from neo_assets.dedup.anchors import Anchors
from neo_assets.dedup.run_rows import SPAN, FirstRows, RunRows, number_of, numbers_sql
from neo_assets.dedup.shared_windows import ORIGIN_SPAN, ListedRows, SharedWindows, listed_sql
from neo_assets.dedup.substring import ORIGINS, PASSAGES, CutSubstrings
from neo_assets.dedup.windows import Windows, first_runs_sql
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
    return windows_of(engine, documents, anchors, anchors.partition(partition), settings)


def windows_of(
    engine: Engine, documents: Relation, anchors: Relation, own: Relation, settings: SubstringSettings
) -> Relation:
    """The same from an index of all documents and, `own`, the rows of the given ones in it."""
    numbered = engine.query(numbered_sql("anchors"), anchors=anchors)
    runs = engine.map(engine.attach(anchors, numbered), RunRows())
    firsts = engine.query(first_runs_sql(), runs=runs, anchors=anchors, own=own)
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
    return judged_by(engine, documents, anchors.verified(), windows.verified(), settings)


def judged_by(
    engine: Engine, documents: Relation, anchors: Relation, windows: Relation, settings: SubstringSettings
) -> Relation:
    """The same from any relations that hold the indexes."""
    numbered = engine.query(numbered_sql("anchors", "windows"), anchors=anchors, windows=windows)
    listed = engine.map(engine.attach(windows, numbered), ListedRows())
    passages = engine.query(
        passages_sql(),
        runs=engine.map(engine.attach(anchors, numbered), RunRows()),
        firsts=engine.map(engine.attach(windows, numbered), FirstRows()),
        shared=engine.map(engine.query(listed_sql(), listed=listed), SharedWindows(settings)),
        anchors=anchors,
        windows=windows,
    )
    return engine.map(engine.attach(documents, passages), CutSubstrings(settings))


def numbered_sql(*indexes: str) -> str:
    """SQL for (doc_id, number) of the documents in these indexes."""
    return f"SELECT doc_id, number FROM ({numbers_sql(*indexes)}) AS numbered ORDER BY doc_id"  # noqa: S608


def passages_sql() -> str:
    """`passages` and `origins`, as `CutSubstrings` reads them, of each document (doc_id) with runs, and these' lengths.

    A run repeats the first one of its content; and the windows that this one shares with earlier contents stand first
    there.

    Relations: `anchors` (`ANCHOR_SCHEMA`) of the documents and `runs` (`RUN_SCHEMA`) in it; `windows` (`WINDOW_SCHEMA`)
    of all partitions, `firsts` (`RUN_SCHEMA`) in it and the windows they share (`SHARED_SCHEMA`).
    """
    return f"""
WITH documents AS ({numbers_sql("anchors", "windows")}),
own AS (
    SELECT r.place, f.place AS content FROM runs r JOIN firsts f ON r.anchor = f.anchor AND r.content = f.content
),
repeats AS (
    SELECT {number_of("place")} AS number, {number_of("content")} AS origin,
        place % {SPAN} * {SPAN} + {number_of("content")} AS passage
    FROM own WHERE content < place
    UNION ALL
    SELECT {number_of("o.place")} AS number, s.edge % {ORIGIN_SPAN} AS origin,
        -1 - (o.place % {SPAN} * {SPAN} + s.edge) AS passage
    FROM own o JOIN shared s ON o.content = s.content
),
lists AS (SELECT number, ARRAY_AGG(passage) AS {PASSAGES} FROM repeats GROUP BY number),
names AS (
    SELECT p.number, ARRAY_AGG(d.precedence) AS {ORIGINS}
    FROM (SELECT DISTINCT number, origin FROM repeats) AS p JOIN documents d ON p.origin = d.number
    GROUP BY p.number
)
SELECT a.doc_id, l.{PASSAGES}, n.{ORIGINS}, a.windows, a.copies
FROM anchors a JOIN documents d ON a.doc_id = d.doc_id
    LEFT JOIN lists l ON d.number = l.number LEFT JOIN names n ON d.number = n.number
ORDER BY doc_id
"""  # noqa: S608
