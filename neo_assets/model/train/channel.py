"""A line of messages between node 0 and another: JSON objects over TCP, with a sign of life every two seconds.

A process that dies closes its end at once; a machine that vanishes is silent, which is noticed after `SILENCE_SECONDS`.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

BEAT_SECONDS = 2.0
SILENCE_SECONDS = 15.0
ALIVE = "alive"
DIED = "has closed its connection: its process has died"

Told = dict[str, Any]
"""A message: the key `say` tells what it is."""


class ChannelError(ConnectionError):
    """The other end is gone; the message says how that was noticed."""


class Channel:
    """One end of a connection. Any thread may send; one receives.

    Args:
        max_bytes: of a message that is received; the other end of a longer one counts as gone.
    """

    def __init__(self, connection: socket.socket, max_bytes: int = 64 * 2**20) -> None:
        self._max_bytes = max_bytes
        connection.settimeout(SILENCE_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connection = connection
        self._lines = connection.makefile("rb")
        self._sending = threading.Lock()
        self._closed = threading.Event()

    def send(self, say: str, **values: Any) -> None:
        """Send a message; to an end that is gone, nothing: whoever receives learns of that.

        A peer that takes nothing for `SILENCE_SECONDS` counts as gone.
        """
        line = json.dumps({"say": say, **values}).encode() + b"\n"
        try:
            with self._sending:
                self._connection.sendall(line)
        except OSError:
            self.close()

    def receive(self) -> Told:
        """The next message other than signs of life.

        Raises:
            ChannelError: the other end closed, is silent, or sends what is no message.
        """
        while True:
            try:
                line = self._lines.readline(self._max_bytes)
            except TimeoutError as error:
                raise ChannelError(f"has not been heard of for {SILENCE_SECONDS:.0f} seconds") from error
            except ConnectionResetError:
                raise ChannelError(DIED) from None
            except (OSError, ValueError) as error:
                raise ChannelError(f"has lost its connection ({error})") from error
            if len(line) == self._max_bytes:
                raise ChannelError(f"sends more than {self._max_bytes:,} bytes at once")
            if not line.endswith(b"\n"):
                raise ChannelError(DIED)
            told = _message(line)
            if told["say"] != ALIVE:
                return told

    def keep_alive(self) -> None:
        """Send signs of life from a thread until the channel is closed."""

        def beat() -> None:
            while not self._closed.wait(BEAT_SECONDS):
                self.send(ALIVE)

        threading.Thread(target=beat, name="signs-of-life", daemon=True).start()

    def follow(self, take: Callable[[Told | ChannelError], None]) -> None:
        """Hand over every message from a thread; last of all, how the channel ended."""

        def read() -> None:
            while True:
                try:
                    told = self.receive()
                except ChannelError as error:
                    take(error)
                    return
                take(told)

        threading.Thread(target=read, name="messages", daemon=True).start()

    def close(self) -> None:
        """End the connection, from any thread; one that waits for a message learns of it."""
        self._closed.set()
        with suppress(OSError):  # it is closed already
            self._connection.shutdown(socket.SHUT_RDWR)
        self._lines.close()
        self._connection.close()


def connected(host: str, port: int, until: float, give_up: Callable[[], bool]) -> Channel | None:
    """A channel to a host that may not be there yet; None: it did not come until that time (of `time.monotonic`).

    Args:
        give_up: asked after every attempt whether there is any sense in another.
    """
    while time.monotonic() < until:
        try:
            return Channel(socket.create_connection((host, port), timeout=5))
        except OSError:  # not started, or its name is not known yet
            if give_up():
                return None
            time.sleep(0.25)
    return None


def _message(line: bytes) -> Told:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise ChannelError("sends what is no message") from error
    if not isinstance(told, Mapping) or not isinstance(told.get("say"), str):
        raise ChannelError("sends what is no message")
    return dict(told)
