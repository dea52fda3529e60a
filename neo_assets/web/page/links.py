"""What a page links to, resolved and encoded as browsers do (WHATWG HTML and URL standards)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from w3lib.url import safe_url_string

from neo_assets.web.page.elements import first, select
from neo_assets.web.page.sitemaps import SitemapEntry, sitemap_entries

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

__all__ = ["Link", "SitemapEntry", "absolute", "base_of", "page_links", "sitemap_entries", "tree_links"]

LINKING = "a[href],area[href],link[href],frame[src],meta[http-equiv]"
LINK_RELATIONS = frozenset(("canonical", "next", "prev", "previous"))
"""Relations of `link` elements that lead to pages a crawl should know; style sheets, icons and feeds are none."""
MAX_LINKS = 50_000
MAX_HREF_CHARS = 10_000
CONTROLS = "".join(map(chr, range(0x21)))
"""C0 controls and the space are cut from both ends of an address; tab and line breaks also inside."""
REFRESH = re.compile(r"\s*[\d.]+\s*[;,\s]\s*(?:url\s*=\s*)?+(?:\"([^\"]*)|'([^']*)|(\S.*))", re.IGNORECASE | re.DOTALL)
QUERY_SAFE = "!$%&()*+,-./:;=?@[\\]^_`{|}~"
PLAIN = re.compile(r"https?://[a-z0-9.-]+(?::\d+)?(?:[/?][A-Za-z0-9\-._~!$&()*+,;=:@%/?]*)?(?:#[A-Za-z0-9\-._~%/]*)?")
"""Addresses that encoding would leave as they are."""
SIMPLE = re.compile(
    r"(?=[/\w~%-])(/?)(?:[\w~%-][\w.~%-]*/)*(?:[\w~%-][\w.~%-]*)?(?:\?[\w.~%&=/-]+)?(?:#[\w.~%/-]+)?", re.ASCII
)
"""Addresses that resolving only puts behind their site's or their folder's."""


@dataclass(frozen=True)
class Link:
    """A page's link: its absolute address, its relation words, and the element that it stands in."""

    url: str
    relations: frozenset[str]
    element: str

    @property
    def followed(self) -> bool:
        """Whether the page does not ask robots to stay away from it."""
        return "nofollow" not in self.relations


def page_links(url: str, payload: bytes, header_charset: str | None) -> list[str]:
    """Absolute URLs that a page links to, in their order, `rel=nofollow` left out; none if it can't be parsed."""
    from neo_assets.web.page.pageview import parsed

    try:
        tree, charset = parsed(payload, header_charset)
    except (ValueError, RuntimeError):
        return []
    return [link.url for link in tree_links(tree, url, charset) if link.followed]


def tree_links(tree: HTMLTree, url: str, charset: str = "utf-8") -> list[Link]:
    """The links of a parsed page in document order, each address once, at most `MAX_LINKS`.

    Anchors, image maps, frames, meta refresh, and `link` elements that name the page itself, the next or the previous
    one. Left out: addresses that are no http(s), and those that lead only to a place in the page itself.
    """
    base = base_of(tree, url)
    found: dict[str, Link] = {}
    for element, href, relations in _hrefs(tree):
        address = absolute(href, base, charset)
        if address is not None:
            link = Link(address, relations, element)
            kept = found.setdefault(address, link)
            if link.followed and not kept.followed:
                found[address] = link
        if len(found) == MAX_LINKS:
            break
    return list(found.values())


def base_of(tree: HTMLTree, url: str) -> str:
    """What the page's addresses are relative to: its first `base href`, or its own URL."""
    element = first(tree, "base[href]")
    href = clean(element.getattr("href") or "") if element else ""
    if not href:
        return url
    try:
        base = urljoin(url, href)
        return base if urlsplit(base).scheme in ("http", "https") else url
    except ValueError:
        return url


def absolute(href: str, base: str, charset: str = "utf-8") -> str | None:
    """The http(s) address that a browser would ask for; None for any other, or a mere place in the page.

    The query is encoded in the page's encoding, the path in UTF-8, the host in IDNA (WHATWG URL Standard).
    """
    href = clean(href)
    if not href or href[0] == "#" or len(href) > MAX_HREF_CHARS:
        return None
    simple, place = SIMPLE.fullmatch(href), _place(base)
    if simple and place:
        return place[0 if simple[1] else 1] + href
    try:
        address = urljoin(base, _slashes(href))
        if PLAIN.fullmatch(address):
            return address
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        if not parts.query.isascii():
            address = parts._replace(query=_encoded(parts.query, charset)).geturl()
        address = str(safe_url_string(address, encoding="utf-8", path_encoding="utf-8"))
        return address if address.isascii() else None  # a host that has no ASCII form
    except (ValueError, UnicodeError):
        return None


@lru_cache(maxsize=256)
def _place(base: str) -> tuple[str, str] | None:
    """The site and the folder of a plain address; None where resolving has more to do."""
    path_end = min((place for mark in "?#" if (place := base.find(mark)) >= 0), default=len(base))
    folder = base[: base.rfind("/", 0, path_end) + 1]
    site = base[: base.find("/", len("https://"))]
    if not PLAIN.fullmatch(base) or "/." in folder or "//" in folder[len("https://") :] or len(folder) <= len(site):
        return None
    return site, folder


def clean(href: str) -> str:
    """An address as written, without the blanks and controls that browsers ignore."""
    href = href.strip(CONTROLS)
    if "\n" in href or "\t" in href or "\r" in href:
        href = href.replace("\n", "").replace("\t", "").replace("\r", "")
    return href


def _encoded(query: str, charset: str) -> str:
    """The query as bytes of the page's encoding (UTF-8 for UTF-16 and UTF-32), percent-encoded.

    A character that the encoding lacks becomes a reference, as in a form: %26%2336335%3B.
    """
    encoding = "utf-8" if charset.startswith(("utf-16", "utf-32")) else charset
    return "".join(character if character.isascii() else _percent(character, encoding) for character in query)


def _percent(character: str, encoding: str) -> str:
    try:
        return quote(character.encode(encoding), safe=QUERY_SAFE)
    except UnicodeEncodeError:
        return f"%26%23{ord(character)}%3B"


def _hrefs(tree: HTMLTree) -> Iterator[tuple[str, str, frozenset[str]]]:
    """Element name, address as written and relations of everything that links."""
    nothing: frozenset[str] = frozenset()
    for element in select(tree, LINKING):
        tag = element.tag
        if tag == "meta":
            if (element.getattr("http-equiv") or "").strip().lower() == "refresh":
                match = REFRESH.match((element.getattr("content") or "")[:MAX_HREF_CHARS])
                if match:
                    yield tag, match[1] or match[2] or match[3] or "", nothing
        elif tag == "frame":
            yield tag, element.getattr("src") or "", nothing
        else:
            words = element.getattr("rel")
            relations = frozenset(words.lower().split()) if words else nothing
            if tag != "link" or relations & LINK_RELATIONS:
                yield tag, element.getattr("href") or "", relations


def _slashes(href: str) -> str:
    """The address with backslashes before its query as slashes, as browsers read them."""
    if "\\" not in href:
        return href
    end = min((place for mark in "?#" if (place := href.find(mark)) >= 0), default=len(href))
    return href[:end].replace("\\", "/") + href[end:]
