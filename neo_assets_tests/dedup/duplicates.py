"""Lakes of deduplication stages made by hand, in any layout of partitions and parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from neo_assets.dedup.clusters import ClusterReport, report_clusters
from neo_assets.lake.dataset import DECISIONS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import DECISION_SCHEMA
from neo_assets.recipe.dedup import ClusterReportSettings, NearSettings

Row = dict[str, Any]
DOCUMENT_SCHEMA = pa.schema([("doc_id", pa.string()), ("url", pa.string()), ("text", pa.string())])
PAIR_SCHEMA = pa.schema(
    [("precedence", pa.string()), ("other", pa.string()), ("band", pa.int32()), ("similarity", pa.float64())]
)
CUTS = pa.list_(pa.struct([("start", pa.int32()), ("end", pa.int32()), ("survivor", pa.string())]))
NEAR = NearSettings(normalisation="none")
SETTINGS = ClusterReportSettings(largest_clusters=3, members=2, audit_documents=2, sample_chars=20)


@dataclass
class Layout:
    """How rows are divided: the partition of each document (by place, in turns), the order, rows a part."""

    partitions: int = 1
    backwards: bool = False
    part_rows: int = 10_000


@dataclass
class Duplicates:
    """What deduplication did with texts: exact copies, near ones with a similarity, pairs refused, passages cut."""

    texts: Mapping[str, str]
    exact: Mapping[str, str | None] = field(default_factory=dict)
    near: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    refused: Mapping[tuple[str, str], float] = field(default_factory=dict)
    cuts: Mapping[str, Mapping[str, Sequence[tuple[int, int, str]]]] = field(default_factory=dict)
    """By stage (`paragraph`, …) and document, with the offsets into the text that comes in."""

    def stages(self, lake: Lake, layout: Layout) -> tuple[Dataset, Dataset, Dataset, list[Dataset]]:
        """Committed: exact_unique, near_unique, pairs and the stages that cut."""
        kept = {name: text for name, text in self.texts.items() if name not in self.exact}
        exact = _commit(
            lake, "exact_unique", layout, _documents(kept), [_removed(n, s, 1.0) for n, s in self.exact.items()]
        )
        left = {name: text for name, text in kept.items() if name not in self.near}
        decisions = [_removed(name, *found) for name, found in self.near.items()]
        near = _commit(lake, "near_unique", layout, _documents(left), decisions)
        merged = [(name, survivor, similarity) for name, (survivor, similarity) in self.near.items()]
        compared = [*merged, *((*names, similarity) for names, similarity in self.refused.items())]
        rows = [
            {"precedence": f"0001/{name}", "other": f"0000/{other}", "band": band(name, other), "similarity": s}
            for name, other, s in compared
        ]
        pairs = _commit(lake, "pairs", layout, pa.Table.from_pylist(rows, schema=PAIR_SCHEMA))
        cutting, columns = [], {}
        for stage, cuts in self.cuts.items():
            left = {name: _without(text, cuts.get(name, ())) for name, text in left.items()}
            columns[f"{stage}_cuts"] = cuts
            table = _documents(left)
            for column, of_stage in columns.items():
                found = [[_cut(*cut) for cut in of_stage.get(name, ())] for name in left]
                table = table.append_column(column, pa.array(found, CUTS))
            short = {"doc_id": f"short-{stage}", "verdict": "rejected", "rule": f"short_after_{stage}s"}
            cutting.append(_commit(lake, f"{stage}_unique", layout, table, [short]))
        return exact, near, pairs, cutting

    def report(
        self,
        lake: Lake,
        layout: Layout | None = None,
        near: NearSettings = NEAR,
        settings: ClusterReportSettings = SETTINGS,
    ) -> ClusterReport:
        """The report on them."""
        return report_clusters(*self.stages(lake, layout or Layout()), near, settings)


def band(name: str, other: str) -> int:
    """The band in which two documents meet."""
    return (len(name) + sum(map(ord, name + other))) % 9


def url(name: str) -> str:
    return f"http://a.test/{name}"


def _documents(texts: Mapping[str, str]) -> pa.Table:
    rows = [{"doc_id": name, "url": url(name), "text": text} for name, text in texts.items()]
    return pa.Table.from_pylist(rows, schema=DOCUMENT_SCHEMA)


def _removed(name: str, survivor: str | None, similarity: float) -> Row:
    return {"doc_id": name, "url": url(name), "verdict": "rejected", "survivor": survivor, "similarity": similarity}


def _cut(start: int, end: int, survivor: str) -> Row:
    return {"start": start, "end": end, "survivor": survivor}


def _without(text: str, cuts: Sequence[tuple[int, int, str]]) -> str:
    for start, end, _ in sorted(cuts, reverse=True):
        text = text[:start] + text[end:]
    return text


def _commit(lake: Lake, name: str, layout: Layout, rows: pa.Table, decisions: Sequence[Row] = ()) -> Dataset:
    judged = pa.Table.from_pylist(list(decisions), schema=DECISION_SCHEMA)
    for partition in range(layout.partitions):
        writer = lake.writer(f"english/{name}", f"p{partition}")
        for table, of in ((rows, "rows"), (judged, DECISIONS)):
            places = list(range(partition, table.num_rows, layout.partitions))
            if layout.backwards:
                places.reverse()
            # A decisions table has no column that the writer routes by, once its verdicts are made.
            _write(writer, table.take(pa.array(places, pa.int64())), of, layout.part_rows)
        writer.commit(Provenance(inputs={}, code_version="c-r"))
    return lake.whole(f"english/{name}")


def _write(writer: Any, table: pa.Table, of: str, part_rows: int) -> None:
    from neo_assets.lake.writer import write_part

    for index, start in enumerate(range(0, max(table.num_rows, 1), part_rows)):
        writer.add(write_part(writer.store, writer.folder, of, index, table.slice(start, part_rows)))
