"""A chat server on loopback that answers as a test says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Reply:
    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def said(text: str, **more: Any) -> Reply:
    """A whole chat completion."""
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **more}
    usage = {"prompt_tokens": 7, "completion_tokens": 3}
    return Reply(body=json.dumps({"choices": [choice], "usage": usage, "model": "small"}).encode())


@dataclass
class Chat:
    """The server: `reply` is given the body and the number of the request, from 0."""

    reply: Callable[[dict[str, Any], int], Reply]
    url: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    together: int = 0
    most_together: int = 0


def prompt(body: dict[str, Any]) -> str:
    return str(body["messages"][-1]["content"])


@contextmanager
def chat(reply: Callable[[dict[str, Any], int], Reply]):
    state = Chat(reply)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with state.lock:
                number = len(state.bodies)
                state.bodies.append(body)
                state.headers.append(dict(self.headers))
                state.together += 1
                state.most_together = max(state.most_together, state.together)
            try:
                found = state.reply(body, number)
                self.send_response(found.status)
                for name, value in {"Content-Length": str(len(found.body)), **found.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(found.body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with state.lock:
                    state.together -= 1

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
