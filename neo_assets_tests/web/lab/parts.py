"""What the laboratory web is made of: pages, and what a crawl must make of each of them on each of three days.

The expectations are written from what each page is, by the rules of a polite incremental crawl; no code of the crawler
is used for them.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from neo_assets.web.bundled.pages import Article, Page, contents, dress, etag_of

N_EPOCHS = 3


@dataclass(frozen=True)
class Expected:
    """The row of a URL in a day's page table, and how often the URL is asked for that day."""

    outcome: str
    reason: str | None = None
    status: int | None = None
    change: str | None = None
    truncated: str | None = None
    n_asked: int = 1
    kind: str = "page"


Course = tuple[Expected | None, Expected | None, Expected | None]
"""What is expected of a URL in epoch 0, 1 and 2; None: it is not asked for, and has no row."""


def fetched(change: str | None = "new", n_asked: int = 1) -> Expected:
    """A page that came whole."""
    return Expected("fetched", status=200, change=change, n_asked=n_asked)


def unchanged(status: int = 304) -> Expected:
    """A page known from before: by the server's word (304), or by its bytes (200)."""
    return Expected("unchanged", status=status)


def redirected(status: int = 302) -> Expected:
    return Expected("redirected", status=status)


def refused(reason: str) -> Expected:
    """A URL that has a row and is never asked for."""
    return Expected("refused", reason, n_asked=0)


def gone(status: int = 404) -> Expected:
    return Expected("gone", status=status)


def failed(reason: str, status: int | None = None, truncated: str | None = None, n_asked: int = 1) -> Expected:
    return Expected("failed", reason, status, truncated=truncated, n_asked=n_asked)


def steady(status: int = 304) -> Course:
    """A page that never changes: new, then the same, then (its interval having doubled) not yet due."""
    return fetched(), unchanged(status), None


def once(expected: Expected) -> Course:
    """Only on the first day: what named the URL is not sent again, and the URL itself is not remembered."""
    return expected, None, None


def always(expected: Expected) -> Course:
    return expected, expected, expected


def failing(expected: Expected) -> Course:
    """What fails, or is not to be reached, on the first day is tried again on the second, and then left alone for two
    days."""
    return expected, expected, None


def settled(expected: Expected) -> Course:
    """A redirect, or a page that is missing: as often asked for as a page that stays the same."""
    return expected, expected, None


def listed(first: Expected, later: Expected) -> Course:
    """A file that is read on every day on which its host is asked for anything."""
    return first, later, later


ROBOTS: Course = listed(replace(fetched(None), kind="robots"), replace(unchanged(200), kind="robots"))
NO_ROBOTS: Course = always(replace(gone(), kind="robots"))


@dataclass
class Part:
    """Some hosts of the web in one epoch. Courses are of all epochs, whichever is built."""

    epoch: int
    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    courses: dict[str, Course] = field(default_factory=dict)
    forbidden: set[str] = field(default_factory=set)
    """URLs that must never be asked for."""
    left_out: dict[str, str] = field(default_factory=dict)
    """URLs that are found in the first epoch and left out without a row, and why."""
    articles: dict[str, Article] = field(default_factory=dict)
    """Text pages by URL."""
    dynamic: dict[str, Callable[[str], Page | None]] = field(default_factory=dict)
    robots_of: dict[str, Course] = field(default_factory=dict)
    """The course of a host's robots.txt, on the days on which the host is asked for anything."""
    doors: list[str] = field(default_factory=list)
    """URLs that the hub links to."""

    def put(self, url: str, page: Page, *course: Expected | None) -> None:
        """Serve a page; without a course it is steady."""
        self.pages[place(url)] = page
        self.expect(url, *(course or steady()))

    def hide(self, url: str, page: Page | None = None) -> None:
        """Serve a page that must never be asked for."""
        self.pages[place(url)] = page or text_page("Hidden", "A crawler that reads this has not obeyed.")
        self.forbidden.add(url)

    def expect(self, url: str, *course: Expected | None) -> None:
        first, second, third = course
        if url in self.courses:
            raise ValueError(f"{url} has two courses")
        self.courses[url] = first, second, third

    def article(self, article: Article, page: Page, *course: Expected | None) -> None:
        """Serve an article whose text extraction must give."""
        self.articles[article.url] = article
        self.put(article.url, page, *course)

    def robots(self, host: str, text: str | bytes | None = None, *course: Expected | None) -> None:
        """The robots.txt of a host, which it otherwise has none of."""
        first, second, third = course or ROBOTS
        self.robots_of[host] = first, second, third
        if text is not None:
            body = text if isinstance(text, bytes) else text.encode()
            self.pages[host, "/robots.txt"] = Page(body, "text/plain; charset=utf-8")

    def home(self, host: str, links: Sequence[str], *course: Expected | None) -> None:
        """The home page of a host: nothing but links, in their order, as they are written here."""
        self.put(f"http://{host}/", home_page(host, links), *course)
        self.door(host)

    def door(self, host: str) -> None:
        """Let the hub link to the host's home page."""
        self.doors.append(f"http://{host}/")
        self.robots_of.setdefault(host, NO_ROBOTS)


def place(url: str) -> tuple[str, str]:
    """The host and path (with query) of a URL."""
    host, _, path = url.removeprefix("http://").partition("/")
    return host, f"/{path}"


def home_page(host: str, links: Sequence[str]) -> Page:
    return dress(Article(host, "/", host, ("A list of pages.",), "en"), contents, [(url, url) for url in links])


def text_page(title: str, *paragraphs: str, head: str = "", anchors: Iterable[str] = ()) -> Page:
    """A small page with an entity tag; `anchors` are elements as they stand."""
    lines = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    links = "\n".join(f"<li>{anchor}</li>" for anchor in anchors)
    body = (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title>{head}</head>\n"
        f"<body><h1>{html.escape(title)}</h1>\n{lines}\n<ul>{links}</ul></body></html>\n"
    ).encode()
    return Page(body, etag=etag_of(body))


def redirect(location: str, status: int = 302) -> Page:
    return Page(b"", status=status, location=location)
