"""How well a classifier tells held-out documents: precision and recall at every threshold, and what it gets wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.plots import KEPT_COLOUR, REJECTED_COLOUR, png
from neo_assets.retrieval.model import DECIMALS
from neo_assets.retrieval.training_set import HeldOut

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

CURVE_SCHEMA = pa.schema(
    [
        ("split", pa.string()),
        ("threshold", pa.float64()),
        ("precision", pa.float64()),
        ("recall", pa.float64()),
        ("pages", pa.int64()),
    ]
)
"""Of each split at each threshold: precision and recall of the `pages` above it; no precision where there is none."""
CONFUSED_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("split", pa.string()),
        ("label", pa.int32()),
        ("score", pa.float64()),
        ("line", pa.string()),
    ]
)
"""Held-out documents on the wrong side of one half, the most wrong first; `line` is what its line begins with."""
THRESHOLDS = (*(number / 20 for number in range(20)), 0.96, 0.97, 0.98, 0.99, 0.999)
HALF = 0.5
N_CONFUSED = 200
CONFUSED_CHARS = 300


class Measured(NamedTuple):
    """Held-out documents of one split with their confidences."""

    documents: Sequence[HeldOut]
    scores: Float64s

    @property
    def labels(self) -> Int64s:
        return np.array([one.label for one in self.documents], np.int64)


def accuracy(measured: Measured) -> float | None:
    """Share of documents on the right side of one half; none without documents."""
    right = (measured.scores > HALF) == (measured.labels == 1)
    return _share(int(right.sum()), right.size)


def precision_recall(labels: Int64s, scores: Float64s, threshold: float) -> tuple[float | None, float | None, int]:
    """(precision, recall, documents) of what lies above the threshold; none of them where nothing is divided."""
    above = scores > threshold
    right = int((above & (labels == 1)).sum())
    n_above = int(above.sum())
    return _share(right, n_above), _share(right, int((labels == 1).sum())), n_above


def average_precision(labels: Int64s, scores: Float64s) -> float | None:
    """The mean, over the positives, of the precision above and at each one's score; none without positives.

    Equal scores count as one threshold, so that the order of documents is nothing.
    """
    if not (n_positives := int((labels == 1).sum())):
        return None
    levels, level_of = np.unique(-scores, return_inverse=True)
    right = np.bincount(level_of, weights=labels == 1, minlength=levels.size)
    found = np.bincount(level_of, minlength=levels.size)
    return round(float((right * right.cumsum() / found.cumsum()).sum() / n_positives), DECIMALS)


def facts(split: str, measured: Measured) -> dict[str, Any]:
    """Metadata of a split, measured at one half; the number of its documents alone where there is none."""
    found: dict[str, Any] = {f"{split} documents": len(measured.documents)}
    labels, scores = measured.labels, measured.scores
    precision, recall, n_above = precision_recall(labels, scores, HALF)
    right = 2 * precision * recall if precision is not None and recall is not None else 0.0
    values = {
        "accuracy": accuracy(measured),
        "precision": precision,
        "recall": recall,
        "F1": round(right / (precision + recall), DECIMALS) if precision and recall else None,
        "average precision": average_precision(labels, scores),
    }
    found |= {f"{split} {name}": value for name, value in values.items() if value is not None}
    if labels.size:
        hits = int(((scores > HALF) & (labels == 1)).sum())
        n_positives = int((labels == 1).sum())
        found[f"{split} confusion"] = [
            {"labelled": "domain", "classified domain": hits, "classified other": n_positives - hits},
            {
                "labelled": "other", "classified domain": n_above - hits,
                "classified other": labels.size - n_positives - n_above + hits,
            },
        ]  # fmt: skip
    return found


def curve(measured: Mapping[str, Measured]) -> pa.Table:
    """`CURVE_SCHEMA`, by split as given and threshold; nothing of a split without documents."""
    rows = [
        (split, threshold, *precision_recall(one.labels, one.scores, threshold))
        for split, one in measured.items()
        if len(one.documents)
        for threshold in THRESHOLDS
    ]
    return pa.Table.from_pylist([dict(zip(CURVE_SCHEMA.names, row, strict=True)) for row in rows], CURVE_SCHEMA)


def confused(measured: Mapping[str, Measured]) -> pa.Table:
    """`CONFUSED_SCHEMA`: at most `N_CONFUSED` documents."""
    wrong = [
        {**one._asdict(), "split": split, "score": score, "line": one.line[:CONFUSED_CHARS]}
        for split, found in measured.items()
        for one, score in zip(found.documents, found.scores.tolist(), strict=True)
        if (score > HALF) != (one.label == 1)
    ]
    wrong.sort(key=lambda row: (-abs(row["score"] - row["label"]), row["doc_id"]))
    return pa.Table.from_pylist(wrong[:N_CONFUSED], CONFUSED_SCHEMA)


def curve_plot(table: pa.Table) -> bytes:
    """Precision and recall over the threshold, a panel for each split, as PNG."""
    from matplotlib.figure import Figure

    rows = table.to_pylist()
    splits = list(dict.fromkeys(row["split"] for row in rows))
    figure = Figure(figsize=(5 * len(splits), 3.2), layout="constrained")
    for axes, split in zip(figure.subplots(1, len(splits), squeeze=False)[0], splits, strict=True):
        for column, colour in (("precision", KEPT_COLOUR), ("recall", REJECTED_COLOUR)):
            shown = [row for row in rows if row["split"] == split and row[column] is not None]
            axes.plot([row["threshold"] for row in shown], [row[column] for row in shown], color=colour, label=column)
        axes.set_title(split)
        axes.set_xlabel("confidence above")
        axes.set_ylim(-0.02, 1.02)
        axes.legend()
    return png(figure)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, DECIMALS) if whole else None
