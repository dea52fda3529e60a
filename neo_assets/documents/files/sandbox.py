"""Foreign files are read in child processes with limits; a file that kills its child costs only itself."""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from neo_assets.documents.files import child
from neo_assets.documents.files.faults import DocumentError
from neo_assets.recipe.documents import FileLimits

MAX_MESSAGE_BYTES = 1 << 26
MAX_DATA_BYTES = 1 << 28
TIME = frozenset({signal.SIGALRM, signal.SIGXCPU})
MEMORY = frozenset({signal.SIGABRT, signal.SIGTRAP, signal.SIGILL, signal.SIGKILL})
"""How the libraries, or the kernel, end a process that gets no more memory."""


class ChildError(DocumentError):
    """The child that read a file was ended: by a limit, or because it crashed."""


class SandboxError(RuntimeError):
    """No file can be read, whichever it is."""


class _Server:
    """A server that forks children, and the socket to it."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        command = [sys.executable, "-c", f"from {child.__name__} import main; main()", str(theirs.fileno())]
        one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        with theirs:
            self.process = subprocess.Popen(
                command, pass_fds=[theirs.fileno()], env=os.environ | one_thread, stdin=subprocess.DEVNULL
            )
        if self._line() != child.READY:
            self.close()
            raise SandboxError("the process that reads documents does not start; its output says why")

    def ask(self, request: Mapping[str, Any]) -> BinaryIO:
        """Have a child answer; gives what it tells."""
        ours, theirs = os.pipe()
        stream = os.fdopen(ours, "rb")
        try:
            socket.send_fds(self.socket, [json.dumps(request).encode()], [theirs])
        except BaseException:
            stream.close()
            raise
        finally:
            os.close(theirs)
        return stream

    def status(self) -> int:
        """How the child ended, once it has; as of a child out of memory if the server has ended itself."""
        answer = self._line()
        if answer.endswith(b"\n"):
            return int(answer)
        self.process.kill()
        self.process.wait()
        return -signal.SIGKILL

    def _line(self) -> bytes:
        """What the server says next, up to a line's end; nothing whole if it has ended."""
        answer = b""
        with suppress(ConnectionError):
            while not answer.endswith(b"\n"):
                block = self.socket.recv(64)
                if not block:
                    break
                answer += block
        return answer

    def is_ready(self) -> bool:
        """Whether it lives and is ours, not one of the process that we were forked from."""
        return self.owner == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        """End it."""
        self.socket.close()
        if self.owner == os.getpid():
            self.process.wait()


class Sandbox:
    """Servers, as many as there are requests at one time. Thread-safe."""

    def __init__(self) -> None:
        self._idle: list[_Server] = []

    def ask(self, request: Mapping[str, Any], path: Path, limits: FileLimits) -> Iterator[tuple[dict[str, Any], bytes]]:
        """The messages of a child, as they come.

        Raises:
            ChildError: it was ended before it had finished.
        """
        server = self._ready()
        stream = server.ask({**request, "path": str(path), "limits": limits.model_dump(mode="json")})
        try:
            yield from _messages(stream)
        finally:
            stream.close()  # a child that is not listened to ends when it tells something
            code = server.status()
            self._idle.append(server)
        if code != 0:
            raise _ended(code, limits)

    def close(self) -> None:
        """End the servers."""
        while self._idle:
            self._idle.pop().close()

    def _ready(self) -> _Server:
        while self._idle:
            server = self._idle.pop()
            if server.is_ready():
                return server
            server.close()
        return _Server()


def _messages(stream: BinaryIO) -> Iterator[tuple[dict[str, Any], bytes]]:
    while len(head := stream.read(4)) == 4:
        size = int.from_bytes(head, "big")
        if size > MAX_MESSAGE_BYTES:
            return
        text = stream.read(size)
        if len(text) < size:  # it was ended while it told
            return
        message = json.loads(text)
        n_bytes = int(message.pop("bytes"))
        if not 0 <= n_bytes <= MAX_DATA_BYTES:
            return
        data = stream.read(n_bytes)
        if len(data) == n_bytes:
            yield message, data


def _ended(code: int, limits: FileLimits) -> ChildError:
    if -code in TIME:
        return ChildError(
            "time",
            "it takes longer than documents.limits allows (open_seconds, page_seconds); raise them or leave it out",
        )
    if -code in MEMORY:
        return memory_fault(limits)
    return ChildError("damaged", f"it crashes its reader ({_name(code)}); repair or leave out the file")


def memory_fault(limits: FileLimits) -> ChildError:
    """It wanted more memory than a child may have."""
    return ChildError(
        "memory",
        f"it needs more than {limits.max_memory_bytes} bytes of memory; raise documents.limits.max_memory_bytes "
        f"or leave it out",
    )


def _name(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


SANDBOX = Sandbox()
"""The one of this process."""
atexit.register(SANDBOX.close)
