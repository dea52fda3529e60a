"""The robots.txt files of a crawl day: each is asked for once, before anything else of its origin, and then obeyed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.canonical import canonical
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.frontier import Frontier, Target
from neo_assets.web.crawler.guard import refusal
from neo_assets.web.crawler.limits import LENGTH
from neo_assets.web.crawler.pagetables import FAILED, FETCHED, REDIRECTED, UNREACHABLE
from neo_assets.web.crawler.recorder import Answer, Recorder
from neo_assets.web.crawler.robots import MAX_BYTES, MAX_REDIRECTS, Robots, robots_of
from neo_assets.web.crawler.turns import Turns
from neo_assets.web.payload import PayloadError

N_PARSED = 4096
"""Rules of so many origins are held parsed; those of others are parsed again from the store."""


@dataclass(frozen=True)
class Job:
    """A request to make. One for a robots.txt gives the rules of `origin`, after `n_redirects` redirects."""

    target: Target
    origin: str = ""
    n_redirects: int = 0

    @property
    def host(self) -> str:
        """The host whose turn it must be."""
        return urlsplit(self.target.url).hostname or ""


class Rulebook:
    """What the origins of a day allow. Targets of origins not yet asked are held, and `admit`ted when the rules are in.

    The files are kept in the store, so that a crawl that goes on asks for none of them again.
    """

    def __init__(
        self,
        settings: CrawlSection,
        store: CrawlStore,
        frontier: Frontier,
        recorder: Recorder,
        turns: Turns[Job],
        admit: Callable[[Target], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._frontier = frontier
        self._recorder = recorder
        self._turns = turns
        self._admit = admit
        self._parsed: dict[str, Robots] = {}
        self._held: dict[str, list[Target]] = {}
        self.n_held = 0
        """Targets held."""

    def hold(self, target: Target) -> bool:
        """Hold a target until its origin's rules are in; False if they are."""
        origin = target.origin
        if self._rules(origin) is not None:
            return False
        if origin not in self._held:
            self._held[origin] = []
            self._ask(Job(Target(f"{origin}/robots.txt", "robots"), origin=origin))
        self._held[origin].append(target)
        self.n_held += 1
        return True

    def refusal(self, target: Target) -> str | None:
        """Why the rules forbid a target whose origin's are in; None if they don't."""
        robots = self._rules(target.origin)
        return UNREACHABLE if robots is None else robots.refusal(target.url)

    def unreachable(self, job: Job) -> None:
        """There was no answer to the request for a robots.txt."""
        self._obey(job.origin, None, b"")

    def answered(self, job: Job, answer: Answer, values: dict[str, Any]) -> None:
        """Record an answer and obey it, or go where it redirects to; `values` overrule what the row says."""
        row = answer.row
        if row["outcome"] == REDIRECTED and job.n_redirects < MAX_REDIRECTS:
            self._recorder.keep(answer)
            self._redirected(job, row["redirect_to"])
            return
        status, body = row["status"], b""
        if 200 <= status < 300:
            status, body = self._read(answer)
            if status is not None and row["outcome"] == FAILED:  # longer than the cap: its beginning is in force
                values = {"outcome": FETCHED, "reason": None}
        self._recorder.keep(answer, **values)
        self._obey(job.origin, status, body)

    def _read(self, answer: Answer) -> tuple[int | None, bytes]:
        """Status and first bytes of a file; no status if it can't be read, or broke off on its way."""
        if answer.row["truncated"] not in (None, LENGTH):
            return None, b""
        try:
            return answer.row["status"], self._recorder.beginning(answer, MAX_BYTES + 1)
        except PayloadError:
            return None, b""

    def _redirected(self, job: Job, url: str) -> None:
        """The rules count wherever they are (RFC 9309, 2.3.1.2), be it on a host that is not to be crawled itself; but
        nothing private is asked for them."""
        try:
            other = Target(canonical(url), "robots")
        except ValueError:
            self._obey(job.origin, None, b"")
            return
        if refusal(other.url, self._settings.allowed_hosts) not in (None, "host"):
            self._obey(job.origin, None, b"")
            return
        known = self._store.robots(other.origin) if other.url == f"{other.origin}/robots.txt" else None
        if known is not None:
            self._obey(job.origin, *known)
        else:
            self._ask(Job(other, origin=job.origin, n_redirects=job.n_redirects + 1))

    def _ask(self, job: Job) -> None:
        self._frontier.forget(job.target.url)
        self._turns.put(job.host, job, first=True)

    def _obey(self, origin: str, status: int | None, body: bytes) -> None:
        """Keep the rules of an origin, and let go on what waited for them."""
        self._store.keep_robots(origin, status, body)
        robots = self._rules(origin)
        for url in robots.sitemaps if robots is not None and self._settings.sitemaps else ():
            self._frontier.add(url, "sitemap", 0, f"{origin}/robots.txt")
        held = self._held.pop(origin, [])
        self.n_held -= len(held)
        for target in held:
            self._admit(target)

    def _rules(self, origin: str) -> Robots | None:
        """The rules of an origin, if its robots.txt was asked for today."""
        if origin in self._parsed:
            return self._parsed[origin]
        kept = self._store.robots(origin)
        if kept is None:
            return None
        while len(self._parsed) >= N_PARSED:
            del self._parsed[next(iter(self._parsed))]
        robots = self._parsed[origin] = robots_of(self._settings.agent, *kept)
        asked = min(robots.crawl_delay_seconds, self._settings.max_crawl_delay_seconds)
        if asked > self._settings.delay_seconds:
            self._turns.slow_down(urlsplit(origin).hostname or "", asked)
        return robots
