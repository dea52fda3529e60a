"""Answers that break HTTP on purpose: what a crawler meets on the real web and must come through at bounded cost.

All are bounded on this side too: no fault sends more than `MAX_FAULT_BYTES` or holds a connection longer than its
page says, whatever the client does.
"""

from __future__ import annotations

import select
import socket
import struct
from typing import Literal, Protocol

Fault = Literal["silent", "reset", "reset within", "short", "slow", "endless", "endless headers"]
"""What is wrong with an answer:

- `silent`: nothing is sent for the page's `seconds`, then the connection is closed;
- `reset`: the connection is reset before any byte;
- `reset within`: half of the body, then a reset;
- `short`: Content-Length promises twice the body that is sent before the connection is closed;
- `slow`: the body in `SLOW_PIECES` pieces, spread over the page's `seconds`;
- `endless`: the body again and again, chunked, until the client hangs up;
- `endless headers`: header after header until the client hangs up.
"""

MAX_FAULT_BYTES = 1 << 25
SLOW_PIECES = 10
SEND_BUFFER_BYTES = 1 << 16
"""Of the socket, so that what counts as sent is little more than what the client took."""
READ_PAUSE_SECONDS = 0.2
"""Before a reset, which may throw away what the client has not read yet."""
HEADER_LINE = b"X-Filler: %s\r\n" % (b"a" * 1000)


class Sender(Protocol):
    """The side of a connection that a fault is sent on."""

    connection: socket.socket

    def emit(self, data: bytes) -> None:
        """Send bytes, and count them."""


def reset(sender: Sender) -> None:
    """Close the connection by a reset (RST), not by an orderly end."""
    sender.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sender.connection.close()


def waited(sender: Sender, seconds: float) -> bool:
    """Pause for so long; True if the client hung up (or sent more) before the time was over."""
    return bool(select.select([sender.connection], [], [], seconds)[0])


def small_buffer(sender: Sender) -> None:
    """Let the system hold only little that the client has not taken."""
    sender.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)


def send_slowly(sender: Sender, body: bytes, seconds: float) -> None:
    """The body in pieces with pauses between them; ends early if the client hangs up."""
    size = -(-len(body) // SLOW_PIECES)
    for begin in range(0, len(body), size):
        if begin and waited(sender, seconds / (SLOW_PIECES - 1)):
            return
        sender.emit(body[begin : begin + size])


def send_half(sender: Sender, body: bytes) -> None:
    """Half of the body, then a reset."""
    sender.emit(body[: len(body) // 2])
    waited(sender, READ_PAUSE_SECONDS)
    reset(sender)


def send_endless(sender: Sender, body: bytes) -> None:
    """The body as one chunk after another, up to `MAX_FAULT_BYTES`; never a last chunk."""
    small_buffer(sender)
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    for _ in range(MAX_FAULT_BYTES // len(chunk)):
        sender.emit(chunk)


def send_endless_headers(sender: Sender) -> None:
    """One header line after another, up to `MAX_FAULT_BYTES`; never the blank line that ends them."""
    small_buffer(sender)
    for _ in range(MAX_FAULT_BYTES // len(HEADER_LINE)):
        sender.emit(HEADER_LINE)
