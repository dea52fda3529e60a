"""The state of a URL over days."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from neo_assets.lake.records import is_volatile
from neo_assets.web.pagetables import PAGE_SCHEMA, STATE_SCHEMA, next_state, page_table, state_rows

DAYS = [date(2024, 11, day) for day in (1, 2, 3)]
WHEN = datetime(2024, 11, 1, tzinfo=UTC)


def row(outcome: str, status: int | None = 200, digest: str | None = None, **values: Any) -> dict[str, Any]:
    page = {"url": "http://a.test/", "kind": "page", "depth": 1, "outcome": outcome, "status": status}
    return page | {"payload_digest": digest, "fetched_at": WHEN} | values


def history(*rows: dict[str, Any]) -> dict[str, Any]:
    state = None
    for day, one in zip(DAYS, rows, strict=False):
        state = next_state(state_rows(state), [one], day)
    assert state is not None
    assert state.schema.equals(STATE_SCHEMA, check_metadata=True)
    return dict(state.to_pylist()[0])


def test_a_new_page() -> None:
    found = history(row("fetched", digest="a", etag='"1"', last_modified="yesterday"))
    assert found == {
        "url": "http://a.test/", "kind": "page", "depth": 1, "etag": '"1"', "last_modified": "yesterday",
        "payload_digest": "a", "first_seen": "2024-11-01", "last_seen": "2024-11-01", "last_changed": "2024-11-01",
        "status": 200, "n_fetches": 1, "n_changes": 0, "changed_at": WHEN,
    }  # fmt: skip


def test_an_unchanged_page_keeps_its_digest_and_status() -> None:
    found = history(row("fetched", digest="a", etag='"1"'), row("unchanged", 304, "a"))
    assert (found["status"], found["payload_digest"], found["etag"]) == (200, "a", '"1"')
    assert (found["last_seen"], found["last_changed"]) == ("2024-11-02", "2024-11-01")
    assert (found["n_fetches"], found["n_changes"]) == (2, 0)


def test_a_changed_page() -> None:
    found = history(row("fetched", digest="a", etag='"1"'), row("fetched", digest="b"))
    assert (found["payload_digest"], found["etag"], found["last_changed"]) == ("b", None, "2024-11-02")
    assert (found["n_fetches"], found["n_changes"]) == (2, 1)


def test_a_page_that_ends_counts_once() -> None:
    found = history(row("fetched", digest="a"), row("gone", 404), row("gone", 404))
    assert (found["status"], found["payload_digest"], found["last_changed"]) == (404, "a", "2024-11-02")
    assert (found["n_fetches"], found["n_changes"]) == (3, 1)


@pytest.mark.parametrize(("status", "kept"), [(None, 200), (503, 503)])
def test_a_failure_keeps_what_was_known(status: int | None, kept: int) -> None:
    found = history(row("fetched", digest="a", etag='"1"'), row("failed", status))
    assert (found["status"], found["payload_digest"], found["etag"]) == (kept, "a", '"1"')
    assert (found["last_seen"], found["last_changed"], found["n_changes"]) == ("2024-11-02", "2024-11-01", 0)


def test_refused_urls_leave_no_trace_and_others_stay() -> None:
    state = next_state({}, [row("fetched", digest="a")], DAYS[0])
    after = next_state(state_rows(state), [row("refused", None, url="http://b.test/")], DAYS[1])
    assert after.equals(state)


def test_tables_are_sorted_and_mark_what_is_volatile() -> None:
    table = page_table([row("fetched", url=url) for url in ("http://b.test/", "http://a.test/")])
    assert table["url"].to_pylist() == ["http://a.test/", "http://b.test/"]
    volatile = [field.name for field in PAGE_SCHEMA if is_volatile(field)]
    assert volatile == ["fetched_at", "warc_file", "warc_offset", "elapsed_ms", "referrer"]
    assert [field.name for field in STATE_SCHEMA if is_volatile(field)] == ["changed_at"]
