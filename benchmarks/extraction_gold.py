"""Pages whose main text is known, by part: what extraction is measured by.

Most are texts of the seed, dressed as pages by the templates of the bundled web; the rest are pages as their projects
ship them, with the source that they were made from, or with the element that holds their text, named by hand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle
from typing import NamedTuple

from lxml import html as lxml_html

from benchmarks.peers.extraction_protocol import SentPage
from neo_assets.web.bundled import docs, hosts, junk, seed
from neo_assets.web.bundled.pages import (
    Article,
    Page,
    Template,
    anthology,
    dress,
    library,
    official,
    portal,
    with_charset,
)
from neo_assets.web.bundled.site import build_site

SHORT_PAGES = 60
CHARSET = re.compile(r"charset=([\w-]+)")
CONFLICTS: tuple[tuple[str, str | None, str | None], ...] = (
    ("gbk", "utf-8", "gbk"),
    ("gbk", "gbk", "utf-8"),
    ("gbk", "iso-8859-1", None),
    ("gbk", None, None),
    ("gb18030", "utf-8", "utf-8"),
    ("utf-8", "gbk", "gb2312"),
    ("utf-8", "iso-8859-1", "gbk"),
    ("utf-16", "utf-8", "gbk"),
)
"""An encoding, and what the header and the meta tag claim."""
NEIGHBOURS = (("/1.html", "上一篇"), ("/3.html", "下一篇"), ("/list.html", "目录"))
HTTPD_ENCODINGS = {"de": "latin-1", "es": "latin-1", "fr": "latin-1", "ja": "utf-8", "ko": "euc-kr", "tr": "utf-8"}
STRUCTURE = {
    "httpd": ("page-content", ("toplang", "quickview", "top", "lang-toggle", "permalink", "bottomlang")),
    "lo-zh": ("DisplayArea", ("related",)),
}
"""The `id` of the element that holds a page's text, and the ids or classes in it that are none of it."""
SHOWN = "@class='WRITER' or starts-with(@id, 'default')"
"""Of phrases for several systems and programs, all of which stand in a page of the LibreOffice help, its script shows
the one for the program that the page is about, or that for all others but macOS."""
AFTER_RELATED = ".//p[@class='related']/following::*[self::a or self::p][ancestor::*[@id='DisplayArea']]"
"""The links to related pages in the LibreOffice help, which end the text; `related` is the line above them."""


class GoldPage(NamedTuple):
    """A page as it is sent, and its main text; without `gold`, its part is scored as a whole."""

    identity: str
    page: SentPage
    gold: str | None
    title: str = ""


class Part(NamedTuple):
    """A part of the gold. `whole` is the text of all its pages together where only that is known."""

    title: str
    pages: tuple[GoldPage, ...]
    whole: str | None = None


def parts(at_most: int | None = None) -> list[Part]:
    """All parts, each cut to so many pages (those that are scored as a whole: left out then)."""
    found = [
        Part("Chinese statutes", tuple(_site(hosts.LAWS))),
        Part("short statutes (an article a page)", tuple(_dressed(_short_statutes()))),
        Part("Chinese novels", tuple(_site(hosts.NOVELS, "/sanguo/"))),
        Part("Tang poems, ten a page", tuple(_site(hosts.POEMS))),
        Part("short poems (one a page)", tuple(_dressed(_short_poems()))),
        Part("English novel and reference", (*_site(hosts.NOVELS, "/pride/"), *_site(hosts.REFERENCE))),
        Part("conflicting charset", (*_site(hosts.NOVELS, "/nahan/"), *_dressed(_conflicting()))),
        Part("Python manual (en)", tuple(_with_source(docs.PYTHON))),
        Part("SymPy manual (maths)", tuple(_with_source(docs.SYMPY))),
        Part("Debian guide (en)", tuple(_book("en")), seed.read_text("gold/debmake.en.txt")),
        Part("Debian guide (zh)", tuple(_book("zh-cn")), seed.read_text("gold/debmake.zh-cn.txt")),
        Part("LibreOffice help (zh)", tuple(_structured("lo-zh"))),
        Part("Apache manual (de es fr ja ko tr)", tuple(_structured("httpd"))),
    ]
    if at_most is None:
        return found
    return [part._replace(pages=_spread(part.pages, at_most)) for part in found if part.whole is None]


def navigation_pages() -> list[GoldPage]:
    """Pages without any text of their own (lists of links): whatever is found there is boilerplate."""
    site = build_site(0)
    return [
        _sent(f"http://{host}{path}", page, "")
        for (host, path), page in sorted(site.pages.items())
        if host in (hosts.LAWS, hosts.NOVELS, hosts.POEMS, junk.HOST) and re.match(r"/(list|navigation|nav)", path)
    ]


def _spread(pages: tuple[GoldPage, ...], at_most: int) -> tuple[GoldPage, ...]:
    step = max(1, len(pages) // at_most)
    return pages[::step][:at_most]


def _site(host: str, under: str = "/") -> Iterator[GoldPage]:
    """The HTML pages of a host of the bundled web."""
    site = build_site(0)
    for url, article in site.articles.items():
        if article.host == host and article.path.startswith(under) and article.media_type == "text/html":
            yield _gold(url, article, site.pages[article.host, article.path])


def _dressed(articles: Iterable[tuple[Article, Template]]) -> Iterator[GoldPage]:
    for article, template in articles:
        yield _gold(article.url, article, dress(article, template, NEIGHBOURS))


def _gold(url: str, article: Article, page: Page) -> GoldPage:
    text = "\n".join(article.paragraphs)
    return _sent(url, page, text, article.encoding)._replace(title=article.title)


def _sent(url: str, page: Page, gold: str | None, encoding: str = "utf-8") -> GoldPage:
    header = CHARSET.search(page.content_type)
    decoded = page.body.decode(encoding)
    return GoldPage(url, SentPage(url, page.body, "text/html", header[1] if header else None, decoded), gold)


def _short_poems() -> Iterator[tuple[Article, Template]]:
    for number, (poem, template) in enumerate(
        zip(seed.poems()[::33][:SHORT_PAGES], cycle((anthology, official)), strict=False)
    ):
        block = "\n".join((poem.author, *poem.lines))
        paragraphs = (block,) if template is anthology else (poem.author, *poem.lines)
        yield Article("poems.test", f"/one/{number}.html", poem.title, paragraphs, "zh-Hant"), template


def _short_statutes() -> Iterator[tuple[Article, Template]]:
    lines = [(law.title, line) for law in seed.laws() for line in law.lines if line.startswith("第") and len(line) > 20]
    step = len(lines) // SHORT_PAGES
    templates = cycle((official, portal, library))
    for number, ((title, line), template) in enumerate(zip(lines[::step][:SHORT_PAGES], templates, strict=False)):
        yield Article("laws.test", f"/article/{number}.html", title, (line,), "zh-CN"), template


def _conflicting() -> Iterator[tuple[Article, Template]]:
    laws = [replace(article, host="gbk.test") for article in hosts.articles(0) if article.host == hosts.LAWS][::5]
    for article, (encoding, header, meta) in zip(laws, cycle(CONFLICTS), strict=False):
        yield with_charset(article, encoding, header, meta), official


def _with_source(host: str) -> Iterator[GoldPage]:
    pages = docs.pages()
    for url, source in docs.gold_of().items():
        place = url.removeprefix("http://").partition("/")
        if place[0] == host:
            yield _sent(url, pages[host, f"/{place[2]}"], seed.read_text(source))


def _book(language: str) -> Iterator[GoldPage]:
    for (host, path), page in sorted(docs.pages().items()):
        if host == docs.DEBMAKE and path.endswith(f".{language}.html"):
            yield _sent(f"http://{host}{path}", page, None)


def _structured(folder: str) -> Iterator[GoldPage]:
    """Shipped pages, their text taken from the element known to hold it."""
    host = docs.HOST_OF_FOLDER[folder]
    for (of, path), page in sorted(docs.pages().items()):
        if of == host and page.content_type.startswith("text/html"):
            encoding = HTTPD_ENCODINGS[path.split(".")[-2]] if folder == "httpd" else "utf-8"
            sent = _sent(f"http://{host}{path}", page, None, encoding)
            yield sent._replace(gold=_element_text(sent.page.decoded, *STRUCTURE[folder]))


def _leave_one_variant(element: lxml_html.HtmlElement) -> None:
    """Leaves the variant that readers are shown, where a page holds several and hides them all."""
    for switch in element.xpath(".//span[@class='switch' or @class='switchinline']"):
        variants = switch.xpath("./span[@hidden]")
        shown = switch.xpath(f"./span[@hidden][{SHOWN}]")
        for variant in variants:
            if variant not in shown[:1]:
                variant.drop_tree()


def _element_text(source: str, identity: str, without: tuple[str, ...]) -> str:
    (element,) = lxml_html.fromstring(source.encode("utf-8"), parser=_PARSER).xpath(f"//*[@id='{identity}']")
    _leave_one_variant(element)
    for other in element.xpath(AFTER_RELATED):
        other.drop_tree()
    for name in (*without, "script", "style"):
        words = f"contains(concat(' ', normalize-space(@class), ' '), ' {name} ')"
        for other in element.xpath(f".//*[{words} or @id='{name}' or self::{name.replace('-', '_')}]"):
            if other.getparent() is not None:
                other.drop_tree()
    return str(element.text_content())


_PARSER = lxml_html.HTMLParser(encoding="utf-8")
