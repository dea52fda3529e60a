"""The report of a crawl day: what every host answered, why URLs were not asked for, and the days so far."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from neo_assets.web.crawler.pagetables import LEFT_OUT_SCHEMA
from neo_assets.web.report.host_counts import (
    COLUMNS,
    COUNTED,
    LEFT_OUT_KINDS,
    OUTCOMES,
    RETRIES,
    HostCounts,
    left_out_kind,
)
from neo_assets.web.report.latency import latency_table

__all__ = ["COLUMNS", "DAY_SCHEMA", "HostReport", "report_hosts"]

KEPT_ROWS = 1000

DAY_SCHEMA = pa.schema(
    [
        pa.field("day", pa.string()),
        pa.field("hosts", pa.int64()),
        *(pa.field(name, pa.int64()) for name in COUNTED),
    ]
)
"""A row per crawl day so far: how many hosts were asked, and the sums over all, also those that were not asked."""


@dataclass(frozen=True)
class HostReport:
    """The tables of the report of one day.

    `left_out` has the rows with the most URLs of each kind, `KEPT_ROWS` at most; the crawl's own table has all.
    """

    day: str
    rows: pa.Table
    reasons: pa.Table
    left_out: pa.Table
    days: pa.Table
    latency: pa.Table

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables by the names they have in the lake."""
        return {name: getattr(self, name) for name in ("rows", "reasons", "left_out", "days", "latency")}

    @property
    def totals(self) -> dict[str, int]:
        """The counts of the day over all hosts."""
        totals: dict[str, Any] = self.days.slice(self.days.num_rows - 1).to_pylist()[0]
        return {name: totals[name] for name in ("hosts", *COUNTED)}

    @property
    def metadata(self) -> dict[str, Any]:
        """The numbers that the UI shows, and draws over the days; the slow hosts, which are no content."""
        shown = ("hosts", "asked", *OUTCOMES, "robots_refused", "truncated", "trap_urls", "cap_urls")
        totals = self.totals
        found: dict[str, Any] = {name.replace("_", " "): totals[name] for name in shown}
        found |= {"payload MB": round(totals["bytes"] / 1e6, 3)}
        found[RETRIES] = int(np.sum(self.rows[RETRIES].to_numpy()))
        return found | {"slowest hosts": self._slowest(10)}

    def _slowest(self, n_hosts: int) -> list[dict[str, Any]]:
        order = np.argsort(-np.nan_to_num(self.rows["p95_ms"].to_numpy(), nan=0.0), kind="stable")[:n_hosts]
        return [
            {"host": row["host"], "median ms": row["median_ms"], "95 % below ms": row["p95_ms"],
             "requests repeated": row[RETRIES]}
            for row in self.rows.take(order).to_pylist() if row["p95_ms"] is not None
        ]  # fmt: skip


def report_hosts(
    day: str,
    pages: Iterable[pa.RecordBatch],
    left_out: Iterable[pa.RecordBatch] = (),
    earlier: pa.Table | None = None,
) -> HostReport:
    """The report of a crawl day.

    Args:
        pages: rows of `pagetables.PAGE_SCHEMA`, of which `COLUMNS` are read; a missing one counts as null.
        left_out: rows of `pagetables.LEFT_OUT_SCHEMA`.
        earlier: the table `days` of the report of the day before.
    """
    hosts, most = HostCounts(), _Most()
    for batch in pages:
        hosts.count_pages(batch)
    for batch in left_out:
        found = batch.select(LEFT_OUT_SCHEMA.names).to_pylist()
        hosts.count_left_out(found)
        most.add(found)
    days = [row for row in (earlier.to_pylist() if earlier is not None else []) if row["day"] < day]
    return HostReport(
        day=day,
        rows=hosts.table(),
        reasons=hosts.reason_table(),
        left_out=pa.Table.from_pylist(most.rows(), schema=LEFT_OUT_SCHEMA),
        days=pa.Table.from_pylist([*days, {"day": day, **hosts.totals}], schema=DAY_SCHEMA),
        latency=latency_table(hosts.latency),
    )


class _Most:
    """The rows with the most URLs of each kind, `KEPT_ROWS` at most: hosts that are never asked may be millions."""

    def __init__(self) -> None:
        self._rows: dict[str, list[dict[str, Any]]] = {name: [] for name in LEFT_OUT_KINDS}

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        for kind, kept in self._rows.items():
            new = (row for row in rows if left_out_kind(row["reason"]) == kind)
            self._rows[kind] = heapq.nsmallest(KEPT_ROWS, chain(kept, new), key=_rank)

    def rows(self) -> list[dict[str, Any]]:
        return [row for kept in self._rows.values() for row in kept]


def _rank(row: dict[str, Any]) -> tuple[int, str, str]:
    return -row["n_urls"], row["host"], row["reason"]
