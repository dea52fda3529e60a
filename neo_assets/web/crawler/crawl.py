"""A crawl day: a real Scrapy crawl into WARC files, conditional on what earlier days saw, and resumable.

Scrapy's own handling of robots.txt, redirects, retries and compression is switched off, since each would hide an
exchange from the WARC: robots.txt files and redirects are URLs like any other here, recorded, and obeyed by the spider
and frontier. A Twisted reactor can run once in a process, so each crawl needs a process of its own.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.archive.cdx import write_index
from neo_assets.web.archive.warc import WarcFolder
from neo_assets.web.bundled.proxy import serve
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.frontier import Frontier

STORE_NAME, WARC_FOLDER = "crawl.db", "warc"


class CrawlError(Exception):
    """The crawl did not come to its end; called again with the same folder it goes on where it was."""


@dataclass(frozen=True)
class CrawlResult:
    """What a crawl day gives: its tables, read from the store batch by batch, its WARC files, and counts."""

    folder: Path
    day: date
    settings: CrawlSection
    warcs: list[str]
    report: dict[str, Any]

    @property
    def warc_folder(self) -> Path:
        """Where the WARC files and their index are."""
        return self.folder / WARC_FOLDER

    def pages(self) -> Iterator[pa.RecordBatch]:
        """A row per URL asked for or refused, in the order of URLs (`PAGE_SCHEMA`)."""
        with CrawlStore(self.folder / STORE_NAME) as store:
            yield from store.page_batches()

    def state(self) -> Iterator[pa.RecordBatch]:
        """What is known of every URL after the day, in the order of URLs (`STATE_SCHEMA`)."""
        with CrawlStore(self.folder / STORE_NAME) as store:
            yield from store.state_batches(self.day, self.settings.revisit)

    def left_out(self) -> Iterator[pa.RecordBatch]:
        """URLs found and not asked for, counted by host and reason (`LEFT_OUT_SCHEMA`)."""
        with CrawlStore(self.folder / STORE_NAME) as store:
            yield from store.left_out_batches()


def crawl_day(
    settings: CrawlSection, seeds: Sequence[str], state: Iterable[pa.RecordBatch], day: date, folder: Path
) -> CrawlResult:
    """Crawl one day of the recipe, serving the bundled web for it where the recipe says so.

    Raises:
        CrawlError: the crawl was broken off.
        ValueError: the day is outside the crawl.
    """
    epoch = settings.epoch(day)
    with ExitStack() as stack:
        proxy = stack.enter_context(serve(epoch)) if settings.site == "bundled" else settings.proxy
        return crawl(settings, seeds, state, day, folder, proxy)


def crawl(
    settings: CrawlSection,
    seeds: Sequence[str],
    state: Iterable[pa.RecordBatch],
    day: date,
    folder: Path,
    proxy: str | None,
) -> CrawlResult:
    """Crawl from `seeds`, the settings' sitemaps and the URLs of `state` that are due; all is kept in `folder`.

    The non-volatile columns of the tables depend on what the servers answer, not on concurrency or time, unless the
    crawl is cut by `max_seconds` (`report["closed"]` then is not "finished"). After a process was killed, a call with
    the same arguments goes on: URLs that have a row are not asked for again. Runs once in a process.

    Raises:
        CrawlError: the crawl was broken off, or a reactor has already run in this process.
        WarcError: WARC files in the folder are not what the store says.
    """
    started = time.monotonic()
    folder.mkdir(parents=True, exist_ok=True)
    with CrawlStore(folder / STORE_NAME) as store:
        if store.fresh:
            store.load(state)
        frontier = Frontier(settings, store, day)
        if store.fresh:
            _begin(frontier, settings, seeds)
            store.commit()
        prefix = f"crawl-{day.isoformat()}"
        with WarcFolder(folder / WARC_FOLDER, prefix, settings.warc_max_bytes, _info(settings), store.warcs()) as warcs:
            closed = _run(settings, store, frontier, warcs, day, proxy)
        waiting = frontier.n_waiting
        if closed != "finished":
            frontier.cut()
        names = list(store.warcs())
        write_index(folder / WARC_FOLDER, names)
        report = {
            "day": day.isoformat(),
            "closed": closed,
            "outcomes": store.counts("outcome"),
            "changes": store.counts("change"),
            "left_out": _left_out(store),
            "waiting": waiting,
            "warcs": len(names),
            "bytes": store.n_bytes,
            "retries": sum((int(n_tries) - 1) * n for n_tries, n in store.counts("n_tries").items() if n_tries != "0"),
            "seconds": round(time.monotonic() - started, 3),
        }
    return CrawlResult(folder, day, settings, names, report)


def _begin(frontier: Frontier, settings: CrawlSection, seeds: Sequence[str]) -> None:
    for url in sorted(seeds):
        frontier.add(url)
    for url in settings.sitemap_urls:
        frontier.add(url, "sitemap")
    frontier.add_known()


def _info(settings: CrawlSection) -> dict[str, str]:
    return {
        "software": settings.agent,
        "format": "WARC File Format 1.1",
        "operator": settings.contact,
        "robots": "obeyed",
    }


def _left_out(store: CrawlStore) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for batch in store.left_out_batches():
        for reason, n_urls in zip(*(batch[name].to_pylist() for name in ("reason", "n_urls")), strict=True):
            totals[reason] += n_urls
    return dict(sorted(totals.items()))


def _run(
    settings: CrawlSection, store: CrawlStore, frontier: Frontier, warcs: WarcFolder, day: date, proxy: str | None
) -> str:
    """Run Scrapy to its end and give the reason why it ended: `finished` or `closespider_timeout`."""
    from scrapy.crawler import CrawlerProcess
    from twisted.internet.error import ReactorNotRestartable

    from neo_assets.web.crawler.domains import registered_domain
    from neo_assets.web.crawler.recorder import Recorder
    from neo_assets.web.crawler.spider import PageSpider
    from neo_assets.web.page.markupcost import cost
    from neo_assets.web.page.pageview import read_page

    # What is loaded or compiled at its first use would keep the reactor from its connections until they time out.
    read_page("http://a.test/", b"<title>a</title><h1>a</h1><p>a page<pre>b</pre>", "text/html", None)
    registered_domain("a.test")
    cost("<p>")
    logging.getLogger("scrapy").setLevel(logging.ERROR)
    process = CrawlerProcess(_scrapy_settings(settings, proxied=proxy is not None))
    crawler = process.create_crawler(PageSpider)
    recorder = Recorder(day, store, warcs, settings.max_body_bytes)
    process.crawl(crawler, settings_=settings, store=store, frontier=frontier, recorder=recorder, proxy=proxy)
    try:
        process.start()
    except ReactorNotRestartable as error:
        raise CrawlError("a crawl has already run in this process; run each crawl in its own process") from error
    spider = crawler.spider
    if not isinstance(spider, PageSpider):
        raise CrawlError("the crawl did not start; its log tells why")
    if spider.error is not None:
        raise CrawlError(f"the crawl broke: {type(spider.error).__name__}: {spider.error}") from spider.error
    reason = crawler.stats.get_value("finish_reason") if crawler.stats else None
    if reason != "finished":
        raise CrawlError(f"the crawl was broken off ({reason}); run it again, it goes on where it was")
    return spider.closed_by


def _scrapy_settings(settings: CrawlSection, *, proxied: bool) -> dict[str, Any]:
    """Scrapy as a fetcher and nothing else: no middleware, extension, cookie, queue or pause of its own."""
    handler = "neo_assets.web.crawler.connections.BoundedHandler"
    found: dict[str, Any] = {
        "DOWNLOAD_HANDLERS_BASE": {},
        "DOWNLOAD_HANDLERS": {"http": handler, "https": handler},
        "DOWNLOADER_MIDDLEWARES_BASE": {},
        "SPIDER_MIDDLEWARES_BASE": {},
        "EXTENSIONS_BASE": {"scrapy.extensions.corestats.CoreStats": 0},
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "DOWNLOAD_MAXSIZE": 0,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_FAIL_ON_DATALOSS": False,
        "DOWNLOAD_DELAY": 0,
        "CONCURRENT_REQUESTS": settings.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": settings.concurrency,
    }
    if proxied:
        # It turns the name and password of a proxy's URL into a header.
        return found | {"DOWNLOADER_MIDDLEWARES": {"scrapy.downloadermiddlewares.httpproxy.HttpProxyMiddleware": 750}}
    return found | {"TWISTED_DNS_RESOLVER": "neo_assets.web.crawler.resolver.PublicResolver"}
