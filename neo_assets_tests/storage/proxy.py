"""A proxy before the object store that counts requests and does harm: errors, silence, answers cut or lost."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Harm = Callable[["Request"], str | None]
"""What to do to a request: `503`, `silence`, `cut`, `lost` (carried out, but not answered), or nothing."""
BUSY = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@dataclass(frozen=True)
class Request:
    """One request as it came in; `number` counts from 0 over those that the harm has seen."""

    method: str
    path: str
    query: str
    range: str
    number: int

    @property
    def kind(self) -> str:
        """`LIST`, or the method."""
        return "LIST" if self.method == "GET" and "list-type" in self.query else self.method


@dataclass
class Proxy:
    """The proxy's address, what it has seen, and what it does."""

    upstream: tuple[str, int]
    url: str = ""
    harm: Harm = lambda request: None
    silence_seconds: float = 5.0
    seen: list[Request] = field(default_factory=list)
    connections: int = 0

    def counts(self) -> dict[str, int]:
        """Requests by kind since the last `forget`."""
        return dict(Counter(request.kind for request in self.seen))

    def forget(self) -> None:
        """Count from zero, and do no harm."""
        self.seen.clear()
        self.connections = 0
        self.harm = lambda request: None


@contextmanager
def running(upstream: tuple[str, int]) -> Iterator[Proxy]:
    """A proxy on loopback, in threads of this process."""
    proxy = Proxy(upstream)

    class Handler(_Handler):
        state = proxy

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: Proxy

    def setup(self) -> None:
        super().setup()
        self.state.connections += 1
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""

    def handle_expect_100(self) -> bool:
        return bool(super().handle_expect_100())

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        state = self.state
        request = Request(self.command, path, query, self.headers.get("Range", ""), len(state.seen))
        state.seen.append(request)
        harm = state.harm(request)
        if harm == "503":
            self._answer(503, "Slow Down", [("Content-Type", "application/xml")], BUSY)
            return
        if harm == "silence":
            time.sleep(state.silence_seconds)
            self.close_connection = True
            return
        upstream = http.client.HTTPConnection(*state.upstream, timeout=30)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect"):
                upstream.putheader(name, value)
        upstream.endheaders(body or None)
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        if harm == "lost":
            self.close_connection = True
            return
        given = [
            (k, v) for k, v in answer.getheaders() if k.lower() not in ("connection", "transfer-encoding", "server")
        ]
        self._answer(answer.status, answer.reason, given, data, cut=harm == "cut")

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any

    def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], data: bytes, cut: bool = False) -> None:
        self.send_response_only(status, reason)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
