"""The laboratory web as a site that the proxy serves, and the truth that a crawl of it is held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from neo_assets.web.bundled.pages import Article, Page
from neo_assets.web.bundled.site import Site
from neo_assets_tests.web.lab import (
    anchors,
    behaviours,
    charsets,
    epochs,
    mirrors,
    robots,
    sitemaps,
    texts,
    traps,
)
from neo_assets_tests.web.lab.parts import (
    N_EPOCHS,
    NO_ROBOTS,
    Course,
    Expected,
    Part,
    fetched,
    home_page,
    place,
    unchanged,
)

HUB = "hub.lab.test"
MODULES = (texts, mirrors, charsets, robots, sitemaps, behaviours, anchors, traps, epochs)


@dataclass(frozen=True)
class Truth:
    """What a crawl of one epoch must give."""

    rows: Mapping[str, Expected]
    """URL to its row, of all hosts but the traps: nothing else may be asked for or recorded."""
    forbidden: frozenset[str]
    """URLs that must never be asked for, in any epoch."""
    left_out: Mapping[tuple[str, str], tuple[int, str]]
    """In the first epoch: host and reason to number of URLs and the first of them."""
    bounded: Mapping[str, int]
    """Trap hosts to the most requests."""
    articles: Mapping[str, Article]
    """Text pages by URL."""


@lru_cache(maxsize=N_EPOCHS)
def build_lab(epoch: int) -> tuple[Site, Truth]:
    """The web of an epoch, and its truth."""
    parts = [module.part(epoch) for module in MODULES]
    pages: dict[tuple[str, str], Page] = {}
    courses: dict[str, Course] = {}
    for part in parts:
        _only_once(pages, part.pages)
        _only_once(courses, part.courses)
    doors = [url for part in parts for url in part.doors]
    hub: Course = (fetched(), unchanged(200), unchanged(200))
    pages[HUB, "/"] = replace(home_page(HUB, doors), etag=None, modified=None)
    courses[f"http://{HUB}/"] = hub
    robots_of = {HUB: NO_ROBOTS} | {host: course for part in parts for host, course in part.robots_of.items()}
    courses |= {f"http://{host}/robots.txt": _when_active(host, course, courses) for host, course in robots_of.items()}
    rows = {
        url: course[epoch] for url, course in courses.items() if course[epoch] and place(url)[0] not in traps.MOST_ASKED
    }
    articles = {url: article for part in parts for url, article in part.articles.items()}
    dynamic = {host: make for part in parts for host, make in part.dynamic.items()}
    truth = Truth(
        {url: expected for url, expected in rows.items() if expected},
        frozenset(url for part in parts for url in part.forbidden),
        _left_out(parts),
        traps.MOST_ASKED,
        articles,
    )
    return Site(epoch, pages, articles, (), dynamic), truth


def seed_urls() -> list[str]:
    """Where a crawl of the laboratory starts."""
    return [f"http://{HUB}/"]


def _when_active(host: str, course: Course, courses: Mapping[str, Course]) -> Course:
    """robots.txt is asked for once on every day on which any URL of its host is to be asked for (or is refused)."""
    of_host = [other for url, other in courses.items() if url.startswith(f"http://{host}/")]
    first, second, third = (
        course[epoch] if any(other[epoch] for other in of_host) else None for epoch in range(N_EPOCHS)
    )
    return first, second, third


def _left_out(parts: list[Part]) -> dict[tuple[str, str], tuple[int, str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        for url, reason in part.left_out.items():
            host = "" if reason == "malformed" else url.split("/")[2]
            found.setdefault((host, reason), []).append(url)
    return {key: (len(urls), min(urls)) for key, urls in found.items()}


def _only_once(into: dict, more: Mapping) -> None:  # type: ignore[type-arg]
    both = into.keys() & more.keys()
    if both:
        raise ValueError(f"two parts of the laboratory have {sorted(both)[:3]}")
    into |= more
