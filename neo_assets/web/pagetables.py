"""The tables of a crawl day: one row per URL asked for, and what is known of every URL over all days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from neo_assets.lake.records import volatile

FETCHED, UNCHANGED, GONE, REDIRECTED, REFUSED, FAILED = (
    "fetched",
    "unchanged",
    "gone",
    "redirected",
    "refused",
    "failed",
)

_UTC = pa.timestamp("us", tz="UTC")

PAGE_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string()),
        pa.field("host", pa.string()),
        pa.field("day", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("depth", pa.int32()),
        pa.field("status", pa.int32()),
        pa.field("outcome", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("content_type", pa.string()),
        pa.field("charset", pa.string()),
        pa.field("etag", pa.string()),
        pa.field("last_modified", pa.string()),
        pa.field("payload_digest", pa.string()),
        pa.field("n_bytes", pa.int64()),
        pa.field("redirect_to", pa.string()),
        volatile(pa.field("fetched_at", _UTC)),
        volatile(pa.field("warc_file", pa.string())),
        volatile(pa.field("warc_offset", pa.int64())),
        volatile(pa.field("elapsed_ms", pa.int64())),
        volatile(pa.field("referrer", pa.string())),
    ]
)
"""`kind` is page, sitemap or robots; `reason` says why a URL was refused or failed; `payload_digest` (SHA-256) and
`n_bytes` are of the payload without its Content-Encoding; `warc_file` is a name in the day's folder."""

STATE_SCHEMA = pa.schema(
    [
        pa.field("url", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("depth", pa.int32()),
        pa.field("etag", pa.string()),
        pa.field("last_modified", pa.string()),
        pa.field("payload_digest", pa.string()),
        pa.field("first_seen", pa.string()),
        pa.field("last_seen", pa.string()),
        pa.field("last_changed", pa.string()),
        pa.field("status", pa.int32()),
        pa.field("n_fetches", pa.int64()),
        pa.field("n_changes", pa.int64()),
        volatile(pa.field("changed_at", _UTC)),
    ]
)
"""Days are ISO dates. `last_changed` is the day of the payload in force, `changed_at` the moment when it was fetched
(a revisit record refers to it); `n_changes` counts later payloads that differ, and a page's end."""

Row = dict[str, Any]


def page_table(rows: Sequence[Row]) -> pa.Table:
    """The rows as a table in the order of their URLs; missing values are null."""
    ordered = sorted(rows, key=lambda row: str(row["url"]))
    return pa.Table.from_pylist(ordered, schema=PAGE_SCHEMA)


def state_rows(state: pa.Table | None) -> dict[str, Row]:
    """The state as a mapping from URL to row."""
    return {} if state is None else {row["url"]: row for row in state.to_pylist()}


def next_state(before: Mapping[str, Row], rows: Sequence[Row], day: date) -> pa.Table:
    """The state after a day: the one before, with what the day's rows tell. Refused URLs leave no trace in it."""
    after = dict(before)
    for row in rows:
        if row["outcome"] != REFUSED:
            after[row["url"]] = _after(before.get(row["url"]), row, day.isoformat())
    return pa.Table.from_pylist([after[url] for url in sorted(after)], schema=STATE_SCHEMA)


def _after(old: Row | None, row: Row, day: str) -> Row:
    new: Row = {name: row.get(name) for name in ("url", "kind", "depth", "status")}
    new |= {"first_seen": old["first_seen"] if old else day, "last_seen": day}
    new["n_fetches"] = (old["n_fetches"] if old else 0) + 1
    changed = _changed(old, row)
    new["n_changes"] = (old["n_changes"] if old else 0) + int(changed and old is not None)
    if row["outcome"] == FETCHED:
        new |= {name: row.get(name) for name in ("etag", "last_modified", "payload_digest")}
        new |= {"last_changed": day, "changed_at": row.get("fetched_at")}
    else:
        source = old or {}
        new |= {
            name: source.get(name) for name in ("etag", "last_modified", "payload_digest", "last_changed", "changed_at")
        }
        if row["outcome"] == UNCHANGED:
            new["status"] = 200
            new |= {name: row.get(name) or new[name] for name in ("etag", "last_modified")}
        elif row["outcome"] == FAILED and old and row.get("status") is None:
            new["status"] = old["status"]
        if changed:
            new["last_changed"] = day
    return new


def _changed(old: Row | None, row: Row) -> bool:
    if row["outcome"] == FETCHED:
        return old is None or old["payload_digest"] != row["payload_digest"]
    return row["outcome"] == GONE and (old is None or old["status"] != row["status"])
