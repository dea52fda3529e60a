"""The SQL tables of a crawl store, and the reasons why a URL in them is not asked for."""

from __future__ import annotations

import pyarrow as pa

from neo_assets.web.crawler.pagetables import PAGE_SCHEMA, STATE_SCHEMA

ASKED, FORGOTTEN, TOO_DEEP = "", "forgotten", "depth"
MAX_PAGES, MAX_BYTES, MAX_SECONDS = "max_pages", "max_bytes", "max_seconds"
MAX_PAGES_PER_HOST, MAX_PAGES_PER_DOMAIN = "max_pages_per_host", "max_pages_per_domain"
CAPS = (MAX_PAGES, MAX_PAGES_PER_HOST, MAX_PAGES_PER_DOMAIN, MAX_BYTES, MAX_SECONDS)
"""Reasons that leave a URL to be asked for on another day."""


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {'TEXT' if pa.types.is_string(field.type) else 'INTEGER'}" for field in schema)


TABLES = f"""
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS known ({_columns(STATE_SCHEMA)}, PRIMARY KEY (url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS page ({_columns(PAGE_SCHEMA)}, PRIMARY KEY (url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS robots (origin TEXT PRIMARY KEY, status INTEGER, body BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS warc (name TEXT PRIMARY KEY, size INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found
    (url TEXT PRIMARY KEY, depth INTEGER, kind TEXT, referrer TEXT, is_seed INTEGER DEFAULT 0, lastmod TEXT DEFAULT '')
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen
    (url TEXT PRIMARY KEY, depth INTEGER, kind TEXT, referrer TEXT, reason TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting
    (turn INTEGER, due TEXT, url TEXT, PRIMARY KEY (turn, due, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS chosen (rank INTEGER, place INTEGER, url TEXT, PRIMARY KEY (rank, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wave (position INTEGER PRIMARY KEY, url TEXT);
CREATE TABLE IF NOT EXISTS host (name TEXT PRIMARY KEY, n INTEGER, wave INTEGER, rank INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS domain (name TEXT PRIMARY KEY, n INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tried (url TEXT PRIMARY KEY, n_tries INTEGER, until REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS learned (pattern TEXT, url TEXT, hashes BLOB, PRIMARY KEY (pattern, url)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pattern
    (name TEXT PRIMARY KEY, n_pages INTEGER, n_new INTEGER, is_trap INTEGER, hashes BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trap ON pattern (name) WHERE is_trap;
"""
"""`known` is the earlier state, `page` the day's rows. `found` are URLs named since the last wave was closed, `seen`
those looked at then: `reason` says why one is left out, and is empty for one that waits or was asked for. Of these,
`waiting` has those for later waves, in the order in which caps cut, and `wave` those of the wave under way that are not
done. `chosen` is empty but while a wave is built; `rank` counts pages of a host in one wave. `tried` are URLs that wait
for another try, which is not made before `until` (seconds of the epoch). `learned` and `pattern` hold samples of the
lines of pages, as `patterns` uses them."""
