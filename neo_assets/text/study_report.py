"""A threshold study as Markdown: what each rule rejects, and the documents on either side of each threshold."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from neo_assets.metadata import markdown_table
from neo_assets.text.studies import ALL, Study
from neo_assets.text.study_plots import rejected_shares, threshold_histograms

PAGE_BYTES = 90_000
"""A page stays below the 100 kB that are shown in place."""


def study_files(study: Study) -> dict[str, bytes]:
    """The files of a study by name: two plots, the table of rules, and the documents, in pages short enough to show."""
    pages = list(_pages(documents_near(study)))
    names = ["nearest_documents.md", *(f"nearest_documents_{n}.md" for n in range(2, len(pages) + 1))]
    return {
        "thresholds.png": threshold_histograms(study.rows, study.histograms),
        "rejected_shares.png": rejected_shares(study.rows),
        "rules.md": rules_table(study).encode(),
        **{name: page.encode() for name, page in zip(names, pages, strict=True)},
    }


def rules_table(study: Study) -> str:
    """What each rule rejects of all documents, the totals above it, and what the partitions lost below it."""
    totals = study.totals
    alone = totals["rejected by one rule alone"]
    rules = [
        {
            "rule": row["rule"], "number": row["number"], "keeps": row["keeps"],
            "rejected": row["rejected"], "%": _percent(row["share_rejected"]),
            "first": row["first"], "alone": row["alone"], "missing": row["missing"] or "",
            "1 %": _number(row["p1"]), "median": _number(row["median"]), "99 %": _number(row["p99"]),
        }
        for row in study.rows.to_pylist()
        if row["partition"] == ALL
    ]  # fmt: skip
    quarantined = f", {totals['quarantined']:,} in quarantine" if totals["quarantined"] else ""
    text = (
        f"{totals['documents']:,} documents: {totals['kept']:,} kept, {totals['rejected']:,} rejected "
        f"({alone:,} by one rule alone){quarantined}.\n\n{markdown_table(rules)}"
    )
    if "by partition" in totals:
        text += f"\n\n{markdown_table(totals['by partition'])}"
    return text


def documents_near(study: Study) -> Iterator[str]:
    """A section per threshold, those that reject most first: the documents by falling value, the threshold between."""
    whole = {row["rule"]: row for row in study.rows.to_pylist() if row["partition"] == ALL}
    sections = groupby(study.samples.to_pylist(), key=lambda row: (row["rule"], row["bound"], row["threshold"]))
    found = [(key, list(rows)) for key, rows in sections]
    for (rule, bound, threshold), rows in sorted(found, key=lambda item: -whole[item[0][0]]["rejected"]):
        limit = "" if bound is None else f", {bound} {_number(threshold)}"
        unit = f" {whole[rule]['unit']}" if limit else ""
        head = f"{whole[rule]['number']} {rule}{limit}{unit} ({whole[rule]['rejected']:,} rejected)".strip()
        yield f"#### {_plain(head)}\n\n{markdown_table(_by_value(rows, bound, threshold))}\n\n"


def _by_value(rows: list[dict[str, Any]], bound: str | None, threshold: float | None) -> list[dict[str, Any]]:
    shown = [
        {
            "": row["side"], "value": row["label"] if row["value"] is None else _number(row["value"]),
            "document": row["url"] or row["doc_id"], "also fails": _first_few(row["also_fails"]),
            "beginning": row["excerpt"],
        }
        for row in sorted(rows, key=lambda row: (-(row["value"] or 0.0), row["doc_id"]))
    ]  # fmt: skip
    if bound is None:
        return shown
    above = "kept" if bound == "minimum" else "rejected"
    line = {"": "**threshold**", "value": _number(threshold), "document": "", "also fails": "", "beginning": ""}
    return [*(r for r in shown if r[""] == above), line, *(r for r in shown if r[""] != above)]


def _pages(sections: Iterator[str]) -> Iterator[str]:
    page = ""
    for section in sections:
        if page and len((page + section).encode()) > PAGE_BYTES:
            yield page
            page = ""
        page += section
    yield page or "*no documents*"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("_", "\\_")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}"


def _number(value: float | None) -> str:
    """Four digits, thousands apart; whole numbers in full."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e12 else f"{value:,.4g}"


def _first_few(names: str) -> str:
    listed = names.split(", ")
    return names if len(listed) <= 3 else f"{', '.join(listed[:2])} and {len(listed) - 2} more"
