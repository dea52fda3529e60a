"""What a page links to, and what a sitemap lists; broken markup gives what can be read of it."""

from __future__ import annotations

from lxml.etree import LxmlError  # type: ignore[import-untyped]
from scrapy.http import HtmlResponse
from scrapy.linkextractors.lxmlhtml import LxmlLinkExtractor
from scrapy.utils.sitemap import Sitemap

from neo_assets.web.charset import decode
from neo_assets.web.payload import PayloadError, inflated

GZIP_MAGIC = b"\x1f\x8b"


def page_links(url: str, payload: bytes, header_charset: str | None) -> list[str]:
    """Absolute URLs of the page's anchors, in their order, `rel=nofollow` left out."""
    text, _ = decode(payload, header_charset)
    page = HtmlResponse(url, body=text.encode("utf-8", "replace"), encoding="utf-8")
    extractor = LxmlLinkExtractor(tags=("a", "area"), deny_extensions=(), canonicalize=False)
    try:
        return [link.url for link in extractor.extract_links(page) if not link.nofollow]
    except (ValueError, LxmlError):  # an impossible base address, a page without any element
        return []


def sitemap_entries(payload: bytes, max_bytes: int) -> tuple[str, list[str]]:
    """What a sitemap's entries are (`page`, or `sitemap` of an index), and their URLs; gzip is undone up to the cap."""
    try:
        data = inflated(payload, max_bytes) if payload.startswith(GZIP_MAGIC) else payload
        sitemap = Sitemap(data)
        kind = "sitemap" if sitemap.type == "sitemapindex" else "page"
        return kind, [entry["loc"] for entry in sitemap if "loc" in entry]
    except (PayloadError, LxmlError, StopIteration, ValueError):
        return "page", []
