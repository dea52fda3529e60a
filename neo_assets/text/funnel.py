"""The funnel of a line: what each stage takes in, keeps, rejects and why, beside the funnel that MAP-Neo published."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import DECISIONS, Dataset, input_name
from neo_assets.lake.manifest import Manifest

RAW = "raw"
LEAKS, NO_LEAK = "documents unaccounted for", "none"
"""Key of the metadata that says where documents went astray, and its value where none did."""
LENGTH = "ccnet_length"
"""Characters of a document, as measured once by annotation and carried along."""
CUTS = "_cuts"
"""Ending of the columns that say what a stage cut out of the text: lists of spans with `start` and `end`."""
OTHER_LANGUAGE = "language"
"""The rule of the stages before annotation that puts a document outside the line: it was never part of its raw data."""
BEFORE_ANNOTATION = ("records", "normalized")

PUBLISHED: dict[str, dict[str, float]] = {
    "english": {
        RAW: 1.0, "filtered": 0.20, "exact_unique": 0.12, "near_unique": 0.07, "paragraph_unique": 0.04,
        "substring_unique": 0.04,
    },
    "chinese": {RAW: 1.0, "filtered": 0.38, "exact_unique": 0.26, "near_unique": 0.19, "line_unique": 0.15},
}  # fmt: skip
"""Share of the raw data kept after a stage, from MAP-Neo's figures of its two pipelines (arXiv 2405.19327), which are
rounded to whole percents; so substring deduplication seems to take nothing."""

LINES = tuple(PUBLISHED)

FUNNEL_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("documents_in", "kept", "rejected", "quarantined")),
        pa.field("share_of_raw", pa.float64()),
        pa.field("published_share_of_raw", pa.float64()),
        pa.field("characters", pa.int64()),
        pa.field("characters_share", pa.float64()),
    ]
)
"""A first row for the raw data, then one per stage. Raw are the documents that came in, but for those in another
language. Characters are those kept; their share is of what annotation measured."""

REASON_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("rule", pa.string()),
        pa.field("documents", pa.int64()),
        pa.field("share_of_in", pa.float64()),
    ]
)
"""Per stage: documents that were not kept, by (first failing) rule, the commonest first. `outcome` is their verdict,
under a name by which the lake's writer does not take these rows themselves for judged documents."""


@dataclass(frozen=True)
class Funnel:
    """The tables of a funnel."""

    line: str
    rows: pa.Table
    reasons: pa.Table
    outside: int
    """Documents in another language, which are not part of the raw data."""
    leaks: list[str]
    """Where rows went astray in a stage or between two, a sentence each; none, if all is well."""

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables by the names they have in the lake."""
        return {"rows": self.rows, "reasons": self.reasons}

    @property
    def metadata(self) -> dict[str, Any]:
        """What a check and the UI read."""
        return {"in another language": self.outside, LEAKS: "\n".join(self.leaks) or NO_LEAK}


def measure_funnel(line: str, stages: Sequence[Dataset], length: str = LENGTH) -> Funnel:
    """The funnel over all partitions of the stages, given in order; from manifests, decisions and one column.

    Stages that judge nothing (annotation) are not listed, but must have as many rows as came in.
    """
    judging = {_name(stage): stage for stage in stages if _judges(stage)}
    reasons = [row for name, stage in judging.items() for row in _reasons(name, stage)]
    outside = sum(row["documents"] for row in reasons if is_outside(row))
    came = sum(_rows_in(m) for stage in [*judging.values()][:1] for m in stage.manifests)
    rows: list[dict[str, Any]] = [
        {"stage": RAW, "kept": came - outside, "share_of_raw": 1.0, "published_share_of_raw": PUBLISHED[line][RAW]},
        *(_row(name, stage, came - outside, PUBLISHED[line].get(name)) for name, stage in judging.items()),
    ]
    lengths = _characters(stages, length)
    whole = next((n for n in lengths.values() if n is not None), None)
    for row in rows:
        row["characters"] = n = lengths.get(row["stage"])
        row["characters_share"] = n / whole if n is not None and whole else None
    leaks = [*_unbalanced(judging.values()), *_leaks(stages)]
    return Funnel(
        line,
        pa.Table.from_pylist(rows, schema=FUNNEL_SCHEMA),
        pa.Table.from_pylist(reasons, schema=REASON_SCHEMA),
        outside,
        leaks,
    )


def is_outside(reason: Mapping[str, Any]) -> bool:
    """Whether a row of `REASON_SCHEMA` counts documents in another language, which never were of this line."""
    return reason["stage"] in BEFORE_ANNOTATION and reason["rule"] == OTHER_LANGUAGE


def _row(name: str, stage: Dataset, n_raw: int, published: float | None) -> dict[str, Any]:
    counts = [m.counts for m in stage.manifests if m.counts]
    kept = sum(c.kept for c in counts)
    return {
        "stage": name,
        "documents_in": sum(c.rows_in for c in counts),
        "kept": kept,
        "rejected": sum(c.rejected for c in counts),
        "quarantined": sum(c.quarantined for c in counts),
        # Before other languages are turned away there is more than what the line calls raw.
        "share_of_raw": kept / n_raw if n_raw and kept <= n_raw else None,
        "published_share_of_raw": published,
    }


def _name(stage: Dataset) -> str:
    return stage.asset.rpartition("/")[2]


def _judges(stage: Dataset) -> bool:
    return any(m.counts is not None for m in stage.manifests)


def _rows_in(manifest: Manifest) -> int:
    return manifest.rows if manifest.counts is None else manifest.counts.rows_in


def _reasons(name: str, stage: Dataset) -> Iterator[dict[str, Any]]:
    counts: Counter[tuple[str, str]] = Counter()
    for batch in stage.named(DECISIONS).batches(["verdict", "rule"]):
        grouped = pa.Table.from_batches([batch]).group_by(["verdict", "rule"]).aggregate([([], "count_all")])
        for found in grouped.to_pylist():
            counts[found["verdict"], found["rule"] or ""] += found["count_all"]
    n_in = sum(_rows_in(m) for m in stage.manifests)
    for (verdict, rule), documents in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        yield {
            "stage": name, "outcome": verdict, "rule": rule, "documents": documents,
            "share_of_in": documents / n_in if n_in else None,
        }  # fmt: skip


def _characters(stages: Sequence[Dataset], length: str) -> dict[str, int | None]:
    """Characters of the rows that each judging stage kept; None where they were not measured.

    Annotation, which keeps all rows, measures for the stage before it. What later stages cut out of a text stands in
    their columns of cuts and is taken off.
    """
    found: dict[str, int | None] = {}
    last = ""
    for stage in stages:
        last = _name(stage) if _judges(stage) or not last else last
        found[last] = _kept_characters(stage, length)
    return found


def _kept_characters(stage: Dataset, length: str) -> int | None:
    if not stage.parts or length not in stage.schema.names:
        return None
    cuts = [name for name in stage.schema.names if name.endswith(CUTS)]
    return sum(
        _sum(batch.column(length)) - sum(_cut(batch.column(name)) for name in cuts)
        for batch in stage.batches([length, *cuts])
    )


def _cut(cuts: pa.ListArray) -> int:
    spans = cuts.flatten()
    return _sum(spans.field("end")) - _sum(spans.field("start"))


def _sum(numbers: pa.Array) -> int:
    return int(pc.sum(numbers).as_py() or 0)


def _unbalanced(stages: Iterable[Dataset]) -> Iterator[str]:
    for manifest in (m for stage in stages for m in stage.manifests):
        counts = manifest.counts
        if counts and not counts.balanced:
            yield (
                f"{input_name(manifest.asset, manifest.partition)}: {counts.rows_in} in, but {counts.kept} kept, "
                f"{counts.rejected} rejected, {counts.quarantined} quarantined"
            )


def _leaks(stages: Sequence[Dataset]) -> Iterator[str]:
    """Partitions into which not exactly those rows went that the stage before kept."""
    for before, after in pairwise(stages):
        left: Mapping[str | None, int] = {m.partition: m.rows for m in before.manifests}
        came = {m.partition: _rows_in(m) for m in after.manifests}
        for partition in sorted(left.keys() | came.keys(), key=str):
            if left.get(partition) != came.get(partition):
                yield (
                    f"{input_name(after.asset, partition)}: {came.get(partition, 'nothing')} in, but "
                    f"{left.get(partition, 'nothing')} in {before.asset}"
                )
