"""Pictures of a threshold study: a histogram per rule with its thresholds, and how much each rule rejects.

All words come from names and units in English, so that no glyph is missing where a font has no Chinese.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neo_assets.plots import KEPT_COLOUR, REJECTED_COLOUR, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 4
LABELS_SHOWN = 8
FLOOR = 0.5
"""Where the logarithmic axis of counts begins, so that one document shows."""
MEASURES = (("rejected", "#f2b8a0"), ("first", "#e07b53"), ("alone", "#a63d1a"))
"""Nested bars: what a rule rejects at all, of that as the first rule, and what no other rule rejects."""


def threshold_histograms(rows: pa.Table, histograms: pa.Table) -> bytes:
    """PNG with a panel per rule: sampled documents by value (logarithmic), thresholds dashed, rejected values red."""
    from matplotlib.figure import Figure

    whole = {row["rule"]: row for row in rows.to_pylist() if row["partition"] == "all"}
    bins = {name: list(found) for name, found in groupby(histograms.to_pylist(), key=lambda row: row["rule"])}
    n_rows = max(1, -(-len(whole) // COLUMNS))
    width, height = 3.3 * COLUMNS, 2.1 * n_rows
    figure = Figure(figsize=(width, height))
    # Fixed places for panels and titles: to measure every label takes longer than to draw.
    figure.subplots_adjust(0.5 / width, 0.45 / height, 1 - 0.1 / width, 1 - 0.25 / height, 0.18, 0.5)
    for place, (name, row) in enumerate(whole.items(), start=1):
        axes = figure.add_subplot(n_rows, COLUMNS, place)
        if bins.get(name) and bins[name][0]["label"] is None:
            limits = [r for r in rows.to_pylist() if r["rule"] == name]
            _values(axes, bins[name], limits)
        else:
            _labels(axes, bins.get(name, []), row["keeps"])
        axes.set_title(f"{row['number']} {name}: {_percent(row['share_rejected'])} rejected".strip(), fontsize=8, y=1)
        axes.set_xlabel(row["unit"], fontsize=7)
        axes.tick_params(labelsize=6.5)
        axes.xaxis.get_offset_text().set_fontsize(6.5)
        if place % COLUMNS == 1:
            axes.set_ylabel("documents", fontsize=7)
    return png(figure)


def rejected_shares(rows: pa.Table) -> bytes:
    """PNG of bars per rule over all partitions, in the order the rules judge: rejected at all, first, alone."""
    from matplotlib.figure import Figure

    whole = [row for row in rows.to_pylist() if row["partition"] == "all"]
    figure = Figure(figsize=(8, 0.9 + 0.22 * max(len(whole), 3)), layout="constrained")
    axes = figure.add_subplot()
    places = list(range(len(whole)))
    for (measure, colour), height in zip(MEASURES, (0.8, 0.5, 0.2), strict=True):
        widths = [100 * row[f"share_{measure}"] for row in whole]
        axes.barh(places, widths, height, color=colour, label={"rejected": "at all"}.get(measure, measure))
    for place, row in enumerate(whole):
        if row["rejected"]:
            axes.annotate(
                _percent(row["share_rejected"]), (100 * row["share_rejected"], place), (3, 0),
                textcoords="offset points", va="center", fontsize=7,
            )  # fmt: skip
    axes.set_yticks(places, [f"{row['rule']} {row['number']}".strip() for row in whole], fontsize=8)
    axes.set_ylim(len(whole) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * max((100 * row["share_rejected"] for row in whole), default=0) or 1)
    axes.set_xlabel("rejected documents, % of all the rule judged")
    axes.legend(title="rejected", fontsize=8, title_fontsize=8, loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def _values(axes: Axes, bins: list[dict[str, Any]], limits: list[dict[str, Any]]) -> None:
    logarithmic = bins[0]["scale"] == "logarithmic"
    edges = [*(b["lower"] for b in bins), bins[-1]["upper"]]
    if logarithmic and edges[0] <= 0:
        edges[0] = edges[1] / 2
    minima = sorted({row["minimum"] for row in limits if row["minimum"] is not None})
    maxima = sorted({row["maximum"] for row in limits if row["maximum"] is not None})
    low, high = minima[0] if minima else edges[0], maxima[-1] if maxima else edges[-1]
    for kept, colour in ((True, KEPT_COLOUR), (False, REJECTED_COLOUR)):
        counts = [b["documents"] if (low <= (b["lower"] + b["upper"]) / 2 <= high) == kept else 0 for b in bins]
        axes.stairs(counts, edges, fill=True, color=colour, baseline=FLOOR)
    axes.set_yscale("log")
    axes.set_ylim(FLOOR, 3 * max([5, *(b["documents"] for b in bins)]))
    axes.set_xscale("log" if logarithmic else "linear")
    axes.set_xlim(edges[0], edges[-1])
    axes.axvspan(edges[0], low, color=REJECTED_COLOUR, alpha=0.1, linewidth=0)
    axes.axvspan(high, edges[-1], color=REJECTED_COLOUR, alpha=0.1, linewidth=0)
    for threshold in (*minima, *maxima):
        axes.axvline(threshold, color=REJECTED_COLOUR, linestyle="--", linewidth=1)
        right = _is_right(axes, threshold)
        axes.annotate(
            f"{threshold:g}", (threshold, 1), (-2 if right else 2, -1), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right" if right else "left", va="top", fontsize=7, color=REJECTED_COLOUR,
        )  # fmt: skip


def _is_right(axes: Axes, value: float) -> bool:
    """Whether the value stands in the right half of the panel, where a label has its room to the left."""
    ends, scale = axes.get_xlim(), axes.xaxis.get_transform()
    low, place, high = (float(scale.transform([v])[0]) for v in (ends[0], value, ends[1]))
    return place - low > high - place


def _labels(axes: Axes, bins: list[dict[str, Any]], keeps: str) -> None:
    shown = bins[:LABELS_SHOWN]
    wanted = keeps.rpartition(" = ")[2]
    colours = [KEPT_COLOUR if b["label"] == wanted else REJECTED_COLOUR for b in shown]
    axes.bar(range(len(shown)), [b["documents"] for b in shown], color=colours)
    axes.set_xticks(range(len(shown)), [str(b["label"]) for b in shown])
    if shown:
        axes.set_yscale("log")
        axes.set_ylim(FLOOR, 3 * max(b["documents"] for b in shown))
    else:
        axes.set_yticks([])


def _percent(share: float) -> str:
    return "none" if share == 0 else f"{100 * share:.2g} %" if share >= 1e-4 else "< 0.01 %"
