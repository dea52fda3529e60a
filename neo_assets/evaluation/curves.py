"""Charts of a training run: loss per step against the unigram entropy, scores per checkpoint against chance."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neo_assets.plots import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOOTHING_STEPS = 20
COLUMNS = 3


def loss_curve(steps: pa.Table, unigram_entropy: float) -> bytes:
    """PNG of the loss over target tokens, one colour per phase, with a running mean and the unigram entropy.

    Args:
        steps: columns phase, loss, tokens_read and skipped, one row per optimiser step, in training order.
        unigram_entropy: nats per token; a model that knows only token frequencies cannot get below it.
    """
    figure = _figure(7.0, 4.0)
    axes = figure.add_subplot()
    rows = steps.select(["phase", "loss", "tokens_read", "skipped"]).to_pylist()
    for row, tokens in zip(rows, accumulate(row["tokens_read"] for row in rows), strict=True):
        row["tokens"] = tokens
    for number, phase in enumerate(dict.fromkeys(row["phase"] for row in rows)):
        applied = [row for row in rows if row["phase"] == phase and row["skipped"] is None]
        tokens, losses = [row["tokens"] for row in applied], [row["loss"] for row in applied]
        axes.plot(tokens, losses, color=f"C{number}", alpha=0.25, linewidth=0.8)
        axes.plot(tokens, running_mean(losses, SMOOTHING_STEPS), color=f"C{number}", label=phase)
    skipped = [row["tokens"] for row in rows if row["skipped"] is not None]
    if skipped:
        axes.plot(skipped, [unigram_entropy] * len(skipped), "rx", label="skipped steps")
    axes.axhline(unigram_entropy, color="0.4", linestyle="--", label=f"unigram entropy {unigram_entropy:.2f}")
    axes.set_xlabel("target tokens")
    axes.set_ylabel("loss, nats per token")
    axes.legend()
    return png(figure)


def score_curves(scores: pa.Table) -> bytes:
    """PNG with a panel per task and metric: score over target tokens, 95 % interval, and the baseline.

    Args:
        scores: columns tokens, task, metric, value, stderr, baseline; a row per checkpoint, task and metric.
    """
    panels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in scores.select(["tokens", "task", "metric", "value", "stderr", "baseline"]).to_pylist():
        panels.setdefault((row["task"], row["metric"]), []).append(row)
    n_rows = max(1, -(-len(panels) // COLUMNS))
    figure = _figure(3.4 * COLUMNS, 2.4 * n_rows)
    for place, (task, metric) in enumerate(sorted(panels), start=1):
        rows = sorted(panels[task, metric], key=lambda row: row["tokens"])
        axes = figure.add_subplot(n_rows, COLUMNS, place)
        intervals = [1.96 * (row["stderr"] or 0.0) for row in rows]
        tokens, values = [row["tokens"] for row in rows], [row["value"] for row in rows]
        axes.errorbar(tokens, values, yerr=intervals, marker="o", markersize=3, capsize=2, linewidth=1)
        axes.axhline(rows[0]["baseline"], color="0.4", linestyle="--")
        axes.set_title(f"{task}: {metric}", fontsize=9)
        axes.tick_params(labelsize=7)
        if place > len(panels) - COLUMNS:
            axes.set_xlabel("target tokens", fontsize=8)
    return png(figure)


def running_mean(values: list[float], window: int) -> list[float]:
    """Mean of the last `window` values at every place (of fewer at the start)."""
    sums = [0.0, *accumulate(values)]
    return [(sums[i + 1] - sums[max(0, i + 1 - window)]) / min(i + 1, window) for i in range(len(values))]


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
