"""What a crawl owes to hosts in trouble, over kills too: pauses are kept, silent hosts left alone."""

from __future__ import annotations

import time
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from neo_assets.web.bundled.pages import Page
from neo_assets.web.bundled.proxy import serve_site
from neo_assets.web.bundled.site import Site
from neo_assets.web.crawler.spider import MAX_SILENT
from neo_assets_tests.web.crawls import crawled, start_crawl
from neo_assets_tests.web.lab.crawling import TimedLog
from neo_assets_tests.web.lab.parts import text_page

pytestmark = pytest.mark.slow

DAY = date(2024, 11, 1)
WWW, OTHER, DEAD = "www.neo.test", "laws.neo.test", "novels.neo.test"
PAUSE_SECONDS = 6
N_DEAD = 40


def site(pages: dict[tuple[str, str], Page]) -> Site:
    return Site(0, pages, {}, (), {})


def links(*urls: str) -> list[str]:
    return [f'<a href="{url}">on</a>' for url in urls]


def test_a_killed_crawl_keeps_pauses_and_the_hosts_that_it_left(tmp_path: Path) -> None:
    """One host wants its rest for the day; another, met by the sitemap that the first one's robots.txt names, is asked
    once more after a pause, in which the crawl is killed. Then its page leads back to the first."""
    rest = Page(b"busy", status=503, headers=(("Retry-After", "86400"),))
    rules = Page(f"Sitemap: http://{OTHER}/map.txt".encode(), "text/plain")
    pages = {(WWW, "/"): rest, (WWW, "/robots.txt"): rules, (OTHER, "/map.txt"): Page(b"busy", status=503)}
    log = TimedLog()
    values: dict[str, Any] = {"allowed_hosts": (WWW, OTHER), "n_retries": 1, "retry_seconds": PAUSE_SECONDS}
    listing = f"http://{OTHER}/map.txt"
    with serve_site(site(pages), log) as proxy:
        process = start_crawl(tmp_path, DAY, proxy=proxy, **values)
        deadline = time.monotonic() + 60
        while listing not in log and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(1)
        process.kill()
        process.communicate(timeout=60)
        assert Counter(log)[listing] == 1
        pages[OTHER, "/map.txt"] = Page(f"http://{OTHER}/page.html\n".encode(), "text/plain")
        pages[OTHER, "/page.html"] = text_page("Awake", "Nothing much.", anchors=links(f"http://{WWW}/more.html"))
        process = start_crawl(tmp_path, DAY, proxy=proxy, **values)
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors[-4000:]
    found = crawled(tmp_path)
    first, second = (moment for moment, url in log.times if url == listing)
    assert second - first > PAUSE_SECONDS - 0.05
    assert found.row(listing)["outcome"] == "fetched"
    more = found.row(f"http://{WWW}/more.html")
    assert (more["outcome"], more["reason"], more["n_tries"]) == ("failed", "retry-after", 0)
    assert Counter(url for url in log if f"//{WWW}/" in url) == {f"http://{WWW}/robots.txt": 1, f"http://{WWW}/": 1}


def test_a_host_that_stopped_to_answer_is_left_for_the_day(tmp_path: Path) -> None:
    urls = [f"http://{DEAD}/{number:02}.html" for number in range(N_DEAD)]
    pages = {(WWW, "/"): text_page("Dead", "All gone.", anchors=links(*urls))}
    pages |= {(DEAD, f"/{number:02}.html"): Page(b"", fault="reset") for number in range(N_DEAD)}
    log: list[str] = []
    values: dict[str, Any] = {"allowed_hosts": (WWW, DEAD), "n_retries": 0, "concurrency_per_host": 1}
    with serve_site(site(pages), log) as proxy:
        process = start_crawl(tmp_path, DAY, proxy=proxy, **values)
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors[-4000:]
    found = crawled(tmp_path)
    rows = [found.row(url) for url in urls]
    assert Counter(row["reason"] for row in rows) == {"reset": MAX_SILENT, "no answer": N_DEAD - MAX_SILENT}
    assert {row["url"] for row in rows if row["n_tries"]} == set(log) & set(urls)
    state = {row["url"]: row for row in found.state.to_pylist()}
    assert {(state[row["url"]]["n_fetches"], row["n_tries"]) for row in rows} == {(1, 1), (0, 0)}
    assert {state[url]["next_due"] for url in urls} == {"2024-11-02"}
