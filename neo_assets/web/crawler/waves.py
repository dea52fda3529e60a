"""Waves: what was found becomes what waits, and what waits at the smallest depth becomes the next wave."""

from __future__ import annotations

from typing import Any

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawlschema import ASKED, FORGOTTEN, MAX_PAGES, MAX_PAGES_PER_HOST
from neo_assets.web.crawler.crawlstore import CrawlStore, host_of
from neo_assets.web.crawler.guard import refusal
from neo_assets.web.crawler.patterns import has_traps, is_trapped, judge
from neo_assets.web.crawler.traps import NOTHING_NEW, url_trap

CHUNK_ROWS = 5_000


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
        """Put the waiting URLs of the smallest depth into the wave, which must be empty; False if there are none."""
        judge(self._db, self._settings.traps)
        self.take_in()
        self._store.set_meta("block", -1)
        while (depth := self._db.execute("SELECT min(depth) FROM waiting").fetchone()[0]) is not None:
            self._choose(depth)
            if self.under_way:
                return True
        return False

    def _choose(self, depth: int) -> None:
        """Move the waiting URLs of a depth into the wave, as many as the caps allow."""
        number = (self._store.meta("n_waves") or 0) + 1
        n_pages, place = self._store.meta("n_pages") or 0, 0
        any_trap = has_traps(self._db)
        while n_pages < self._settings.max_pages:
            limit = min(CHUNK_ROWS, self._settings.max_pages - n_pages)
            query = "SELECT was_asked, due, url FROM waiting WHERE depth = ? ORDER BY was_asked, due, url LIMIT ?"
            chunk = self._db.execute(query, (depth, limit)).fetchall()
            if not chunk:
                break
            chosen: list[tuple[int, int, str]] = []
            left: list[tuple[str, str]] = []
            for _, _, url in chunk:
                if any_trap and is_trapped(self._db, url):
                    left.append((NOTHING_NEW, url))
                elif (rank := self._rank_in_host(url, number)) is None:
                    left.append((MAX_PAGES_PER_HOST, url))
                else:
                    chosen.append((rank, place + len(chosen), url))
            self._db.executemany("INSERT INTO chosen VALUES (?, ?, ?)", chosen)
            self._db.executemany("UPDATE seen SET reason = ? WHERE url = ?", left)
            through = "DELETE FROM waiting WHERE depth = ? AND (was_asked, due, url) <= (?, ?, ?)"
            self._db.execute(through, (depth, *chunk[-1]))
            n_pages, place = n_pages + len(chosen), place + len(chosen)
        self._store.set_meta("n_waves", number)
        self._store.set_meta("n_pages", n_pages)
        if n_pages >= self._settings.max_pages:
            self.leave_waiting(MAX_PAGES)
        self._db.execute("INSERT INTO wave (url) SELECT url FROM chosen ORDER BY rank, place")
        self._db.execute("DELETE FROM chosen")

    def _rank_in_host(self, url: str, wave: int) -> int | None:
        """Which page of its host in this wave the URL is, from 1; None if the host has had all its pages."""
        found = self._db.execute(
            """INSERT INTO host VALUES (?, 1, ?, 1) ON CONFLICT (name) DO UPDATE
            SET n = n + 1, rank = CASE WHEN wave = excluded.wave THEN rank + 1 ELSE 1 END, wave = excluded.wave
            WHERE n < ? RETURNING rank""",
            (host_of(url), wave, self._settings.max_pages_per_host),
        ).fetchone()
        return None if found is None else int(found[0])

    def leave_waiting(self, reason: str) -> None:
        """Ask for nothing of what waits, nor for the rest of the wave; what is in a trap is left out as such."""
        any_trap = has_traps(self._db)
        for table, keys in (("wave", "position"), ("waiting", "depth, was_asked, due")):
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
        known = self._db.execute("SELECT n_fetches > 0, next_due FROM known WHERE url = ?", (url,)).fetchone()
        before = self._db.execute("SELECT depth FROM seen WHERE url = ?", (url,)).fetchone()
        if before is not None:
            key = (*before, *(known or (0, "")), url)
            self._db.execute("DELETE FROM waiting WHERE (depth, was_asked, due, url) = (?, ?, ?, ?)", key)
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
        query = """SELECT f.url, f.depth, f.kind, f.referrer, f.is_seed, f.lastmod,
            k.kind, k.depth, k.n_fetches, k.next_due, k.last_seen
            FROM found f LEFT JOIN known k ON k.url = f.url
            WHERE f.url > ? AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.url = f.url) ORDER BY f.url LIMIT ?"""
        while chunk := self._db.execute(query, (url, CHUNK_ROWS)).fetchall():
            url = chunk[-1][0]
            self._enter([found for row in chunk if (found := self._as_due(row, with_known)) is not None])
        self._db.execute("DELETE FROM found")
        if with_known:
            self._take_in_known()
            self._store.set_meta("add_known", 0)

    def _as_due(self, row: tuple[Any, ...], with_known: bool) -> tuple[Any, ...] | None:
        """URL, depth, kind, referrer, whether it was asked before, since when it is due; None if it is not due."""
        url, depth, kind, referrer, is_seed, lastmod, known_kind, known_depth, n_fetches, next_due, last_seen = row
        if known_kind is None:
            return url, depth, kind, referrer, 0, ""
        if next_due is None:
            return None
        by_day = next_due <= self._day
        if not (by_day or kind != "page" or is_seed or (lastmod and lastmod > (last_seen or ""))):
            return None
        if with_known and by_day and known_kind == "page":
            depth, kind, referrer = min((depth, kind, referrer), (known_depth, "page", ""))
        return url, depth, kind, referrer, int(n_fetches > 0), next_due

    def _take_in_known(self) -> None:
        url = ""
        query = """SELECT k.url, k.depth, k.kind, '', k.n_fetches > 0, k.next_due FROM known k
            WHERE k.url > ? AND k.kind = 'page' AND k.next_due <= ?
            AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.url = k.url) ORDER BY k.url LIMIT ?"""
        while chunk := self._db.execute(query, (url, self._day, CHUNK_ROWS)).fetchall():
            url = chunk[-1][0]
            self._enter(chunk)

    def _enter(self, rows: list[tuple[Any, ...]]) -> None:
        seen, waiting = [], []
        for url, depth, kind, referrer, was_asked, due in rows:
            reason = self._reason(url, kind, depth)
            seen.append((url, depth, kind, referrer, reason or ASKED))
            if reason is None:
                waiting.append((depth, was_asked, due, url))
        self._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", seen)
        self._db.executemany("INSERT INTO waiting VALUES (?, ?, ?, ?)", waiting)

    def _reason(self, url: str, kind: str, depth: int) -> str | None:
        settings = self._settings
        refused = self._refusal(url)
        if refused is not None:
            return refused
        name = url.partition("?")[0].rpartition("/")[2]
        if kind == "page" and "." in name and name.rpartition(".")[2].lower() in settings.skip_extensions:
            return "extension"
        if depth > settings.max_depth:
            return "depth"
        return url_trap(url, settings.traps)

    def _refusal(self, url: str) -> str | None:
        """The guard's refusal. It is that of the URL's origin, and URLs come by origins: the last one is kept."""
        origin = url[: url.find("/", len("https://")) + 1]
        if not origin:
            return refusal(url, self._settings.allowed_hosts)
        if origin != self._last_origin:
            self._last_origin, self._last_refusal = origin, refusal(origin, self._settings.allowed_hosts)
        return self._last_refusal
