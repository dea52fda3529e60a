"""The report of a crawl day against a plain count row by row, and how it is shown."""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.lake.digest import digest_table
from neo_assets.lake.records import is_volatile
from neo_assets.web.crawler.pagetables import LEFT_OUT_SCHEMA, PAGE_SCHEMA
from neo_assets.web.report import host_report
from neo_assets.web.report.host_counts import (
    CHANGES,
    CODES,
    COUNTED,
    HOST_SCHEMA,
    OUTCOMES,
    REASON_SCHEMA,
    left_out_kind,
)
from neo_assets.web.report.host_pages import hosts_page, left_out_page, report_files, status_page
from neo_assets.web.report.host_report import COLUMNS, DAY_SCHEMA, HostReport, report_hosts
from neo_assets.web.report.latency import BINS, LATENCY_SCHEMA, bin_of, latency_table, quantile_ms

Row = dict[str, Any]
PNG = b"\x89PNG\r\n\x1a\n"
DAY = "2024-11-02"
HOSTS = ("a.test", "b.test:8080", "中文.test", "a$b^{.test", "<i>|`x`", "")

ROWS = st.fixed_dictionaries(
    {
        "host": st.sampled_from(HOSTS),
        "outcome": st.sampled_from(OUTCOMES),
        "status": st.sampled_from([None, 100, 200, 206, 301, 304, 403, 404, 410, 429, 500, 503, 599, 600, 999]),
        "n_bytes": st.none() | st.integers(0, 2**40),
        "reason": st.sampled_from([None, "robots", "robots unreachable", "address", "timeout"]),
        "noindex": st.sampled_from([None, True, False]),
        "change": st.sampled_from([None, *CHANGES]),
        "truncated": st.sampled_from([None, "length", "time"]),
        "n_tries": st.none() | st.integers(0, 4),
        "elapsed_ms": st.none() | st.integers(0, 10**7),
    }
)
LEFT_OUT = st.fixed_dictionaries(
    {
        "host": st.sampled_from([*HOSTS, "only.left.out"]),
        "reason": st.sampled_from(["trap: query", "trap: nothing new", "max_pages", "max_bytes", "scheme", "depth"]),
        "n_urls": st.integers(1, 10**12),
        "example": st.just("http://a.test/x"),
    }
)


def batches(rows: Sequence[Row], schema: pa.Schema = PAGE_SCHEMA, size: int = 3) -> list[pa.RecordBatch]:
    return pa.Table.from_pylist(list(rows), schema=schema).to_batches(max_chunksize=size)


def report(rows: Sequence[Row], left_out: Sequence[Row] = (), **given: Any) -> HostReport:
    return report_hosts(DAY, batches(rows, **given), batches(left_out, LEFT_OUT_SCHEMA))


def counted(rows: Sequence[Row], left_out: Sequence[Row], host: str) -> Row:
    """The obviously right counts of one host."""
    mine = [row for row in rows if row["host"] == host]
    asked = [row for row in mine if row["outcome"] != "refused"]
    statuses = [row["status"] for row in mine if row["status"] is not None]
    found: Row = {"urls": len(mine), "asked": len(asked), "answered": len(statuses)}
    found |= {name: sum(row["outcome"] == name for row in mine) for name in OUTCOMES}
    found |= {f"status_{n}xx": sum(100 * n <= status < 100 * (n + 1) for status in statuses) for n in (2, 3, 4, 5)}
    found["status_other"] = sum(status < 200 or status >= 600 for status in statuses)
    found |= {f"status_{code}": statuses.count(code) for code in CODES}
    found["bytes"] = sum(row["n_bytes"] or 0 for row in mine)
    found["robots_refused"] = sum(
        row["outcome"] == "refused" and str(row["reason"]).startswith("robots") for row in mine
    )
    found["noindex"] = sum(row["noindex"] is True for row in mine)
    found |= {f"change_{name}": sum(row["change"] == name for row in mine) for name in CHANGES}
    found["truncated"] = sum(row["truncated"] is not None for row in mine)
    kinds = {"trap_urls": "trap", "cap_urls": "max_", "other_left_out": ("scheme", "depth")}
    for name, start in kinds.items():
        found[name] = sum(row["n_urls"] for row in left_out if row["host"] == host and row["reason"].startswith(start))
    found["retries"] = sum(max((row["n_tries"] or 0) - 1, 0) for row in mine)
    return found


@given(st.lists(ROWS, max_size=40), st.lists(LEFT_OUT, max_size=6), st.integers(1, 50))
def test_counts_are_those_of_a_plain_count(rows: list[Row], left_out: list[Row], size: int) -> None:
    table = report(rows, left_out, size=size).rows
    assert table.schema == HOST_SCHEMA
    assert table["host"].to_pylist() == sorted({row["host"] for row in rows})
    for row in table.to_pylist():
        assert {name: row[name] for name in (*COUNTED, "retries")} == counted(rows, left_out, row["host"])


@given(st.lists(ROWS, max_size=40), st.lists(LEFT_OUT, max_size=6))
def test_totals_are_over_every_host(rows: list[Row], left_out: list[Row]) -> None:
    hosts = {row["host"] for row in [*rows, *left_out]}
    each = [counted(rows, left_out, host) for host in hosts]
    asked = {row["host"] for row in rows if row["outcome"] != "refused"}
    expected = {"hosts": len(asked), **{name: sum(one[name] for one in each) for name in COUNTED}}
    assert report(rows, left_out).totals == expected


def test_of_what_was_left_out_the_largest_rows_of_each_kind_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_report, "KEPT_ROWS", 2)
    reasons = ("trap: path", "max_pages", "scheme")
    left_out = [
        {"host": f"h{n}", "reason": reason, "n_urls": n, "example": ""} for n in (3, 1, 9, 4, 7) for reason in reasons
    ]
    found = [(row["reason"], row["n_urls"]) for row in report([], left_out).left_out.to_pylist()]
    assert found == [(reason, n) for reason in reasons for n in (9, 7)]
    assert report([], left_out).totals["trap_urls"] == 24


@given(st.lists(ROWS, max_size=30))
def test_neither_order_nor_batches_matter(rows: list[Row]) -> None:
    one, other = report(rows, size=100), report(rows[::-1], size=2)
    for name, table in one.tables.items():
        assert table.equals(other.tables[name]), name
    assert one.metadata == other.metadata


@given(st.lists(ROWS, max_size=30))
def test_reasons_are_those_of_a_plain_count(rows: list[Row]) -> None:
    table = report(rows).reasons
    assert table.schema == REASON_SCHEMA
    expected = Counter((r["host"], r["outcome"], r["reason"]) for r in rows if r["reason"] is not None)
    found = {(r["host"], r["outcome"], r["reason"]): r["n_urls"] for r in table.to_pylist()}
    assert found == dict(expected)
    assert table["n_urls"].to_pylist() == sorted(expected.values(), reverse=True)


@given(st.lists(ROWS, min_size=1, max_size=30))
def test_what_depends_on_the_network_is_no_content(rows: list[Row]) -> None:
    """The same day on a slower network: other latencies and retries, the same digests."""
    slower = [row | {"elapsed_ms": 7 * (row["elapsed_ms"] or 1), "n_tries": 5} for row in rows]
    one, other = report(rows).tables, report(slower).tables
    for name, table in one.items():
        assert digest_table(table) == digest_table(other[name]), name
    for page in (hosts_page, status_page, left_out_page):
        assert page(report(rows)) == page(report(slower))


def test_the_volatile_columns_are_the_three_of_the_network() -> None:
    assert [field.name for field in HOST_SCHEMA if is_volatile(field)] == ["retries", "median_ms", "p95_ms"]


def test_many_hosts() -> None:
    """Arrays grow while they are filled."""
    rows = [{"host": f"h{n % 1000}", "outcome": "fetched", "status": 200, "n_bytes": n} for n in range(5000)]
    table = report(rows, size=7).rows
    assert table.num_rows == 1000
    assert set(table["fetched"].to_pylist()) == {5}
    assert dict(zip(table["host"].to_pylist(), table["bytes"].to_pylist(), strict=True))["h3"] == sum(
        range(3, 5000, 1000)
    )


def test_a_day_crawled_before_there_was_a_column_is_counted_without_it() -> None:
    old = pa.table({"host": ["a.test"], "outcome": ["fetched"], "status": pa.array([200], pa.int32())})
    [row] = report_hosts(DAY, old.to_batches()).rows.to_pylist()
    assert (row["fetched"], row["status_200"], row["noindex"], row["truncated"], row["bytes"]) == (1, 1, 0, 0, 0)


def test_all_columns_that_are_read_are_columns_of_the_page_table() -> None:
    assert set(COLUMNS) <= set(PAGE_SCHEMA.names)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("trap: path", "trap_urls"),
        ("max_pages_per_host", "cap_urls"),
        ("extension", "other_left_out"),
        ("trapdoor", "other_left_out"),
    ],
)
def test_kinds_of_reasons(reason: str, kind: str) -> None:
    assert left_out_kind(reason) == kind


# The days so far.


def test_days_are_carried_on() -> None:
    first = report_hosts("2024-11-01", batches([{"host": "a", "outcome": "fetched", "n_bytes": 5}]))
    rows = [{"host": "a", "outcome": "gone"}, {"host": "b", "outcome": "gone"}]
    second = report_hosts("2024-11-02", batches(rows), earlier=first.days)
    assert second.days.schema == DAY_SCHEMA
    shown = [(r["day"], r["hosts"], r["urls"], r["fetched"], r["gone"], r["bytes"]) for r in second.days.to_pylist()]
    assert shown == [("2024-11-01", 1, 1, 1, 0, 5), ("2024-11-02", 2, 2, 0, 2, 0)]
    assert second.totals["gone"] == 2


def test_later_days_are_not_carried_into_an_earlier_one() -> None:
    later = report_hosts("2024-11-05", batches([{"host": "a", "outcome": "gone"}]))
    found = report_hosts("2024-11-02", [], earlier=later.days)
    assert found.days["day"].to_pylist() == ["2024-11-02"]


# Latency.


@given(st.lists(st.integers(0, 900_000), min_size=1, max_size=60), st.sampled_from([0.5, 0.95]))
def test_quantiles_are_off_by_nine_percent_at_most(durations: list[int], share: float) -> None:
    histogram = np.bincount(bin_of(np.array(durations, float)), minlength=BINS).astype(np.uint32)
    [found] = quantile_ms(histogram[None, :], share)
    ordered = sorted(durations)
    exact = max(ordered[max(int(np.ceil(share * len(ordered))) - 1, 0)], 1)
    assert abs(np.log(found / exact)) <= np.log(2) / 8 + 1e-9


def test_durations_out_of_range_are_in_the_last_bins() -> None:
    assert bin_of(np.array([-5.0, 0.0, 1.0, 1e12])).tolist() == [0, 0, 0, BINS - 1]


def test_a_host_that_never_answered_has_no_latency() -> None:
    [row] = report([{"host": "a", "outcome": "failed"}]).rows.to_pylist()
    assert row["median_ms"] is None and row["p95_ms"] is None


def test_the_median_is_near_the_exact_one() -> None:
    rows = [{"host": "a", "outcome": "fetched", "elapsed_ms": n} for n in range(1, 1000)]
    found = report(rows)
    [median] = found.rows["median_ms"].to_pylist()
    assert median == pytest.approx(statistics.median(range(1, 1000)), rel=0.1)
    assert found.latency.schema == LATENCY_SCHEMA and sum(found.latency["n_requests"].to_pylist()) == 999
    assert latency_table(np.zeros(BINS, np.int64)).num_rows == BINS


# How it is shown.


@pytest.fixture
def shown() -> HostReport:
    hostile = "http://x.test/<script>?a=|`b`&c=[d](e)"
    rows = [
        {"host": "a.test", "outcome": "fetched", "status": 200, "n_bytes": 150_000, "change": "new", "elapsed_ms": 80},
        {"host": "a.test", "outcome": "refused", "reason": "robots"},
        {"host": "中文$x^{.test", "outcome": "failed", "status": 503, "n_tries": 3, "elapsed_ms": 9},
        {"host": "<b>|`h`", "outcome": "gone", "status": 404},
    ]  # fmt: skip
    left_out = [
        {"host": "a.test", "reason": "trap: query", "n_urls": 4321, "example": hostile},
        {"host": "a.test", "reason": "max_pages", "n_urls": 7, "example": "http://a.test/7"},
    ]
    return report(rows, left_out)


def test_files_and_numbers_have_names_of_their_own(shown: HostReport) -> None:
    files = report_files(shown)
    assert list(files) == [
        "outcomes.png", "payload.png", "status.png", "days.png", "latency.png", "by_host.md", "status_codes.md",
        "left_out.md",
    ]  # fmt: skip
    assert len({name.partition(".")[0] for name in files} | set(shown.metadata)) == len(files) + len(shown.metadata)
    assert all(data.startswith(PNG) for name, data in files.items() if name.endswith(".png"))
    assert all(len(data) < 100_000 for data in files.values())


def test_the_same_rows_give_the_same_bytes(shown: HostReport) -> None:
    assert report_files(shown) == report_files(shown)


def test_pages_show_what_was_counted(shown: HostReport) -> None:
    files = report_files(shown)
    hosts, left = files["by_host.md"].decode(), files["left_out.md"].decode()
    assert hosts.startswith(
        "2024-11-02: 3 URLs of 3 hosts asked for, 1 fetched (0.1 MB), 0 unchanged, 1 gone, 1 failed; 1 refused by "
        "robots.txt. Of the pages fetched 1 are new,"
    )
    assert "| a.test | 1 | 1 |  |  |  | 1 |  | 1 | 0.1 MB | 1 |  |  |  |  | 4,321 | 7 |" in hosts
    assert hosts.splitlines()[-1].startswith("| all, 3 hosts asked | 3 | 1 |")
    assert left.index("#### Traps") < left.index("4,321") < left.index("#### Over the day's caps")
    assert "| a.test | robots |" not in left
    assert "| a.test | refused | robots | 1 |" in files["status_codes.md"].decode()


def test_foreign_text_is_shown_not_rendered(shown: HostReport) -> None:
    for name, data in report_files(shown).items():
        if name.endswith(".md"):
            assert "<b>" not in data.decode() and "<script>" not in data.decode()
            assert not re.search(r"(?<!\\)\[d\]\(", data.decode())
    assert r"http://x.test/&lt;script>?a=\|\`b\`&amp;c=\[d](e)" in report_files(shown)["left_out.md"].decode()


def test_long_reports_are_cut_and_say_so() -> None:
    rows = [{"host": f"h{n:03d}", "outcome": "failed", "reason": "timeout"} for n in range(100)]
    left_out = [
        {"host": f"h{n:03d}", "reason": "trap: path", "n_urls": n + 1, "example": "x" * 2000} for n in range(100)
    ]
    files = report_files(report(rows, left_out))
    assert "*60 more in the table*" in files["left_out.md"].decode()
    assert files["by_host.md"].decode().count("\n| h0") == 40
    assert max(map(len, files.values())) < 100_000


def test_a_day_without_any_url() -> None:
    empty = report([])
    assert set(empty.totals.values()) == {0}
    files = report_files(empty)
    assert "*no rows*" in files["by_host.md"].decode()


def test_metadata_are_the_totals(shown: HostReport) -> None:
    found = shown.metadata
    assert (found["hosts"], found["asked"], found["refused"], found["trap urls"], found["retries"]) == (
        3,
        3,
        1,
        4321,
        2,
    )
    assert found["payload MB"] == 0.15
    assert found["slowest hosts"][0]["host"] == "a.test"
