"""Paragraph deduplication carried out by the local engine, over committed partitions."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.dedup.cuts import PARAGRAPH_CUTS
from neo_assets.dedup.judge_paragraphs import judge_paragraphs, paragraph_index
from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Relation, rows_judged
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.dedup import ParagraphSettings
from neo_assets_tests.dedup.test_paragraph import SCHEMA, naive

SETTINGS = ParagraphSettings(exempt_chars=6, min_document_chars=20)
PARTITIONS = ("books", "news")


def corpus() -> pa.Table:
    """120 documents of 1 … 8 paragraphs out of 150; precedence is another order than doc_id's."""
    draw = random.Random(7)
    rows = []
    for i in range(120):
        lines = [draw.choice(["", "short", f"paragraph {draw.randrange(150)} é𠮷"]) for _ in range(draw.randint(1, 8))]
        source = PARTITIONS[draw.randrange(2)]
        rows.append({"doc_id": f"{source}:{i:03}", "precedence": f"{draw.randrange(10**6):06}/{source}:{i:03}"})
        rows[-1] |= {"url": f"u/{i}", "text": "\n".join(lines)}
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["doc_id"]), SCHEMA)


def write(lake: Lake, engine: LocalEngine, asset: str, partition: str | None, relation: Relation) -> None:
    writer = lake.writer(asset, partition)
    writer.rows_in = rows_judged(relation)
    writer.commit(Provenance(), engine.write(relation, writer, "rows"))


def judged(folder: Path, split: bool, workers: int, part_rows: int) -> tuple[pa.Table, pa.Table]:
    """(documents kept, decisions) over all partitions, ordered by doc_id."""
    lake, engine = Lake(str(folder)), LocalEngine(workers=workers, part_rows=part_rows)
    documents = corpus()
    for name in PARTITIONS if split else ("all",):
        own = [row for row in documents.to_pylist() if not split or row["doc_id"].startswith(name)]
        writer = lake.writer("near_unique", name)
        writer.table(pa.Table.from_pylist(own, SCHEMA), part_rows=part_rows)
        writer.commit(Provenance())
        index = paragraph_index(engine, lake.dataset("near_unique", [name]), SETTINGS)
        write(lake, engine, "paragraphs", name, index)
    for name in PARTITIONS if split else ("all",):
        entered, index = lake.whole("near_unique"), lake.whole("paragraphs")
        write(
            lake,
            engine,
            "paragraph_unique",
            name,
            judge_paragraphs(engine, entered.partition(name), index, name, SETTINGS),
        )
    kept, gone = lake.whole("paragraph_unique"), lake.whole("paragraph_unique").named("decisions")
    return kept.read().sort_by("doc_id"), gone.read().sort_by("doc_id")


def test_partitions_workers_and_parts_change_nothing(tmp_path: Path) -> None:
    expected = naive(corpus(), SETTINGS)
    kept, gone = judged(tmp_path / "one", False, 1, 10_000)
    remaining = {doc_id: text for doc_id, (text, _) in expected.items() if len(text or "") >= 20}
    assert dict(zip(kept.column("doc_id").to_pylist(), kept.column("text").to_pylist(), strict=True)) == remaining
    assert gone.column("doc_id").to_pylist() == sorted(set(expected) - set(remaining))
    assert 10 < gone.num_rows < 110
    assert set(gone.column("rule").to_pylist()) == {"short_after_paragraphs"}
    assert any(len(cuts) > 1 for cuts in kept.column(PARAGRAPH_CUTS).to_pylist())
    for workers, part_rows in ((1, 10_000), (2, 40)):
        again, gone_again = judged(tmp_path / str(workers), True, workers, part_rows)
        assert (again.equals(kept), gone_again.equals(gone)) == (True, True)


def test_an_index_without_the_partition_is_refused(tmp_path: Path) -> None:
    lake, engine = Lake(str(tmp_path)), LocalEngine()
    write(lake, engine, "near_unique", "books", corpus())
    entered = lake.whole("near_unique")
    write(lake, engine, "paragraphs", "news", paragraph_index(engine, entered, SETTINGS))
    relation = judge_paragraphs(engine, entered, lake.whole("paragraphs"), "books", SETTINGS)
    with pytest.raises(LookupError, match="paragraphs"):
        write(lake, engine, "paragraph_unique", "books", relation)
