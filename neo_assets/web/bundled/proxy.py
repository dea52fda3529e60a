"""Serving the bundled web: a plain forward proxy on loopback that knows only the hosts of one epoch.

A client asks the proxy for `GET http://laws.neo.test/law/… HTTP/1.1`, so URLs stay free of ports and need no name
resolution. Any other host, port, method or scheme is refused: the proxy opens no connection of its own.
"""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Iterator, MutableMapping, MutableSequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from neo_assets.web.bundled import faults
from neo_assets.web.bundled.pages import Page
from neo_assets.web.bundled.site import Site, build_site

CHUNK_BYTES = 1024
IDLE_SECONDS = 30


@contextmanager
def serve(epoch: int, log: MutableSequence[str] | None = None) -> Iterator[str]:
    """Serve the bundled web of an epoch; gives the proxy's address, as `http://127.0.0.1:port`.

    Every requested URL is appended to `log`, so that a test sees what was asked for.
    """
    with serve_site(build_site(epoch), log) as address:
        yield address


@contextmanager
def serve_site(
    site: Site, log: MutableSequence[str] | None = None, sent: MutableMapping[str, int] | None = None
) -> Iterator[str]:
    """Serve any site as `serve` does; `sent` gets the bytes of the bodies sent for each URL, all requests together."""
    server = _Server(site, log, sent)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(
        self, site: Site, log: MutableSequence[str] | None, sent: MutableMapping[str, int] | None = None
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        self.log = log
        self.sent = sent
        self.hosts = frozenset(site.hosts)
        self.failures: Counter[tuple[str, str]] = Counter()
        self.lock = threading.Lock()

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a client that hangs up ends its connection, not the server."""

    def fails_now(self, place: tuple[str, str], page: Page) -> bool:
        """Whether this answer is one of the page's first, failing ones."""
        with self.lock:
            self.failures[place] += 1
            return self.failures[place] <= page.n_failures

    def count(self, url: str, n_bytes: int) -> None:
        """Add to what was sent for a URL."""
        if self.sent is not None:
            with self.lock:
                self.sent[url] = self.sent.get(url, 0) + n_bytes


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: requests are recorded by the server's `log`."""

    def send_response(self, code: int, message: str | None = None) -> None:
        """The status line alone: no `Date` and no `Server` header, which would differ from run to run."""
        self.send_response_only(code, message)

    def emit(self, data: bytes) -> None:
        """Send bytes, and count them."""
        self.wfile.write(data)
        self.server.count(self.path, len(data))

    def _answer(self) -> None:
        target = urlsplit(self.path)
        if self.server.log is not None:
            self.server.log.append(self.path)
        if target.scheme != "http" or target.netloc not in self.server.hosts:
            page: Page | None = Page(b"This proxy serves only its own hosts.\n", "text/plain", status=403)
        else:
            page = self.server.site.page(target.netloc, target.path or "/", target.query)
        if page is None:
            page = Page(b"<!DOCTYPE html><title>404</title><p>Not found.</p>", status=404)
        elif page.n_failures and self.server.fails_now((target.netloc, target.path or "/"), page):
            page = page.failing or Page(b"busy", "text/plain", status=503)
        try:
            self._send(page)
        except (BrokenPipeError, ConnectionResetError):  # the client gave up, as it does on a body over its size cap
            self.close_connection = True

    def _send(self, page: Page) -> None:
        if page.fault is not None:
            self.close_connection = True
        if page.fault == "silent":
            faults.waited(self, page.seconds)
            return
        if page.fault == "reset":
            faults.reset(self)
            return
        unchanged = page.status == 200 and self._is_current(page)
        self.send_response(304 if unchanged else page.status)
        self._send_headers(page)
        if unchanged:
            self.end_headers()
            return
        if page.location is not None:
            self.send_header("Location", page.location)
        self.send_header("Content-Type", page.content_type)
        self._send_body(page)

    def _send_headers(self, page: Page) -> None:
        if page.etag:
            self.send_header("ETag", page.etag)
        if page.modified:
            self.send_header("Last-Modified", format_datetime(page.modified, usegmt=True))
        if page.retry_in_seconds is not None:
            moment = datetime.now(UTC) + timedelta(seconds=page.retry_in_seconds)
            self.send_header("Retry-After", format_datetime(moment, usegmt=True))
        for name, value in page.headers:
            self.send_header(name, value)

    def _is_current(self, page: Page) -> bool:
        """Whether the client's copy is still good; an entity tag decides over a date (RFC 9110, 13.2.2)."""
        tags = self.headers.get("If-None-Match")
        if tags is not None:
            known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
            return page.etag is not None and page.etag.removeprefix("W/") in known
        since = self.headers.get("If-Modified-Since")
        if since is None or page.modified is None:
            return False
        try:
            return page.modified <= parsedate_to_datetime(since)
        except (TypeError, ValueError):
            return False

    def _send_body(self, page: Page) -> None:
        body = page.body
        if page.stored_gzip or (page.compressed and "gzip" in self.headers.get("Accept-Encoding", "")):
            body = body if page.stored_gzip else gzip.compress(body, 6, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if page.fault == "endless headers":
            self.flush_headers()
            faults.send_endless_headers(self)
            return
        chunked = page.chunked or page.fault == "endless"
        length = 2 * len(body) if page.fault == "short" else len(body)
        self.send_header("Transfer-Encoding", "chunked") if chunked else self.send_header("Content-Length", str(length))
        self.end_headers()
        if self.command == "HEAD":
            return
        if page.fault == "endless":
            faults.send_endless(self, body)
        elif page.fault == "reset within":
            faults.send_half(self, body)
        elif page.fault == "slow":
            faults.send_slowly(self, body, page.seconds)
        elif chunked:
            self._send_chunks(body)
        else:
            self.emit(body)

    def _send_chunks(self, body: bytes) -> None:
        for begin in range(0, len(body), CHUNK_BYTES):
            chunk = body[begin : begin + CHUNK_BYTES]
            self.emit(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        self.emit(b"0\r\n\r\n")
