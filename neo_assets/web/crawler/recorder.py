"""The recorder: turns every answer of a crawl day into a WARC record and a row of the day's table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from neo_assets.web.archive.warc import Exchange, Place, WarcFolder
from neo_assets.web.crawler.answers import (
    REASON_OF_STATUS,
    charset_of,
    exchange_of,
    headers_of,
    media_type_of,
    redirection,
)
from neo_assets.web.crawler.canonical import masked
from neo_assets.web.crawler.frontier import Target
from neo_assets.web.crawler.pagetables import (
    FAILED,
    FETCHED,
    GONE,
    GONE_STATUSES,
    REDIRECTED,
    REFUSED,
    UNCHANGED,
    Row,
    change_of,
)
from neo_assets.web.page.pageview import PageView, read_page
from neo_assets.web.payload import PayloadError, decoded

if TYPE_CHECKING:
    from neo_assets.web.crawler.crawlstore import CrawlStore
    from neo_assets.web.crawler.limits import Truncation

TEXT_TYPES = frozenset({"text/html", "application/xhtml+xml", "text/plain"})
"""Media types that are read as pages; an answer that names none is looked at as HTML."""


@dataclass(frozen=True)
class Answer:
    """An answer, written to the WARC but not yet recorded: its row, its payload (if fetched or unchanged), its page."""

    row: Row
    exchange: Exchange
    payload: bytes = b""
    page: PageView | None = None


class Recorder:
    """Writes answers to the WARC files and keeps rows in the store, which also knows the rows of earlier days."""

    def __init__(self, day: date, store: CrawlStore, warcs: WarcFolder, max_body_bytes: int) -> None:
        self._day = day.isoformat()
        self._store = store
        self._warcs = warcs
        self._max_body_bytes = max_body_bytes

    def conditions(self, target: Target) -> dict[str, str]:
        """Headers that ask for a page only if it has changed since it was last fetched; sitemaps are always read."""
        known = self._store.known(target.url)
        if known is None or not _stands(known) or target.kind != "page":
            return {}
        named = (("If-None-Match", known["etag"]), ("If-Modified-Since", known["last_modified"]))
        return {name: value for name, value in named if value}

    def refused(self, target: Target, reason: str) -> None:
        """A URL that may not be fetched."""
        self._store.record(self._row(target, outcome=REFUSED, reason=reason))

    def failed(self, target: Target, reason: str, n_tries: int) -> None:
        """A URL without an answer."""
        self._store.record(self._row(target, outcome=FAILED, reason=reason, n_tries=n_tries))

    def keep(self, answer: Answer, **values: Any) -> None:
        """The answer is the URL's last on this day; `values` overrule what the row says."""
        self._store.record(answer.row | values)

    def answered(self, target: Target, response: Any, cut: Truncation | None, n_tries: int) -> Answer:
        """Write an answer to the WARC and judge it."""
        exchange = exchange_of(target.url, response, cut.why if cut else None, self._max_body_bytes)
        headers = headers_of(exchange)
        known = self._store.known(target.url)
        row, payload = self._judged(exchange, headers, known, cut)
        page = None
        if target.kind == "page" and payload is not None and row["content_type"] in (*TEXT_TYPES, None):
            page = _page_of(exchange.url, payload, row, headers)
            row |= _facts(page)
        if target.kind == "page" and row["outcome"] == FETCHED:
            row["change"] = change_of(known, row)
        place = self._written(exchange, row, known)
        row |= {
            "truncated": exchange.truncated,
            "n_tries": n_tries,
            "fetched_at": exchange.fetched_at,
            "elapsed_ms": round(1000 * response.meta.get("download_latency", 0.0)),
            "warc_file": place.file,
            "warc_offset": place.offset,
            "warc_length": place.length,
        }
        return Answer(self._row(target, **row), exchange, payload or b"", page)

    def beginning(self, answer: Answer, max_bytes: int) -> bytes:
        """The first bytes of an answer's payload, even if it is cut off or goes on without end.

        Raises:
            PayloadError: its Content-Encoding can't be undone.
        """
        encoding = headers_of(answer.exchange).get("content-encoding", "")
        return decoded(answer.exchange.body, encoding, max_bytes, whole=False)

    def _judged(
        self, exchange: Exchange, headers: dict[str, str], known: Row | None, cut: Truncation | None
    ) -> tuple[Row, bytes | None]:
        """What an answer means for its URL, and its payload if that is whole."""
        row: Row = {
            "status": exchange.status,
            "content_type": media_type_of(headers),
            "charset": charset_of(headers),
            "etag": headers.get("etag"),
            "last_modified": headers.get("last-modified"),
        }
        if exchange.status == 304 and known is not None and _stands(known):
            digests = {name: known[name] for name in ("payload_digest", "text_digest")}
            return row | {"outcome": UNCHANGED} | digests, None
        if 300 <= exchange.status < 400 and "location" in headers:
            url = redirection(exchange.url, headers["location"])
            return row | ({"outcome": REDIRECTED, "redirect_to": masked(url)} if url else _failure("location")), None
        if exchange.status in GONE_STATUSES:
            return row | {"outcome": GONE}, None
        if not 200 <= exchange.status < 300:
            return row | _failure(REASON_OF_STATUS.format(exchange.status)), None
        if cut is not None:
            return row | _failure(cut.reason), None
        try:
            payload = decoded(exchange.body, headers.get("content-encoding", ""), self._max_body_bytes)
        except PayloadError as error:
            return row | _failure(str(error)), None
        digest = hashlib.sha256(payload).hexdigest()
        same = known is not None and _stands(known) and known["payload_digest"] == digest
        row |= {"outcome": UNCHANGED if same else FETCHED, "payload_digest": digest, "n_bytes": len(payload)}
        return row, payload

    def _written(self, exchange: Exchange, row: Row, known: Row | None) -> Place:
        if row["outcome"] == UNCHANGED and known is not None:
            place = self._warcs.write_revisit(exchange, known["changed_at"])
        else:
            place = self._warcs.write_exchange(exchange)
        self._store.keep_warc(*self._warcs.size)
        return place

    def _row(self, target: Target, **values: Any) -> Row:
        row = {"url": target.url, "host": target.host, "day": self._day, "kind": target.kind, "depth": target.depth}
        return row | values | {"referrer": target.referrer or None}


def _stands(known: Row) -> bool:
    """Whether the payload last seen is still what the URL stands for; a failure since then does not change that."""
    return known["payload_digest"] is not None and known["status"] not in GONE_STATUSES


def _failure(reason: str) -> Row:
    return {"outcome": FAILED, "reason": reason}


def _page_of(url: str, payload: bytes, row: Row, headers: dict[str, str]) -> PageView | None:
    try:
        return read_page(url, payload, row["content_type"], row["charset"], headers)
    except Exception:  # noqa: BLE001 (whatever it is, one page must not end the crawl: extraction will say so of it)
        return None


def _facts(page: PageView | None) -> Row:
    if page is None:
        return {}
    return {"text_digest": page.text_digest, "noindex": page.noindex, "canonical": page.canonical}
