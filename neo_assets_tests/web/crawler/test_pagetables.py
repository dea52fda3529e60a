"""The state of a URL over days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.lake.records import is_volatile
from neo_assets.recipe.crawl import RevisitSettings
from neo_assets.web.crawler.pagetables import (
    LEFT_OUT_SCHEMA,
    PAGE_SCHEMA,
    STATE_SCHEMA,
    batch_of,
    change_of,
    found_row,
    rows_of,
    state_after,
)

FIRST_DAY = date(2024, 11, 1)
WHEN = datetime(2024, 11, 1, tzinfo=UTC)
SETTINGS = RevisitSettings(first_days=2, max_days=9)


def row(outcome: str, status: int | None = 200, digest: str | None = None, **values: Any) -> dict[str, Any]:
    page = {"url": "http://a.test/", "kind": "page", "depth": 1, "outcome": outcome, "status": status}
    return page | {"payload_digest": digest, "text_digest": digest and digest[0], "fetched_at": WHEN} | values


def history(*rows: dict[str, Any], before: dict[str, Any] | None = None) -> dict[str, Any]:
    """The state after visits on consecutive days."""
    state = before
    for number, one in enumerate(rows):
        state = state_after(state, one, FIRST_DAY + timedelta(number), SETTINGS)
    assert state is not None
    assert list(state) == STATE_SCHEMA.names
    return state


def test_a_new_page() -> None:
    assert history(row("fetched", digest="a1", etag='"1"', last_modified="yesterday")) == {
        "url": "http://a.test/", "kind": "page", "depth": 1, "etag": '"1"', "last_modified": "yesterday",
        "payload_digest": "a1", "first_seen": "2024-11-01", "last_seen": "2024-11-01", "last_changed": "2024-11-01",
        "status": 200, "n_fetches": 1, "n_changes": 0, "n_failures": 0, "text_digest": "a", "interval_days": 2,
        "next_due": "2024-11-03", "changed_at": WHEN,
    }  # fmt: skip


def test_an_unchanged_page_keeps_its_digests_and_status_and_waits_longer() -> None:
    found = history(row("fetched", digest="a1", etag='"1"'), row("unchanged", 304, "a1", text_digest=None))
    assert (found["status"], found["payload_digest"], found["text_digest"], found["etag"]) == (200, "a1", "a", '"1"')
    assert (found["last_seen"], found["last_changed"]) == ("2024-11-02", "2024-11-01")
    assert (found["n_fetches"], found["n_changes"]) == (2, 0)
    assert (found["interval_days"], found["next_due"]) == (3, "2024-11-05")


def test_a_changed_main_text() -> None:
    found = history(row("fetched", digest="a1", etag='"1"'), row("fetched", digest="b1"))
    assert (found["payload_digest"], found["etag"], found["last_changed"]) == ("b1", None, "2024-11-02")
    assert (found["n_fetches"], found["n_changes"]) == (2, 1)
    assert (found["interval_days"], found["next_due"]) == (1, "2024-11-03")


def test_a_change_of_boilerplate_is_none_of_the_text() -> None:
    later = WHEN + timedelta(days=1)
    found = history(row("fetched", digest="a1", etag='"1"'), row("fetched", digest="a2", etag='"2"', fetched_at=later))
    assert (found["payload_digest"], found["etag"], found["changed_at"]) == ("a2", '"2"', later)
    assert (found["last_changed"], found["n_changes"], found["interval_days"]) == ("2024-11-01", 0, 3)


def test_a_page_that_ends_counts_once_and_its_return_is_seen() -> None:
    gone = (row("fetched", digest="a1"), row("gone", 404), row("gone", 404))
    found = history(*gone)
    assert (found["status"], found["payload_digest"], found["last_changed"]) == (404, "a1", "2024-11-02")
    assert (found["n_fetches"], found["n_changes"]) == (3, 1)
    assert (found["interval_days"], found["next_due"]) == (5, "2024-11-08")
    found = history(*gone, row("fetched", digest="b1"))
    assert (found["status"], found["last_changed"], found["n_changes"]) == (200, "2024-11-04", 2)


def test_a_page_that_is_gone_for_good_is_never_due() -> None:
    found = history(row("fetched", digest="a1"), row("gone", 410))
    assert (found["status"], found["n_changes"], found["next_due"]) == (410, 1, None)
    assert history(row("gone", 410))["n_changes"] == 0


@pytest.mark.parametrize(("status", "kept"), [(None, 200), (503, 503)])
def test_failures_keep_what_was_known(status: int | None, kept: int) -> None:
    found = history(row("fetched", digest="a1", etag='"1"'), row("failed", status), row("failed", status))
    assert (found["status"], found["payload_digest"], found["etag"]) == (kept, "a1", '"1"')
    assert (found["last_seen"], found["last_changed"], found["n_changes"]) == ("2024-11-03", "2024-11-01", 0)
    assert (found["n_fetches"], found["n_failures"], found["interval_days"]) == (3, 2, 2)
    assert found["next_due"] == "2024-11-05"
    found = history(row("failed", status), row("fetched", digest="a1"))
    assert (found["n_failures"], found["interval_days"], found["n_changes"]) == (0, 2, 0)


def test_a_url_left_for_the_day_was_not_asked_for() -> None:
    left = {"reason": "retry-after", "n_tries": 0}
    known = history(row("fetched", digest="a1"))
    found = history(row("fetched", digest="a1"), row("failed", None, **left))
    assert found == known | {"n_failures": 1, "next_due": "2024-11-03"}
    assert history(row("failed", None, **left)) == found_row("http://a.test/", "page", 1, FIRST_DAY) | {
        "n_failures": 1, "next_due": "2024-11-02",
    }  # fmt: skip
    asked = history(row("fetched", digest="a1"), row("failed", 503, reason="retry-after", n_tries=1))
    assert (asked["status"], asked["n_fetches"], asked["last_seen"]) == (503, 2, "2024-11-02")


def test_a_refused_url_is_put_off_and_only_a_passing_reason_makes_it_known() -> None:
    closed, away = (row("refused", None, reason=reason) for reason in ("robots", "robots unreachable"))
    assert state_after(None, closed, FIRST_DAY, SETTINGS) is None
    assert state_after(None, away | {"kind": "sitemap"}, FIRST_DAY, SETTINGS) is None
    new = history(away)
    assert (new["status"], new["n_fetches"], new["last_seen"], new["next_due"]) == (None, 0, None, "2024-11-02")
    known = history(row("fetched", digest="a1"))
    for one in (closed, away):
        assert history(one, one, before=known) == known | {"n_failures": 2, "next_due": "2024-11-04"}


def test_a_redirect_is_like_an_unchanged_page() -> None:
    found = history(row("fetched", digest="a1"), row("redirected", 301))
    assert (found["status"], found["payload_digest"], found["n_changes"], found["interval_days"]) == (301, "a1", 0, 3)


def test_a_url_that_was_only_found_begins_when_it_is_asked_for() -> None:
    before = found_row("http://a.test/", "page", 3, date(2024, 10, 30))
    assert (before["status"], before["n_fetches"], before["last_seen"]) == (None, 0, None)
    assert before["next_due"] == before["first_seen"] == "2024-10-30"
    found = history(row("fetched", digest="a1"), before=before)
    assert found == history(row("fetched", digest="a1")) | {"first_seen": "2024-10-30"}


def test_changes_against_an_older_state_are_by_payload() -> None:
    old = history(row("fetched", digest="a1")) | {"text_digest": None, "interval_days": None, "n_failures": None}
    assert change_of(old, row("fetched", digest="a2")) == "text"
    assert change_of(old, row("fetched", digest="a1")) == "boilerplate"
    assert change_of(old | {"text_digest": "a"}, row("fetched", digest="a2")) == "boilerplate"
    assert change_of(old | {"text_digest": "a"}, row("fetched", digest="a2", text_digest=None)) == "text"
    assert change_of(old | {"payload_digest": None}, row("fetched", digest="a2")) == "new"
    assert change_of(None, row("fetched", digest="a2")) == "new"
    found = history(row("unchanged", 200, "a1"), before=old)
    assert (found["text_digest"], found["interval_days"], found["n_failures"]) == ("a", 2, 0)


def test_schemas_mark_what_is_volatile() -> None:
    volatile = [field.name for field in PAGE_SCHEMA if is_volatile(field)]
    assert volatile == [
        "n_tries", "fetched_at", "warc_file", "warc_offset", "warc_length", "elapsed_ms", "referrer",
    ]  # fmt: skip
    assert [field.name for field in STATE_SCHEMA if is_volatile(field)] == ["changed_at"]
    assert not any(is_volatile(field) for field in LEFT_OUT_SCHEMA)


def test_rows_and_batches_are_each_others_reverse() -> None:
    values: dict[str, Any] = dict.fromkeys(PAGE_SCHEMA.names)
    given = [values | {"url": "é", "noindex": True, "fetched_at": WHEN, "n_bytes": 1 << 40, "depth": 2}, values]
    batch = pa.RecordBatch.from_pylist(given, PAGE_SCHEMA)
    assert batch_of(rows_of(batch, PAGE_SCHEMA), PAGE_SCHEMA).equals(batch)
    assert batch_of([], PAGE_SCHEMA).num_rows == 0
    assert batch_of([], PAGE_SCHEMA).schema.equals(PAGE_SCHEMA, check_metadata=True)
    narrow = batch.select(["noindex", "url"])
    assert rows_of(narrow, PAGE_SCHEMA)[0][0] == "é" and rows_of(narrow, PAGE_SCHEMA)[0][1] is None
