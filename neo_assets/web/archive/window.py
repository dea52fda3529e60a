"""A stream read forward once, of which some bytes can be looked at in advance and some gone back to."""

from __future__ import annotations

from typing import BinaryIO

INPUT_BYTES = 1 << 16
"""Read at once."""
SEARCH_BYTES = 1 << 18
"""Looked at once in a search; twice as many can be gone back to at least."""


class Window:
    """A stream read forward once, of which the last `keep` bytes can be gone back to."""

    def __init__(self, stream: BinaryIO, keep: int) -> None:
        self._stream = stream
        self._keep = max(keep, 2 * SEARCH_BYTES)
        self._kept = bytearray()
        self._start = 0
        self._at = 0

    @property
    def position(self) -> int:
        """Offset of the next byte that `read` gives."""
        return self._start + self._at

    @property
    def first(self) -> int:
        """Offset of the first byte that can be gone back to."""
        return self._start

    def peek(self, size: int) -> bytes:
        """So many of the next bytes, fewer at the end of the stream only."""
        while len(self._kept) - self._at < size and (block := self._stream.read(INPUT_BYTES)):
            self._kept += block
            if (surplus := min(len(self._kept) - self._keep, self._at)) > 0:
                del self._kept[:surplus]
                self._start += surplus
                self._at -= surplus
        return bytes(memoryview(self._kept)[self._at : self._at + size])

    def read(self) -> bytes:
        """What comes next, a block at most; nothing at the end."""
        data = self.peek(1) and bytes(memoryview(self._kept)[self._at : self._at + INPUT_BYTES])
        self._at += len(data)
        return data

    def go_to(self, position: int) -> None:
        """Continue at an offset not before `first` and not behind what was read or peeked at."""
        self._at = position - self._start

    def forget(self) -> None:
        """What is before the position is never gone back to."""
        del self._kept[: self._at]
        self._start += self._at
        self._at = 0
