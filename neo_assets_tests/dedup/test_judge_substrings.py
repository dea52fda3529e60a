"""The three steps over an engine and a lake: partitions, part layouts, workers, little memory."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.dedup.cuts import SUBSTRING_CUTS
from neo_assets.dedup.judge_substrings import anchor_index, judge_substrings, window_index
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import SubstringSettings

SETTINGS = SubstringSettings()
SCHEMA = pa.schema([(name, pa.string()) for name in ("doc_id", "precedence", "url", "text", "language")])


def texts(n_documents: int, n_words: int = 120) -> dict[str, str]:
    """Documents of drawn words; each third one has a passage of an earlier one in the middle."""
    draw = random.Random(3)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(2_000)]
    found: dict[str, str] = {}
    for number in range(n_documents):
        text = " ".join(draw.choices(words, k=n_words))
        if number % 3 == 2:
            other = draw.choice(list(found.values()))
            at = draw.randrange(len(other) // 2)
            text = text[:200] + other[at : at + 300] + text[200:]
        found[f"{'books' if number % 2 else 'web'}:{number:04}"] = text
    return found


def table(rows: dict[str, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [{"doc_id": d, "precedence": d, "url": f"u/{d}", "text": t, "language": "en"} for d, t in rows.items()], SCHEMA
    )


def run(
    root: Path, rows: dict[str, str], engine: LocalEngine, split: list[str], part_rows: int = 1_000
) -> dict[str, tuple[str, list[dict[str, object]]]]:
    """All documents judged, in partitions by the sources in `split` (or one for all)."""
    lake = Lake(str(root))

    def commit(name: str, partition: str, relation: Relation) -> Dataset:
        writer = lake.writer(name, partition)
        writer.rows_in = rows_judged(relation)
        return writer.commit(Provenance(), engine.write(relation, writer, "rows"))

    def many(handles: dict[str, Dataset]) -> Dataset:
        manifests = tuple(m for handle in handles.values() for m in handle.manifests)
        return Dataset(lake.store, next(iter(handles.values())).asset, manifests)

    documents: dict[str, Dataset] = {}
    for source in split:
        writer = lake.writer("documents", source)
        writer.table(
            table({d: t for d, t in rows.items() if source == "all:" or d.startswith(source)}), part_rows=part_rows
        )
        documents[source] = writer.commit(Provenance())
    anchors = {p: commit("anchors", p, anchor_index(engine, own, SETTINGS)) for p, own in documents.items()}
    windows = {
        p: commit("windows", p, window_index(engine, own, many(anchors), p, SETTINGS)) for p, own in documents.items()
    }
    found: dict[str, tuple[str, list[dict[str, object]]]] = {}
    for p, own in documents.items():
        judged = commit("judged", p, judge_substrings(engine, own, anchors[p], many(windows), SETTINGS))
        counts = judged.manifest.counts
        assert counts is not None
        assert counts.rows_in == own.rows == counts.kept + counts.rejected
        kept = judged.read()
        assert kept.column_names == [*SCHEMA.names, SUBSTRING_CUTS]
        found |= {row["doc_id"]: (row["text"], row[SUBSTRING_CUTS]) for row in kept.to_pylist()}
    return found


def test_split_parts_and_workers_change_nothing(tmp_path: Path) -> None:
    rows = texts(60)
    whole = run(tmp_path / "one", rows, LocalEngine(), ["all:"])
    assert sum(len(cuts) for _, cuts in whole.values()) >= 18  # nearly every one of the 20 planted passages
    assert run(tmp_path / "parts", rows, LocalEngine(part_rows=7), ["books", "web"], part_rows=4) == whole
    assert run(tmp_path / "two", rows, LocalEngine(workers=2, part_rows=11), ["web", "books"], part_rows=9) == whole


@pytest.mark.parametrize("rows", [{}, {"web:1": ""}, {"web:1": "short"}])
def test_nothing_to_do(tmp_path: Path, rows: dict[str, str]) -> None:
    assert run(tmp_path, rows, LocalEngine(), ["web"]) == {}


def test_a_memory_limit_below_the_size_of_the_data_changes_nothing(tmp_path: Path) -> None:
    rows = texts(600, 600)
    limited = LocalEngine(memory_limit="60MB", part_rows=200)
    assert run(tmp_path / "small", rows, limited, ["all:"], part_rows=200) == run(
        tmp_path / "large", rows, LocalEngine(part_rows=200), ["all:"], part_rows=200
    )
