"""What rules find in batches of documents, and exact counts of it: rejected at all, first, alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.text.rule import Mask, Rule, numbers

COUNTS = ("documents", "missing", "rejected", "first", "alone")
DIFFERS = "…"
"""Stands for a limit that is not the same in all partitions."""


@dataclass(frozen=True)
class Measured:
    """A batch of a partition, with what its rules find: one entry a rule, one value a row."""

    partition: str
    batch: pa.RecordBatch
    rules: tuple[Rule, ...]
    values: list[npt.NDArray[np.float64]]
    """NaN where there is no number."""
    failed: npt.NDArray[np.bool_]
    """By rule and row; no row fails that is in quarantine."""
    missing: list[Mask]
    judged: Mask
    """Rows that are not in quarantine for want of a signal."""

    @classmethod
    def of(cls, partition: str, rules: tuple[Rule, ...], batch: pa.RecordBatch) -> Measured:
        """Test every rule on every row."""
        n_rows = batch.num_rows
        columns = [batch.column(rule.signal) for rule in rules]
        tests = [rule.test(column) for rule, column in zip(rules, columns, strict=True)]
        judged = np.ones(n_rows, np.bool_)
        for rule, (_, missing) in zip(rules, tests, strict=True):
            if rule.missing == "quarantines":
                judged &= ~missing
        values = [
            np.full(n_rows, np.nan) if rule.comparison == "equals" else numbers(column)
            for rule, column in zip(rules, columns, strict=True)
        ]
        failed = np.array([failed & judged for failed, _ in tests], np.bool_).reshape(len(rules), n_rows)
        return cls(partition, batch, rules, values, failed, [missing for _, missing in tests], judged)

    @cached_property
    def ranks(self) -> npt.NDArray[np.int64]:
        """The place of each row in the order of the document ids."""
        order = pc.sort_indices(self.batch.column("doc_id")).to_numpy()
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order))
        return ranks

    def text(self, column: str, row: int) -> str | None:
        """A cell of a text column; None where the table has no such column."""
        position = self.batch.schema.get_field_index(column)
        value = None if position < 0 else self.batch.column(position)[row].as_py()
        return None if value is None else str(value)

    def matrix(self, signals: list[str]) -> npt.NDArray[np.float64]:
        """The values by row and signal, NaN for signals that no range rule of this partition reads."""
        found = np.full((self.batch.num_rows, len(signals)), np.nan)
        for rule, values in zip(self.rules, self.values, strict=True):
            if rule.comparison == "range":
                found[:, signals.index(rule.signal)] = values
        return found


@dataclass
class Tally:
    """Exact counts over all documents of a partition, or of several."""

    rules: tuple[Rule, ...]
    documents: int = 0
    quarantined: int = 0
    by_rule: dict[str, Counter[str]] = field(default_factory=dict)
    """Per rule: `COUNTS`."""
    ends: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Per range rule: the smallest and the largest value."""
    labels: dict[str, Counter[str]] = field(default_factory=dict)
    """Per rule on a label or category: documents by label."""

    def add(self, measured: Measured) -> None:
        """Count a batch."""
        n_failing = measured.failed.sum(axis=0)
        self.documents += measured.batch.num_rows
        self.quarantined += int((~measured.judged).sum())
        failed_before = np.zeros(measured.batch.num_rows, np.bool_)
        for position, rule in enumerate(self.rules):
            failed = measured.failed[position]
            self.by_rule.setdefault(rule.name, Counter()).update(
                documents=measured.batch.num_rows,
                missing=int(measured.missing[position].sum()),
                rejected=int(failed.sum()),
                first=int((failed & ~failed_before).sum()),
                alone=int((failed & (n_failing == 1)).sum()),
            )
            failed_before |= failed
            if rule.comparison == "range":
                self._widen(rule.name, measured.values[position])
            else:
                labels = pc.value_counts(measured.batch.column(rule.signal).drop_null().cast(pa.string()))
                counted = {str(c["values"]): int(c["counts"]) for c in labels.to_pylist()}
                self.labels.setdefault(rule.name, Counter()).update(counted)

    def _widen(self, name: str, values: npt.NDArray[np.float64]) -> None:
        if not np.isnan(values).all():
            low, high = float(np.nanmin(values)), float(np.nanmax(values))
            known_low, known_high = self.ends.get(name, (low, high))
            self.ends[name] = (min(low, known_low), max(high, known_high))

    @classmethod
    def total(cls, tallies: Iterable[Tally]) -> Tally:
        """Sums over partitions. A rule whose limits are not the same in all has none in the total."""
        found, rules = cls(()), dict[str, Rule]()
        for tally in tallies:
            found.documents += tally.documents
            found.quarantined += tally.quarantined
            for rule in tally.rules:
                known = rules.setdefault(rule.name, rule)
                if (known.minimum, known.maximum, known.label) != (rule.minimum, rule.maximum, rule.label):
                    rules[rule.name] = replace(known, minimum=None, maximum=None, label=DIFFERS)
            for name, counts in tally.by_rule.items():
                found.by_rule.setdefault(name, Counter()).update(counts)
            for name, counts in tally.labels.items():
                found.labels.setdefault(name, Counter()).update(counts)
            for name, ends in tally.ends.items():
                found._widen(name, np.array(ends))
        found.rules = tuple(rules.values())
        return found
