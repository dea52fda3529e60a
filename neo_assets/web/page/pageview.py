"""One look at a fetched page: decoded once, parsed once, for its text, its links and what it says about itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from neo_assets.web.content.maintext import main_text, tidy
from neo_assets.web.page.charset import decode
from neo_assets.web.page.hostile import parse
from neo_assets.web.page.links import tree_links
from neo_assets.web.page.pagefacts import page_facts
from neo_assets.web.page.robotsmeta import directives, meta_of

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

PLAIN = "plain"
NO_HEADERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class PageView:
    """What a page holds.

    `extractor` names the extractor whose text was taken; `date` is an ISO day; `canonical` and `links` are absolute
    http(s) addresses; `links` is empty where the page asks robots not to follow. `charset` is the encoding by which the
    page was decoded; `text_digest` is the SHA-256 of the main text with its blanks collapsed, in hexadecimal.
    """

    text: str
    extractor: str
    title: str
    date: str | None
    author: str | None
    canonical: str | None
    declared_language: str | None
    noindex: bool
    nofollow: bool
    links: tuple[str, ...]
    charset: str
    text_digest: str


def read_page(
    url: str,
    payload: bytes,
    content_type: str | None,
    header_charset: str | None,
    headers: Mapping[str, str] = NO_HEADERS,
    *,
    main_content: bool = True,
) -> PageView:
    """The page at `url`; `content_type` is its media type without parameters.

    Raises:
        ValueError, RuntimeError: the HTML can't be parsed, or is made to cost more than any page may.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if content_type == "text/plain":
        return _plain(payload, header_charset, lower)
    source, charset = decode(payload, header_charset)
    tree = parse(source)
    found = main_text(tree, main_content=main_content)
    meta = meta_of(tree)
    facts = page_facts(tree, url, lower, charset, meta, source)
    noindex, nofollow = directives(meta, lower)
    links = () if nofollow else tuple(link.url for link in tree_links(tree, url, charset) if link.followed)
    return PageView(
        text=found.text,
        extractor=found.extractor,
        title=facts.title,
        date=facts.date,
        author=facts.author,
        canonical=facts.canonical,
        declared_language=facts.declared_language,
        noindex=noindex,
        nofollow=nofollow,
        links=links,
        charset=charset,
        text_digest=digest(found.text),
    )


def parsed(payload: bytes, header_charset: str | None) -> tuple[HTMLTree, str]:
    """The page's tree, and the encoding that it was decoded by.

    Raises:
        ValueError, RuntimeError: it can't be parsed, or is made to cost more than any page may.
    """
    source, charset = decode(payload, header_charset)
    return parse(source), charset


def digest(text: str) -> str:
    """The SHA-256 of a text, runs of blanks counted as one, in hexadecimal."""
    return hashlib.sha256(" ".join(text.split()).encode("utf-8", "replace")).hexdigest()


def _plain(payload: bytes, header_charset: str | None, headers: Mapping[str, str]) -> PageView:
    source, charset = decode(payload, header_charset)
    text = tidy(source)
    noindex, nofollow = directives({}, headers)
    return PageView(
        text=text,
        extractor=PLAIN,
        title="",
        date=None,
        author=None,
        canonical=None,
        declared_language=None,
        noindex=noindex,
        nofollow=nofollow,
        links=(),
        charset=charset,
        text_digest=digest(text),
    )
