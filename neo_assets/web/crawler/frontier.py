"""The frontier: which URLs a crawl day asks for, in waves.

The first wave holds the seeds and all known pages that are due, each further one new URLs at one distance from the
seeds. The next one is built only when a wave is done, and in a defined order. So what is fetched, at which depth, and
where the caps cut depends on the pages alone, never on which answer came first: crawls with different concurrency, and
one that was killed and continued, give the same rows.

All of it is in the crawl store. What happens between two commits of the store happens as a whole or not at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.canonical import canonical, masked
from neo_assets.web.crawler.crawlschema import FORGOTTEN, MAX_BYTES, MAX_SECONDS
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.patterns import keep_lines
from neo_assets.web.crawler.waves import IS_NEW, Waves

__all__ = ["Frontier", "Target", "canonical"]

BATCH_TARGETS = 2_000
MAX_RECENT = 50_000
SPELLING_SLACK = 8
"""A URL this many times over `max_url_chars` is too long however it is spelled, and not looked at."""


@dataclass(frozen=True, order=True)
class Target:
    """A URL to ask for: what it is (`page`, `sitemap` or `robots`), its depth, and the page that named it."""

    url: str
    kind: str = "page"
    depth: int = 0
    referrer: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def origin(self) -> str:
        """Scheme, host and port: what one robots.txt governs."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Frontier:
    """URLs found and still to ask for. `add` takes them in, `next_batch` gives each out once, `done` ends it.

    What `add` and `learned` get during a wave is looked at only when the next one is built. Targets that were given
    out and not done when the process ended are given out again by the next frontier on the same store.

    Raises:
        ValueError: the store is of another day.
    """

    def __init__(self, settings: CrawlSection, store: CrawlStore, day: date) -> None:
        self._settings = settings
        self._store = store
        self._db = store.db
        self._day = day.isoformat()
        self._waves = Waves(settings, store, self._day)
        self._recent: dict[tuple[str, str, int], str] = {}
        self._out: dict[str, int] = {}
        self._given = 0
        if store.meta("day") not in (None, self._day):
            raise ValueError(f"the crawl store is of {store.meta('day')}, not of {self._day}; begin a new one")
        store.set_meta("day", self._day)

    def add(self, url: str, kind: str = "page", depth: int = 0, referrer: str = "", lastmod: str | None = None) -> None:
        """Note a URL for a later wave.

        It is asked for once, at the smallest depth of the wave that it was first found in; a known page only if it is
        due, if `lastmod` (ISO day) is later than its last visit, or if it is a seed (a page that nothing refers to).
        """
        recent = self._recent.get((url, kind, depth))
        if recent is not None and recent <= referrer and not lastmod:
            return
        if len(self._recent) >= MAX_RECENT:
            self._recent.clear()
        self._recent[url, kind, depth] = referrer
        longest = self._settings.max_url_chars
        if len(url) > SPELLING_SLACK * longest:
            self._waves.leave_out(url, "length")
            return
        try:
            spelled = canonical(url, self._settings.drop_query_parameters)
        except ValueError:
            self._waves.leave_out(url, "malformed")
            return
        if (shown := masked(spelled)) != spelled:
            self._waves.leave_out(shown, "malformed")
            return
        if len(spelled) > longest:
            self._waves.leave_out(spelled, "length")
            return
        self._db.execute(
            """INSERT INTO found (url, depth, kind, referrer) VALUES (?, ?, ?, ?) ON CONFLICT (url) DO UPDATE
            SET depth = excluded.depth, kind = excluded.kind, referrer = excluded.referrer
            WHERE (excluded.depth, excluded.kind, excluded.referrer) < (depth, kind, referrer)""",
            (spelled, depth, kind, referrer),
        )
        is_seed = kind == "page" and not referrer
        if is_seed or lastmod:
            self._db.execute(
                "UPDATE found SET is_seed = max(is_seed, ?), lastmod = max(lastmod, ?) WHERE url = ?",
                (is_seed, lastmod or "", spelled),
            )

    def add_known(self) -> None:
        """Note every known page that is due."""
        self._store.set_meta("add_known", 1)

    def forget(self, url: str) -> None:
        """Never ask for the URL (it is asked for by other means)."""
        self._waves.forget(url)

    def learned(self, url: str, lines: Iterable[str]) -> None:
        """Keep the lines of a page's main text, by which the URLs like its own are judged before the next wave."""
        keep_lines(self._db, url, lines)

    def done(self, url: str) -> None:
        """A target was answered, refused, or failed for the day."""
        position = self._out.pop(url, None)
        if position is not None:
            self._db.execute("DELETE FROM wave WHERE position = ?", (position,))

    @property
    def n_out(self) -> int:
        """How many targets were given out by this object and are not done."""
        return len(self._out)

    @property
    def n_waiting(self) -> int:
        """How many URLs are still to ask for, those given out included: what a crawl that was cut leaves behind."""
        query = f"""SELECT (SELECT count(*) FROM wave) + (SELECT count(*) FROM waiting)
            + (SELECT count(*) FROM found f WHERE {IS_NEW})"""  # noqa: S608 (a constant)
        return int(self._db.execute(query).fetchone()[0])

    def next_batch(self) -> list[Target]:
        """The next targets, up to `BATCH_TARGETS`: of the wave under way, or of the next one when that is done.

        Empty at the end, and while targets are out that must be done first (`n_out` > 0). May be called while others
        are out. Those of many hosts come by turns, a host's own in the order by which the caps cut.
        """
        while True:
            batch = self._rest_of_wave()
            if batch or self._out:
                return batch
            if not self._waves.under_way:
                self._given = 0
                if not self._waves.build():
                    return []

    def cut(self, reason: str = MAX_SECONDS) -> None:
        """End the day: all that waits is left out for a reason, and goes into the state as still to be asked for."""
        self._waves.take_in()
        self._waves.leave_waiting(reason)

    def _rest_of_wave(self) -> list[Target]:
        """Targets of the wave that this object has not given out yet."""
        last = 1 << 62
        if self._settings.max_bytes is not None:
            block = self._open_block(self._settings.max_bytes)
            if block is None:
                return []
            last = (block + 1) * BATCH_TARGETS
        batch: list[Target] = []
        while not batch:
            rows = self._db.execute(
                """SELECT w.position, s.reason, s.url, s.kind, s.depth, s.referrer FROM wave w JOIN seen s USING (url)
                WHERE w.position > ? AND w.position <= ? ORDER BY w.position LIMIT ?""",
                (self._given, last, BATCH_TARGETS),
            ).fetchall()
            if not rows:
                break
            self._given = rows[-1][0]
            for position, reason, *target in rows:
                if reason == FORGOTTEN:
                    self._db.execute("DELETE FROM wave WHERE position = ?", (position,))
                else:
                    batch.append(Target(*target))
                    self._out[target[0]] = position
        return batch

    def _open_block(self, max_bytes: int) -> int | None:
        """The block of the wave that may be given out now. The next one opens when all of one is done: so where
        `max_bytes` cuts does not depend on which answers came first."""
        first = self._db.execute("SELECT min(position) FROM wave").fetchone()[0]
        if first is None:
            return None
        block = (int(first) - 1) // BATCH_TARGETS
        if block > self._store.meta("block"):
            if self._store.n_bytes >= max_bytes:
                self._waves.leave_waiting(MAX_BYTES)
                return None
            self._store.set_meta("block", block)
        return block
