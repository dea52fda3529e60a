"""The report of a crawl day as the UI shows it: Markdown pages, and plots."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neo_assets.metadata import markdown_table
from neo_assets.web.report.host_counts import CHANGES, CLASSES, CODES, OUTCOMES, left_out_kind
from neo_assets.web.report.host_plots import (
    NO_HOST,
    bytes_plot,
    days_plot,
    largest,
    latency_plot,
    outcomes_plot,
    status_plot,
)
from neo_assets.web.report.host_report import HostReport

HOSTS_SHOWN = 40
ROWS_SHOWN = 40
KINDS = {"trap_urls": "Traps", "cap_urls": "Over the day's caps", "other_left_out": "Not allowed"}
Row = Mapping[str, Any]


def report_files(report: HostReport) -> dict[str, bytes]:
    """The files of the report by name. What depends on the network is in plots only: they are no content."""
    return {
        "outcomes.png": outcomes_plot(report),
        "payload.png": bytes_plot(report),
        "status.png": status_plot(report),
        "days.png": days_plot(report),
        "latency.png": latency_plot(report),
        "by_host.md": hosts_page(report).encode(),
        "status_codes.md": status_page(report).encode(),
        "left_out.md": left_out_page(report).encode(),
    }


def hosts_page(report: HostReport) -> str:
    """A summary, and what became of the URLs of the largest hosts."""
    totals = report.totals
    summary = (
        f"{report.day}: {totals['asked']:,} URLs of {totals['hosts']:,} hosts asked for, {totals['fetched']:,} fetched "
        f"({_size(totals['bytes']) or 'no payload'}), {totals['unchanged']:,} unchanged, {totals['gone']:,} gone, "
        f"{totals['failed']:,} failed; {totals['robots_refused']:,} refused by robots.txt. Of the pages fetched "
        f"{totals['change_new']:,} are new, {totals['change_text']:,} have another text and "
        f"{totals['change_boilerplate']:,} changed around the same text. Found and never asked for: "
        f"{totals['trap_urls']:,} URLs in traps, {totals['cap_urls']:,} over the day's caps."
    )
    return f"{summary}\n\n{markdown_table([_outcomes(row) for row in _shown(report)])}\n"


def status_page(report: HostReport) -> str:
    """The status codes of the largest hosts, and why URLs failed or were refused."""
    reasons = [
        {"host": row["host"] or NO_HOST, "outcome": row["outcome"], "reason": row["reason"], "URLs": _n(row["n_urls"])}
        for row in report.reasons.slice(0, ROWS_SHOWN).to_pylist()
    ]
    rest = _rest(report.reasons.num_rows)
    return f"{markdown_table([_statuses(row) for row in _shown(report)])}\n\n{markdown_table(reasons)}\n{rest}"


def left_out_page(report: HostReport) -> str:
    """URLs that were found and not asked for, by kind, the most first."""
    found = report.left_out.to_pylist()
    sections = []
    for kind, heading in KINDS.items():
        rows = [row for row in found if left_out_kind(row["reason"]) == kind]
        table = markdown_table(
            [
                {
                    "host": r["host"] or NO_HOST,
                    "reason": r["reason"],
                    "URLs": _n(r["n_urls"]),
                    "example": r["example"] or "",
                }
                for r in rows[:ROWS_SHOWN]
            ]
        )
        sections.append(f"#### {heading}\n\n{table}\n{_rest(len(rows))}")
    return "\n".join(sections)


def _shown(report: HostReport) -> list[Row]:
    """The largest hosts, then all of them together."""
    every = {"host": f"all, {report.totals['hosts']:,} hosts asked", **report.totals}
    return [*largest(report, HOSTS_SHOWN), every] if report.rows.num_rows else []


def _outcomes(row: Row) -> dict[str, Any]:
    shown = {
        "host": row["host"] or NO_HOST, "asked": _n(row["asked"]), **{name: _n(row[name]) for name in OUTCOMES},
        "robots": _n(row["robots_refused"]), "payload": _size(row["bytes"]),
        **{name: _n(row[f"change_{name}"]) for name in CHANGES},
    }  # fmt: skip
    counted = {name: _n(row[name]) for name in ("noindex", "truncated")}
    return shown | counted | {"in traps": _n(row["trap_urls"]), "over caps": _n(row["cap_urls"])}


def _statuses(row: Row) -> dict[str, Any]:
    classes = {f"{code}xx": _n(row[f"status_{code}xx"]) for code in CLASSES}
    codes = {str(code): _n(row[f"status_{code}"]) for code in CODES}
    silent = _n(row["asked"] - row["answered"])
    return {"host": row["host"] or NO_HOST, **classes, "other": _n(row["status_other"]), "no answer": silent} | codes


def _n(number: int) -> str:
    """Zeros would drown what there is."""
    return f"{number:,}" if number else ""


def _size(n_bytes: int) -> str:
    for unit, name in ((1e6, "MB"), (1e3, "kB")):
        if n_bytes >= unit / 10:
            return f"{n_bytes / unit:,.1f} {name}"
    return f"{n_bytes} B" if n_bytes else ""


def _rest(n_rows: int) -> str:
    return f"\n*{n_rows - ROWS_SHOWN:,} more in the table*\n" if n_rows > ROWS_SHOWN else ""
