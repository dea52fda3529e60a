"""The documents nearest to each threshold, on both sides: what a rule would let go or take if it moved a little."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.text.rule import Mask, Rule
from neo_assets.text.study_counts import Measured

Side = Literal["kept", "rejected"]
Bound = Literal["minimum", "maximum"]

SAMPLE_SCHEMA = pa.schema(
    [
        pa.field("rule", pa.string()),
        pa.field("number", pa.string()),
        pa.field("signal", pa.string()),
        pa.field("bound", pa.string()),
        pa.field("threshold", pa.float64()),
        pa.field("side", pa.string()),
        pa.field("value", pa.float64()),
        pa.field("label", pa.string()),
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("partition", pa.string()),
        pa.field("also_fails", pa.string()),
        pa.field("excerpt", pa.string()),
    ]
)


def excerpt(text: str | None, n_chars: int) -> str:
    """The beginning of a text on one line."""
    tidy = " ".join((text or "")[: 4 * n_chars].split())
    return tidy if len(tidy) <= n_chars else tidy[:n_chars] + "…"


@dataclass(frozen=True)
class Place:
    """One side of one threshold of one rule. A rule that compares a label has no number as threshold."""

    rule: str
    bound: Bound | None
    threshold: float | None
    side: Side


@dataclass(frozen=True, order=True)
class _Found:
    distance: float
    doc_id: str
    row: dict[str, Any] = field(compare=False)


@dataclass
class NearestDocuments:
    """Collects, for each side of each threshold, the documents whose values are nearest; ties go by document id.

    Memory: `per_side` documents a place. The result does not depend on how or in which order rows come.
    """

    per_side: int
    excerpt_chars: int
    found: dict[Place, list[_Found]] = field(default_factory=dict)

    def add(self, batch: Measured) -> None:
        """Offer the documents of a batch to every rule's thresholds."""
        for position, rule in enumerate(batch.rules):
            for place, rows, distances in _candidates(rule, batch.values[position], batch.failed[position]):
                rows = rows[batch.judged[rows]]
                self._offer(place, rule, position, batch, rows, distances[rows])

    def _offer(
        self, place: Place, rule: Rule, position: int, batch: Measured, rows: npt.NDArray[np.intp],
        distances: npt.NDArray[np.float64],
    ) -> None:  # fmt: skip
        held = self.found.setdefault(place, [])
        for chosen in _smallest(distances, batch.ranks[rows], self.per_side).tolist():
            row, distance = int(rows[chosen]), float(distances[chosen])
            key = (distance, batch.text("doc_id", row) or "")
            if len(held) == self.per_side and key >= (held[-1].distance, held[-1].doc_id):
                return
            held.append(_Found(*key, self._row(place, rule, position, batch, row)))
            held.sort()
            del held[self.per_side :]

    def _row(self, place: Place, rule: Rule, position: int, batch: Measured, row: int) -> dict[str, Any]:
        others = [other.name for i, other in enumerate(batch.rules) if i != position and batch.failed[i][row]]
        value = None if rule.comparison == "equals" else float(batch.values[position][row])
        return {
            "rule": rule.name, "number": rule.number, "signal": rule.signal, "bound": place.bound,
            "threshold": place.threshold, "side": place.side, "value": value,
            "label": batch.text(rule.signal, row) if rule.comparison == "equals" else None,
            "doc_id": batch.text("doc_id", row), "url": batch.text("url", row), "partition": batch.partition,
            "also_fails": ", ".join(others), "excerpt": excerpt(batch.text("text", row), self.excerpt_chars),
        }  # fmt: skip

    def table(self, rules: Sequence[str]) -> pa.Table:
        """`SAMPLE_SCHEMA`, in the order of these rules; per threshold kept and rejected apart, the nearest first."""
        order = {name: place for place, name in enumerate(rules)}
        places = sorted(self.found, key=lambda p: (order[p.rule], p.bound != "minimum", p.threshold or 0.0, p.side))
        return pa.Table.from_pylist([f.row for p in places for f in self.found[p]], schema=SAMPLE_SCHEMA)


def _candidates(
    rule: Rule, values: npt.NDArray[np.float64], failed: Mask
) -> Iterator[tuple[Place, npt.NDArray[np.intp], npt.NDArray[np.float64]]]:
    """Per side of each threshold: the rows that stand there, and the distance of every row of the batch."""
    if rule.comparison != "range":
        yield Place(rule.name, None, None, "rejected"), np.flatnonzero(failed), np.zeros(len(values))
        return
    below = values <= (-np.inf if rule.minimum is None else rule.minimum)
    bounds: tuple[tuple[Bound, float | None], ...] = (("minimum", rule.minimum), ("maximum", rule.maximum))
    for bound, threshold in bounds:
        if threshold is not None:
            distances = np.abs(values - threshold)
            outside = failed & (below if bound == "minimum" else ~below)
            yield Place(rule.name, bound, threshold, "rejected"), np.flatnonzero(outside), distances
            yield Place(rule.name, bound, threshold, "kept"), np.flatnonzero(~failed & ~np.isnan(values)), distances


def _smallest(distances: npt.NDArray[np.float64], ranks: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.intp]:
    """Where the `count` smallest distances are, ties by rank, in ascending order. Linear in the rows."""
    if len(distances) > count:
        limit = np.partition(distances, count - 1)[count - 1]
        nearer, ties = np.flatnonzero(distances < limit), np.flatnonzero(distances == limit)
        wanted = count - len(nearer)
        if len(ties) > wanted:
            ties = ties[np.argpartition(ranks[ties], wanted - 1)[:wanted]]
        chosen = np.concatenate((nearer, ties))
    else:
        chosen = np.arange(len(distances))
    order: npt.NDArray[np.intp] = np.lexsort((ranks[chosen], distances[chosen]))
    return chosen[order]
