"""The Scrapy spider: asks for one wave of the frontier after the other, and hands every answer to the recorder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import scrapy
from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import DontCloseSpider
from scrapy.http import Request, Response
from twisted.python.failure import Failure

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.frontier import Frontier, Target
from neo_assets.web.guard import refusal
from neo_assets.web.links import page_links, sitemap_entries
from neo_assets.web.pagetables import FETCHED, REDIRECTED, UNCHANGED, Row
from neo_assets.web.recorder import Recorder
from neo_assets.web.robots import MAX_REDIRECTS, Robots, robots_of

HTML_TYPES = ("text/html", "application/xhtml+xml")


class PageSpider(scrapy.Spider):
    """One day's crawl. Before the first request to an origin its robots.txt is fetched, as a wave of its own."""

    name = "neo"

    def __init__(
        self, settings_: CrawlSection, frontier: Frontier, recorder: Recorder, proxy: str | None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._settings = settings_
        self._frontier = frontier
        self._recorder = recorder
        self._proxy = proxy
        self._robots: dict[str, Robots] = {}
        self._held: list[Target] = []
        self.error: BaseException | None = None
        """What went wrong in this spider itself; Scrapy would only log it."""

    @classmethod
    def from_crawler(cls, crawler: Crawler, *args: Any, **kwargs: Any) -> PageSpider:
        spider = super().from_crawler(crawler, *args, **kwargs)
        crawler.signals.connect(spider._on_idle, signal=signals.spider_idle)
        crawler.signals.connect(spider._on_error, signal=signals.spider_error)
        return spider

    async def start(self) -> AsyncIterator[Request]:
        for request in self._checked_requests():
            yield request

    def _on_idle(self, spider: scrapy.Spider) -> None:
        requests = self._checked_requests()
        engine = self.crawler.engine
        if requests and engine is not None:
            for request in requests:
                engine.crawl(request)
            raise DontCloseSpider

    def _on_error(self, failure: Failure, response: Response, spider: scrapy.Spider) -> None:
        self.error = self.error or failure.value

    def _checked_requests(self) -> list[Request]:
        """The next requests, none after an error, which is kept: Scrapy would log it and end as if all was well."""
        try:
            return [] if self.error else self._next_requests()
        except Exception as error:  # noqa: BLE001 (whatever it is, `crawl` raises it)
            self.error = error
            return []

    def _next_requests(self) -> list[Request]:
        """The requests of the next wave, or those for the robots.txt files that it waits for."""
        while wave := self._held or self._frontier.next_wave():
            self._held = []
            origins = sorted({target.origin for target in wave if target.origin not in self._robots})
            if origins:
                self._held = wave
                return [self._robots_request(origin) for origin in origins]
            requests = [self._request(target) for target in wave if not self._forbidden(target)]
            if requests:
                return requests
        return []

    def _forbidden(self, target: Target) -> bool:
        reason = self._robots[target.origin].refusal(target.url)
        if reason is not None:
            self._recorder.refused(target, reason)
        return reason is not None

    def _request(self, target: Target) -> Request:
        return Request(
            target.url,
            callback=self._answered,
            errback=self._failed,
            headers=self._recorder.conditions(target),
            cb_kwargs={"target": target},
            meta={"proxy": self._proxy},
            dont_filter=True,
        )

    def _answered(self, response: Response, target: Target) -> None:
        row, payload = self._recorder.answered(target, response)
        if row["outcome"] == REDIRECTED:
            self._redirected(target, row)
        elif row["outcome"] in (FETCHED, UNCHANGED) and payload:
            for url, kind in self._named(row, target, payload):
                self._frontier.add(url, kind, target.depth + (kind == "page"), target.url)

    def _failed(self, failure: Failure) -> None:
        self._recorder.failed(_asked(failure).cb_kwargs["target"], failure)

    def _redirected(self, target: Target, row: Row) -> None:
        """A redirect is a link at the same depth; one to where the crawl must not go is recorded as refused."""
        url = row["redirect_to"]
        reason = refusal(url, self._settings.allowed_hosts)
        if reason in ("address", "scheme", "malformed"):
            self._recorder.refused(Target(url, target.kind, target.depth, target.url), reason)
        else:
            self._frontier.add(url, target.kind, target.depth + 1, target.url)

    def _named(self, row: Row, target: Target, payload: bytes) -> Iterator[tuple[str, str]]:
        """What a page links to, or a sitemap lists: URLs with their kinds."""
        if target.kind == "sitemap":
            kind, urls = sitemap_entries(payload, self._settings.max_body_bytes)
            # A sitemap speaks for its own host only (sitemaps.org protocol).
            yield from ((url, kind) for url in urls if url.startswith(f"{target.origin}/"))
        elif row["content_type"] in HTML_TYPES:
            yield from ((url, "page") for url in page_links(target.url, payload, row["charset"]))

    def _robots_request(self, origin: str, url: str | None = None, n_redirects: int = 0) -> Request:
        target = Target(url or f"{origin}/robots.txt", "robots")
        self._frontier.forget(target.url)
        return Request(
            target.url,
            callback=self._robots_answered,
            errback=self._robots_failed,
            cb_kwargs={"target": target, "origin": origin, "n_redirects": n_redirects},
            meta={"proxy": self._proxy},
            dont_filter=True,
        )

    def _robots_answered(self, response: Response, target: Target, origin: str, n_redirects: int) -> Iterator[Request]:
        row, payload = self._recorder.answered(target, response)
        if row["outcome"] == REDIRECTED and n_redirects < MAX_REDIRECTS:
            url = row["redirect_to"]
            if refusal(url, self._settings.allowed_hosts) is None:
                yield self._robots_request(origin, url, n_redirects + 1)
                return
        self._obey(origin, robots_of(self._settings.agent, response.status, payload))

    def _robots_failed(self, failure: Failure) -> None:
        keywords = _asked(failure).cb_kwargs
        self._recorder.failed(keywords["target"], failure)
        self._obey(keywords["origin"], robots_of(self._settings.agent, None, b""))

    def _obey(self, origin: str, robots: Robots) -> None:
        self._robots[origin] = robots
        asked = min(robots.crawl_delay_seconds, self._settings.max_crawl_delay_seconds)
        if asked > self._settings.delay_seconds:
            self._slow_down(origin, asked)
        for url in robots.sitemaps if self._settings.sitemaps else ():
            self._frontier.add(url, "sitemap", 0, f"{origin}/robots.txt")

    def _slow_down(self, origin: str, seconds: float) -> None:
        engine = self.crawler.engine
        if engine is None:
            return
        downloader = engine.downloader
        host = Target(origin).host.partition(":")[0]
        downloader.per_slot_settings[host] = {"delay": seconds, "concurrency": 1}
        if host in downloader.slots:
            downloader.slots[host].delay = seconds
            downloader.slots[host].concurrency = 1


def _asked(failure: Failure) -> Request:
    """The request that failed; Scrapy sets it on the failure."""
    request: Request = failure.request  # type: ignore[attr-defined]
    return request
