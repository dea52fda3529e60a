"""Cutting off answers that are too long or take too long, keeping what has arrived of them.

Scrapy tells of headers and of each piece of a body as they arrive; `StopDownload(fail=False)` ends the transfer and
hands over the body so far. So no more than one piece beyond the cap is ever held, and an endless body costs no more.
An answer that just stands still is ended by Scrapy's own timeout, and nothing is kept of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from scrapy.exceptions import StopDownload
from scrapy.http import Request, Response

from neo_assets.web.crawler.connections import RESET

LENGTH, TIME, DISCONNECT = "length", "time", "disconnect"
"""Why a body is not whole, in the words of WARC 1.1 (5.13, WARC-Truncated)."""
_REASONS = {LENGTH: "size", TIME: "timeout"}
STALL_FACTOR = 1.25
"""Scrapy's timeout over ours: a body that still trickles in is cut off by us, before Scrapy throws it away."""

_N_BYTES, _UNTIL, _CUT, _PREFIX = "neo_n_bytes", "neo_until", "neo_cut", "neo_prefix_bytes"


@dataclass(frozen=True)
class Truncation:
    """`why` in the words of WARC (`length`, `time`, `disconnect`), and `reason` in those of the pages' table."""

    why: str
    reason: str


class TransferLimits:
    """Ends transfers of more than `max_bytes` of body or `max_seconds`."""

    def __init__(self, max_bytes: int, max_seconds: float) -> None:
        self._max_bytes = max_bytes
        self._max_seconds = max_seconds

    def connect(self, crawler: Crawler) -> None:
        """Watch the transfers of a crawl."""
        crawler.signals.connect(self._on_headers, signal=signals.headers_received)
        crawler.signals.connect(self._on_bytes, signal=signals.bytes_received)

    def _on_headers(self, request: Request, body_length: object) -> None:
        meta = request.meta
        meta[_N_BYTES] = 0
        meta[_UNTIL] = monotonic() - meta.get("download_latency", 0.0) + self._max_seconds
        if _PREFIX not in meta and isinstance(body_length, int) and body_length > self._max_bytes:
            _cut(meta, LENGTH)

    def _on_bytes(self, data: bytes, request: Request) -> None:
        meta = request.meta
        meta[_N_BYTES] += len(data)
        if meta[_N_BYTES] > meta.get(_PREFIX, self._max_bytes):
            _cut(meta, LENGTH)
        elif monotonic() > meta[_UNTIL]:
            _cut(meta, TIME)


def prefix_meta(n_bytes: int) -> dict[str, int]:
    """Meta of a request of whose answer the first `n_bytes` are wanted, however much it announces."""
    return {_PREFIX: n_bytes}


def truncation(response: Response) -> Truncation | None:
    """Why the body of an answer is not whole; None if it is."""
    if _CUT in response.meta:
        return Truncation(response.meta[_CUT], _REASONS[response.meta[_CUT]])
    if "dataloss" in response.flags:
        return Truncation(DISCONNECT, "reset" if RESET in response.flags else "truncated")
    return None


def _cut(meta: dict[str, Any], why: str) -> None:
    meta[_CUT] = why
    raise StopDownload(fail=False)
