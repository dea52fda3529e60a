"""The bundled web: a deterministic function from an epoch to virtual hosts under the reserved top-level domain `.test`.

Hosts of real text (laws, novels, poems, reference, documentation), a mirror of near copies, a junk host, a closed host
whose robots.txt fails, index pages, robots.txt files and sitemaps. Nothing depends on a clock: the same epoch always
gives the same bytes. In each later epoch some pages are edited, some change only in their boilerplate, one more is gone
and one more appears.
"""

from __future__ import annotations

import gzip
import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from neo_assets.web.bundled import copies, docs, hosts, junk
from neo_assets.web.bundled.pages import (
    Article,
    Page,
    Template,
    anthology,
    bucket,
    contents,
    dress,
    etag_of,
    library,
    official,
    portal,
)

CLOSED = "closed.neo.test"
HUB = "www.neo.test"
TEMPLATES: dict[str, Template] = {
    hosts.LAWS: official,
    hosts.NOVELS: library,
    hosts.POEMS: anthology,
    hosts.REFERENCE: library,
}
LINKS_PER_INDEX = 60
COMPRESSED_HOSTS = (hosts.LAWS, hosts.REFERENCE)
CHUNKED_HOSTS = (hosts.POEMS,)
MIRRORED = (
    *((hosts.LAWS, number) for number in (3, 30, 60)),
    *((hosts.NOVELS, number) for number in (2, 20, 41, 60, 90)),
    *((hosts.REFERENCE, number) for number in (15, 40)),
)
"""Host and position of the articles that the mirror copies."""
ONLY_IN_SITEMAP = f"http://{hosts.NOVELS}/sanguo/001.html"


@dataclass(frozen=True)
class Site:
    """All pages of the bundled web in one epoch, with the truth about them."""

    epoch: int
    pages: Mapping[tuple[str, str], Page]
    articles: Mapping[str, Article]
    """Text pages by URL: what their main text is."""
    copies: tuple[copies.Copy, ...]
    """The mirror's pages: what each was copied from, and how much of it was replaced."""
    dynamic: Mapping[str, Callable[[str], Page | None]] = field(default_factory=dict)
    """Hosts whose pages are made when they are asked for: a function of path and query, None for a page that is not."""

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(sorted({host for host, _ in self.pages} | set(self.dynamic)))

    def page(self, host: str, path: str, query: str = "") -> Page | None:
        """What stands at an address: a page stored with this query, or with none, or one made for it."""
        target = f"{path}?{query}" if query else path
        page = self.pages.get((host, target)) or self.pages.get((host, path))
        make = self.dynamic.get(host)
        return page if page is not None or make is None else make(target)


def seed_urls() -> list[str]:
    """Where a crawl of the bundled web starts."""
    return [f"http://{HUB}/"]


@lru_cache(maxsize=4)
def build_site(epoch: int) -> Site:
    """The bundled web on a day of the crawl (0 is the first)."""
    if epoch < 0:
        raise ValueError(f"epoch {epoch} is before the first crawl day; ask for 0 or later")
    articles = hosts.articles(epoch)
    copied = _copies()
    pages = _text_pages(articles) | _mirror_pages(copied) | docs.pages() | _gone(epoch)
    pages |= {(junk.HOST, path): page for path, page in junk.pages().items()}
    pages |= _moved()
    pages |= _index_pages(pages) | _robots() | _hidden()
    pages |= _sitemaps(pages)
    truth = {article.url: article for article in (*articles, *(copy.article for copy in copied))}
    return Site(epoch, pages, truth, copied)


@lru_cache(maxsize=1)
def _copies() -> tuple[copies.Copy, ...]:
    first = hosts.articles(0)
    by_host = {host: [article for article in first if article.host == host] for host, _ in MIRRORED}
    return tuple(copies.copies([by_host[host][number] for host, number in MIRRORED]))


def _text_pages(articles: Sequence[Article]) -> dict[tuple[str, str], Page]:
    pages = {}
    for position, article in enumerate(articles):
        near = [other for other in articles[max(0, position - 1) : position + 2] if other.host == article.host]
        links = [(other.url, other.title) for other in near if other.url not in (article.url, ONLY_IN_SITEMAP)]
        page = dress(article, TEMPLATES[article.host], links, weak=bucket(article.url, 3) == 0)
        compressed, chunked = article.host in COMPRESSED_HOSTS, article.host in CHUNKED_HOSTS
        pages[article.host, article.path] = replace(page, compressed=compressed, chunked=chunked)
    return pages


def _mirror_pages(copied: Sequence[copies.Copy]) -> dict[tuple[str, str], Page]:
    first = _text_pages(hosts.articles(0))
    pages = {}
    for copy in copied:
        original = first[copy.original.host, copy.original.path]
        page = original if copy.kind == "exact" else dress(copy.article, portal)
        pages[copy.article.host, copy.article.path] = replace(page, etag=None, modified=None)
    return pages


def _gone(epoch: int) -> dict[tuple[str, str], Page]:
    body = b"<!DOCTYPE html><title>410</title><p>Gone.</p>"
    return {_place(url): Page(body, status=410) for url in hosts.gone_urls(epoch)}


def _moved() -> dict[tuple[str, str], Page]:
    """Three old addresses of laws, which redirect for good."""
    moved = [
        article for article in hosts.articles(0) if article.host == hosts.LAWS and article.path.endswith("/1.html")
    ][:3]
    return {(hosts.LAWS, f"/old/{number}"): Page(b"", status=301, location=to.path) for number, to in enumerate(moved)}


def _hidden() -> dict[tuple[str, str], Page]:
    """Pages that robots.txt files forbid: a crawl must never ask for them."""
    secret = Article(hosts.LAWS, "/internal/draft.html", "内部草案", ("此页不得抓取。",), "zh-CN")
    closed = Article(CLOSED, "/", "Closed", ("The robots.txt of this host fails, so nothing may be fetched.",), "en")
    printed = Article(hosts.NOVELS, "/print/all.html", "Print", ("Everything on one page.",), "en")
    return {(article.host, article.path): dress(article, contents) for article in (secret, closed, printed)}


def _index_pages(pages: Mapping[tuple[str, str], Page]) -> dict[tuple[str, str], Page]:
    """A home page and list pages for every host that has none of its own, and the hub that links to all hosts."""
    made: dict[tuple[str, str], Page] = {}
    names = sorted({host for host, _ in pages} - {CLOSED})
    for host in (name for name in names if (name, "/") not in pages):
        urls = [f"http://{host}{path}" for of, path in sorted(pages) if of == host and path != "/robots.txt"]
        if host == hosts.LAWS:
            urls.append(f"http://{hosts.LAWS}/internal/draft.html")
        if host == hosts.NOVELS:
            urls += [f"http://{hosts.NOVELS}/print/all.html", f"http://{hosts.NOVELS}/print/01.html"]
        links = [(url, url.rpartition("/")[2]) for url in urls if url != ONLY_IN_SITEMAP]
        lists = [links[begin : begin + LINKS_PER_INDEX] for begin in range(0, len(links), LINKS_PER_INDEX)]
        paths = [f"/list-{number}.html" for number in range(1, len(lists) + 1)]
        for path, part in zip(paths, lists, strict=True):
            made[host, path] = dress(Article(host, path, f"{host} {path}", (), "en"), contents, part)
        home = Article(host, "/", f"Welcome to {host}", (), "en")
        made[host, "/"] = dress(home, contents, [(path, path.strip("/")) for path in paths])
    hub = Article(HUB, "/", "Hosts", (), "en")
    made[HUB, "/"] = dress(hub, contents, [(f"http://{host}/", host) for host in names])
    return made


def _robots() -> dict[tuple[str, str], Page]:
    """Robots files that parsers trip over: with byte-order mark, CRLF, groups, Allow, wildcards, a redirect, a 503."""
    texts = {
        hosts.LAWS: "User-agent: badbot\nDisallow: /\n\nUser-agent: *\nDisallow: /internal/\nCrawl-delay: 1\n"
        f"Sitemap: http://{hosts.LAWS}/sitemap.xml\n",
        hosts.NOVELS: "\ufeffUser-agent: *\r\nDisallow: /print/\r\nAllow: /print/01.html\r\n"
        f"Sitemap: http://{hosts.NOVELS}/sitemap-index.xml\r\n",
        hosts.POEMS: "# poems\nUser-agent: *\nDisallow: /*?print=\nDisallow: /*.cgi$\n",
        docs.PYTHON: "User-agent: *\nDisallow: /search\n",
        junk.HOST: "User-agent: *\nDisallow: /cart\n",
    }
    made = {(host, "/robots.txt"): Page(text.encode(), "text/plain; charset=utf-8") for host, text in texts.items()}
    made[copies.HOST, "/robots.txt"] = Page(b"", status=302, location=f"http://{junk.HOST}/robots.txt")
    made[CLOSED, "/robots.txt"] = Page(b"busy", "text/plain", status=503)
    return made


def _sitemaps(pages: Mapping[tuple[str, str], Page]) -> dict[tuple[str, str], Page]:
    """A plain sitemap, and an index that leads to a gzip-compressed one which names a page that nothing links to."""
    index = f"http://{hosts.NOVELS}/sitemap-1.xml.gz"
    novels = gzip.compress(_urlset(_entries(pages, hosts.NOVELS)), 9, mtime=0)
    return {
        (hosts.LAWS, "/sitemap.xml"): _xml(_urlset(_entries(pages, hosts.LAWS))),
        (hosts.NOVELS, "/sitemap-index.xml"): _xml(_markup("sitemapindex", f"<sitemap><loc>{index}</loc></sitemap>")),
        (hosts.NOVELS, "/sitemap-1.xml.gz"): Page(novels, "application/gzip", etag=etag_of(novels)),
    }


def _entries(pages: Mapping[tuple[str, str], Page], host: str) -> Iterator[str]:
    for of, path in sorted(pages):
        page = pages[of, path]
        if (
            of == host
            and page.status == 200
            and page.modified
            and not path.startswith(("/internal", "/print", "/list"))
        ):
            yield f"<url><loc>{html.escape(f'http://{of}{path}')}</loc><lastmod>{page.modified:%Y-%m-%d}</lastmod></url>"


def _urlset(entries: Iterator[str]) -> bytes:
    return _markup("urlset", "\n".join(entries))


def _markup(tag: str, inner: str) -> bytes:
    start = f'<?xml version="1.0" encoding="UTF-8"?>\n<{tag} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
    return f"{start}\n{inner}\n</{tag}>\n".encode()


def _xml(body: bytes) -> Page:
    return Page(body, "application/xml", etag=etag_of(body))


def _place(url: str) -> tuple[str, str]:
    host, _, path = url.removeprefix("http://").partition("/")
    return host, f"/{path}"
