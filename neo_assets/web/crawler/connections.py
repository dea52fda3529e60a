"""Scrapy's HTTP/1.1 connections, with a bound on the headers of an answer, and saying how a connection ended.

Twisted bounds the length of a header line, not how many there are: a server that sends them without end would fill the
memory until the timeout. And Scrapy tells that a body is not whole, but not whether the connection was reset. The
classes built upon are private to Scrapy, whose version is locked; tests hold what is needed of them.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from scrapy.core.downloader.handlers.http11 import (
    HTTP11DownloadHandler,
    _LenientHTTP11ClientFactory,
    _LenientHTTP11ClientProtocol,
)
from scrapy.crawler import Crawler
from scrapy.http import Request, Response
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

MAX_HEADER_BYTES = 256 * 1024
"""Status line and headers of one answer, interim answers included; counted in pieces as they arrive, so that the first
piece of a body counts too."""


RESET = "reset"
"""Flag of a response in whose body the connection was reset."""


class BoundedHandler(HTTP11DownloadHandler):
    """The download handler; one in a crawl for http, one for https."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._resets: set[bytes] = set()
        # Every try is one of ours: counted, and after a pause.
        self._pool.retryAutomatically = False
        self._pool._factory = partial(_BoundedFactory, self._resets)  # type: ignore[assignment]

    async def download_request(self, request: Request) -> Response:
        """As Scrapy's, and the response has the flag `RESET` if that happened to it."""
        response = await super().download_request(request)
        uri = request.url.encode("ascii", "replace")
        if uri in self._resets:
            self._resets.discard(uri)
            response.flags.append(RESET)
        return response


class _BoundedProtocol(_LenientHTTP11ClientProtocol):
    """A connection that is closed once the headers of an answer pass `MAX_HEADER_BYTES`."""

    resets: set[bytes]
    _n_header_bytes = 0

    def request(self, request: Any) -> Any:
        self._n_header_bytes = 0
        return super().request(request)

    def dataReceived(self, data: bytes) -> None:
        parser = self._parser
        if parser is not None and parser.state in ("STATUS", "HEADER"):
            self._n_header_bytes += len(data)
            if self._n_header_bytes > MAX_HEADER_BYTES:
                if self.transport is not None:
                    self.transport.abortConnection()
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        parser = self._parser
        request = self._currentRequest
        if parser is not None and parser.state == "BODY" and isinstance(reason.value, ConnectionLost) and request:
            self.resets.add(request.absoluteURI)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]


class _BoundedFactory(_LenientHTTP11ClientFactory):
    def __init__(self, resets: set[bytes], *arguments: Any) -> None:
        super().__init__(*arguments)  # type: ignore[no-untyped-call]
        self._resets = resets

    def buildProtocol(self, addr: object) -> _BoundedProtocol:
        protocol = _BoundedProtocol(self._quiescentCallback)  # type: ignore[no-untyped-call]
        protocol.resets = self._resets
        return protocol
