"""Hosts without an end: calendars, session ids, ever-deeper paths, facets; and lists that only look like them."""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from urllib.parse import parse_qsl, urlencode

from neo_assets.web.bundled import seed
from neo_assets.web.bundled.pages import Page
from neo_assets_tests.web.lab.parts import Part, steady, text_page

CALENDAR, SESSIONS, DEEP, FACETS, ARCHIVE, TOKENS = (
    f"{name}.lab.test" for name in ("calendar", "sessions", "deep", "facets", "archive", "tokens")
)
PROBE_PAGES = 8
"""Pages of a pattern that are looked at before it is judged: what a crawl of the laboratory must set."""
MIN_NEW_SHARE = 0.2
MAX_DEPTH = 30
MOST_ASKED = {CALENDAR: 30, DEEP: 35, FACETS: 130, TOKENS: 16}
"""Host to the most URLs that may be asked for on any day, robots.txt included; without trap detection it would be all
that the depth or the host's cap allows.

A pattern is judged between waves, so it costs less than `PROBE_PAGES` and one wave more: of the calendar two patterns
(months, days) with waves of two and four, of tokens waves of 3 and 9. Of the deep host paths of two segments that each
may stand twice (19), and a chain of 12 segments. The shop has a pattern for every set of filters.
"""
CHOICES: dict[str, tuple[str, ...]] = {
    "colour": ("red", "green", "blue"),
    "size": ("s", "m"),
    "sort": ("price", "name"),
}
WAY = ("north", "east", "south", "west", "up", "down", "left", "right", "on", "back", "round", "home", "away", "there")
N_ARCHIVE_PAGES = 20
N_SESSION_PAGES = 5


def part(epoch: int) -> Part:
    made = Part(epoch)
    made.dynamic = {CALENDAR: calendar, SESSIONS: sessions, DEEP: deep, FACETS: facets, TOKENS: tokens}
    for host in (*MOST_ASKED, SESSIONS):
        made.door(host)
    _archive(made)
    _session_truth(made)
    return made


def calendar(target: str) -> Page | None:
    """Months back and forth without end, empty all of them, and days in each."""
    match = re.fullmatch(r"/cal/(-?\d+)/(\d+)(?:/(\d+))?", target)
    if target == "/":
        return text_page("Club", "What we do, and when.", anchors=['<a href="/cal/2024/11">calendar</a>'])
    if match is None:
        return None
    year, month = int(match[1]), int(match[2])
    near = [(year + (month + step - 1) // 12, (month + step - 1) % 12 + 1) for step in (-1, 1)]
    days = [f"/cal/{year}/{month}/{day}" for day in (1, 15)] if match[3] is None else []
    paths = [*(f"/cal/{y}/{m}" for y, m in near), *days]
    return text_page(f"{year}-{month}", "No events.", anchors=[f'<a href="{path}">{path}</a>' for path in paths])


def sessions(target: str) -> Page | None:
    """Five pages; every answer gives new session ids to all links: in the path, in the query, in any case."""
    path = target.partition("?")[0]
    number = re.fullmatch(r"/(?:page-(\d)\.html(?:;jsessionid=\w+)?)?", path)
    if number is None or (number[1] and int(number[1]) >= N_SESSION_PAGES):
        return None
    fresh = hashlib.sha256(target.encode()).hexdigest()[:12].upper()
    spellings = (";jsessionid={}", "?sid={}", "?PHPSESSID={}", "?phpsessid={}", ";JSESSIONID={}?sessionid={}")
    anchors = [
        f'<a href="/page-{n}.html{spelling.replace("{}", fresh)}">{n}</a>' for n, spelling in enumerate(spellings)
    ]
    text = "\n".join(seed.constitution()[5:8]) if number[1] is None else seed.constitution()[int(number[1]) + 10]
    return text_page(f"Page {number[1] or 'one'}", text, anchors=anchors)


def _session_truth(made: Part) -> None:
    """Of the session host all is known: whatever the ids, there are five pages and a home page."""
    made.expect(f"http://{SESSIONS}/", *steady())
    for number in range(N_SESSION_PAGES):
        made.expect(f"http://{SESSIONS}/page-{number}.html", *steady())


def deep(target: str) -> Page | None:
    """Relative links on pages served at any path: each lies deeper than the last, by the same names or ever others."""
    segments = target.strip("/").split("/")
    if not re.fullmatch(r"/(?:[a-z-]+/)*", target):
        return None
    if segments[0] == WAY[0]:
        names: tuple[str, ...] = (WAY[len(segments) % len(WAY)] + "-wards" * (len(segments) // len(WAY)),)
    else:
        names = ("about", "products", WAY[0]) if target == "/" else ("about", "products")
    anchors = [f'<a href="{name}/">{name}</a>' for name in names]
    return text_page("Company", "We are a company with products.", anchors=anchors)


def facets(target: str) -> Page | None:
    """A shop whose filters add up in the query, in every order and number."""
    path, _, query = target.partition("?")
    if path == "/":
        return text_page("Shop", "Everything we sell.", anchors=['<a href="/shop">shop</a>'])
    if path != "/shop":
        return None
    chosen = dict(parse_qsl(query))
    links = [{**chosen, name: value} for name, values in CHOICES.items() for value in values]
    links.append({**chosen, "page": str(int(chosen.get("page", "1")) + 1)})
    anchors = [f'<a href="/shop?{urlencode(link).replace("&", "&amp;")}">more</a>' for link in links]
    return text_page("Shop", "The same ten shirts.", anchors=anchors)


def tokens(target: str) -> Page | None:
    """Every link carries a number of the server's own making, under a name that nobody knows."""
    if not re.fullmatch(r"/(?:item\?token=\d+)?", target):
        return None
    seeds = [hashlib.sha256(f"{target}:{n}".encode()).hexdigest() for n in range(3)]
    anchors = [f'<a href="/item?token={int(digest[:8], 16)}">item</a>' for digest in seeds]
    return text_page("Item", "It is always the same item.", anchors=anchors)


def _archive(made: Part) -> None:
    """Looks like a trap and is none: a long list, page by page, each with other text. All of it must be asked for."""
    url = f"http://{ARCHIVE}"
    paragraphs = seed.constitution()
    paths = ["/", *(f"/list?page={number}" for number in range(2, N_ARCHIVE_PAGES + 1))]
    for number, (path, following) in enumerate(pairwise([*paths, ""])):
        texts = paragraphs[number * 2 + 3 : number * 2 + 5]
        near = {f"/list?page={n}" for n in range(2, N_ARCHIVE_PAGES + 1) if abs(n - number) <= 6} | {following} - {""}
        made.put(
            url + path,
            text_page(f"Archive {number + 1}", *texts, anchors=[f'<a href="{p}">{p}</a>' for p in sorted(near)]),
        )
    made.door(ARCHIVE)
