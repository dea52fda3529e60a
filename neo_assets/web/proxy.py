"""Serving the bundled web: a plain forward proxy on loopback that knows only the hosts of one epoch.

A client asks the proxy for `GET http://laws.neo.test/law/… HTTP/1.1`, so URLs stay free of ports and need no name
resolution. Any other host, port, method or scheme is refused: the proxy opens no connection of its own.
"""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Iterator, MutableSequence
from contextlib import contextmanager
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from neo_assets.web.pages import Page
from neo_assets.web.site import Site, build_site

CHUNK_BYTES = 1024
IDLE_SECONDS = 30


@contextmanager
def serve(epoch: int, log: MutableSequence[str] | None = None) -> Iterator[str]:
    """Serve the bundled web of an epoch; gives the proxy's address, as `http://127.0.0.1:port`.

    Every requested URL is appended to `log`, so that a test sees what was asked for.
    """
    server = _Server(build_site(epoch), log)
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

    def __init__(self, site: Site, log: MutableSequence[str] | None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site
        self.log = log
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

    def _answer(self) -> None:
        target = urlsplit(self.path)
        if self.server.log is not None:
            self.server.log.append(self.path)
        if target.scheme != "http" or target.netloc not in self.server.hosts:
            self._send(Page(b"This proxy serves only its own hosts.\n", "text/plain", status=403))
            return
        place = (target.netloc, target.path or "/")
        page = self.server.site.pages.get(place)
        if page is None:
            page = Page(b"<!DOCTYPE html><title>404</title><p>Not found.</p>", status=404)
        elif page.n_failures and self.server.fails_now(place, page):
            page = Page(b"busy", "text/plain", status=503)
        self._send(page)

    def _send(self, page: Page) -> None:
        unchanged = page.status == 200 and self._is_current(page)
        self.send_response(304 if unchanged else page.status)
        if page.etag:
            self.send_header("ETag", page.etag)
        if page.modified:
            self.send_header("Last-Modified", format_datetime(page.modified, usegmt=True))
        if unchanged:
            self.end_headers()
            return
        if page.location:
            self.send_header("Location", page.location)
        self.send_header("Content-Type", page.content_type)
        self._send_body(page)

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
        self.send_header("Transfer-Encoding", "chunked") if page.chunked else self.send_header(
            "Content-Length", str(len(body))
        )
        self.end_headers()
        if self.command == "HEAD":
            return
        if page.chunked:
            for begin in range(0, len(body), CHUNK_BYTES):
                chunk = body[begin : begin + CHUNK_BYTES]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            body = b"0\r\n\r\n"
        try:
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):  # the client gave up, as it does on a body over its size cap
            self.close_connection = True
