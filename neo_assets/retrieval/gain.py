"""Marginal gain: what every round brought, domain by domain, as a table, a chart and a summary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neo_assets.engine.relation import Draft
from neo_assets.lake.dataset import Dataset
from neo_assets.plots import png
from neo_assets.retrieval.model import DECIMALS, PROGRESS_SCHEMA

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CHART, SUMMARY = "gain.png", "summary.md"
LINEAR_UP_TO = 1000
"""Counts above it are drawn on a logarithmic axis, else later rounds could not be told from nothing."""

GAIN_SCHEMA = pa.schema(
    [
        ("domain", pa.string()),
        ("round", pa.int32()),
        ("threshold", pa.float64()),
        ("threshold_drift", pa.float64()),
        ("precision", pa.float64()),
        ("truth_precision", pa.float64()),
        ("truth_recall", pa.float64()),
        ("recall_gain", pa.float64()),
        ("new_documents", pa.int64()),
        ("new_base_urls", pa.int64()),
        ("found_documents", pa.int64()),
        ("found_base_urls", pa.int64()),
        ("positives", pa.int64()),
        ("judged", pa.int64()),
        ("judged_per_new_document", pa.float64()),
        ("stopped", pa.bool_()),
        ("reason", pa.string()),
    ]
)
"""One row a domain and round, in that order. `threshold_drift` and `recall_gain` are the differences from the round
before, null in the first; `found_*` count all rounds so far, without the seeds; rounds after the loop stopped are left
out."""


def measure_gain(progress: Dataset) -> Draft:
    """The gain of all domains with the chart and a summary, from their `PROGRESS_SCHEMA` rows."""
    gain = gain_of(progress.read() if progress.parts else PROGRESS_SCHEMA.empty_table())
    views = {CHART: gain_chart(gain), SUMMARY: gain_markdown(gain).encode()}
    return Draft(tables={"rows": gain}, views=views, metadata=gain_metadata(gain))


def gain_of(progress: pa.Table) -> pa.Table:
    """`GAIN_SCHEMA` from the rows of progress of any domains, in any order.

    The rows of several rounds may hold those of earlier ones again: equal ones count once.
    """
    by_domain: dict[str, dict[int, dict[str, Any]]] = {}
    for row in progress.to_pylist():
        by_domain.setdefault(row["domain"], {})[row["round"]] = row
    found: list[dict[str, Any]] = []
    for _, rounds in sorted(by_domain.items()):
        found += _of_domain([rounds[number] for number in sorted(rounds)])
    return pa.Table.from_pylist(found, schema=GAIN_SCHEMA)


def gain_metadata(gain: pa.Table) -> dict[str, Any]:
    """The table of rounds for people; numbers of the last rounds."""
    last = list(_by_domain(gain).values())
    table = [{title: row[name] for name, title in _SHOWN.items()} for row in gain.to_pylist()]
    return {
        "rounds": [{k: "" if v is None else v for k, v in row.items()} for row in table],
        "found documents": sum(rows[-1]["found_documents"] for rows in last),
        "judged pages": sum(row["judged"] for rows in last for row in rows),
    }


def gain_markdown(gain: pa.Table) -> str:
    """One line a domain: from the seeds to the last round."""
    domains = _by_domain(gain)
    return "\n".join(f"- **{name}**: {_sentence(rows)}" for name, rows in domains.items()) or "*no domains*"


def gain_chart(gain: pa.Table) -> bytes:
    """PNG: precision and recall, new documents, new base URLs and the threshold over rounds, a colour a domain.

    Precision and recall are those on labelled hosts; where a domain has none, the judge's estimate of precision.
    """
    from matplotlib.figure import Figure

    domains = _by_domain(gain)
    figure = Figure(figsize=(9, 6), layout="constrained")
    panels = figure.subplots(2, 2)
    quality, documents, sites, threshold = panels.flat
    for place, (name, rows) in enumerate(domains.items()):
        colour = f"C{place % 10}"
        measured = any(row["truth_precision"] is not None for row in rows)
        _line(quality, rows, "truth_recall", colour, "-")
        _line(quality, rows, "truth_precision" if measured else "precision", colour, "--" if measured else ":")
        _line(documents, rows, "new_documents", colour, "-", name)
        _line(sites, rows, "new_base_urls", colour, "-")
        _line(threshold, rows, "threshold", colour, "-")
    titles = (
        "recall (line), precision (dashes; dots: estimate)",
        "new documents",
        "new base URLs",
        "threshold",
    )
    rounds = sorted(set(gain["round"].to_pylist()))
    for axes, title in zip(panels.flat, titles, strict=True):
        axes.set_title(title, fontsize=10)
        axes.set_xticks(rounds, [f"round {number}" for number in rounds])
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.3)
    quality.set_ylim(0, 1.02)
    for axes, column in ((documents, "new_documents"), (sites, "new_base_urls")):
        if max(gain[column].to_pylist(), default=0) > LINEAR_UP_TO:
            axes.set_yscale("symlog", linthresh=10)
        else:
            axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:,.0f}")
    if domains:
        figure.legend(loc="outside upper left", ncols=min(len(domains), 5), fontsize=8, frameon=False)
    return png(figure)


_SHOWN = {
    "domain": "domain",
    "round": "round",
    "threshold": "threshold",
    "precision": "estimated precision",
    "truth_precision": "precision",
    "truth_recall": "recall",
    "new_documents": "new documents",
    "new_base_urls": "new base URLs",
    "positives": "positives",
    "judged": "judged",
    "reason": "then",
}


def _of_domain(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of one domain, by round, up to that in which the loop stopped."""
    found: list[dict[str, Any]] = []
    documents = base_urls = 0
    before: Mapping[str, Any] = {}
    for row in rows:
        if before.get("stopped"):
            break
        documents, base_urls = documents + row["new_documents"], base_urls + row["new_base_urls"]
        found.append(
            {name: row[name] for name in GAIN_SCHEMA.names if name in row}
            | {
                "threshold_drift": _difference(row["threshold"], before.get("threshold")),
                "recall_gain": _difference(row["truth_recall"], before.get("truth_recall")),
                "found_documents": documents,
                "found_base_urls": base_urls,
                "judged_per_new_document": round(row["judged"] / row["new_documents"], DECIMALS)
                if row["new_documents"]
                else None,
            }
        )
        before = row
    return found


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else round(now - before, DECIMALS)


def _by_domain(gain: pa.Table) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in gain.to_pylist():
        found.setdefault(row["domain"], []).append(row)
    return found


def _sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    first, last = rows[0], rows[-1]
    seeds = first["positives"] - first["new_documents"]
    said = [
        f"{seeds:,} seeds became {last['positives']:,} positives in {_number(len(rows), 'round')}, "
        f"{_number(last['found_base_urls'], 'new base URL')}"
    ]
    if last["truth_recall"] is not None:
        said.append(f"recall {_way(rows, 'truth_recall')} at precision {_way(rows, 'truth_precision')}")
    elif last["precision"] is not None:
        said.append(f"estimated precision {_way(rows, 'precision')}")
    said.append(f"{_number(sum(row['judged'] for row in rows), 'page')} judged")
    if last["stopped"]:
        said.append(f"stopped after round {last['round']}: {last['reason']}")
    return "; ".join(said) + "."


def _way(rows: Sequence[Mapping[str, Any]], column: str) -> str:
    return " → ".join("–" if row[column] is None else f"{row[column]:.3f}" for row in rows)


def _number(count: int, of: str) -> str:
    return f"{count:,} {of}" + ("" if count == 1 else "s")


def _line(
    axes: Axes, rows: Sequence[Mapping[str, Any]], column: str, colour: str, style: str, label: str | None = None
) -> None:
    known = [(row["round"], row[column]) for row in rows if row[column] is not None]
    axes.plot(
        [number for number, _ in known], [value for _, value in known], style, color=colour, marker="o", markersize=4,
        label=label,
    )  # fmt: skip
