"""What a sitemap lists; broken, truncated and hostile files give what can be read of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import NamedTuple

from lxml import etree  # type: ignore[import-untyped]

GZIP_MAGIC = b"\x1f\x8b"
MAX_ENTRIES = 50_000
"""The most that a sitemap may hold (sitemaps.org protocol)."""
MAX_URL_CHARS = 10_000
INFLATE_STEP = PARSE_STEP = 1 << 16
MARKUP = re.compile(rb"^(?:\xef\xbb\xbf)?\s*<|^\xff\xfe<\x00|^\xfe\xff\x00<")
ENTRY_TAGS = ("url", "sitemap")


class SitemapEntry(NamedTuple):
    """A URL that a sitemap lists, and the day (ISO, UTC) when it says that the page last changed."""

    url: str
    lastmod: str | None


def sitemap_entries(payload: bytes, max_bytes: int) -> tuple[str, list[SitemapEntry]]:
    """What a sitemap's entries are (`page`, or `sitemap` of an index), and the entries, at most `MAX_ENTRIES`.

    XML (entities are never expanded, namespaces don't matter), or text with a URL a line; gzip is undone. At most
    `max_bytes` decompressed bytes are looked at; what is cut off or broken gives the entries before that place.
    """
    data, whole = _inflated(payload, max_bytes) if payload.startswith(GZIP_MAGIC) else (payload, True)
    if len(data) > max_bytes:
        data, whole = data[:max_bytes], False
    if not MARKUP.match(data):
        return "page", list(_text_entries(data, whole))
    kind, entries = "page", list[SitemapEntry]()
    with suppress(etree.LxmlError):  # broken beyond recovery: what was read until then counts
        for found_kind, entry in _xml_entries(data):
            kind = found_kind
            if entry is not None:
                entries.append(entry)
            if len(entries) == MAX_ENTRIES:
                break
    return kind, entries


def iso_day(text: str) -> str | None:
    """The UTC day of a date or W3C datetime (2024-11-01T23:30:00-05:00 is 2024-11-02); None for anything else."""
    text = text.strip()
    try:
        if len(text) == len("2024-11-01"):
            return date.fromisoformat(text).isoformat()
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):
        return None


def _xml_entries(data: bytes) -> Iterator[tuple[str, SitemapEntry | None]]:
    """The kind that the root element shows, with each entry; elements are dropped as soon as they are read."""
    parser = etree.XMLPullParser(
        events=("start", "end"), recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    kind: str | None = None
    for begin in range(0, len(data), PARSE_STEP):
        parser.feed(data[begin : begin + PARSE_STEP])
        for event, element in parser.read_events():  # never closed: an element that is cut off has no end
            if not isinstance(element.tag, str):
                continue
            tag = _local(element.tag)
            if kind is None:
                kind = "sitemap" if tag == "sitemapindex" else "page"
                yield kind, None
            if event == "end" and tag in ENTRY_TAGS:
                entry = _entry(element)
                if entry is not None:
                    yield kind, entry
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]


def _entry(element: etree._Element) -> SitemapEntry | None:
    url, lastmod = "", None
    for child in element:
        tag = _local(child.tag) if isinstance(child.tag, str) else ""
        if tag == "loc" and not url and len(child) == 0:  # an entity reference in it is a child
            url = (child.text or "").strip()
        elif tag == "lastmod":
            lastmod = iso_day(child.text or "")
    return SitemapEntry(url, lastmod) if 0 < len(url) <= MAX_URL_CHARS else None


def _local(tag: str) -> str:
    """A tag without its namespace or undeclared prefix, in lower case."""
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


def _text_entries(data: bytes, whole: bool) -> Iterator[SitemapEntry]:
    lines = data.decode("utf-8-sig", "replace").splitlines(keepends=True)
    if lines and not whole and not lines[-1].endswith("\n"):
        lines.pop()
    urls = (line.strip() for line in lines)
    found = [url for url in urls if url.startswith(("http://", "https://")) and len(url) <= MAX_URL_CHARS]
    return (SitemapEntry(url, None) for url in found[:MAX_ENTRIES])


def _inflated(data: bytes, max_bytes: int) -> tuple[bytes, bool]:
    """As much of gzip data (any number of members) as can be read, up to the cap; whether that is all of it."""
    pieces, size = [], 0
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        while data and size < max_bytes:
            if inflater.eof:
                inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
            piece = inflater.decompress(data[:INFLATE_STEP], max_bytes - size)
            size += len(piece)
            pieces.append(piece)
            data = (inflater.unused_data or inflater.unconsumed_tail) + data[INFLATE_STEP:]
    except zlib.error:  # damaged from here on
        return b"".join(pieces), False
    return b"".join(pieces), inflater.eof and not data
