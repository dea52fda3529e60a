"""The tables of a crawl day: one row per URL asked for, and what is known of every URL over all days."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import pyarrow as pa

from neo_assets.lake.records import volatile
from neo_assets.recipe.crawl import RevisitSettings
from neo_assets.web.crawler.revisit import Seen, next_visit

FETCHED, UNCHANGED, GONE, REDIRECTED, REFUSED, FAILED = (
    "fetched",
    "unchanged",
    "gone",
    "redirected",
    "refused",
    "failed",
)

NEW, TEXT, BOILERPLATE = "new", "text", "boilerplate"
GONE_STATUSES = (404, 410)
GONE_FOR_GOOD = 410
UNREACHABLE, RETRY_AFTER, NO_ANSWER = "robots unreachable", "retry-after", "no answer"
"""Reasons of the day and not of the page: a URL not asked for because of them is asked for on another day. The host's
robots.txt can't be had, it wants to be left in peace for longer than the crawl waits, or it has stopped to answer."""

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
        pa.field("change", pa.string()),
        pa.field("text_digest", pa.string()),
        pa.field("noindex", pa.bool_()),
        pa.field("canonical", pa.string()),
        pa.field("truncated", pa.string()),
        volatile(pa.field("n_tries", pa.int32())),
        volatile(pa.field("fetched_at", _UTC)),
        volatile(pa.field("warc_file", pa.string())),
        volatile(pa.field("warc_offset", pa.int64())),
        volatile(pa.field("warc_length", pa.int64())),
        volatile(pa.field("elapsed_ms", pa.int64())),
        volatile(pa.field("referrer", pa.string())),
    ]
)
"""`kind` is page, sitemap or robots; `reason` says why a URL was refused or failed; `payload_digest` (SHA-256) and
`n_bytes` are of the payload without its Content-Encoding; `warc_file` is a name in the day's folder.

`change` of a fetched page: `new`, `text` (its main text changed) or `boilerplate` (only what is around it);
`text_digest` is the SHA-256 of the main text, null for what is no page. `noindex`: the page or its header asks not to
be kept; `canonical`: the address it gives as its own. `truncated` says why a body is not whole: `length` (over the
cap), `time`, `disconnect`."""

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
        pa.field("n_failures", pa.int64()),
        pa.field("text_digest", pa.string()),
        pa.field("interval_days", pa.int32()),
        pa.field("next_due", pa.string()),
        volatile(pa.field("changed_at", _UTC)),
    ]
)
"""Days are ISO dates. `changed_at` is the moment when the payload in force was fetched (a revisit record refers to it),
`last_changed` the day of the main text's last change or of the page's end; `n_changes` counts later main texts that
differ, and a page's end. `n_failures` counts days in a row on which it failed, or might not be asked for. From
`next_due` on the page is asked for again; null: never again. A URL that was found but never asked for (the day's caps
were reached, its host was not to be reached) has no status, no fetches and no `last_seen`."""

LEFT_OUT_SCHEMA = pa.schema(
    [
        pa.field("host", pa.string()),
        pa.field("reason", pa.string()),
        pa.field("n_urls", pa.int64()),
        pa.field("example", pa.string()),
    ]
)
"""URLs that were found and not asked for, by host and reason; `example` is the first of them in string order."""

Row = dict[str, Any]


def rows_of(batch: pa.RecordBatch, schema: pa.Schema) -> list[tuple[Any, ...]]:
    """The rows of a batch as tuples of what SQLite knows, in the schema's order; columns that it lacks are null.

    Times are microseconds, and booleans 0 and 1.
    """
    columns = []
    for field in schema:
        if field.name in batch.schema.names:
            column = batch.column(field.name).cast(field.type)
            columns.append((column if _is_plain(field.type) else column.cast(pa.int64())).to_pylist())
        else:
            columns.append([None] * batch.num_rows)
    return list(zip(*columns, strict=True))


def batch_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.RecordBatch:
    """The reverse of `rows_of`."""
    columns = zip(*rows, strict=True) if rows else ([] for _ in schema)
    return pa.RecordBatch.from_arrays(
        [_array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def _array(values: Iterable[Any], kind: pa.DataType) -> pa.Array:
    return pa.array(values, kind) if _is_plain(kind) else pa.array(values, pa.int64()).cast(kind)


def _is_plain(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind))


def change_of(known: Mapping[str, Any] | None, row: Mapping[str, Any]) -> str:
    """What a fetched page is to the one known: `new`, `text` (another main text) or `boilerplate` (the same one).

    Without the digests of both main texts (an older state, a file that is no page) payloads are compared instead.
    """
    if known is None or known["payload_digest"] is None:
        return NEW
    name = "text_digest" if known.get("text_digest") and row.get("text_digest") else "payload_digest"
    return BOILERPLATE if known[name] == row.get(name) else TEXT


def found_row(url: str, kind: str, depth: int, day: date) -> Row:
    """The state of a URL that was found on `day` and not asked for: due at once."""
    row: Row = dict.fromkeys(STATE_SCHEMA.names)
    row |= {"url": url, "kind": kind, "depth": depth, "first_seen": day.isoformat(), "next_due": day.isoformat()}
    return row | {"n_fetches": 0, "n_changes": 0, "n_failures": 0}


def state_after(old: Row | None, row: Row, day: date, revisit: RevisitSettings) -> Row | None:
    """The state of a URL after the row of a day; None if that leaves no trace: the URL was not known, and refused.

    One that was not asked for is put off as after a failure, so that it does not use up the caps every day.
    """
    outcome, today = row["outcome"], day.isoformat()
    if old is None and outcome == REFUSED and (row["kind"] != "page" or row.get("reason") != UNREACHABLE):
        return None
    old = old or found_row(row["url"], row["kind"], row["depth"], day)
    if outcome == REFUSED or row.get("n_tries") == 0:
        return old | asdict(next_visit("failed", day, old["interval_days"], old["n_failures"] or 0, revisit))
    asked_before = old["n_fetches"] > 0
    new = old | {name: row.get(name) for name in ("kind", "depth", "status")}
    new |= {"last_seen": today, "n_fetches": old["n_fetches"] + 1}
    seen: Seen = "same"
    if outcome == FETCHED:
        change = change_of(old, row)
        new |= {name: row.get(name) for name in ("etag", "last_modified", "payload_digest", "text_digest")}
        new["changed_at"] = row.get("fetched_at")
        if change != BOILERPLATE:
            new |= {"last_changed": today, "n_changes": old["n_changes"] + (change == TEXT)}
            seen = "changed" if change == TEXT else "first"
    elif outcome == UNCHANGED:
        new["status"] = 200
        new |= {name: row.get(name) or old[name] for name in ("etag", "last_modified", "text_digest")}
    elif outcome == GONE:
        if old["status"] not in GONE_STATUSES:
            new |= {"last_changed": today, "n_changes": old["n_changes"] + (old["payload_digest"] is not None)}
        seen = "gone" if row["status"] == GONE_FOR_GOOD else "same"
    elif outcome == FAILED:
        seen = "failed"
        if row.get("status") is None and asked_before:
            new["status"] = old["status"]
    visit = next_visit(seen, day, old["interval_days"], old["n_failures"] or 0, revisit)
    return new | asdict(visit)
