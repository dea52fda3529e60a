"""Plots of a crawl day, as PNG: outcomes, payload and status codes by host, latency, and the days so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from neo_assets.plots import KEPT_COLOUR, REJECTED_COLOUR, png
from neo_assets.web.report.host_counts import CLASSES, OUTCOMES
from neo_assets.web.report.host_report import HostReport

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HOSTS_SHOWN = 20
DAYS_SHOWN = 60
LABEL_CHARS = 40
COLOURS = dict(zip(OUTCOMES, (KEPT_COLOUR, "#9ecae9", "#b0b7bf", "#8c6d46", "#f2a541", REJECTED_COLOUR), strict=True))
STATUS_COLOURS = {
    **dict(
        zip((f"status_{code}xx" for code in CLASSES), (KEPT_COLOUR, "#9ecae9", "#f2a541", REJECTED_COLOUR), strict=True)
    ),
    "status_other": "#b0b7bf",
}
STATUS_NAMES = {name: name.removeprefix("status_") for name in STATUS_COLOURS}
Rows = Sequence[Mapping[str, Any]]

NO_HOST = "no host"
"""What reports call the host of `file:` and other URLs without one."""


def largest(report: HostReport, n_hosts: int) -> list[dict[str, Any]]:
    """The rows of the hosts with the most URLs, ties by name."""
    table = report.rows.sort_by([("urls", "descending"), ("host", "ascending")])
    rows: list[dict[str, Any]] = table.slice(0, n_hosts).to_pylist()
    return rows


def outcomes_plot(report: HostReport) -> bytes:
    """What became of the URLs of the largest hosts."""
    return _by_host(report, COLOURS, {}, "URLs")


def status_plot(report: HostReport) -> bytes:
    """The classes of the status codes of the largest hosts."""
    return _by_host(report, STATUS_COLOURS, STATUS_NAMES, "answers by status")


def bytes_plot(report: HostReport) -> bytes:
    """The payload of the hosts that sent the most."""
    table = report.rows.sort_by([("bytes", "descending"), ("host", "ascending")]).slice(0, HOSTS_SHOWN)
    rows = [{"host": row["host"], "megabytes": row["bytes"] / 1e6} for row in table.to_pylist()]
    figure, axes = _figure(len(rows))
    _stack(axes, rows, {"megabytes": KEPT_COLOUR})
    _name(axes, [row["host"] for row in rows])
    axes.set_xlabel(f"payload, MB ({_of_all(report, len(rows))})")
    return png(figure)


def days_plot(report: HostReport) -> bytes:
    """What became of the URLs on each day so far."""
    rows = report.days.slice(max(report.days.num_rows - DAYS_SHOWN, 0)).to_pylist()
    figure, axes = _figure(len(rows))
    _stack(axes, rows, COLOURS)
    _name(axes, [row["day"] for row in rows])
    axes.set_xlabel("URLs")
    figure.legend(loc="outside upper left", ncols=6, fontsize=8, frameon=False)
    return png(figure)


def latency_plot(report: HostReport) -> bytes:
    """How long answers took, of all hosts, on a logarithmic axis."""
    rows = report.latency.to_pylist()
    used = [index for index, row in enumerate(rows) if row["n_requests"]] or [0]
    shown = rows[used[0] : used[-1] + 1]
    figure, axes = _figure(8)
    # The first bin begins at nothing, which a logarithmic axis does not have.
    starts = [max(row["from_ms"], 2**-0.25) for row in shown]
    axes.bar(starts, [row["n_requests"] for row in shown], [0.19 * start for start in starts], align="edge",
             color=KEPT_COLOUR)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds until the answer")
    axes.set_ylabel("requests")
    return png(figure)


def _by_host(report: HostReport, colours: Mapping[str, str], names: Mapping[str, str], what: str) -> bytes:
    rows = largest(report, HOSTS_SHOWN)
    figure, axes = _figure(len(rows))
    _stack(axes, rows, colours, names)
    _name(axes, [row["host"] for row in rows])
    axes.set_xlabel(f"{what} ({_of_all(report, len(rows))})")
    figure.legend(loc="outside upper left", ncols=6, fontsize=8, frameon=False)
    return png(figure)


def _stack(axes: Axes, rows: Rows, colours: Mapping[str, str], names: Mapping[str, str] | None = None) -> None:
    """Horizontal bars, a row each, of one piece per key of `colours`."""
    starts = [0.0] * len(rows)
    for name, colour in colours.items():
        widths = [float(row[name]) for row in rows]
        axes.barh(range(len(rows)), widths, 0.75, starts, color=colour, label=(names or {}).get(name, name))
        starts = [start + width for start, width in zip(starts, widths, strict=True)]


def _name(axes: Axes, labels: Sequence[str]) -> None:
    """Label the bars, the first on top. Names of hosts are foreign: no mathematics, no glyph that fonts may lack."""
    axes.set_yticks(range(len(labels)), [_label(text) for text in labels], fontsize=8, parse_math=False)
    axes.set_ylim(max(len(labels), 1) - 0.4, -0.6)


def _label(text: str) -> str:
    shown = (text or NO_HOST).encode("ascii", "backslashreplace").decode()
    return shown if len(shown) <= LABEL_CHARS else f"{shown[: LABEL_CHARS - 3]}..."


def _figure(n_bars: int) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 1.3 + 0.24 * max(n_bars, 4)), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _of_all(report: HostReport, n_shown: int) -> str:
    return f"{n_shown} of {report.rows.num_rows:,} hosts" if n_shown < report.rows.num_rows else "every host"
