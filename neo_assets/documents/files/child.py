"""The process in which foreign files are read: a small server that forks a child with limits for each request.

It holds the decoders ready, so that a child costs milliseconds; it reads no file itself. Its argument is the number
of a connected Unix socket.

A request is a JSON object and a pipe. The child writes messages to the pipe: four bytes with the length of a JSON
object, the object, and as many raw bytes as its `bytes` says. When the child has ended, the server answers with its
exit status.
"""

from __future__ import annotations

import ctypes
import json
import math
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from neo_assets.documents.files.faults import DocumentError
from neo_assets.recipe.documents import FileLimits

MAX_REQUEST_BYTES = 1 << 20
READY = b"ready\n"
WALL_FACTOR = 3
"""How much longer than its CPU time something may take."""
PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38


class Teller:
    """Sends messages to the parent, and sets the clock for what comes next."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def __call__(self, message: Mapping[str, Any], data: bytes = b"") -> None:
        """Send a message with some bytes."""
        head = json.dumps({**message, "bytes": len(data)}, allow_nan=False).encode()
        left = memoryview(len(head).to_bytes(4, "big") + head + data)
        while left:
            left = left[self._stream.write(left) :]

    @staticmethod
    def allow(seconds: float) -> None:
        """End this process when it has used so much more CPU time, or three times as much by the clock."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        soft = math.ceil(used.ru_utime + used.ru_stime + seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))
        signal.setitimer(signal.ITIMER_REAL, WALL_FACTOR * seconds)


def main() -> None:
    """Serve until the other end of the socket is closed."""
    _load()
    with socket.socket(fileno=int(sys.argv[1])) as connection:
        connection.sendall(READY)
        while True:
            request, descriptors, _, _ = socket.recv_fds(connection, MAX_REQUEST_BYTES, 1)
            if not request:
                return
            [pipe] = descriptors
            child = os.fork()
            if child == 0:
                connection.close()
                _serve(json.loads(request), pipe)
            os.close(pipe)
            _, status = os.waitpid(child, 0)
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())


def _load() -> None:
    """Import what children need, and only once."""
    import numpy  # noqa: F401
    import pypdfium2  # type: ignore[import-untyped] # noqa: F401
    from PIL import Image

    from neo_assets.documents.files import inspection, painting  # noqa: F401

    for decoder in ("Bmp", "Gif", "Jpeg", "Png", "Tiff", "WebP"):
        __import__(f"PIL.{decoder}ImagePlugin")
    Image.MAX_IMAGE_PIXELS = None  # pixels are counted against our own limit before any is decoded


def _serve(request: dict[str, Any], pipe: int) -> NoReturn:
    """What a child does: one request within its limits. Never returns."""
    code = 1
    try:
        with os.fdopen(pipe, "wb", buffering=0) as raw:
            tell = Teller(raw)  # unbuffered: what was told is there even if the next page ends the process
            limits = FileLimits.model_validate(request["limits"])
            _limit(limits)
            tell.allow(limits.open_seconds)
            _answer(request, limits, tell)
        code = 0
    except BrokenPipeError:  # nobody wants to know any more
        code = 0
    finally:
        os._exit(code)


def _answer(request: dict[str, Any], limits: FileLimits, tell: Teller) -> None:
    from neo_assets.documents.files import inspection, painting

    path = Path(request["path"])
    try:
        if request["task"] == "examine":
            tell({"facts": inspection.facts(path, limits)})
        else:
            painting.paint(path, request, limits, tell)
    except DocumentError as error:
        tell({"fault": [error.rule, error.reason]})
    except MemoryError:
        tell({"fault": ["memory", ""]})


def _limit(limits: FileLimits) -> None:
    """Take from this process what it does not need to read a file."""
    library = ctypes.CDLL(None)
    library.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with open("/proc/self/statm", encoding="ascii") as stream:
        now = int(stream.read().split()[0]) * resource.getpagesize()
    most = now + limits.max_memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for number in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_DFL)
