"""Many days under a cap that is far too small: nothing that was found is lost, and nothing waits for ever."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.frontier import Frontier, Target

FIRST_DAY = date(2024, 11, 1)
BREADTH, LEVELS = 5, 4
N_PAGES = sum(BREADTH**level for level in range(LEVELS))
FORBIDDEN = "/0/1"


def settings(**values: Any) -> CrawlSection:
    defaults: dict[str, Any] = {
        "start": FIRST_DAY, "seeds": ("http://a.test/",), "contact": "me@example.org", "max_pages": 20,
        "max_pages_per_host": 500, "max_depth": 9, "max_seconds": 60, "max_body_bytes": 1000,
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


def links(url: str) -> list[str]:
    """A tree: each page names the ones below it, the lowest name none."""
    path = url.removeprefix("http://a.test").rstrip("/")
    return [f"http://a.test{path}/{n}" for n in range(BREADTH)] if path.count("/") < LEVELS - 1 else []


def crawl_days(folder: Path, n_days: int, crawl: CrawlSection, changing: bool) -> list[list[str]]:
    """The URLs asked for on each day. A page that did not change (all but the first time, unless `changing`) is
    answered by 304: it has no links."""
    state: list[pa.RecordBatch] = []
    asked: list[list[str]] = []
    for number in range(n_days):
        day = FIRST_DAY + timedelta(number)
        with CrawlStore(folder / f"{number}.db", cache_mib=1) as store:
            store.load(state)
            frontier = Frontier(crawl, store, day)
            frontier.add("http://a.test/")
            frontier.add_known()
            asked.append([])
            while batch := frontier.next_batch():
                for target in batch:
                    visit(store, frontier, target, str(number) if changing else "")
                    asked[-1].append(target.url)
            state = list(store.state_batches(day, crawl.revisit))
    return asked


def visit(store: CrawlStore, frontier: Frontier, target: Target, content: str) -> None:
    known = store.known(target.url)
    row = {"url": target.url, "host": target.host, "kind": target.kind, "depth": target.depth}
    digest = hashlib.sha256(f"{target.url} {content}".encode()).hexdigest()
    if target.url.startswith(f"http://a.test{FORBIDDEN}"):
        row |= {"outcome": "refused", "reason": "robots unreachable"}
    elif known is not None and known["payload_digest"] == digest:
        row |= {"outcome": "unchanged", "status": 304, "payload_digest": digest, "n_tries": 1}
    else:
        row |= {"outcome": "fetched", "status": 200, "n_tries": 1} | dict.fromkeys(
            ("payload_digest", "text_digest"), digest
        )
        for url in links(target.url):
            frontier.add(url, depth=target.depth + 1, referrer=target.url)
    store.record(row)
    frontier.done(target.url)


@pytest.mark.parametrize("changing", [False, True])
def test_every_page_is_reached_though_all_are_due_every_day(tmp_path: Path, changing: bool) -> None:
    """Pages that change all the time are due on each day, and there are more of them near the seed than the cap."""
    crawl = settings()
    days = crawl_days(tmp_path, 40, crawl, changing)
    assert all(len(asked) <= crawl.max_pages and len(asked) == len(set(asked)) for asked in days)
    counts = Counter(url for asked in days for url in asked)
    reachable = N_PAGES - sum(BREADTH**level for level in range(1, LEVELS - 2))  # none is found below what is forbidden
    assert len(counts) == reachable
    if changing:  # the cap is shared out: no page is asked for much more often than another
        times = [n for url, n in counts.items() if not url.startswith(f"http://a.test{FORBIDDEN}")]
        first = [next(number for number, asked in enumerate(days) if url in asked) for url in counts]
        assert max(first) < 25
        assert min(times) >= 2


def test_a_cap_on_three_days_reaches_in_the_end_what_one_day_without_it_reaches(tmp_path: Path) -> None:
    (tmp_path / "free").mkdir()
    [whole] = crawl_days(tmp_path / "free", 1, settings(max_pages=500), changing=False)
    assert len(whole) > 100
    slow = {"first_days": 9, "min_days": 9, "max_days": 30}
    crawl = settings(max_pages=-(-len(whole) // 3) + 2, revisit=slow)
    days = crawl_days(tmp_path, 3, crawl, changing=False)
    assert sorted({url for asked in days for url in asked}) == sorted(whole)
    again = Counter(url for asked in days for url in asked)
    again.subtract(whole)
    assert {url for url, n in again.items() if n} <= {"http://a.test/", *(f"http://a.test{FORBIDDEN}",)}
