"""Charts for metadata, as PNG bytes that are the same for the same numbers."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KEPT_COLOUR, REJECTED_COLOUR = "#4c78a8", "#c0392b"
"""What a rule or stage keeps and what it does not, alike in every chart."""


def bar_chart(table: pa.Table, x: str, y: str, hue: str | None = None) -> bytes:
    """Horizontal bars of column `y` per value of `x`, one colour per value of `hue`."""
    from matplotlib.figure import Figure

    labels = list(dict.fromkeys(table[x].to_pylist()))
    groups = list(dict.fromkeys(table[hue].to_pylist())) if hue else [None]
    figure = Figure(figsize=(7, 0.6 + 0.28 * len(labels) * max(1, len(groups) * 0.7)), layout="constrained")
    axes = figure.add_subplot()
    height = 0.8 / len(groups)
    for place, group in enumerate(groups):
        values = {row[x]: row[y] or 0 for row in table.to_pylist() if hue is None or row[hue] == group}
        positions = [i + (place - (len(groups) - 1) / 2) * height for i in range(len(labels))]
        axes.barh(positions, [values.get(label, 0) for label in labels], height, label=group)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(y.replace("_", " "))
    if hue:
        axes.legend(title=hue)
    return png(figure)


def png(figure: Figure) -> bytes:
    """A figure as PNG without the metadata that differs between installations."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    return buffer.getvalue()
