"""A small HTTP server of files for tests: it can cut connections, know no ranges, redirect, and fail at first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Files:
    """What the server has and how it behaves; `asked` is what it was asked: method, path and Range."""

    content: dict[str, bytes]
    cut_after: int | None = None
    ranges: bool = True
    failures: int = 0
    redirects: dict[str, str] = field(default_factory=dict)
    etags: list[str] = field(default_factory=list)
    asked: list[tuple[str, str, str | None]] = field(default_factory=list)


@contextmanager
def served(files: Files) -> Iterator[str]:
    """The base address of a server of the files."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            wanted = self.headers.get("Range")
            files.asked.append((self.command, self.path, wanted))
            if self.path in files.redirects:
                self._head(302, {"Location": files.redirects[self.path], "Content-Length": "0"})
                return
            if files.failures:
                files.failures -= 1
                self._head(503, {"Content-Length": "0"})
                return
            data = files.content.get(self.path)
            if data is None:
                self._head(404, {"Content-Length": "0"})
                return
            first, status = 0, 200
            headers = {"ETag": files.etags.pop(0) if files.etags else '"one"'}
            if wanted and files.ranges:
                first, status = int(wanted.removeprefix("bytes=").removesuffix("-")), 206
                headers["Content-Range"] = f"bytes {first}-{len(data) - 1}/{len(data)}"
            self._head(status, {**headers, "Content-Length": str(len(data) - first)})
            if body:
                end = len(data) if files.cut_after is None else first + files.cut_after
                self.wfile.write(data[first:end])
                self.close_connection = True

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
