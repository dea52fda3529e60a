"""Threshold studies: what each rule in force does to a line's documents, as MAP-Neo chose its thresholds by sampling.

For every rule: the distribution of its signal, how many documents it rejects at all, as the first failing rule, and
alone (no other rule rejects them), and the documents just on either side of each threshold. Counts, minima, maxima
and the documents shown come from all documents; quantiles and histograms from a sample of bounded size. One pass over
the signals; memory does not grow with the corpus.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.studies import StudySettings
from neo_assets.text.judge import MissingSignalError
from neo_assets.text.rule import Rule
from neo_assets.text.study_counts import COUNTS, DIFFERS, Measured, Tally
from neo_assets.text.study_documents import NearestDocuments
from neo_assets.text.study_sample import Sample, bin_edges, document_hashes, histogram, quantiles

ALL = "all"
"""The group of all documents that a rule judges, whatever partition they are in."""
QUANTILE_COLUMNS = ("smallest", "p1", "p5", "p25", "median", "p75", "p95", "p99", "largest")

STUDY_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("partition", "rule", "number", "signal", "unit", "keeps")),
        *(pa.field(name, pa.float64()) for name in ("minimum", "maximum")),
        *(pa.field(name, pa.int64()) for name in COUNTS),
        *(pa.field(name, pa.float64()) for name in ("share_rejected", "share_first", "share_alone")),
        pa.field("sampled", pa.int64()),
        *(pa.field(name, pa.float64()) for name in QUANTILE_COLUMNS),
    ]
)
"""A row per rule and partition, and per rule over all (`ALL`), in the order the rules judge.

`missing` are documents without the signal; `first` adds up to the rejected documents of a partition. Documents in
quarantine for want of any signal count in `documents` and `missing` only.
"""

HISTOGRAM_SCHEMA = pa.schema(
    [
        pa.field("rule", pa.string()),
        pa.field("lower", pa.float64()),
        pa.field("upper", pa.float64()),
        pa.field("label", pa.string()),
        pa.field("documents", pa.int64()),
        pa.field("scale", pa.string()),
    ]
)
"""Sampled documents per bin [lower, upper), the ends open, no bin on both sides of a threshold; for rules that compare
labels, all documents per label."""


@dataclass(frozen=True)
class Group:
    """A partition's annotated documents and the rules that judge them."""

    name: str
    rules: tuple[Rule, ...]
    documents: Dataset | pa.Table

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Those of the columns that there are, a part at a time.

        Raises:
            MissingSignalError: a rule's signal is not among them.
        """
        held = self.documents
        names = set(held.schema.names) if isinstance(held, pa.Table) or held.parts else set(columns)
        lacking = sorted({f"{r.signal} (rule {r.name})" for r in self.rules if r.signal not in names})
        if lacking:
            raise MissingSignalError(f"{self.name}: no column {', '.join(lacking)}; annotate the documents first")
        chosen = [name for name in columns if name in names]
        yield from held.select(chosen).to_batches() if isinstance(held, pa.Table) else held.batches(chosen)


@dataclass(frozen=True)
class Study:
    """The tables of a study: `rows` by `STUDY_SCHEMA`, `histograms`, `samples`; and its totals."""

    rows: pa.Table
    histograms: pa.Table
    samples: pa.Table
    totals: dict[str, Any]

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables by the names they have in the lake."""
        return {"rows": self.rows, "histograms": self.histograms, "samples": self.samples}


def study_thresholds(groups: Sequence[Group], settings: StudySettings) -> Study:
    """Study the rules of each group, and of all groups together.

    Raises:
        MissingSignalError: the documents lack the signal of a rule that judges them.
    """
    signals = list(dict.fromkeys(r.signal for g in groups for r in g.rules if r.comparison == "range"))
    nearest = NearestDocuments(settings.samples_per_side, settings.excerpt_chars)
    whole, tallies, by_partition = Sample(settings.sample_documents, len(signals)), [], []
    for group in groups:
        sample = Sample(settings.sample_documents, len(signals))
        tally = _studied(group, signals, sample, nearest)
        tallies.append(tally)
        whole.add(*sample.rows())
        if len(groups) > 1:
            by_partition += [_row(group.name, rule, tally, _column(sample, signals, rule)) for rule in group.rules]
    total = Tally.total(tallies)
    columns = {rule.name: _column(whole, signals, rule) for rule in total.rules}
    rows = [*(_row(ALL, rule, total, columns[rule.name]) for rule in total.rules), *by_partition]
    bins = [b for rule in total.rules for b in _bins(rule, groups, total, columns[rule.name], settings.bins)]
    return Study(
        rows=pa.Table.from_pylist(rows, schema=STUDY_SCHEMA),
        histograms=pa.Table.from_pylist(bins, schema=HISTOGRAM_SCHEMA),
        samples=nearest.table([rule.name for rule in total.rules]),
        totals=_totals([g.name for g in groups], tallies, total),
    )


def _studied(group: Group, signals: list[str], sample: Sample, nearest: NearestDocuments) -> Tally:
    """The counts of a group, its documents offered to the sample and to the collector of documents."""
    tally = Tally(group.rules)
    own = dict.fromkeys(rule.signal for rule in group.rules)
    for batch in group.batches(list(dict.fromkeys(["doc_id", "url", "text", *own]))):
        measured = Measured.of(group.name, group.rules, batch)
        tally.add(measured)
        sample.add(document_hashes(batch.column("doc_id").to_pylist()), measured.matrix(signals))
        nearest.add(measured)
    return tally


def _column(sample: Sample, signals: list[str], rule: Rule) -> npt.NDArray[np.float64]:
    return sample.column(signals.index(rule.signal)) if rule.comparison == "range" else np.empty(0)


def _row(partition: str, rule: Rule, tally: Tally, ascending: npt.NDArray[np.float64]) -> dict[str, Any]:
    counts = tally.by_rule.get(rule.name, Counter())
    numbers = {name: counts.get(name, 0) for name in COUNTS}
    shares = {f"share_{n}": numbers[n] / max(numbers["documents"], 1) for n in ("rejected", "first", "alone")}
    shown = dict(zip(QUANTILE_COLUMNS, quantiles(ascending), strict=True))
    if rule.name in tally.ends:
        shown["smallest"], shown["largest"] = tally.ends[rule.name]
    unbounded = rule.comparison == "range" and rule.minimum is None and rule.maximum is None
    return {
        "partition": partition, "rule": rule.name, "number": rule.number, "signal": rule.signal, "unit": rule.unit,
        "keeps": f"{rule.signal} {DIFFERS}" if unbounded else rule.condition(),
        "minimum": rule.minimum, "maximum": rule.maximum,
        **numbers, **shares, "sampled": len(ascending), **shown,
    }  # fmt: skip


def _bins(
    rule: Rule, groups: Sequence[Group], total: Tally, ascending: npt.NDArray[np.float64], bins: int
) -> list[dict[str, Any]]:
    if rule.comparison != "range":
        ranked = sorted(total.labels.get(rule.name, {}).items(), key=lambda item: (-item[1], item[0]))
        return [{"rule": rule.name, "label": label, "documents": count} for label, count in ranked]
    ruled = [r for group in groups for r in group.rules if r.name == rule.name]
    edges, logarithmic = bin_edges(ascending, sorted({cut for r in ruled for cut in _cuts(r)}), bins)
    counts = histogram(ascending, edges).tolist()
    scale = "logarithmic" if logarithmic else "linear"
    return [
        {"rule": rule.name, "lower": low, "upper": high, "documents": count, "scale": scale}
        for (low, high), count in zip(pairwise(edges.tolist()), counts, strict=True)
    ]


def _cuts(rule: Rule) -> Iterator[float]:
    """The smallest value kept, and the smallest one above all that are kept."""
    if rule.minimum is not None:
        yield rule.minimum if rule.bounds == "inclusive" else float(np.nextafter(rule.minimum, np.inf))
    if rule.maximum is not None:
        yield rule.maximum if rule.bounds == "exclusive" else float(np.nextafter(rule.maximum, np.inf))


def _totals(names: Sequence[str], tallies: Sequence[Tally], total: Tally) -> dict[str, Any]:
    """Documents, and what became of them, in all and by partition."""

    def of(tally: Tally) -> dict[str, int]:
        rejected = sum(counts["first"] for counts in tally.by_rule.values())
        return {
            "documents": tally.documents,
            "kept": tally.documents - rejected - tally.quarantined,
            "rejected": rejected,
            "quarantined": tally.quarantined,
            "rejected by one rule alone": sum(counts["alone"] for counts in tally.by_rule.values()),
        }

    by_partition = [{"partition": name, **of(tally)} for name, tally in zip(names, tallies, strict=True)]
    return of(total) | ({"by partition": by_partition} if len(by_partition) > 1 else {})
