"""The bytes of one member of a WARC file, with some of them looked at in advance."""

from __future__ import annotations

from neo_assets.web.archive.members import OUTPUT_BYTES, DamageError, Member


class Unpacked:
    """A member's bytes; `damage` says what ended them too early, `position` how many were passed."""

    def __init__(self, member: Member) -> None:
        self.member = member
        self.damage: str | None = None
        self.position = 0
        self._buffer = bytearray()
        self._ended = False

    def ahead(self, size: int) -> int:
        """How many bytes there are, if fewer than `size`; else `size`. They are held in memory."""
        while len(self._buffer) < size and not self._ended:
            try:
                piece = self.member.read()
            except DamageError as error:
                self.damage, piece = str(error), b""
            self._ended = not piece
            self._buffer += piece
        return min(len(self._buffer), size)

    def peek(self, size: int, start: int = 0) -> bytes:
        """So many bytes from `start` on, fewer only before the end or before damage."""
        self.ahead(start + size)
        return bytes(memoryview(self._buffer)[start : start + size])

    def take(self, size: int) -> bytes:
        """So many bytes, fewer only before the end or before damage."""
        data = self.peek(size)
        del self._buffer[: len(data)]
        self.position += len(data)
        return data

    def skip(self, size: int) -> int:
        """Pass over so many bytes; gives how many there were."""
        left = size
        while left and (data := self.take(min(left, OUTPUT_BYTES))):
            left -= len(data)
        return size - left
