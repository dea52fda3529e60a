"""The duplicates report as pictures and Markdown: sizes, similarities, the largest clusters, pairs to judge, cuts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from neo_assets.dedup.cluster_pairs import chance_to_meet
from neo_assets.dedup.clusters import ALL, METHODS, ClusterReport
from neo_assets.metadata import markdown_table
from neo_assets.plots import KEPT_COLOUR, REJECTED_COLOUR, png
from neo_assets.recipe.dedup import NearSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = {ALL: ("o", "#33475b"), "exact": ("s", "#f28e2b"), "near": ("^", "#59a14f")}
CLASSES = ((2, 2), (3, 3), (4, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, 1_000), (1_001, None))
PAGE_BYTES = 90_000
"""A page stays below the 100 kB that are shown in place."""
FLOOR = 0.5
"""Where the logarithmic axis of counts begins, so that one pair shows."""


def report_files(report: ClusterReport) -> dict[str, bytes]:
    """The files of the report by name: two plots, and pages short enough to be shown in place."""
    pages = {"sizes": sizes_page(report), "largest_clusters": clusters_page(report), "audit": audit_page(report)}
    if report.cuts.num_rows:
        pages["cuts"] = cuts_page(report)
    return {
        "clusters.png": size_plot(report),
        "similarity.png": similarity_plot(report),
        **{f"{name}.md": page.encode() for name, page in pages.items()},
    }


def sizes_page(report: ClusterReport) -> str:
    """Clusters and removed documents by size class and method, with what became of the compared pairs above."""
    totals, near = report.totals, report.near
    measured = "every compared pair is merged" if near.verify == "nothing" else f"merged from {near.threshold:g} on"
    named = "".join(f", {totals[f'removed as {name}']:,} as {name} duplicates" for name in METHODS)
    text = (
        f"{totals['clusters of duplicates']:,} clusters{named}; the largest has "
        f"{totals['documents in the largest cluster']:,} documents. {totals['pairs compared']:,} pairs compared, "
        f"{totals['pairs refused']:,} refused ({measured}). Merging every compared pair, as MAP-Neo's released code "
        f"does, would remove {totals['removed if every compared pair were merged']:,} documents as near duplicates."
    )
    return f"{text}\n\n{markdown_table(list(_by_class(report)))}\n"


def _by_class(report: ClusterReport) -> Iterator[dict[str, Any]]:
    rows = report.rows.to_pylist()
    for low, high in CLASSES:
        inside = [row for row in rows if low <= row["size"] <= (high or row["size"])]
        name = f"{low:,}" if high == low else f"{low:,} or more" if high is None else f"{low:,} to {high:,}"
        shown: dict[str, Any] = {"documents in cluster": name}
        for method in (*METHODS, ALL):
            for column in ("clusters", "removed"):
                count = sum(row[column] for row in inside if row["method"] == method)
                shown[f"{method}: {column}"] = f"{count:,}"
        if inside:
            yield shown


def clusters_page(report: ClusterReport) -> str:
    """The largest clusters, and below the beginnings of what each kept and of its least similar member."""
    rows = report.clusters.to_pylist()
    table = [
        {
            "": place, "documents": f"{row['size']:,}", "exact": f"{row['exact']:,}", "near": f"{row['near']:,}",
            "similarity": _span(row), "longest chain": row["longest_chain"],
            "kept": row["url"] or row["survivor"], "also": ", ".join(_named(row)),
        }
        for place, row in enumerate(rows, start=1)
    ]  # fmt: skip
    samples = [
        {"": place, "kept, begins": row["sample"] or "", "least similar, begins": row["least_similar_sample"] or ""}
        for place, row in enumerate(rows, start=1)
    ]
    return _fitting([f"{markdown_table(table)}\n\n", f"{markdown_table(samples)}\n" if rows else ""])


def _span(row: dict[str, Any]) -> str:
    low, middle, high = (row[f"similarity_{name}"] for name in ("min", "median", "max"))
    return "" if low is None else f"{low:.2f}" if low == high else f"{low:.2f} to {high:.2f}, median {middle:.2f}"


def _named(row: dict[str, Any]) -> list[str]:
    return [url or doc_id for doc_id, url in zip(row["members"], row["member_urls"], strict=True)]


def audit_page(report: ClusterReport) -> str:
    """A table per interval of similarity, the most doubtful first: both texts from before their first difference on."""
    drawn = report.audit.to_pylist()
    rows = sorted(drawn, key=lambda row: (row["lower"] is None, row["lower"] or 0.0, row["upper"] or 0.0))
    sections = [
        "Texts from shortly before their first difference on; ⟦ ⟧ is what the other text lacks there. "
        "Judge of each merged pair whether both are one document, of each refused pair whether they are two.\n\n"
    ]
    for (outcome, lower, upper, found), pairs in groupby(rows, key=lambda r: tuple(r[n] for n in _STRATUM)):
        interval = "similarity not measured" if lower is None else "similarity 1" if lower == upper else (
            f"similarity {lower:.2f} to {upper:.2f}"
        )  # fmt: skip
        unit = "removed documents" if outcome == "merged" else "pairs"
        table = markdown_table([row for pair in pairs for row in _pair(pair)])
        sections.append(f"#### {outcome}, {interval} ({found:,} {unit})\n\n{table}\n\n")
    return _fitting(sections)


_STRATUM = ("outcome", "lower", "upper", "found")


def _pair(row: dict[str, Any]) -> list[dict[str, Any]]:
    """Two rows: the later document, and below it the earlier one."""
    measured = [] if row["similarity"] is None else [f"{row['similarity']:.3f}"]
    measured += [] if row["band"] is None else [f"band {row['band']}"]
    alike = row["alike_at_start"]
    shared = "" if alike is None else f"alike: first {alike:,}, last {row['alike_at_end']:,}"
    later, earlier = row["url"] or row["doc_id"], row["survivor_url"] or row["survivor"]
    return [
        {"pair": ", ".join(measured), "document": _sized(later, row["chars"]), "reads": row["excerpt"] or ""},
        {"pair": shared, "document": _sized(earlier, row["survivor_chars"]), "reads": row["survivor_excerpt"] or ""},
    ]


def _sized(document: str, chars: int | None) -> str:
    return document if chars is None else f"{document}, {chars:,} characters"


def cuts_page(report: ClusterReport) -> str:
    """What each stage cut, and the documents whose passages were cut most often."""
    counts = [{k: f"{v:,}" if isinstance(v, int) else v for k, v in row.items()} for row in report.cuts.to_pylist()]
    passages = [
        {
            "stage": row["stage"], "kept in": row["url"] or row["survivor"], "cuts": f"{row['cuts']:,}",
            "documents": f"{row['documents']:,}", "characters": f"{row['characters']:,}",
            "one passage": row["sample"] or "",
        }
        for row in report.passages.to_pylist()
    ]  # fmt: skip
    return _fitting([f"{markdown_table(counts)}\n\n", f"{markdown_table(passages)}\n" if passages else ""])


def _fitting(sections: list[str]) -> str:
    """As many of the sections as fit on a page, and how many do not."""
    page, size = "", 0
    for place, section in enumerate(sections):
        size += len(section.encode())
        if size > PAGE_BYTES:
            return page + f"*{len(sections) - place} more in the tables*\n"
        page += section
    return page


def size_plot(report: ClusterReport) -> bytes:
    """PNG: how many clusters (logarithmic) have how many documents (logarithmic), by method."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.add_subplot()
    rows = report.rows.to_pylist()
    for method, (marker, colour) in MARKERS.items():
        of_method = [row for row in rows if row["method"] == method]
        points = [[row[name] for row in of_method] for name in ("size", "clusters")]
        removed = sum(row["removed"] for row in of_method)
        label = f"{method}: {sum(points[1]):,} clusters, {removed:,} documents removed"
        axes.plot(*points, marker, color=colour, markersize=8 if method == ALL else 4.5, alpha=0.8, label=label)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(1.6, 2 * max([2, *(row["size"] for row in rows)]))
    axes.set_ylim(FLOOR, 3 * max([3, *(row["clusters"] for row in rows)]))
    axes.set_xlabel("documents in the cluster, the one kept included")
    axes.set_ylabel("clusters")
    axes.legend(fontsize=8, frameon=False)
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def similarity_plot(report: ClusterReport) -> bytes:
    """PNG: compared pairs by similarity, merged on top of refused, the threshold, and the chance that a pair is met."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 4), layout="constrained")
    axes = figure.add_subplot()
    rows, near, totals = report.refused.to_pylist(), report.near, report.totals
    edges = [*(row["lower"] for row in rows), 1.0]
    refused, pairs = ([row[name] for row in rows] for name in ("refused", "pairs"))
    merged = f"merged: {sum(pairs) - sum(refused):,}"
    axes.stairs(pairs, edges, fill=True, color=KEPT_COLOUR, baseline=FLOOR, label=merged)
    axes.stairs(refused, edges, fill=True, color=REJECTED_COLOUR, baseline=FLOOR, label=f"refused: {sum(refused):,}")
    axes.set_yscale("log")
    axes.set_ylim(FLOOR, 5 * max([5, *pairs]))
    axes.set_xlim(0, 1)
    if near.verify != "nothing":
        axes.axvline(near.threshold, color="black", linestyle="--", linewidth=1)
        axes.annotate(
            f"{near.threshold:g}", (near.threshold, 1), (-3, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right", va="top", fontsize=8,
        )  # fmt: skip
    if near.verify != "containment":
        _draw_chance(axes, near)
    axes.set_xlabel(f"similarity ({near.verify if near.verify != 'nothing' else 'not verified'})")
    axes.set_ylabel("compared pairs")
    axes.set_title(f"{totals['pairs compared']:,} pairs that share a band", fontsize=9)
    figure.legend(fontsize=8, loc="outside lower center", ncols=3, frameon=False)
    axes.spines["top"].set_visible(False)
    return png(figure)


def _draw_chance(axes: Axes, near: NearSettings) -> None:
    """The chance that a pair of that Jaccard similarity is met at all, on an axis at the right."""
    places = np.linspace(0, 1, 201)
    chance = axes.twinx()
    theory = f"1 - (1 - J^{near.rows})^{near.bands}"
    chance.plot(places, chance_to_meet(places, near), color="#7f7f7f", linewidth=1.3, label=theory)
    chance.set_ylim(0, 1.05)
    chance.set_ylabel("chance that two documents share a band", fontsize=8)
    chance.spines["top"].set_visible(False)
