"""A crawl day: a real Scrapy crawl into WARC files, conditional on what earlier days saw.

Scrapy's own handling of robots.txt, redirects and compression is switched off, since each would hide an exchange from
the WARC: robots.txt files and redirects are URLs like any other here, recorded, and obeyed by the spider and frontier.
A Twisted reactor can run once in a process, so each crawl needs a process of its own.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web import pagetables
from neo_assets.web.frontier import Frontier
from neo_assets.web.proxy import serve
from neo_assets.web.site import seed_urls
from neo_assets.web.warc import WarcFolder

GONE_FOR_GOOD = 410


class CrawlError(Exception):
    """The crawl did not come to its end; nothing it wrote may be used."""


@dataclass(frozen=True)
class CrawlResult:
    """What a crawl day gives: its table of URLs, the state after it, its WARC files, and counts."""

    pages: pa.Table
    state: pa.Table
    warcs: list[str]
    report: dict[str, Any]


def seeds(settings: CrawlSection) -> list[str]:
    """The URLs that a crawl starts from: the recipe's, or those of the bundled web."""
    return list(settings.seeds) if settings.seeds else seed_urls()


def crawl_day(
    settings: CrawlSection, seeds: Sequence[str], state: pa.Table | None, day: date, folder: Path
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
    settings: CrawlSection, seeds: Sequence[str], state: pa.Table | None, day: date, folder: Path, proxy: str | None
) -> CrawlResult:
    """Crawl from `seeds` and from every URL known in `state`; WARC files go into `folder`.

    The non-volatile columns of the tables depend on what the servers answer, not on concurrency or time, unless the
    crawl is cut by `max_seconds` (`report["closed"]` then is not "finished"). Runs once in a process.

    Raises:
        CrawlError: the crawl was broken off, or a reactor has already run in this process.
    """
    known = pagetables.state_rows(state)
    frontier = Frontier(settings)
    for url in sorted(seeds):
        frontier.add(url)
    _add_known(frontier, known)
    info = {
        "software": settings.agent,
        "format": "WARC File Format 1.1",
        "operator": settings.contact,
        "robots": "obeyed",
    }
    with WarcFolder(folder, f"crawl-{day.isoformat()}", settings.warc_max_bytes, info) as warcs:
        from neo_assets.web.recorder import Recorder

        recorder = Recorder(day, known, warcs, settings.max_body_bytes)
        closed = _run(settings, frontier, recorder, proxy)
    pages = pagetables.page_table(recorder.rows)
    report = {
        "day": day.isoformat(),
        "closed": closed,
        "outcomes": _counts(pages, "outcome"),
        "hosts": _counts(pages, "host"),
        "left_out": dict(sorted(frontier.n_left_out.items())),
        "waiting": frontier.n_waiting,
        "warcs": len(warcs.names),
    }
    return CrawlResult(pages, pagetables.next_state(known, recorder.rows, day), list(warcs.names), report)


def _add_known(frontier: Frontier, known: Mapping[str, pagetables.Row]) -> None:
    for url, row in known.items():
        if row["status"] == GONE_FOR_GOOD:
            frontier.forget(url)
        elif row["kind"] == "page":
            frontier.add(url, depth=row["depth"])


def _run(settings: CrawlSection, frontier: Frontier, recorder: Any, proxy: str | None) -> str:
    """Run Scrapy to its end and give the reason why it ended: `finished` or `closespider_timeout`."""
    from scrapy.crawler import CrawlerProcess
    from twisted.internet.error import ReactorNotRestartable

    from neo_assets.web.spider import PageSpider

    logging.getLogger("scrapy").setLevel(logging.ERROR)
    process = CrawlerProcess(_scrapy_settings(settings, proxied=proxy is not None))
    crawler = process.create_crawler(PageSpider)
    process.crawl(crawler, settings_=settings, frontier=frontier, recorder=recorder, proxy=proxy)
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
    if reason not in ("finished", "closespider_timeout"):
        raise CrawlError(f"the crawl was broken off ({reason}); run it again")
    return str(reason)


def _scrapy_settings(settings: CrawlSection, *, proxied: bool) -> dict[str, Any]:
    guarded = {} if proxied else {"TWISTED_DNS_RESOLVER": "neo_assets.web.resolver.PublicResolver"}
    return guarded | {
        "USER_AGENT": settings.agent,
        "DEFAULT_REQUEST_HEADERS": {
            "Accept": "text/html,application/xhtml+xml,text/plain;q=0.9,*/*;q=0.5",
            "Accept-Language": "zh,en;q=0.8",
            "Accept-Encoding": "gzip, deflate",
        },
        "ROBOTSTXT_OBEY": False,
        "REDIRECT_ENABLED": False,
        "METAREFRESH_ENABLED": False,
        "COMPRESSION_ENABLED": False,
        "COOKIES_ENABLED": False,
        "HTTPERROR_ALLOW_ALL": True,
        "TELNETCONSOLE_ENABLED": False,
        "REMOTE_CONTROL_ENABLED": False,
        "LOG_ENABLED": False,
        "LOG_INSTALL_ROOT_HANDLER": False,
        "RETRY_TIMES": settings.n_retries,
        "DOWNLOAD_TIMEOUT": settings.timeout_seconds,
        "DOWNLOAD_MAXSIZE": settings.max_body_bytes,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_DELAY": settings.delay_seconds,
        "CONCURRENT_REQUESTS": settings.concurrency,
        "CONCURRENT_REQUESTS_PER_DOMAIN": settings.concurrency_per_host,
        "CLOSESPIDER_TIMEOUT": settings.max_seconds,
        "MEMUSAGE_ENABLED": False,
    }


def _counts(table: pa.Table, column: str) -> dict[str, int]:
    return dict(sorted(Counter(table[column].to_pylist()).items()))
