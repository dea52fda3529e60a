"""The crawl store: everything that a crawl day knows and has done, in one SQLite file that outlives a killed process.

What was committed is in force when the file is opened again; what was not is as if it had never been. Memory is
bounded by the cache whatever the number of URLs, since tables are written and read in the order of their URLs.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from neo_assets.recipe.crawl import RevisitSettings
from neo_assets.web.crawler.crawlschema import ASKED, CAPS, FORGOTTEN, TABLES
from neo_assets.web.crawler.pagetables import (
    GONE_FOR_GOOD,
    LEFT_OUT_SCHEMA,
    PAGE_SCHEMA,
    STATE_SCHEMA,
    Row,
    batch_of,
    found_row,
    rows_of,
    state_after,
)

BATCH_ROWS = 10_000
PAGE_BYTES = 8192
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STATE_NAMES, _PAGE_NAMES = STATE_SCHEMA.names, PAGE_SCHEMA.names
_N_STATE = len(_STATE_NAMES)
_DUE, _STATUS, _LAST_SEEN = (_STATE_NAMES.index(name) for name in ("next_due", "status", "last_seen"))
_INTO_KNOWN = f"INSERT OR REPLACE INTO known VALUES ({', '.join('?' * _N_STATE)})"  # noqa: S608 (question marks)
_INTO_PAGE = f"INSERT OR IGNORE INTO page VALUES ({', '.join('?' * len(_PAGE_NAMES))})"  # noqa: S608
_TO_ASK = f"({', '.join('?' * (1 + len(CAPS)))})"
_FOUND = f"""SELECT s.url, s.kind, s.depth FROM seen s WHERE s.kind = 'page' AND s.reason IN {_TO_ASK}
    AND NOT EXISTS (SELECT 1 FROM known k WHERE k.url = s.url)
    AND NOT EXISTS (SELECT 1 FROM page p WHERE p.url = s.url) ORDER BY s.url"""  # noqa: S608


class CrawlStore:
    """One crawl day's store; a context manager, which commits at its end unless there is an error.

    `cache_mib` bounds the memory of SQLite. Not for more than one process or thread at a time.
    """

    def __init__(self, path: Path, cache_mib: int = 64) -> None:
        self.db = sqlite3.connect(path)
        self.db.execute(f"PRAGMA page_size = {PAGE_BYTES}")
        self.db.execute("PRAGMA journal_mode = WAL")
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.execute(f"PRAGMA cache_size = {-1024 * cache_mib}")
        self.db.executescript(TABLES)
        self.fresh: bool = self.meta("begun") is None
        """Whether nothing was committed yet: the state is still to be loaded, and the seeds to be added."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.commit()
        self.close()

    def close(self) -> None:
        """Close the file; what was not committed is lost, as if the process had been killed."""
        self.db.close()

    def commit(self) -> None:
        """Make all that was done since the last commit last."""
        self.set_meta("begun", 1)
        self.db.commit()
        self.fresh = False

    def meta(self, name: str) -> Any:
        """A single value kept under a name, or None."""
        found = self.db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return found[0] if found else None

    def set_meta(self, name: str, value: int | str) -> None:
        """Keep a single value under a name."""
        self.db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def load(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take in the earlier state. Fastest in the order of URLs.

        Columns that an older state lacks are null; without `next_due` every URL is due that is not gone for good.
        Commits on its way, so that the journal stays small: a load that was broken off begins anew.

        Raises:
            ValueError: something was already done in this store.
        """
        if not self.fresh:
            raise ValueError("this crawl has begun; its earlier state can't be exchanged any more")
        self.db.execute("DELETE FROM known")
        for batch in batches:
            rows = rows_of(batch, STATE_SCHEMA)
            if "next_due" not in batch.schema.names:
                rows = [_due_by_age(row) for row in rows]
            self.db.executemany(_INTO_KNOWN, rows)
            self.db.commit()

    def known(self, url: str) -> Row | None:
        """The state of a URL before this day, if there is any."""
        found = self.db.execute("SELECT * FROM known WHERE url = ?", (_text(url),)).fetchone()
        if found is None:
            return None
        row = dict(zip(_STATE_NAMES, found, strict=True))
        moment = row["changed_at"]
        return row | {"changed_at": None if moment is None else EPOCH + timedelta(microseconds=moment)}

    def record(self, row: Row) -> None:
        """Keep a row of the day's pages; the first one of a URL stays."""
        done = self.db.execute(_INTO_PAGE, [_value(row.get(name)) for name in _PAGE_NAMES])
        if done.rowcount and row.get("n_bytes"):
            self.set_meta("n_bytes", self.n_bytes + row["n_bytes"])

    def recorded(self, url: str) -> bool:
        """Whether the day has a row of this URL."""
        return self.db.execute("SELECT 1 FROM page WHERE url = ?", (_text(url),)).fetchone() is not None

    @property
    def n_bytes(self) -> int:
        """Payload of all recorded rows."""
        return int(self.meta("n_bytes") or 0)

    def keep_try(self, url: str, n_tries: int, until: float) -> None:
        """Keep how often a URL was tried, and until when (seconds of the epoch) its host is to be left in peace."""
        self.db.execute("INSERT OR REPLACE INTO tried VALUES (?, ?, ?)", (url, n_tries, until))

    def tries(self) -> dict[str, tuple[int, float]]:
        """What `keep_try` kept, by URL, of those that wait for another try."""
        query = "SELECT * FROM tried t WHERE NOT EXISTS (SELECT 1 FROM page p WHERE p.url = t.url) ORDER BY url"
        return {url: (n_tries, until) for url, n_tries, until in self.db.execute(query)}

    def left_hosts(self, reason: str) -> set[str]:
        """Hosts, with their ports, of which a URL failed for a reason."""
        return {host for (host,) in self.db.execute("SELECT DISTINCT host FROM page WHERE reason = ?", (reason,))}

    def keep_robots(self, origin: str, status: int | None, body: bytes) -> None:
        """Keep what the robots.txt of an origin is; `status` None: there was no answer."""
        self.db.execute("INSERT OR REPLACE INTO robots VALUES (?, ?, ?)", (origin, status, body))

    def robots(self, origin: str) -> tuple[int | None, bytes] | None:
        """Status and body of an origin's robots.txt, or None if it was not asked for yet."""
        found: tuple[int | None, bytes] | None = self.db.execute(
            "SELECT status, body FROM robots WHERE origin = ?", (origin,)
        ).fetchone()
        return found

    def keep_warc(self, name: str, size: int) -> None:
        """Keep the size in bytes up to which a WARC file is whole."""
        self.db.execute("INSERT OR REPLACE INTO warc VALUES (?, ?)", (name, size))

    def warcs(self) -> dict[str, int]:
        """Names of the WARC files, in order, and the sizes up to which they are whole."""
        return dict(self.db.execute("SELECT name, size FROM warc ORDER BY name"))

    def counts(self, column: str) -> dict[str, int]:
        """How many of the day's rows have each value of a column, in the order of values; nulls are left out.

        Raises:
            KeyError: there is no such column.
        """
        if column not in _PAGE_NAMES:
            raise KeyError(f"pages have no column {column!r}")
        query = f"SELECT {column}, count(*) FROM page WHERE {column} IS NOT NULL GROUP BY 1 ORDER BY 1"  # noqa: S608
        return {str(value): n for value, n in self.db.execute(query)}

    def page_batches(self) -> Iterator[pa.RecordBatch]:
        """The day's rows in the order of their URLs; at least one batch, be it empty."""
        return _batches(self.db.execute("SELECT * FROM page ORDER BY url"), PAGE_SCHEMA)

    def left_out_batches(self) -> Iterator[pa.RecordBatch]:
        """How many URLs were found and not asked for, by host and reason; URLs cut by a cap are among them."""
        self.db.create_function("host_of", 1, host_of, deterministic=True)
        query = """SELECT CASE reason WHEN 'malformed' THEN '' ELSE host_of(url) END, reason, count(*), min(url)
            FROM seen WHERE reason NOT IN (?, ?)"""
        return _batches(self.db.execute(f"{query} GROUP BY 1, 2 ORDER BY 1, 2", (ASKED, FORGOTTEN)), LEFT_OUT_SCHEMA)

    def state_batches(self, day: date, revisit: RevisitSettings) -> Iterator[pa.RecordBatch]:
        """The state after the day, in the order of URLs: what was known, what the day's rows tell, and pages that were
        found and are still to be asked for, since a cap was reached or the crawl's time was over."""
        of_known = self.db.execute("SELECT k.*, p.* FROM known k LEFT JOIN page p ON p.url = k.url ORDER BY k.url")
        of_pages = self.db.execute(
            "SELECT p.* FROM page p WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.url = p.url) ORDER BY p.url"
        )
        of_found = self.db.execute(_FOUND, (ASKED, *CAPS))
        as_found = _tuple(found_row("", "", 0, day))
        rows = heapq.merge(
            (_after(found[:_N_STATE], found[_N_STATE:], day, revisit) for found in of_known),
            (_after((), page, day, revisit) for page in of_pages),
            ((*found, *as_found[len(found) :]) for found in of_found),
            key=lambda row: row[:1],
        )
        return _batches(filter(None, rows), STATE_SCHEMA)


def host_of(url: str) -> str:
    """The host (with its port) of a URL, empty if it has none; never an error."""
    parts = url.split("/", 3)
    return parts[2] if len(parts) > 2 and parts[0].endswith(":") and not parts[1] else ""


def _batches(rows: Iterable[tuple[Any, ...]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    held: list[tuple[Any, ...]] = []
    n_batches = 0
    for row in rows:
        held.append(row)
        if len(held) == BATCH_ROWS:
            yield batch_of(held, schema)
            held, n_batches = [], n_batches + 1
    if held or not n_batches:
        yield batch_of(held, schema)


def _after(old: tuple[Any, ...], page: tuple[Any, ...], day: date, revisit: RevisitSettings) -> tuple[Any, ...]:
    """The state after the day; empty for what leaves none."""
    if page[0] is None:
        return old
    row = dict(zip(_PAGE_NAMES, page, strict=True))
    before = dict(zip(_STATE_NAMES, old, strict=True)) if old else None
    after = state_after(before, row, day, revisit)
    return () if after is None else _tuple(after)


def _tuple(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in _STATE_NAMES)


def _due_by_age(row: tuple[Any, ...]) -> tuple[Any, ...]:
    due = None if row[_STATUS] == GONE_FOR_GOOD else row[_LAST_SEEN]
    return (*row[:_DUE], due, *row[_DUE + 1 :])


def _value(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return _text(value) if isinstance(value, str) else value


def _text(value: str) -> str:
    """The string without lone surrogates, which a table can't hold."""
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
