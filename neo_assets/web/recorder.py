"""The recorder: turns every answer of a crawl day into a WARC record and a row of the day's table."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urljoin

from neo_assets.web.frontier import Target
from neo_assets.web.pagetables import FAILED, FETCHED, GONE, REDIRECTED, REFUSED, UNCHANGED, Row
from neo_assets.web.payload import PayloadError, decoded
from neo_assets.web.warc import Exchange, WarcFolder

CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
GONE_STATUSES = (404, 410)
REASON_OF_ERROR = (
    ("Cancelled", "size"),
    ("Timeout", "timeout"),
    ("TimedOut", "timeout"),
    ("Resolve", "name"),
    ("DNS", "name"),
)
"""Parts of the names of Scrapy's and Twisted's errors, and what they mean; any other is `connection`."""


class Recorder:
    """Collects the rows of a day. `state` holds the rows of earlier days by URL."""

    def __init__(self, day: date, state: Mapping[str, Row], warcs: WarcFolder, max_body_bytes: int) -> None:
        self._day = day.isoformat()
        self._state = state
        self._warcs = warcs
        self._max_body_bytes = max_body_bytes
        self._rows: dict[str, Row] = {}

    @property
    def rows(self) -> list[Row]:
        return list(self._rows.values())

    def conditions(self, target: Target) -> dict[str, str]:
        """Headers that ask for a page only if it has changed since it was last fetched; sitemaps are always read."""
        known = self._state.get(target.url)
        if known is None or known["status"] != 200 or target.kind != "page":
            return {}
        named = (("If-None-Match", known["etag"]), ("If-Modified-Since", known["last_modified"]))
        return {name: value for name, value in named if value}

    def refused(self, target: Target, reason: str) -> None:
        """A URL that may not be fetched."""
        self._add(target, outcome=REFUSED, reason=reason)

    def failed(self, target: Target, failure: Any) -> None:
        """A URL without a whole answer."""
        name = type(failure.value).__name__
        reason = next((reason for part, reason in REASON_OF_ERROR if part in name), "connection")
        self._add(target, outcome=FAILED, reason=reason)

    def answered(self, target: Target, response: Any) -> tuple[Row, bytes]:
        """Write the answer to the WARC, and give its row and its payload (empty unless fetched or unchanged)."""
        exchange = _exchange(response)
        row = self._judged(target, exchange)
        payload: bytes = row.pop("payload", b"")
        if row["outcome"] == UNCHANGED:
            file, offset = self._warcs.write_revisit(exchange, self._state[target.url]["changed_at"])
        else:
            file, offset = self._warcs.write_exchange(exchange)
        elapsed_ms = round(1000 * response.meta.get("download_latency", 0.0))
        row |= {"fetched_at": exchange.fetched_at, "elapsed_ms": elapsed_ms, "warc_file": file, "warc_offset": offset}
        return self._add(target, **row), payload

    def _judged(self, target: Target, exchange: Exchange) -> Row:
        header = {name.lower(): value for name, value in exchange.response_headers}
        content_type, _, parameters = header.get("content-type", "").partition(";")
        charset = CHARSET.search(parameters)
        row: Row = {
            "status": exchange.status,
            "content_type": content_type.strip().lower() or None,
            "charset": charset[1].lower() if charset else None,
            "etag": header.get("etag"),
            "last_modified": header.get("last-modified"),
        }
        known = self._state.get(target.url)
        if exchange.status == 304 and known is not None:
            return row | {"outcome": UNCHANGED, "payload_digest": known["payload_digest"]}
        if 300 <= exchange.status < 400 and "location" in header:
            return row | _redirection(exchange.url, header["location"])
        if exchange.status in GONE_STATUSES:
            return row | {"outcome": GONE}
        if not 200 <= exchange.status < 300:
            return row | {"outcome": FAILED, "reason": f"status {exchange.status}"}
        try:
            payload = decoded(exchange.body, header.get("content-encoding", ""), self._max_body_bytes)
        except PayloadError as error:
            return row | {"outcome": FAILED, "reason": str(error)}
        digest = hashlib.sha256(payload).hexdigest()
        same = known is not None and known["status"] == 200 and known["payload_digest"] == digest
        row |= {"outcome": UNCHANGED if same else FETCHED, "payload_digest": digest, "n_bytes": len(payload)}
        return row | {"payload": payload}

    def _add(self, target: Target, **values: Any) -> Row:
        row = {"url": target.url, "host": target.host, "day": self._day, "kind": target.kind, "depth": target.depth}
        row |= values
        row["referrer"] = target.referrer or None
        return self._rows.setdefault(target.url, row)


def _redirection(url: str, location: str) -> Row:
    try:
        return {"outcome": REDIRECTED, "redirect_to": urljoin(url, location)}
    except ValueError:
        return {"outcome": FAILED, "reason": "location"}


def _exchange(response: Any) -> Exchange:
    return Exchange(
        url=response.url,
        method=response.request.method,
        request_headers=_headers(response.request.headers),
        status=response.status,
        protocol=response.protocol or "HTTP/1.1",
        response_headers=_headers(response.headers),
        body=response.body,
        fetched_at=datetime.now(UTC),
    )


def _headers(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values]
