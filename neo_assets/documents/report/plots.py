"""Histograms of how certain the models were."""

from __future__ import annotations

import io

import numpy as np

from neo_assets.documents.report.drawing import COLOURS, OTHER
from neo_assets.documents.report.facts import BINS, Facts


def confidence_plot(facts: Facts) -> bytes:
    """A PNG: the confidence of recognised lines, and of regions by kind; counts on logarithmic axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), dpi=90, layout="constrained")
    FigureCanvasAgg(figure)
    lines, regions = figure.subplots(1, 2)
    left = np.arange(BINS) / BINS
    lines.bar(left, facts.line_scores, width=1 / BINS, align="edge", color="#1565c0")
    lines.set_title(f"recognised lines ({int(facts.line_scores.sum()):,})", fontsize=9)
    below = np.zeros(BINS, np.int64)
    for kind in sorted(facts.region_scores, key=lambda kind: (-int(facts.region_scores[kind].sum()), kind)):
        counts = facts.region_scores[kind]
        colour = COLOURS.get(kind, OTHER)
        regions.bar(left, counts, width=1 / BINS, align="edge", bottom=below, label=kind, color=colour)
        below = below + counts
    regions.set_title(f"regions ({int(below.sum()):,})", fontsize=9)
    if below.any():
        regions.legend(fontsize=7, ncols=2)
    for axes in (lines, regions):
        axes.set(xlim=(0, 1), xlabel="confidence", yscale="symlog")
        axes.tick_params(labelsize=8)
    stream = io.BytesIO()
    figure.savefig(stream, format="png", metadata={"Software": None})
    return stream.getvalue()
