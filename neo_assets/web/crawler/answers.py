"""Reading HTTP answers and failures of transfers as Scrapy hands them over."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from neo_assets.web.archive.warc import Exchange

CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
REASON_OF_STATUS = "status {}"
REASON_OF_ERROR = (
    ("Timeout", "timeout"),
    ("TimedOut", "timeout"),
    ("Resolve", "name"),
    ("DNS", "name"),
    ("Failed", "reset"),
    ("ConnectionLost", "reset"),
    ("ConnectionDone", "reset"),
    ("ConnectionReset", "reset"),
    ("Scheme", "scheme"),
)
"""Parts of the names of Scrapy's and Twisted's errors, and what they mean; any other is `connection`."""


def reason_of(error: BaseException) -> str:
    """Why there is no answer: `timeout`, `reset` (the connection broke before the answer's headers were through),
    `connection` (there was none), `name` (no address, or a private one)."""
    name = type(error).__name__
    return next((reason for part, reason in REASON_OF_ERROR if part in name), "connection")


def exchange_of(url: str, response: Any, truncated: str | None, max_body_bytes: int) -> Exchange:
    """A response and its request as they go into the archive; of a body that was cut off no more than the cap."""
    request = response.request
    return Exchange(
        url=url,
        method=request.method,
        request_headers=_headers(request.headers),
        status=response.status,
        protocol=response.protocol or "HTTP/1.1",
        response_headers=_headers(response.headers),
        body=response.body if truncated is None else response.body[:max_body_bytes],
        fetched_at=datetime.now(UTC),
        truncated=truncated,
        address=None if request.meta.get("proxy") or response.ip_address is None else str(response.ip_address),
    )


def headers_of(exchange: Exchange) -> dict[str, str]:
    """The answer's headers by lower-case name; the values of one that is there several times joined by commas.

    For the headers that only one value makes sense of, the first one counts.
    """
    found: dict[str, str] = {}
    for name, value in exchange.response_headers:
        key = name.lower()
        if key not in found:
            found[key] = value
        elif key in ("x-robots-tag", "content-encoding"):
            found[key] += f", {value}"
    return found


def media_type_of(headers: dict[str, str]) -> str | None:
    """The media type without parameters, in lower case."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() or None


def charset_of(headers: dict[str, str]) -> str | None:
    """The charset that the header declares, in lower case."""
    found = CHARSET.search(headers.get("content-type", "").partition(";")[2])
    return found[1].lower() if found else None


def redirection(url: str, location: str) -> str | None:
    """Where a Location header leads; None if that is no URL. Raw bytes in it are UTF-8, if they can be."""
    with suppress(UnicodeError):
        location = location.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, location.strip())
    except ValueError:
        return None


def _headers(headers: Any) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, values in headers.items() for value in values]
