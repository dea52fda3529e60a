"""Waves: what was found becomes what waits, and what waits for the next turn becomes the next wave.

A turn is a depth, but known pages that are due have turn 0, whatever their depth: together with the order of days by
which the caps cut, every known page is reached, however much there is at smaller depths on each day.
"""

from __future__ import annotations

from typing import Any

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawlschema import (
    ASKED,
    FORGOTTEN,
    MAX_PAGES,
    MAX_PAGES_PER_DOMAIN,
    MAX_PAGES_PER_HOST,
    TOO_DEEP,
)
from neo_assets.web.crawler.crawlstore import CrawlStore, host_of
from neo_assets.web.crawler.domains import registered_domain
from neo_assets.web.crawler.guard import refusal
from neo_assets.web.crawler.patterns import has_traps, is_trapped, judge
from neo_assets.web.crawler.traps import NOTHING_NEW, url_trap

CHUNK_ROWS = 5_000
IS_NEW = f"""NOT EXISTS (SELECT 1 FROM seen s WHERE s.url = f.url
    AND (s.reason <> '{TOO_DEEP}' OR s.depth <= f.depth))"""  # noqa: S608
"""Whether a URL `f` that was found was not looked at yet, or only where it was too deep and by a longer way."""


class Waves:
    """Builds the waves of a frontier in its store. Memory is bounded: tables are worked through in chunks."""

    def __init__(self, settings: CrawlSection, store: CrawlStore, day: str) -> None:
        self._settings = settings
        self._store = store
        self._db = store.db
        self._day = day
        self._last_origin = ""
        self._last_refusal: str | None = None

    @property
    def under_way(self) -> bool:
        """Whether a target of the wave is not done."""
        return self._db.execute("SELECT 1 FROM wave LIMIT 1").fetchone() is not None

    def build(self) -> bool:
        """Put the waiting URLs of the next turn into the wave, which must be empty; False if there are none."""
        judge(self._db, self._settings.traps)
        self.take_in()
        self._store.set_meta("block", -1)
        while (turn := self._db.execute("SELECT min(turn) FROM waiting").fetchone()[0]) is not None:
            self._choose(turn)
            if self.under_way:
                return True
        return False

    def _choose(self, turn: int) -> None:
        """Move the waiting URLs of a turn into the wave, as many as the caps allow."""
        number = (self._store.meta("n_waves") or 0) + 1
        n_pages, place = self._store.meta("n_pages") or 0, 0
        any_trap = has_traps(self._db)
        while n_pages < self._settings.max_pages:
            limit = min(CHUNK_ROWS, self._settings.max_pages - n_pages)
            query = "SELECT due, url FROM waiting WHERE turn = ? ORDER BY due, url LIMIT ?"
            chunk = self._db.execute(query, (turn, limit)).fetchall()
            if not chunk:
                break
            chosen: list[tuple[int, int, str]] = []
            left: list[tuple[str, str]] = []
            for _, url in chunk:
                if any_trap and is_trapped(self._db, url):
                    left.append((NOTHING_NEW, url))
                elif isinstance(rank := self._rank_in_host(url, number), str):
                    left.append((rank, url))
                else:
                    chosen.append((rank, place + len(chosen), url))
            self._db.executemany("INSERT INTO chosen VALUES (?, ?, ?)", chosen)
            self._db.executemany("UPDATE seen SET reason = ? WHERE url = ?", left)
            through = "DELETE FROM waiting WHERE turn = ? AND (due, url) <= (?, ?)"
            self._db.execute(through, (turn, *chunk[-1]))
            n_pages, place = n_pages + len(chosen), place + len(chosen)
        self._store.set_meta("n_waves", number)
        self._store.set_meta("n_pages", n_pages)
        if n_pages >= self._settings.max_pages:
            self.leave_waiting(MAX_PAGES)
        self._db.execute("INSERT INTO wave (url) SELECT url FROM chosen ORDER BY rank, place")
        self._db.execute("DELETE FROM chosen")

    def _rank_in_host(self, url: str, wave: int) -> int | str:
        """Which page of its host in this wave the URL is, from 1; or the cap by which its host or domain has had all
        its pages."""
        host = host_of(url)
        domain = registered_domain(host)
        of_domain = self._db.execute("SELECT n FROM domain WHERE name = ?", (domain,)).fetchone()
        if of_domain is not None and of_domain[0] >= self._settings.domain_cap:
            return MAX_PAGES_PER_DOMAIN
        found = self._db.execute(
            """INSERT INTO host VALUES (?, 1, ?, 1) ON CONFLICT (name) DO UPDATE
            SET n = n + 1, rank = CASE WHEN wave = excluded.wave THEN rank + 1 ELSE 1 END, wave = excluded.wave
            WHERE n < ? RETURNING rank""",
            (host, wave, self._settings.max_pages_per_host),
        ).fetchone()
        if found is None:
            return MAX_PAGES_PER_HOST
        self._db.execute("INSERT INTO domain VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET n = n + 1", (domain,))
        return int(found[0])

    def leave_waiting(self, reason: str) -> None:
        """Ask for nothing of what waits, nor for the rest of the wave; what is in a trap is left out as such."""
        any_trap = has_traps(self._db)
        for table, keys in (("wave", "position"), ("waiting", "turn, due")):
            marks = ", ".join("?" * (2 + keys.count(",")))
            first = f"SELECT {keys}, url FROM {table} ORDER BY {keys}, url LIMIT {CHUNK_ROWS}"  # noqa: S608
            through = f"DELETE FROM {table} WHERE ({keys}, url) <= ({marks})"  # noqa: S608
            while chunk := self._db.execute(first).fetchall():
                left = [
                    (NOTHING_NEW if any_trap and is_trapped(self._db, url) else reason, url, ASKED) for *_, url in chunk
                ]
                self._db.executemany("UPDATE seen SET reason = ? WHERE url = ? AND reason = ?", left)
                self._db.execute(through, chunk[-1])

    def forget(self, url: str) -> None:
        """Never ask for a URL, be it new, waiting or in the wave."""
        known = self._db.execute("SELECT kind, next_due FROM known WHERE url = ?", (url,)).fetchone()
        before = self._db.execute("SELECT depth FROM seen WHERE url = ?", (url,)).fetchone()
        if before is not None:
            key = (*self._turn(*before, *(known or (None, None))), url)
            self._db.execute("DELETE FROM waiting WHERE (turn, due, url) = (?, ?, ?)", key)
        self._db.execute(
            "INSERT INTO seen VALUES (?, 0, 'page', '', ?) ON CONFLICT (url) DO UPDATE SET reason = excluded.reason",
            (url, FORGOTTEN),
        )

    def leave_out(self, url: str, reason: str) -> None:
        """Count a URL that is not looked at any further; a mark keeps it from being taken for one that is whole."""
        shown = url[: self._settings.max_url_chars].encode("utf-8", "replace").decode() + "…"
        self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, 0, 'page', '', ?)", (shown, reason))

    def take_in(self) -> None:
        """Look at what was found since the last wave, and at the known pages if that was asked for."""
        with_known = bool(self._store.meta("add_known"))
        url = ""
        query = f"""SELECT f.url, f.depth, f.kind, f.referrer, f.is_seed, f.lastmod,
            k.kind, k.depth, k.next_due, k.last_seen
            FROM found f LEFT JOIN known k ON k.url = f.url
            WHERE f.url > ? AND {IS_NEW} ORDER BY f.url LIMIT ?"""  # noqa: S608 (a constant)
        while chunk := self._db.execute(query, (url, CHUNK_ROWS)).fetchall():
            url = chunk[-1][0]
            self._enter([found for row in chunk if (found := self._as_due(row, with_known)) is not None])
        self._db.execute("DELETE FROM found")
        if with_known:
            self._take_in_known()
            self._store.set_meta("add_known", 0)

    def _as_due(self, row: tuple[Any, ...], with_known: bool) -> tuple[Any, ...] | None:
        """URL, depth, kind, referrer, turn, since when it is due; None if it is not due."""
        url, depth, kind, referrer, is_seed, lastmod, known_kind, known_depth, next_due, last_seen = row
        if known_kind is None:
            return url, depth, kind, referrer, *self._turn(depth, None, None)
        if next_due is None:
            return None
        by_day = next_due <= self._day
        if not (by_day or kind != "page" or is_seed or (lastmod and lastmod > (last_seen or ""))):
            return None
        if with_known and by_day and known_kind == "page":
            depth, kind, referrer = min((depth, kind, referrer), (known_depth, "page", ""))
        return url, depth, kind, referrer, *self._turn(depth, known_kind, next_due)

    def _turn(self, depth: int, known_kind: str | None, next_due: str | None) -> tuple[int, str]:
        """The turn of a URL and since when it is due; new ones come before all others of their turn."""
        is_due = known_kind == "page" and next_due is not None and next_due <= self._day
        return 0 if is_due else depth, next_due or ""

    def _take_in_known(self) -> None:
        url = ""
        query = """SELECT k.url, k.depth, k.kind, '', 0, k.next_due FROM known k
            WHERE k.url > ? AND k.kind = 'page' AND k.next_due <= ?
            AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.url = k.url) ORDER BY k.url LIMIT ?"""
        while chunk := self._db.execute(query, (url, self._day, CHUNK_ROWS)).fetchall():
            url = chunk[-1][0]
            self._enter(chunk)

    def _enter(self, rows: list[tuple[Any, ...]]) -> None:
        seen, waiting = [], []
        for url, depth, kind, referrer, turn, due in rows:
            reason = self._reason(url, kind, depth)
            seen.append((url, depth, kind, referrer, reason or ASKED))
            if reason is None:
                waiting.append((turn, due, url))
        self._db.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)", seen)
        self._db.executemany("INSERT INTO waiting VALUES (?, ?, ?)", waiting)

    def _reason(self, url: str, kind: str, depth: int) -> str | None:
        settings = self._settings
        refused = self._refusal(url)
        if refused is not None:
            return refused
        name = url.partition("?")[0].rpartition("/")[2]
        if kind == "page" and "." in name and name.rpartition(".")[2].lower() in settings.skip_extensions:
            return "extension"
        if depth > settings.max_depth:
            return TOO_DEEP
        return url_trap(url, settings.traps)

    def _refusal(self, url: str) -> str | None:
        """The guard's refusal. It is that of the URL's origin, and URLs come by origins: the last one is kept."""
        origin = url[: url.find("/", len("https://")) + 1]
        if not origin:
            return refusal(url, self._settings.allowed_hosts)
        if origin != self._last_origin:
            self._last_origin, self._last_refusal = origin, refusal(origin, self._settings.allowed_hosts)
        return self._last_refusal
