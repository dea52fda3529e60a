"""The frontier against an obviously right one in memory: any order of answers, killed at any point."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.crawl import CrawlSection, TrapSettings
from neo_assets.web.crawler import frontier as frontier_module
from neo_assets.web.crawler.canonical import canonical
from neo_assets.web.crawler.crawlstore import CrawlStore
from neo_assets.web.crawler.frontier import Frontier, Target
from neo_assets.web.crawler.guard import refusal
from neo_assets.web.crawler.pagetables import STATE_SCHEMA, Row
from neo_assets.web.crawler.traps import is_trap, line_hashes, pattern, url_trap

DAY = date(2024, 11, 5)


def recipe(**values: Any) -> CrawlSection:
    defaults: dict[str, Any] = {
        "start": date(2024, 11, 1), "seeds": ("http://a.test/",), "contact": "me@example.org", "max_pages": 100,
        "max_pages_per_host": 100, "max_depth": 3, "max_seconds": 60, "max_body_bytes": 1000,
    }  # fmt: skip
    return CrawlSection(**(defaults | values))


@contextmanager
def new_frontier(**values: Any) -> Iterator[Frontier]:
    with tempfile.TemporaryDirectory() as folder, CrawlStore(Path(folder) / "crawl.db", cache_mib=1) as store:
        yield Frontier(recipe(**values), store, DAY)


def drained(frontier: Frontier) -> list[Target]:
    targets = []
    while batch := frontier.next_batch():
        targets += batch
        for target in batch:
            frontier.done(target.url)
    return targets


def left_out(store: CrawlStore) -> dict[tuple[str, str], tuple[int, str]]:
    rows = pa.Table.from_batches(store.left_out_batches()).to_pylist()
    return {(row["host"], row["reason"]): (row["n_urls"], row["example"]) for row in rows}


# ---- the reference: a made-up web, crawled wave by wave with sets and sorted lists


@dataclass(frozen=True)
class Link:
    url: str
    kind: str = "page"
    lastmod: str | None = None


@dataclass(frozen=True)
class Answer:
    links: tuple[Link, ...] = ()
    lines: tuple[str, ...] = ()
    n_bytes: int = 0


@dataclass
class Reference:
    """What a crawl of `web` must ask for, and with which depths and reasons."""

    settings: CrawlSection
    web: dict[str, Answer]
    known: dict[str, Row]
    block: int
    asked: dict[str, tuple[str, int, str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    seen: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    hosts: Counter[str] = field(default_factory=Counter)
    lines: dict[str, set[bytes]] = field(default_factory=dict)
    news: dict[str, list[bool]] = field(default_factory=dict)
    traps: set[str | None] = field(default_factory=set)
    n_bytes: int = 0

    def crawl(self, seeds: list[str], forgotten: list[str]) -> None:
        self.seen |= {canonical(url): (0, "page", "") for url in forgotten}
        found = [(Link(url), 0, "") for url in seeds]
        found += [(Link(url), row["depth"], "<known>") for url, row in self.known.items() if is_due(row)]
        while True:
            self.take_in(found)
            wave = self.next_wave()
            if not wave:
                return
            found = []
            for start in range(0, len(wave), self.block):
                if self.settings.max_bytes is not None and self.n_bytes >= self.settings.max_bytes:
                    self.reasons |= dict.fromkeys(wave[start:], "max_bytes")
                    for url in self.waiting:
                        self.reasons[url] = "trap: nothing new" if pattern(url) in self.traps else "max_bytes"
                    self.waiting.clear()
                    break
                found += [link for url in wave[start : start + self.block] for link in self.ask(url)]
            for url in sorted(self.asked):  # of one pattern in one wave: the order of URLs; asked before: counted
                self.learn(url)
            self.traps |= {n for n, new in self.news.items() if is_trap(len(new), sum(new), self.settings.traps)}

    def ask(self, url: str) -> list[tuple[Link, int, str]]:
        depth, kind, referrer = self.seen[url]
        self.asked[url] = (kind, depth, referrer)
        answer = self.web.get(url, Answer())
        self.n_bytes += answer.n_bytes
        return [(link, depth + (link.kind == "page"), url) for link in answer.links]

    def learn(self, url: str) -> None:
        name, lines = pattern(url), self.web.get(url, Answer()).lines
        if name is None or url in self.learned:
            return
        self.learned.add(url)
        sample, before = line_hashes(lines), self.lines.setdefault(name, set())
        hashes = {sample[start : start + 8] for start in range(0, len(sample), 8)}
        self.news.setdefault(name, []).append(bool(hashes - before))
        before |= hashes

    learned: set[str] = field(default_factory=set)

    def take_in(self, found: list[tuple[Link, int, str]]) -> None:
        by_url: dict[str, list[tuple[Link, int, str]]] = {}
        for link, depth, referrer in found:
            try:
                by_url.setdefault(canonical(link.url), []).append((link, depth, referrer))
            except ValueError:
                self.reasons[link.url + "…"] = "malformed"
        for url, links in by_url.items():
            depth, kind, referrer = min((depth, link.kind, ref.replace("<known>", "")) for link, depth, ref in links)
            nearer = self.reasons.get(url) == "depth" and depth < self.seen[url][0]
            if (url in self.seen and not nearer) or not self.may_be_asked(url, links):
                continue
            self.reasons.pop(url, None)
            self.seen[url] = depth, kind, referrer
            reason = refusal(url) or ("depth" if depth > self.settings.max_depth else None)
            reason = reason or url_trap(url, self.settings.traps)
            if reason:
                self.reasons[url] = reason
            else:
                self.waiting.add(url)

    def may_be_asked(self, url: str, links: list[tuple[Link, int, str]]) -> bool:
        row = self.known.get(url)
        if row is None or row["next_due"] is None:
            return row is None
        lowest = min((depth, link.kind) for link, depth, _ in links)[1]
        return (
            row["next_due"] <= DAY.isoformat()
            or lowest == "sitemap"
            or any(link.lastmod is not None and link.lastmod > (row["last_seen"] or "") for link, _, _ in links)
            or any(referrer == "" and link.kind == "page" for link, _, referrer in links)
        )

    def next_wave(self) -> list[str]:
        """The URLs of the next wave in the order in which they are given out."""
        while self.waiting:
            turn = min(map(self.turn, self.waiting))
            ranked, hosts = [], Counter[str]()
            for place, url in enumerate(sorted((u for u in self.waiting if self.turn(u) == turn), key=self.order)):
                host = url.split("/")[2]
                self.waiting.remove(url)
                if pattern(url) in self.traps:
                    self.reasons[url] = "trap: nothing new"
                elif self.hosts.total() >= self.settings.max_pages:
                    self.reasons[url] = "max_pages"
                elif sum(self.hosts[h] for h in self.hosts if domain(h) == domain(host)) >= self.settings.domain_cap:
                    self.reasons[url] = "max_pages_per_domain"
                elif self.hosts[host] >= self.settings.max_pages_per_host:
                    self.reasons[url] = "max_pages_per_host"
                else:
                    self.hosts[host] += 1
                    hosts[host] += 1
                    ranked.append((hosts[host], place, url))
            if ranked:
                return [url for _, _, url in sorted(ranked)]
        return []

    def turn(self, url: str) -> int:
        return 0 if url in self.known and is_due(self.known[url]) else self.seen[url][0]

    def order(self, url: str) -> tuple[str, str]:
        return (self.known[url]["next_due"] if url in self.known else "", url)

    def left_out(self) -> dict[tuple[str, str], tuple[int, str]]:
        groups: dict[tuple[str, str], list[str]] = {}
        for url, reason in self.reasons.items():
            host = url.split("/")[2] if "://" in url and reason != "malformed" else ""
            groups.setdefault((host, reason), []).append(url)
        return {key: (len(urls), min(urls)) for key, urls in sorted(groups.items())}


def domain(host: str) -> str:
    return ".".join(host.split(".")[-2:])


def is_due(row: Row) -> bool:
    return row["kind"] == "page" and row["next_due"] is not None and row["next_due"] <= DAY.isoformat()


# ---- the crawl under test: answers in any order, killed at any point


@dataclass
class Crawl:
    """A crawl of `web` through the real frontier, by dice."""

    settings: CrawlSection
    web: dict[str, Answer]
    known: dict[str, Row]
    folder: Path
    dice: Random

    def crawl(self, seeds: list[str], forgotten: list[str]) -> CrawlStore:
        self.open()
        self.begin(seeds, forgotten)
        out: list[Target] = []
        while True:
            if not out or self.dice.random() < 0.3:
                out += self.frontier.next_batch()
            if not out:
                return self.store
            target = out.pop(self.dice.randrange(len(out)))
            assert not self.store.recorded(target.url)
            self.answer(target)
            killed = self.dice.random()
            if killed > 0.15:
                self.store.commit()
            if killed < 0.3:  # the answer is lost, or it is the last one that is in force
                out = []
                self.store.close()
                self.open()

    def open(self) -> None:
        self.store = CrawlStore(self.folder / "crawl.db", cache_mib=1)
        self.frontier = Frontier(self.settings, self.store, DAY)

    def begin(self, seeds: list[str], forgotten: list[str]) -> None:
        assert self.store.fresh
        self.store.load(pa.Table.from_pylist(list(self.known.values()), STATE_SCHEMA).to_batches())
        steps = [lambda url=url: self.frontier.add(url) for url in seeds]
        steps += [lambda url=url: self.frontier.forget(url) for url in forgotten]
        steps.append(self.frontier.add_known)
        self.dice.shuffle(steps)
        for step in steps:
            step()
        self.store.commit()
        assert not self.store.fresh

    def answer(self, target: Target) -> None:
        answer = self.web.get(target.url, Answer())
        links = [link for link in answer.links for _ in range(self.dice.randint(1, 2))]
        self.dice.shuffle(links)
        for link in links:
            depth = target.depth + (link.kind == "page")
            self.frontier.add(link.url, link.kind, depth, target.url, link.lastmod)
        self.store.record(page_row(target, answer))
        self.frontier.learned(target.url, answer.lines)
        self.frontier.done(target.url)


def page_row(target: Target, answer: Answer) -> Row:
    row: Row = {"url": target.url, "host": target.host, "kind": target.kind, "depth": target.depth}
    row |= {"referrer": target.referrer, "outcome": "fetched", "status": 200, "n_bytes": answer.n_bytes}
    return row | {"payload_digest": "p", "text_digest": "t"}


NAMES = ["", "x", "y", "z/z/z", "q?a=2&b=1", *(f"n/{number}" for number in range(8)), *(f"?p={n}" for n in range(6))]
URLS = [f"http://{host}.test/{name}" for host in ("a", "b", "c.b") for name in NAMES]
ODD = ["http://[x", "mailto:me@a.test", "http://10.0.0.1/", "http://A.test:80/x#top", "http://a.test/q?b=1&a=2"]
LINKS = st.builds(
    Link,
    st.sampled_from(URLS + ODD),
    st.sampled_from(["page", "page", "page", "sitemap"]),
    st.sampled_from([None, None, "2024-11-02", "2024-11-09"]),
)
ANSWERS = st.builds(
    Answer,
    st.lists(LINKS, max_size=8).map(tuple),
    st.lists(st.sampled_from(["a line", "another line", "line 1", "line 2", "odd"]), max_size=3).map(tuple),
    st.integers(0, 100),
)
KNOWN = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["page", "page", "page", "sitemap"]),
        "depth": st.integers(0, 4),
        "n_fetches": st.integers(0, 2),
        "next_due": st.sampled_from(["2024-11-03", "2024-11-05", "2024-11-06", None]),
        "last_seen": st.sampled_from(["2024-11-01", "2024-11-04", None]),
    }
)
CAPS = st.fixed_dictionaries(
    {
        "max_pages": st.integers(1, 40),
        "max_pages_per_host": st.integers(1, 15),
        "max_pages_per_domain": st.one_of(st.none(), st.integers(1, 20)),
        "max_bytes": st.one_of(st.none(), st.integers(1, 900)),
        "traps": st.just(TrapSettings(probe_pages=2, min_new_share=0.5)),
    }
)


@settings(deadline=None, max_examples=40)
@given(
    st.dictionaries(st.sampled_from(URLS), ANSWERS, min_size=1),
    st.dictionaries(st.sampled_from(URLS), KNOWN),
    st.lists(st.sampled_from(URLS), min_size=1, max_size=4),
    st.lists(st.sampled_from(URLS), max_size=2),
    CAPS,
    st.integers(0, 1 << 32),
)
def test_a_killed_crawl_in_any_order_is_the_reference(
    web: dict[str, Answer], known: dict[str, Row], seeds: list[str], forgotten: list[str], caps: Any, seed: int
) -> None:
    known = {url: {"url": url, "n_changes": 0, "first_seen": "2024-11-01", **row} for url, row in known.items()}
    expected = Reference(recipe(**caps), web, known, block=3)
    expected.crawl(seeds, forgotten)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(frontier_module, "BATCH_TARGETS", 3)
        patch.setattr("neo_assets.web.crawler.waves.CHUNK_ROWS", 2)
        crawled = Crawl(recipe(**caps), web, known, Path(folder), Random(seed))
        store = crawled.crawl(seeds, forgotten)
        rows = pa.Table.from_batches(store.page_batches()).to_pylist()
        assert {row["url"]: (row["kind"], row["depth"], row["referrer"]) for row in rows} == expected.asked
        assert left_out(store) == expected.left_out()
        state = pa.Table.from_batches(store.state_batches(DAY, crawled.settings.revisit)).to_pylist()
        assert [row["url"] for row in state] == sorted(set(known) | set(expected.asked) | still_to_ask(expected))
        assert crawled.frontier.n_waiting == crawled.frontier.n_out == 0
        store.close()


def still_to_ask(expected: Reference) -> set[str]:
    cut = {url for url, reason in expected.reasons.items() if reason.startswith("max_")}
    return {url for url in cut if expected.seen[url][1] == "page"}


# ---- single rules


def test_a_url_is_given_once_at_its_smallest_depth() -> None:
    with new_frontier() as frontier:
        frontier.add("http://a.test/#top", depth=2, referrer="http://b.test/")
        frontier.add("http://A.test:80/", depth=1, referrer="http://c.test/")
        frontier.add("http://a.test/", depth=1, referrer="http://b.test/")
        assert drained(frontier) == [Target("http://a.test/", "page", 1, "http://b.test/")]
        frontier.add("http://a.test/")
        assert drained(frontier) == []


def test_a_url_found_again_at_a_smaller_depth_keeps_that_of_its_first_wave() -> None:
    with new_frontier() as frontier:
        frontier.add("http://a.test/1")
        frontier.add("http://a.test/2", depth=2)
        [first] = frontier.next_batch()
        frontier.add("http://a.test/2", depth=1, referrer=first.url)
        frontier.done(first.url)
        assert drained(frontier) == [Target("http://a.test/2", "page", 2)]


def test_a_url_that_was_too_deep_is_asked_for_when_a_shorter_way_is_found() -> None:
    with new_frontier(max_depth=2) as frontier:
        frontier.add("http://a.test/1")
        frontier.add("http://a.test/x", depth=3, referrer="http://a.test/known")
        [first] = frontier.next_batch()
        frontier.add("http://a.test/x", depth=4, referrer=first.url)
        frontier.done(first.url)
        assert frontier.next_batch() == []
        assert left_out(frontier._store) == {("a.test", "depth"): (1, "http://a.test/x")}
        frontier.add("http://a.test/x", depth=2, referrer=first.url)
        assert drained(frontier) == [Target("http://a.test/x", "page", 2, first.url)]
        assert left_out(frontier._store) == {}


def test_hosts_without_end_are_bounded_by_their_domain() -> None:
    """A trap may name a new host in every link, or a new port."""
    with new_frontier(max_pages=500, max_pages_per_host=3, max_depth=400, max_pages_per_domain=20) as frontier:
        frontier.add("http://www.trap.com/")
        frontier.add("http://other.com/")
        asked = []
        while batch := frontier.next_batch():
            for target in batch:
                asked.append(target.host)
                for number in range(2):
                    url = f"http://{len(asked)}-{number}.trap.com:{8000 + len(asked)}/"
                    frontier.add(url, depth=target.depth + 1, referrer=target.url)
                frontier.done(target.url)
        assert sum(host.endswith("trap.com") or ".trap.com:" in host for host in asked) == 20
        assert "other.com" in asked
        assert {reason for _, reason in left_out(frontier._store)} == {"max_pages_per_domain"}
    with new_frontier(max_pages=500, max_pages_per_host=3) as frontier:
        for number in range(50):
            frontier.add(f"http://{number}.trap.com/")
        assert len(drained(frontier)) == 10 * 3


def test_a_name_and_password_in_a_url_are_not_told() -> None:
    with new_frontier() as frontier:
        frontier.add("http://me:secret@a.test/x@y")
        assert drained(frontier) == []
        assert left_out(frontier._store) == {("", "malformed"): (1, "http://***@a.test/x@y…")}


def test_what_is_left_out_is_counted() -> None:
    with new_frontier(max_url_chars=40, max_pages_per_host=2, allowed_hosts=("a.test",)) as frontier:
        for url in ("http://a.test/1", "http://a.test/2", "http://a.test/3", "http://b.test/", "http://a.test/x.css"):
            frontier.add(url, referrer="http://a.test/")
        for url in ("http://a.test/" + "x" * 40, "mailto:me@a.test", "http://10.0.0.1/", "http://a.test:x/"):
            frontier.add(url, referrer="http://a.test/")
        frontier.add("http://a.test/" + "y" * 4000, referrer="http://a.test/")
        frontier.add("http://a.test/\ud800", referrer="http://a.test/")
        frontier.add("http://a.test/deep", depth=4)
        frontier.add("http://a.test/r/r/r")
        assert [target.url for target in drained(frontier)] == ["http://a.test/1", "http://a.test/2"]
        assert left_out(frontier._store) == {
            ("", "malformed"): (2, "http://a.test/?…"),
            ("", "scheme"): (1, "mailto:me@a.test"),
            ("10.0.0.1", "address"): (1, "http://10.0.0.1/"),
            ("a.test", "depth"): (1, "http://a.test/deep"),
            ("a.test", "extension"): (1, "http://a.test/x.css"),
            ("a.test", "length"): (2, "http://a.test/" + "x" * 26 + "…"),
            ("a.test", "max_pages_per_host"): (1, "http://a.test/3"),
            ("a.test", "trap: repeated segment"): (1, "http://a.test/r/r/r"),
            ("b.test", "host"): (1, "http://b.test/"),
        }


def test_a_url_of_the_longest_length_is_asked_for_and_is_no_part_of_a_longer_one() -> None:
    longest = "http://a.test/" + "x" * 26
    with new_frontier(max_url_chars=40) as frontier:
        frontier.add(longest + "x")
        frontier.add(longest)
        assert [target.url for target in drained(frontier)] == [longest]


def test_forgotten_urls_are_never_asked_for_new_or_waiting_or_in_the_wave() -> None:
    with new_frontier() as frontier:
        frontier.forget("http://a.test/new")
        for name, depth in (("new", 0), ("first", 0), ("waiting", 1)):
            frontier.add(f"http://a.test/{name}", depth=depth)
        assert [target.url for target in frontier.next_batch()] == ["http://a.test/first"]
        frontier.forget("http://a.test/waiting")
        frontier.done("http://a.test/first")
        assert drained(frontier) == []
        frontier.add("http://a.test/second")
        assert frontier._waves.build()
        frontier.forget("http://a.test/second")
        assert drained(frontier) == []
        assert frontier.n_waiting == 0
        assert left_out(frontier._store) == {}


def test_hosts_come_by_turns_and_a_batch_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frontier_module, "BATCH_TARGETS", 4)
    with new_frontier() as frontier:
        for host in "ab":
            for number in range(3):
                frontier.add(f"http://{host}.test/{number}")
        first, second, third = (frontier.next_batch() for _ in range(3))
        assert [target.url[7:] for target in first] == ["a.test/0", "b.test/0", "a.test/1", "b.test/1"]
        assert [target.url[7:] for target in second] == ["a.test/2", "b.test/2"]
        assert third == []
        assert frontier.n_out == frontier.n_waiting == 6


def test_what_waits_when_the_time_is_over_is_left_for_the_next_day() -> None:
    with new_frontier() as frontier:
        for name, depth in (("1", 0), ("2", 1), ("3", 9)):
            frontier.add(f"http://a.test/{name}", depth=depth)
        [target] = frontier.next_batch()
        frontier.add("http://a.test/4", depth=1, referrer=target.url)
        frontier.cut()
        assert frontier.n_waiting == 0
        assert left_out(frontier._store)["a.test", "max_seconds"] == (3, "http://a.test/1")
        rows = pa.Table.from_batches(frontier._store.state_batches(DAY, frontier._settings.revisit)).to_pylist()
        assert [row["url"][-1] for row in rows] == ["1", "2", "4"]
        assert {row["next_due"] for row in rows} == {DAY.isoformat()}
        assert {row["status"] for row in rows} == {None}


def test_a_store_of_another_day_is_refused(tmp_path: Path) -> None:
    with CrawlStore(tmp_path / "crawl.db") as store:
        Frontier(recipe(), store, DAY)
    with (
        CrawlStore(tmp_path / "crawl.db") as store,
        pytest.raises(ValueError, match="of 2024-11-05, not of 2024-11-06"),
    ):
        Frontier(recipe(), store, date(2024, 11, 6))


# ---- traps, through the frontier


def crawl_site(links: Any, lines: Any, n_waves: int = 60, **values: Any) -> tuple[list[str], dict[str, int]]:
    """URLs asked for, and numbers left out by reason, where `links(url)` and `lines(url)` make the pages."""
    with new_frontier(max_pages=5000, max_pages_per_host=5000, max_depth=n_waves, **values) as frontier:
        frontier.add("http://a.test/")
        asked = []
        while batch := frontier.next_batch():
            for target in batch:
                asked.append(target.url)
                for link in links(target.url):
                    frontier.add(link, depth=target.depth + 1, referrer=target.url)
                frontier.learned(target.url, lines(target.url))
                frontier.done(target.url)
        return asked, {reason: n for (_, reason), (n, _) in left_out(frontier._store).items()}


def next_month(url: str) -> list[str]:
    number = int(url.rpartition("/")[2] or 0)
    year, month = divmod(int(url.split("/")[-2]) * 12 + number, 12) if "/cal/" in url else (2024, 0)
    return [f"http://a.test/cal/{year}/{month + 1:02}"]


def test_a_calendar_is_a_trap() -> None:
    asked, reasons = crawl_site(next_month, lambda url: ["Nothing happens", "Month " + url[-2:], "next month"])
    assert len(asked) == 1 + TrapSettings().probe_pages
    assert reasons == {"trap: nothing new": 1}


def test_facets_are_a_trap() -> None:
    def links(url: str) -> list[str]:
        return [f"http://a.test/shop?color={color}&size={size}" for color in range(30) for size in range(30)]

    def lines(url: str) -> list[str]:
        return [f"A fine shirt named {name}" for name in "abcdefgh"]

    def by_depth(url: str) -> list[str]:
        where = asked_at.setdefault(url, len(asked_at))
        return links(url)[where * 10 : where * 10 + 10]

    asked_at: dict[str, int] = {}
    asked, reasons = crawl_site(by_depth, lines)
    assert len(asked) <= 1 + 10 + 100
    assert reasons["trap: nothing new"] >= 50


def test_ever_deeper_paths_and_session_ids_end() -> None:
    def deeper(url: str) -> list[str]:
        return [url + "a/", url + "b/", url + f"x{len(url)}/", f"{url};jsessionid={len(url)}", f"{url}?PHPSESSID=7"]

    asked, reasons = crawl_site(deeper, lambda url: [url], n_waves=8)
    assert reasons.keys() == {"trap: repeated segment", "depth"}
    assert all(url.count("/a/") + url.count("/b/") <= 4 and "sess" not in url.lower() for url in asked)
    asked, reasons = crawl_site(lambda url: [url + f"x{len(url)}/"], lambda url: [])
    assert len(asked) == 1 + TrapSettings().max_path_segments
    assert reasons == {"trap: path": 1}


@pytest.mark.parametrize(
    "spelling",
    ["sanguo/{:03}.html", "thread.php?page=2&tid={}", "news/2024/{0:02}/11-slug-{0}", "law/{0}/{0}/{0}.html"],
)
def test_pages_that_tell_something_new_are_no_trap(spelling: str) -> None:
    urls = [f"http://a.test/{spelling.format(number)}" for number in range(300)]
    text = [f"{chr(0x4E00 + number)}回，话说天下大势" for number in range(300)]

    def following(url: str) -> list[str]:
        place = urls.index(url) + 1 if url in urls else 0
        return urls[place : place + 10]

    asked, reasons = crawl_site(following, lambda url: ["本站导航", text[urls.index(url)]] if url in urls else [])
    assert sorted(asked) == sorted(["http://a.test/", *urls])
    assert reasons == {}
