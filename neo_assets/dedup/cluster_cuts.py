"""What the stages that cut passages took out of documents, and which documents hold the passages copied most often.

Counted are the documents that remained; of one that was left too short, only that it was dropped is known. Memory:
about 100 bytes for each document that keeps a passage of another (or its own first copy).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.cluster_texts import Documents, beginning, rows_of
from neo_assets.lake.dataset import DECISIONS, Dataset

SHORT = "short_after_"
"""How the rules begin by which a document left too short is dropped."""

CUT_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("documents", "documents_cut", "cuts", "characters", "dropped_short")),
    ]
)
"""Per stage: documents that remained, those of them it cut, passages and characters cut, and documents it dropped."""

PASSAGE_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("stage", "survivor", "url")),
        *(pa.field(name, pa.int64()) for name in ("cuts", "documents", "characters")),
        pa.field("example", pa.string()),
        *(pa.field(name, pa.int32()) for name in ("start", "end")),
        pa.field("sample", pa.string()),
    ]
)
"""The documents whose passages were cut most often elsewhere (or repeat in themselves), ties by id: how many cuts, in
how many documents. `example` lost the passage shown, which stood at these characters; it is the first by id."""


_GROUPED = pa.schema(
    [
        pa.field("survivor", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("cuts", "documents", "characters")),
        pa.field("example", pa.string()),
    ]
)


@dataclass(frozen=True)
class Cuts:
    """`CUT_SCHEMA`, and the rows of `PASSAGE_SCHEMA` without URLs and samples."""

    table: pa.Table
    passages: list[dict[str, Any]]

    @property
    def shown(self) -> set[str]:
        """The documents whose text or URL is shown."""
        return {row[name] for row in self.passages for name in ("survivor", "example")}


def count_cuts(cutting: Sequence[Dataset], largest: int) -> Cuts:
    """Two passes over the cuts of each stage; `largest` survivors of each are shown."""
    rows, passages = [], []
    for stage in cutting:
        found, documents_cut = _by_survivor(stage)
        rows.append(
            {
                "stage": _name(stage), "documents": stage.rows, "documents_cut": documents_cut,
                "cuts": pc.sum(found["cuts"]).as_py() or 0, "characters": pc.sum(found["characters"]).as_py() or 0,
                "dropped_short": _dropped(stage),
            }
        )  # fmt: skip
        order = pc.sort_indices(found, [("cuts", "descending"), ("survivor", "ascending")])
        passages += _with_examples(stage, found.take(order[:largest]).to_pylist())
    return Cuts(pa.Table.from_pylist(rows, schema=CUT_SCHEMA), passages)


def passages_table(cuts: Cuts, cutting: Sequence[Dataset], documents: Documents, sample_chars: int) -> pa.Table:
    """`PASSAGE_SCHEMA`. The first stage cut texts as `documents` has them, another as the stage before it left them.

    One pass over the texts of every stage but the last.
    """
    texts = {_name(stage): documents.texts for stage in cutting[:1]}
    for before, stage in pairwise(cutting):
        wanted = {row["example"] for row in cuts.passages if row["stage"] == _name(stage)}
        batches = rows_of(before, wanted, ["doc_id", "text"])
        texts[_name(stage)] = {row["doc_id"]: row["text"] for batch in batches for row in batch.to_pylist()}
    rows = []
    for row in cuts.passages:
        text = texts[row["stage"]].get(row["example"])
        sample = None if text is None else beginning(text[row["start"] : row["end"]], sample_chars)
        rows.append({**row, "url": documents.urls.get(row["survivor"]), "sample": sample})
    return pa.Table.from_pylist(rows, schema=PASSAGE_SCHEMA)


def _name(stage: Dataset) -> str:
    return stage.asset.rpartition("/")[2]


def _column(stage: Dataset) -> str:
    """The column of a stage's own cuts; its rows carry those of the stages before along."""
    return f"{_name(stage).removesuffix('_unique')}_cuts"


def _by_survivor(stage: Dataset) -> tuple[pa.Table, int]:
    """Cuts, documents, characters and the first document cut, by survivor; and how many documents were cut."""
    held: list[pa.Table] = [pa.Table.from_pylist([], schema=_GROUPED)]
    limit, documents_cut = 1_000_000, 0
    for batch in stage.batches(["doc_id", _column(stage)]):
        documents_cut += pc.sum(pc.greater(pc.list_value_length(batch[1]), 0)).as_py() or 0
        held.append(_grouped(_flat(batch)))
        if sum(table.num_rows for table in held) > limit:
            held = [_grouped(pa.concat_tables(held))]
            limit = max(limit, 2 * held[0].num_rows)
    return _grouped(pa.concat_tables(held)), documents_cut


def _flat(batch: pa.RecordBatch) -> pa.Table:
    """`_GROUPED` with a row per survivor and document of a batch of (doc_id, cuts)."""
    cuts = pc.list_flatten(batch[1])
    start, end, survivor = (pc.struct_field(cuts, name) for name in ("start", "end", "survivor"))
    documents = batch[0].take(pc.list_parent_indices(batch[1]))
    lengths = pc.subtract(end, start).cast(pa.int64())
    flat = pa.table([survivor, documents, lengths], names=["survivor", "example", "characters"])
    by_both = flat.group_by(["survivor", "example"]).aggregate([([], "count_all"), ("characters", "sum")])
    ones = pa.array([1], pa.int64()).take(pa.array([0] * by_both.num_rows, pa.int64()))
    columns = [by_both["survivor"], by_both["count_all"], ones, by_both["characters_sum"], by_both["example"]]
    return pa.table(columns, schema=_GROUPED)


def _grouped(table: pa.Table) -> pa.Table:
    sums = [(name, "sum") for name in ("cuts", "documents", "characters")]
    found = table.group_by("survivor").aggregate([*sums, ("example", "min")])
    names = ["survivor", *(f"{name}_sum" for name in ("cuts", "documents", "characters")), "example_min"]
    return pa.table([found[name] for name in names], schema=_GROUPED)


def _with_examples(stage: Dataset, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows with the place of the first passage of the survivor in the example document."""
    first: dict[tuple[str, str], dict[str, int]] = {}
    for batch in rows_of(stage, {row["example"] for row in rows}, ["doc_id", _column(stage)]):
        for doc_id, cuts in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            for cut in reversed(cuts):
                first[doc_id, cut["survivor"]] = {"start": cut["start"], "end": cut["end"]}
    return [{"stage": _name(stage), **row, **first[row["example"], row["survivor"]]} for row in rows]


def _dropped(stage: Dataset) -> int:
    rules = (batch["rule"] for batch in stage.named(DECISIONS).batches(["rule"]))
    return sum(pc.sum(pc.starts_with(rule, SHORT)).as_py() or 0 for rule in rules)
