"""Counters per host over the rows of a crawl day, filled batch by batch.

At scale: memory is 0.7 kB a host and the length of its name, so a million hosts take 0.8 GB; time is one pass over
ten columns, about a second for a million rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.records import volatile
from neo_assets.web.crawler.crawlschema import CAPS
from neo_assets.web.crawler.pagetables import (
    BOILERPLATE,
    FAILED,
    FETCHED,
    GONE,
    NEW,
    REDIRECTED,
    REFUSED,
    TEXT,
    UNCHANGED,
)
from neo_assets.web.report.latency import BINS, bin_of, quantile_ms

OUTCOMES = (FETCHED, UNCHANGED, REDIRECTED, GONE, REFUSED, FAILED)
CODES = (200, 304, 404, 410, 429)
CLASSES = (2, 3, 4, 5)
CHANGES = (NEW, TEXT, BOILERPLATE)
LEFT_OUT_KINDS = ("trap_urls", "cap_urls", "other_left_out")
COLUMNS = ("host", "outcome", "status", "n_bytes", "reason", "noindex", "change", "truncated", "n_tries", "elapsed_ms")
"""The columns of the page table that are read."""

COUNTED = (
    "urls", "asked", *OUTCOMES, "answered", *(f"status_{code}xx" for code in CLASSES), "status_other",
    *(f"status_{code}" for code in CODES), "bytes", "robots_refused", "noindex",
    *(f"change_{name}" for name in CHANGES), "truncated", *LEFT_OUT_KINDS,
)  # fmt: skip
RETRIES = "retries"

HOST_SCHEMA = pa.schema(
    [
        pa.field("host", pa.string()),
        *(pa.field(name, pa.int64()) for name in COUNTED),
        volatile(pa.field(RETRIES, pa.int64())),
        volatile(pa.field("median_ms", pa.float64())),
        volatile(pa.field("p95_ms", pa.float64())),
    ]
)
"""A row per host of the page table, by name. `urls` are all its rows, `asked` those that are not refused; `answered`
have a status, counted by class (`status_other`: outside 200 to 599), and those of note one by one. `bytes` are of
payloads. `change_*` counts fetched pages by what changed. `trap_urls`, `cap_urls` and `other_left_out` were found and
never asked for. Latencies (milliseconds, 9 % off at most) and retries depend on the network and are no content."""

REASON_SCHEMA = pa.schema(
    [
        pa.field("host", pa.string()),
        pa.field("outcome", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("n_urls", pa.int64()),
    ]
)
"""Why URLs were refused or failed, the commonest first."""

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class HostCounts:
    """Counters of every host met so far: rows of arrays that grow by doubling."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._counts = np.zeros((16, len(COUNTED)), np.int64)
        self._retries = np.zeros(16, np.int64)
        self._latency = np.zeros((16, BINS), np.uint32)
        self._reasons: dict[tuple[int, str, str], int] = {}
        self._elsewhere = dict.fromkeys(LEFT_OUT_KINDS, 0)

    @property
    def totals(self) -> dict[str, int]:
        """Every counter over all hosts, and how many hosts were asked for anything."""
        sums = self._counts.sum(axis=0).tolist()
        totals = {name: n + self._elsewhere.get(name, 0) for name, n in zip(COUNTED, sums, strict=True)}
        return {"hosts": int(np.count_nonzero(self._counts[:, COUNTED.index("asked")])), **totals}

    @property
    def latency(self) -> Ints:
        """The histogram of all hosts together."""
        found: Ints = self._latency.sum(axis=0, dtype=np.int64)
        return found

    def count_pages(self, batch: pa.RecordBatch) -> None:
        """Add a batch of the page table, of which `COLUMNS` are read; a missing one counts as null."""
        column = {name: _column(batch, name) for name in COLUMNS}
        hosts, local = _codes(column["host"])
        places = self._places_of(hosts)
        for name, mask in _masks(column).items():
            self._counts[places, COUNTED.index(name)] += np.bincount(local[mask], minlength=len(hosts))
        sizes = np.bincount(local, weights=_numbers(column["n_bytes"]), minlength=len(hosts))
        self._counts[places, COUNTED.index("bytes")] += sizes.astype(np.int64)
        tries = np.maximum(_numbers(column["n_tries"]) - 1, 0)
        self._retries[places] += np.bincount(local, weights=tries, minlength=len(hosts)).astype(np.int64)
        timed = _given(column["elapsed_ms"])
        bins = bin_of(_numbers(column["elapsed_ms"])[timed])
        np.add.at(self._latency, (places[local[timed]], bins), 1)
        self._count_reasons(column, places[local])

    def count_left_out(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows of the table of URLs that were left out; after the pages, since hosts without any get no row."""
        for row in rows:
            kind = left_out_kind(row["reason"])
            if row["host"] in self._places:
                self._counts[self._places[row["host"]], COUNTED.index(kind)] += row["n_urls"]
            else:
                self._elsewhere[kind] += row["n_urls"]

    def table(self) -> pa.Table:
        """The rows of `HOST_SCHEMA`."""
        names = sorted(self._places)
        order = [self._places[name] for name in names]
        latency = self._latency[order]
        columns = [
            *(self._counts[order, index] for index in range(len(COUNTED))),
            self._retries[order],
            *(pa.array(quantile_ms(latency, share), from_pandas=True) for share in (0.5, 0.95)),
        ]
        return pa.table([pa.array(names, pa.string()), *columns], schema=HOST_SCHEMA)

    def reason_table(self) -> pa.Table:
        """The rows of `REASON_SCHEMA`."""
        names = list(self._places)
        rows: list[dict[str, Any]] = [
            {"host": names[place], "outcome": outcome, "reason": reason, "n_urls": n_urls}
            for (place, outcome, reason), n_urls in self._reasons.items()
        ]
        rows.sort(key=lambda row: (-row["n_urls"], row["host"], row["outcome"], row["reason"]))
        return pa.Table.from_pylist(rows, schema=REASON_SCHEMA)

    def _count_reasons(self, column: Mapping[str, pa.Array], places: Ints) -> None:
        given = np.flatnonzero(_given(column["reason"]))
        outcomes, reasons = (column[name].take(pa.array(given)).to_pylist() for name in ("outcome", "reason"))
        for key in zip(places[given].tolist(), outcomes, reasons, strict=True):
            self._reasons[key] = self._reasons.get(key, 0) + 1

    def _places_of(self, hosts: list[str]) -> Ints:
        places = [self._places.setdefault(host, len(self._places)) for host in hosts]
        while len(self._places) > len(self._counts):
            self._counts, self._retries, self._latency = (
                np.concatenate([array, np.zeros_like(array)]) for array in (self._counts, self._retries, self._latency)
            )
        return np.array(places, np.int64)


def left_out_kind(reason: str) -> str:
    """The counter that a reason for leaving URLs out belongs to."""
    if reason.startswith("trap:"):
        return "trap_urls"
    return "cap_urls" if reason in CAPS else "other_left_out"


def _masks(column: Mapping[str, pa.Array]) -> dict[str, Bools]:
    """Per counter of rows: which rows it counts."""
    status, answered = _numbers(column["status"]).astype(np.int64), _given(column["status"])
    outcomes = {name: _equal(column["outcome"], name) for name in OUTCOMES}
    classes = {f"status_{code}xx": answered & (status // 100 == code) for code in CLASSES}
    by_robots = pc.starts_with(column["reason"].cast(pa.string()), "robots").fill_null(False)
    return {
        "urls": np.ones(len(status), bool),
        "asked": ~outcomes[REFUSED],
        **outcomes,
        "answered": answered,
        **classes,
        "status_other": answered & ~np.logical_or.reduce(list(classes.values())),
        **{f"status_{code}": answered & (status == code) for code in CODES},
        "robots_refused": outcomes[REFUSED] & by_robots.to_numpy(zero_copy_only=False),
        "noindex": _equal(column["noindex"].cast(pa.string()), "true"),
        **{f"change_{name}": _equal(column["change"], name) for name in CHANGES},
        "truncated": _given(column["truncated"]),
    }


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """A column; nulls where a day was crawled before there was one of this name."""
    return batch.column(name) if name in batch.schema.names else pa.nulls(batch.num_rows, pa.string())


def _codes(names: pa.Array) -> tuple[list[str], Ints]:
    """The distinct values, and the place of its value for each row."""
    encoded = names.dictionary_encode()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int64)


def _equal(column: pa.Array, text: str) -> Bools:
    found: Bools = pc.equal(column, text).fill_null(False).to_numpy(zero_copy_only=False)
    return found


def _given(column: pa.Array) -> Bools:
    found: Bools = column.is_valid().to_numpy(zero_copy_only=False)
    return found


def _numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    found: npt.NDArray[np.float64] = column.cast(pa.float64()).fill_null(0.0).to_numpy(zero_copy_only=False)
    return found
