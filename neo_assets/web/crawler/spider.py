"""The spider: asks for what the frontier gives, politely, and hands every answer to the recorder.

Scrapy does the transfers (`download_async`); what is asked when, again, or not at all is decided here. The whole crawl
is the spider's `start`, so that the engine ends when it does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

import scrapy
from scrapy.crawler import Crawler
from scrapy.http import Request, Response

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.answers import headers_of, reason_of
from neo_assets.web.crawler.canonical import masked
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.frontier import Frontier, Target
from neo_assets.web.crawler.guard import refusal
from neo_assets.web.crawler.limits import STALL_FACTOR, TransferLimits, prefix_meta, truncation
from neo_assets.web.crawler.pagetables import FETCHED, NO_ANSWER, REDIRECTED, RETRY_AFTER, UNCHANGED
from neo_assets.web.crawler.recorder import Answer, Recorder
from neo_assets.web.crawler.retries import may_pass, pause_seconds, retry_after_seconds
from neo_assets.web.crawler.robots import MAX_BYTES
from neo_assets.web.crawler.rulebook import Job, Rulebook
from neo_assets.web.crawler.turns import Turns
from neo_assets.web.page.links import sitemap_entries

HEADERS = {
    "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5",
    "Accept-Language": "zh,en;q=0.8",
    "Accept-Encoding": "gzip, deflate",
}
MAX_WAITING = 20_000
"""Requests held in memory until it is their host's turn, or until their origin's rules are in."""
MAX_SILENT = 16
"""URLs in a row of one host that may stay without an answer; then the host is left for the day."""
NOTHING: tuple[Any, ...] = ()
FINISHED, TIMED_OUT = "finished", "closespider_timeout"


class PageSpider(scrapy.Spider):
    """One day's crawl. No URL of an origin is asked for before its robots.txt is known."""

    name = "neo"

    def __init__(
        self, settings_: CrawlSection, store: CrawlStore, frontier: Frontier, recorder: Recorder, proxy: str | None
    ) -> None:
        super().__init__()
        self._settings = settings_
        self._store = store
        self._frontier = frontier
        self._recorder = recorder
        self._proxy = proxy
        self._turns: Turns[Job] = Turns(settings_.delay_seconds, settings_.concurrency_per_host)
        self._rules = Rulebook(settings_, store, frontier, recorder, self._turns, self._admit)
        # Kept here, since Scrapy holds who listens by weak references only.
        self._limits = TransferLimits(settings_.max_body_bytes, settings_.timeout_seconds)
        self._left = {urlsplit(f"//{host}").hostname or "": RETRY_AFTER for host in store.left_hosts(RETRY_AFTER)}
        """Hosts of which nothing more is asked on this day, and why."""
        self._n_silent: dict[str, int] = {}
        self._n_tries: dict[str, int] = {}
        """Of URLs that wait for another try."""
        self._remember(store.tries())
        self._wake = asyncio.Event()
        self.closed_by = FINISHED
        self.error: BaseException | None = None
        """What went wrong in this spider itself; Scrapy would only log it."""

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> PageSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        spider._limits.connect(crawler)
        return spider

    def _remember(self, tries: dict[str, tuple[int, float]]) -> None:
        """Keep the pauses of a crawl that was broken off. Tries are counted anew: kills must not use them up."""
        for url, (n_tries, until) in tries.items():
            longest = pause_seconds(self._settings, n_tries, self._settings.max_retry_after_seconds)
            pause = min(until - time(), longest)  # the clock may have been set
            self._turns.pause(urlsplit(url).hostname or "", monotonic() + pause)

    async def start(self) -> AsyncIterator[Any]:
        """The whole crawl; yields nothing."""
        try:
            self.closed_by = await self._crawl(monotonic() + self._settings.max_seconds)
        except Exception as error:  # noqa: BLE001 (whatever it is, `crawl` raises it)
            self.error = error
        for item in NOTHING:
            yield item

    async def _crawl(self, deadline: float) -> str:
        """Ask for everything until there is no more, or the time is over; gives the reason why it ended."""
        tasks: set[asyncio.Task[None]] = set()
        more, finished = True, False
        try:
            while monotonic() < deadline:
                tasks.update(asyncio.create_task(self._ask(job)) for job in self._ready())
                if self._has_room and (more or not self._frontier.n_out):
                    all_done = not self._frontier.n_out
                    more = self._take_in()
                    finished = all_done and not more
                    if more:
                        continue
                if finished and not tasks:
                    return FINISHED
                await self._pause(deadline)
                for task in [task for task in tasks if task.done()]:
                    tasks.remove(task)
                    task.result()
            return TIMED_OUT
        finally:
            await asyncio.gather(*tasks)

    async def _pause(self, deadline: float) -> None:
        """Wait for an answer, for a host that may be asked again, or for the end of the crawl's time."""
        next_at = self._turns.next_at() if self._turns.n_active < self._settings.concurrency else None
        until = deadline if next_at is None else min(deadline, next_at)
        self._wake.clear()
        timer = asyncio.get_running_loop().call_later(max(0.0, until - monotonic()), self._wake.set)
        await self._wake.wait()
        timer.cancel()

    @property
    def _has_room(self) -> bool:
        """Whether more could be under way than there is: the hosts that wait may all be slow ones."""
        n_waiting = self._turns.n_waiting + self._rules.n_held
        return self._turns.n_active < self._settings.concurrency and n_waiting < MAX_WAITING

    def _take_in(self) -> bool:
        """Let the frontier's next targets wait for their turn, those without rules for their origin's robots.txt."""
        batch = self._frontier.next_batch()
        for target in batch:
            if Job(target).host in self._left or not self._rules.hold(target):
                self._admit(target)
        self._store.commit()
        return bool(batch)

    def _admit(self, target: Target) -> None:
        """Let a target wait for its turn, if the rules of its origin allow it."""
        job, reason = Job(target), self._rules.refusal(target)
        if reason is not None:
            self._recorder.refused(target, reason)
        elif job.host in self._left:
            self._recorder.failed(target, self._left[job.host], 0)
        else:
            self._turns.put(job.host, job)
            return
        self._frontier.done(target.url)

    def _ready(self) -> Iterator[Job]:
        while self._turns.n_active < self._settings.concurrency:
            job = self._turns.take(monotonic())
            if job is None:
                return
            yield job

    async def _ask(self, job: Job) -> None:
        engine = self.crawler.engine
        if engine is None:
            raise RuntimeError("the crawl's engine is gone")
        try:
            try:
                response = await engine.download_async(self._request(job))
            except Exception as error:  # noqa: BLE001 (whatever went wrong with the transfer is its outcome)
                self._failed(job, reason_of(error))
            else:
                self._answered(job, response)
            self._store.commit()
        finally:
            self._turns.done(job.host)
            self._wake.set()

    def _request(self, job: Job) -> Request:
        meta = {"proxy": self._proxy, "download_timeout": STALL_FACTOR * self._settings.timeout_seconds}
        return Request(
            job.target.url,
            headers=HEADERS | {"User-Agent": self._settings.agent} | self._recorder.conditions(job.target),
            meta=meta | (prefix_meta(MAX_BYTES) if job.origin else {}),
        )

    def _failed(self, job: Job, reason: str) -> None:
        """There was no answer, or none that could be kept."""
        if may_pass(None, reason) and self._again(job, None):
            return
        self._recorder.failed(job.target, reason, 1 + self._n_tries.pop(job.target.url, 0))
        if job.origin:
            self._rules.unreachable(job)
        self._frontier.done(job.target.url)
        self._n_silent[job.host] = 1 + self._n_silent.get(job.host, 0)
        if self._n_silent[job.host] >= MAX_SILENT:
            self._leave(job.host, NO_ANSWER)

    def _answered(self, job: Job, response: Response) -> None:
        n_tries = 1 + self._n_tries.get(job.target.url, 0)
        answer = self._recorder.answered(job.target, response, truncation(response), n_tries)
        self._n_silent.pop(job.host, None)
        leave = False
        if may_pass(answer.row["status"], answer.row.get("reason")):
            asked = retry_after_seconds(headers_of(answer.exchange).get("retry-after"), datetime.now(UTC))
            leave = asked is not None and asked > self._settings.max_retry_after_seconds
            if not leave and self._again(job, asked):
                return
        self._n_tries.pop(job.target.url, None)
        values = {"reason": RETRY_AFTER} if leave else {}
        if job.origin:
            self._rules.answered(job, answer, values)
        else:
            self._recorder.keep(answer, **values)
            self._follow(job.target, answer)
            self._frontier.done(job.target.url)
        if leave:
            self._leave(job.host, RETRY_AFTER)

    def _again(self, job: Job, asked: float | None) -> bool:
        """Ask once more after a pause, in which the whole host is left in peace; False if it was tried enough."""
        url = job.target.url
        n_tries = 1 + self._n_tries.get(url, 0)
        if n_tries > self._settings.n_retries or job.host in self._left:
            return False
        pause = pause_seconds(self._settings, n_tries, asked)
        self._n_tries[url] = n_tries
        self._store.keep_try(url, n_tries, time() + pause)
        self._turns.put(job.host, job, first=True)
        self._turns.pause(job.host, monotonic() + pause)
        return True

    def _leave(self, host: str, reason: str) -> None:
        """Ask nothing more of a host on this day."""
        self._left[host] = reason
        for job in self._turns.drop(host):
            self._recorder.failed(job.target, reason, self._n_tries.pop(job.target.url, 0))
            if job.origin:
                self._rules.unreachable(job)
            self._frontier.done(job.target.url)

    def _follow(self, target: Target, answer: Answer) -> None:
        """Give the frontier what an answer names."""
        if answer.row["outcome"] == REDIRECTED:
            self._redirected(target, answer.row["redirect_to"])
        if answer.page is not None:
            self._frontier.learned(target.url, answer.page.text.splitlines())
            canonical = answer.page.canonical  # it may be named by a header only
            for url in (*answer.page.links, *([canonical] if canonical and not answer.page.nofollow else [])):
                self._frontier.add(url, "page", target.depth + 1, target.url)
        if target.kind == "sitemap" and answer.row["outcome"] in (FETCHED, UNCHANGED):
            kind, entries = sitemap_entries(answer.payload, self._settings.max_body_bytes)
            for entry in entries:
                # A sitemap speaks for its own host only (sitemaps.org protocol).
                if entry.url.startswith(f"{target.origin}/"):
                    self._frontier.add(entry.url, kind, target.depth + 1, target.url, entry.lastmod)

    def _redirected(self, target: Target, url: str) -> None:
        """A redirect is a link, so `max_depth` bounds chains; one to where the crawl must not go is kept as refused."""
        reason = refusal(url, self._settings.allowed_hosts)
        if reason in ("address", "scheme", "malformed", "port"):
            self._recorder.refused(Target(masked(url), target.kind, target.depth, target.url), reason)
        else:
            self._frontier.add(url, target.kind, target.depth + 1, target.url)
