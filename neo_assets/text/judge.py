"""The kernel that judges documents by rules, a column at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, with_verdicts
from neo_assets.text.rule import Mask, Rule, numbers

MISSING_SIGNAL = "missing_signal"
"""What stands as the rule of a document that lacks a signal."""

_VERDICTS = (KEPT, REJECTED, QUARANTINED)


class MissingSignalError(KeyError):
    """A rule reads a column that the table does not have."""


@dataclass(frozen=True)
class JudgeByRules:
    """Kernel: appends the verdict columns.

    A rejected row names its first failing rule, in the order of the rules, with value and violated bound. `reason`
    lists all failing rules as JSON: `[{"rule": …, "number": …, "profile": …, "version": …, "value": …, "threshold":
    …}, …]`; a value that is not finite is null there. A row without a signal that a rule needs goes to quarantine,
    whatever else it fails, and `reason` names the signals.

    A few vector operations per rule and batch; only failing rows cost Python.

    Raises:
        MissingSignalError: the batch lacks a rule's signal.
    """

    rules: tuple[Rule, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        findings = _Findings.of(batch.num_rows)
        for position, rule in enumerate(self.rules):
            column = _column(batch, rule)
            failed, missing = rule.test(column)
            if rule.missing == "quarantines" and missing.any():
                findings.add_missing(rule, missing)
            if failed.any():
                findings.add_failures(position, rule, column, np.flatnonzero(failed))
        names = pa.array([*(rule.name for rule in self.rules), MISSING_SIGNAL], pa.string())
        return findings.appended_to(batch, names)


@dataclass(frozen=True)
class JudgeByOrigin:
    """Kernel: documents that `column` says are of `origin` are judged by rules of their own, all others by `usual`.

    Row order is kept; a null is not of the origin. Columns appended as by `JudgeByRules`.
    """

    usual: JudgeByRules
    own: JudgeByRules
    column: str
    origin: str

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        there = pc.fill_null(pc.equal(batch.column(self.column), self.origin), False)
        if not pc.any(there).as_py():
            return self.usual(batch)
        parts = [self.usual(batch.filter(pc.invert(there))), self.own(batch.filter(there))]
        order = np.argsort(np.argsort(there.to_numpy(zero_copy_only=False), kind="stable"), kind="stable")
        return pa.Table.from_batches(parts).take(pa.array(order)).combine_chunks().to_batches()[0]


@dataclass
class _Findings:
    """What the rules found so far, by row."""

    first: npt.NDArray[np.int16]
    """Position of the first failing rule; -1 where none failed."""
    value: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    failures: dict[int, list[str]]
    """The failing rules of a row as JSON objects, in the order of the rules."""
    missing: dict[int, list[str]]
    """The signals that a row lacks."""

    @classmethod
    def of(cls, n_rows: int) -> _Findings:
        return cls(np.full(n_rows, -1, np.int16), np.full(n_rows, np.nan), np.full(n_rows, np.nan), {}, {})

    def add_missing(self, rule: Rule, missing: Mask) -> None:
        for row in np.flatnonzero(missing).tolist():
            self.missing.setdefault(row, []).append(rule.signal)

    def add_failures(self, position: int, rule: Rule, column: pa.Array, rows: npt.NDArray[np.intp]) -> None:
        found = column.take(pa.array(rows))
        new = self.first[rows] < 0
        self.first[rows[new]] = position
        if rule.comparison == "equals":
            objects = _label_objects(rule, found.to_pylist())
        else:
            values = numbers(found)
            thresholds = rule.thresholds(values)
            self.value[rows[new]], self.threshold[rows[new]] = values[new], thresholds[new]
            objects = _number_objects(rule, values.tolist(), thresholds.tolist())
        for row, listed in zip(rows.tolist(), objects, strict=True):
            self.failures.setdefault(row, []).append(listed)

    def appended_to(self, batch: pa.RecordBatch, names: pa.Array) -> pa.RecordBatch:
        """The batch with the verdict columns; `names` are those of the rules, and last that of a missing signal."""
        lacking = np.array(sorted(self.missing), np.intp)
        verdict = (self.first >= 0).astype(np.int8)
        verdict[lacking], self.first[lacking] = 2, len(names) - 1
        self.value[lacking] = self.threshold[lacking] = np.nan
        reasons = {row: f"[{', '.join(listed)}]" for row, listed in self.failures.items()}
        reasons |= {
            row: f"without {', '.join(dict.fromkeys(s))}, which a rule needs" for row, s in self.missing.items()
        }
        reason_of = np.full(batch.num_rows, -1, np.int64)
        reason_of[np.fromiter(reasons, np.int64)] = np.arange(len(reasons))
        return with_verdicts(
            batch,
            verdict=pa.array(_VERDICTS).take(pa.array(verdict)),
            rule=_taken(names, self.first),
            value=pa.array(self.value, mask=np.isnan(self.value)),
            threshold=pa.array(self.threshold, mask=np.isnan(self.threshold)),
            reason=_taken(pa.array(list(reasons.values()), pa.string()), reason_of),
        )


def _column(batch: pa.RecordBatch, rule: Rule) -> pa.Array:
    position = batch.schema.get_field_index(rule.signal)
    if position < 0:
        raise MissingSignalError(
            f"rule {rule.name} reads the column {rule.signal}, but the table has none: annotate the documents first"
        )
    return batch.column(position)


def _taken(strings: pa.Array, positions: npt.NDArray[np.integer]) -> pa.Array:
    """The string at each position, null at -1."""
    return strings.take(pa.array(positions, mask=positions < 0))


def _head(rule: Rule) -> str:
    named = {"rule": rule.name, "number": rule.number, "profile": rule.profile, "version": rule.version}
    return json.dumps(named, ensure_ascii=False)[:-1]


def _number_objects(rule: Rule, values: list[float], thresholds: list[float]) -> Iterator[str]:
    head, infinite = _head(rule), float("inf")
    for value, threshold in zip(values, thresholds, strict=True):
        shown = repr(value) if -infinite < value < infinite else "null"
        yield f'{head}, "value": {shown}, "threshold": {threshold!r}}}'


def _label_objects(rule: Rule, values: list[str | None]) -> Iterator[str]:
    head = _head(rule)
    for value in values:
        pair = json.dumps({"value": value, "threshold": rule.label}, ensure_ascii=False)
        yield f"{head}, {pair[1:]}"
