"""What the bundled web serves: articles, the HTML templates that dress them, and the pages as sent over HTTP."""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from neo_assets.web.bundled.faults import Fault

FIRST_PUBLISHED = datetime(2024, 10, 1, tzinfo=UTC)
FIRST_EPOCH = datetime(2024, 11, 1, tzinfo=UTC)
"""Last-Modified dates are fixed, never the clock's: October 2024, and the day of the epoch for what changed in it."""


@dataclass(frozen=True)
class Article:
    """A page of text before it is dressed as HTML; `paragraphs` are the truth that extraction is measured by."""

    host: str
    path: str
    title: str
    paragraphs: tuple[str, ...]
    lang: str
    encoding: str = "utf-8"
    header_charset: str | None = "utf-8"
    meta_charset: str | None = "utf-8"
    media_type: str = "text/html"
    n_notices: int = 0
    modified: datetime = FIRST_PUBLISHED

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"


@dataclass(frozen=True)
class Page:
    """One answer of the bundled web: the body as stored, its headers, and how it is sent."""

    body: bytes
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    location: str | None = None
    modified: datetime | None = None
    etag: str | None = None
    compressed: bool = False
    stored_gzip: bool = False
    chunked: bool = False
    n_failures: int = 0
    """How many times something else is answered before the page is served."""
    failing: Page | None = None
    """What is answered then; None: a 503 without more."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers, sent as they are, be they true or not."""
    retry_in_seconds: int | None = None
    """Sent as a date in Retry-After: the only header that depends on the clock."""
    fault: Fault | None = None
    """How the answer breaks HTTP."""
    seconds: float = 0.0
    """How long a silent or slow answer takes."""


Template = Callable[[Article, Sequence[tuple[str, str]]], str]


def bucket(key: str, n: int) -> int:
    """A number below `n` that depends on nothing but the key."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") % n


def published_at(url: str) -> datetime:
    """When the first version of a page appeared: some hour of October 2024."""
    return FIRST_PUBLISHED + timedelta(hours=bucket(url, 24 * 28))


def epoch_date(epoch: int) -> datetime:
    """The day on which the changes of an epoch appeared."""
    return FIRST_EPOCH + timedelta(days=epoch)


def etag_of(body: bytes, *, weak: bool = False) -> str:
    """An entity tag derived from the body."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return f"W/{tag}" if weak else tag


def dress(article: Article, template: Template, links: Sequence[tuple[str, str]] = (), *, weak: bool = False) -> Page:
    """The article as an HTTP page: templated (unless plain text), encoded, with validators."""
    if article.media_type == "text/plain":
        text = "\n\n".join((article.title, *article.paragraphs))
    else:
        text = template(article, links)
    body = text.encode(article.encoding, "xmlcharrefreplace")
    charset = f"; charset={article.header_charset}" if article.header_charset else ""
    return Page(
        body=body,
        content_type=f"{article.media_type}{charset}",
        modified=article.modified,
        etag=etag_of(body, weak=weak),
    )


def with_charset(article: Article, encoding: str, header: str | None, meta: str | None) -> Article:
    """The article in another encoding, declared as `header` and `meta` say, be it true or not."""
    return replace(article, encoding=encoding, header_charset=header, meta_charset=meta)


def _head(article: Article) -> str:
    meta = ""
    if article.meta_charset:
        meta = f'<meta http-equiv="Content-Type" content="text/html; charset={article.meta_charset}">'
    title = f"<title>{html.escape(article.title)}</title>"
    return f'<!DOCTYPE html>\n<html lang="{article.lang}">\n<head>{meta}{title}</head>\n'


def _anchors(links: Sequence[tuple[str, str]]) -> str:
    return "\n".join(f'<li><a href="{html.escape(url)}">{html.escape(label)}</a></li>' for url, label in links)


def _paragraphs(article: Article) -> str:
    return "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in article.paragraphs)


def _notice(article: Article, words: str) -> str:
    return f"{words} {article.n_notices}" if article.n_notices else words


def official(article: Article, links: Sequence[tuple[str, str]]) -> str:
    """A Chinese official site: a navigation bar above, a copyright line below."""
    return (
        f'{_head(article)}<body><div class="header"><ul class="nav"><li><a href="/">首页</a></li>'
        f'<li><a href="/search" rel="nofollow">搜索</a></li>{_anchors(links)}</ul></div>\n'
        f'<div class="content"><h1>{html.escape(article.title)}</h1>\n{_paragraphs(article)}</div>\n'
        f'<div class="footer"><p>{_notice(article, "版权所有 未经许可不得转载 网站维护公告")}</p></div></body></html>\n'
    )


def library(article: Article, links: Sequence[tuple[str, str]]) -> str:
    """An online library: article element, sidebar of chapters."""
    return (
        f'{_head(article)}<body><header><nav><a href="/">目录 Contents</a></nav></header>\n'
        f'<aside class="sidebar"><ul>{_anchors(links)}</ul></aside>\n'
        f"<main><article><h1>{html.escape(article.title)}</h1>\n{_paragraphs(article)}</article></main>\n"
        f"<footer><small>{_notice(article, 'Public domain text, read online. 公版书')}</small></footer></body></html>\n"
    )


def anthology(article: Article, links: Sequence[tuple[str, str]]) -> str:
    """A poetry site: a poem's lines are divided by line breaks, not paragraphs."""
    poems = "\n".join(f"<p>{html.escape(poem).replace(chr(10), '<br>')}</p>" for poem in article.paragraphs)
    return (
        f'{_head(article)}<body><div id="menu"><a href="/">詩詞首頁</a> | <a href="/?print=1">列印</a></div>\n'
        f'<div id="main"><h2>{html.escape(article.title)}</h2>\n{poems}</div>\n'
        f'<div id="menu2"><ul>{_anchors(links)}</ul></div>\n'
        f'<div class="footer">{_notice(article, "本站詩詞均為公有領域作品")}</div></body></html>\n'
    )


def portal(article: Article, links: Sequence[tuple[str, str]]) -> str:
    """A content farm that reprints others' texts between its own menus."""
    return (
        f'{_head(article)}<body><div class="topbar menu"><a href="/">Home</a> '
        f'<a href="/login" rel="nofollow">Log in</a></div>\n'
        f'<table class="layout"><tr><td class="nav"><ul>{_anchors(links)}</ul></td>\n'
        f'<td><div class="post"><h3>{html.escape(article.title)}</h3>\n{_paragraphs(article)}</div></td></tr></table>\n'
        f'<div class="share">{_notice(article, "Share this page · 分享到 · Advertise with us")}</div></body></html>\n'
    )


def contents(article: Article, links: Sequence[tuple[str, str]]) -> str:
    """A page that is nothing but links."""
    lead = _paragraphs(article)
    return (
        f"{_head(article)}<body><h1>{html.escape(article.title)}</h1>\n{lead}\n"
        f'<ul class="toc">\n{_anchors(links)}\n</ul></body></html>\n'
    )
