"""Charts of a training run: loss, rate and gradient norm per step, held-out loss and scores per checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.plots import png

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SMOOTHING_STEPS = 20
COLUMNS = 3
MAX_POINTS = 2_000
LINES = ("-", "--", ":", "-.")

Floats = npt.NDArray[np.float64]


def loss_curve(steps: pa.Table, unigram_entropy: float) -> bytes:
    """PNG of the loss over target tokens, one colour per phase, with a running mean and the unigram entropy.

    Args:
        steps: columns phase, loss, tokens_read and skipped, one row per optimiser step, in training order.
        unigram_entropy: nats per token; a model that knows only token frequencies cannot get below it.

    However many steps there are, at most some `MAX_POINTS` are drawn of each line: means of neighbours.
    """
    figure = _figure(7.0, 4.0)
    axes = figure.add_subplot()
    skipped = ~_is_applied(steps)
    tokens, losses = _tokens(steps), _floats(steps, "loss")
    for number, (phase, rows) in enumerate(_phases(steps)):
        rows = rows[~skipped[rows]]
        colour = f"C{number}"
        axes.plot(*thinned(tokens[rows], losses[rows]), color=colour, alpha=0.25, linewidth=0.8)
        smooth = running_mean(losses[rows], SMOOTHING_STEPS)
        axes.plot(*thinned(tokens[rows], smooth), color=colour, label=phase)
    if skipped.any():
        places = tokens[skipped]
        axes.plot(places, np.full(len(places), unigram_entropy), "rx", label=f"skipped steps ({len(places)})")
    axes.axhline(unigram_entropy, color="0.4", linestyle="--", label=f"unigram entropy {unigram_entropy:.2f}")
    axes.set_xlabel("target tokens")
    axes.set_ylabel("loss, nats per token")
    axes.legend()
    return png(figure)


def step_curves(steps: pa.Table) -> bytes:
    """PNG with the learning rate and the gradient norm over target tokens, one colour per phase.

    Args:
        steps: columns phase, lr, grad_norm, tokens_read and skipped, as of `loss_curve`. The norm is that before
            clipping; steps without one (their loss was not finite) leave a gap.
    """
    figure = _figure(7.0, 5.0)
    rate, norm = figure.subplots(2, 1, sharex=True)
    tokens, lr, norms = _tokens(steps), _floats(steps, "lr"), _floats(steps, "grad_norm")
    for number, (phase, rows) in enumerate(_phases(steps)):
        colour = f"C{number}"
        rate.plot(*thinned(tokens[rows], lr[rows]), color=colour, label=phase)
        rows = rows[np.isfinite(norms[rows])]
        norm.plot(*thinned(tokens[rows], norms[rows]), color=colour, alpha=0.25, linewidth=0.8)
        norm.plot(*thinned(tokens[rows], running_mean(norms[rows], SMOOTHING_STEPS)), color=colour)
    if np.isfinite(norms).any():
        norm.set_yscale("log")
    rate.set_ylabel("learning rate")
    if steps.num_rows:
        rate.legend()
    norm.set_ylabel("gradient norm")
    norm.set_xlabel("target tokens")
    return png(figure)


def held_out_curves(losses: pa.Table) -> bytes:
    """PNG of the loss on held-out documents over the tokens a checkpoint has seen, a line per subset, 95 % intervals.

    Args:
        losses: columns tokens_seen, subset, nats_per_token, stderr; a row per checkpoint and subset. Rows without a
            loss (a subset of which nothing is held out) are left out.
    """
    figure = _figure(7.0, 4.5)
    axes = figure.add_subplot()
    lines: dict[str, list[dict[str, Any]]] = {}
    for row in losses.select(["tokens_seen", "subset", "nats_per_token", "stderr"]).to_pylist():
        if row["nats_per_token"] is not None and math.isfinite(row["nats_per_token"]):
            lines.setdefault(row["subset"], []).append(row)
    for number, subset in enumerate(sorted(lines)):
        rows = sorted(lines[subset], key=lambda row: row["tokens_seen"])
        tokens, values = [row["tokens_seen"] for row in rows], [row["nats_per_token"] for row in rows]
        intervals = [1.96 * (error if math.isfinite(error := row["stderr"] or 0.0) else 0.0) for row in rows]
        drawn = axes.errorbar(
            tokens, values, yerr=intervals, marker="o", markersize=3, capsize=2, color=f"C{number % 10}"
        )
        drawn.lines[0].set(linestyle=LINES[number // 10 % len(LINES)], label=f"{subset} {values[-1]:.2f}")
    axes.set_xlabel("target tokens")
    axes.set_ylabel("held-out loss, nats per token")
    if lines:
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return png(figure)


def mean_losses(losses: Sequence[Mapping[str, Any]]) -> list[float]:
    """Loss over all held-out tokens, in nats per token, of each checkpoint in order of training.

    Args:
        losses: rows with tokens_seen, tokens and nats_per_token; one per checkpoint and subset.
    """
    sums: dict[int, tuple[float, int]] = {}
    for row in losses:
        if row["tokens"]:
            nats, tokens = sums.get(row["tokens_seen"], (0.0, 0))
            sums[row["tokens_seen"]] = nats + row["nats_per_token"] * row["tokens"], tokens + row["tokens"]
    return [nats / tokens for _, (nats, tokens) in sorted(sums.items())]


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


def running_mean(values: Sequence[float] | Floats, window: int) -> Floats:
    """Mean of the last `window` values at every place (of fewer at the start)."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(values, np.float64))])
    ends = np.arange(1, len(sums))
    starts = np.maximum(0, ends - window)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts), np.float64)


def thinned(x: Floats, y: Floats, max_points: int = MAX_POINTS) -> tuple[Floats, Floats]:
    """At most `max_points` points: means over runs of neighbours of nearly equal length. A short line is as it was."""
    if len(x) <= max_points:
        return x, y
    starts = np.arange(max_points) * len(x) // max_points
    lengths = np.diff(np.append(starts, len(x)))
    return np.add.reduceat(x, starts) / lengths, np.add.reduceat(y, starts) / lengths


def _is_applied(steps: pa.Table) -> npt.NDArray[np.bool_]:
    return np.asarray(steps["skipped"].is_null().to_numpy(zero_copy_only=False), np.bool_)


def _tokens(steps: pa.Table) -> Floats:
    return np.cumsum(_floats(steps, "tokens_read"))


def _floats(steps: pa.Table, column: str) -> Floats:
    return np.asarray(steps[column].cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)


def _phases(steps: pa.Table) -> list[tuple[str, npt.NDArray[np.int64]]]:
    """Every phase, in order of appearance, with its rows."""
    names = np.asarray(steps["phase"].to_pylist(), np.object_)
    return [(name, np.flatnonzero(names == name)) for name in dict.fromkeys(names)]


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")
