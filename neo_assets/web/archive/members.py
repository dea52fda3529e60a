"""The members of a WARC file: gzip members or zstd frames one after the other, or one plain stretch of bytes.

Damage is expected. What stands before it is given, and the next member that begins a WARC record is looked for behind
it, in memory of the bytes kept at most.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any

from neo_assets.web.archive.window import INPUT_BYTES, SEARCH_BYTES, Window

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
SKIPPABLE_END = b"\x2a\x4d\x18"
"""Last three bytes of the magic number of a zstd frame without data."""
OUTPUT_BYTES = 1 << 14
PROBE_BYTES = 1 << 12
RECORD_START = b"WARC/"


class DamageError(Exception):
    """Compressed bytes that cannot be unpacked; the message completes 'the member …'."""


class Member:
    """One member, unpacked piece by piece; `offset` is where it begins in the file."""

    def __init__(self, window: Window, unpacker: Callable[[], Any] | None, errors: tuple[type[Exception], ...]) -> None:
        self.offset = window.position
        self.damaged = False
        self.plain = unpacker is None
        self._window = window
        self._unpacker: Any = unpacker() if unpacker else None
        self._errors = errors
        self._input = b""
        self._step = OUTPUT_BYTES
        self._ended = False

    def read(self) -> bytes:
        """The next piece; nothing at the end.

        Raises:
            DamageError: no byte more can be unpacked.
        """
        if self.plain:
            self._window.forget()
            return self._window.read()
        while not self._ended:
            if piece := self._unpacked():
                return piece
        return b""

    def _unpacked(self) -> bytes:
        """Some output, or none after some input. It comes in steps, so that an error hides little before it."""
        data = self._input or self._window.read()
        before = self._unpacker.copy()
        try:
            piece = bytes(self._unpacker.decompress(data, self._step))
        except self._errors as error:
            if self._step == 1:
                raise self._damage(f"is damaged ({' '.join(str(error).split())})") from error
            self._input, self._unpacker, self._step = data, before, self._step // 2
            return b""
        self._input = self._unpacker.unconsumed_tail
        if self._unpacker.eof:
            self._ended = True
            self._window.go_to(self._window.position - len(self._unpacker.unused_data))
        elif not data and not piece:
            raise self._damage("is cut off")
        return piece

    def _damage(self, what: str) -> DamageError:
        self.damaged = True
        return DamageError(what)


class _Frame:
    """A zstd frame with zlib's way to be unpacked. It cannot be copied: a step is one byte once the first failed."""

    def __init__(self) -> None:
        from backports.zstd import ZstdDecompressor

        self._frame = ZstdDecompressor()
        self._waiting = b""
        self.unconsumed_tail = b""

    def copy(self) -> _Frame:
        return self

    @property
    def eof(self) -> bool:
        return bool(self._frame.eof)

    @property
    def unused_data(self) -> bytes:
        return bytes(self._frame.unused_data)

    def decompress(self, data: bytes, size: int) -> bytes:
        # The frame keeps what it has not used of its input: while some is waiting there, none is handed over.
        given = b"" if self._waiting else data
        piece = bytes(self._frame.decompress(given, size))
        more = not self._frame.eof and not self._frame.needs_input
        self._waiting = self.unconsumed_tail = b"\x00" if more else b""
        return piece


def members(window: Window, faults: list[str]) -> Iterator[Member]:
    """The members in the file's order; each has to be read to its end or damage before the next is asked for.

    What had to be left out is told in `faults`.
    """
    start = window.peek(4)
    unpacker: Callable[[], Any]
    errors: tuple[type[Exception], ...]
    if start.startswith(GZIP_MAGIC):
        unpacker, errors, magic = _gzip, (zlib.error,), GZIP_MAGIC
    elif start == ZSTD_MAGIC or start[1:] == SKIPPABLE_END:
        from backports.zstd import ZstdError

        unpacker, errors, magic = _Frame, (ZstdError,), ZSTD_MAGIC
    else:
        if start:
            yield Member(window, None, ())
        return
    while window.peek(1):
        window.forget()
        if magic == ZSTD_MAGIC and window.peek(4)[1:] == SKIPPABLE_END:
            _skip_frame(window, faults)
            continue
        member = Member(window, unpacker, errors)
        yield member
        if member.damaged:
            found = _next_member(window, max(member.offset + 1, window.first), magic, unpacker, errors)
            what = f"the member at offset {member.offset} is damaged or cut off"
            if found is None:
                faults.append(f"{what}; nothing is found behind it")
                return
            faults.append(f"{what}; reading goes on at offset {found}")
            window.go_to(found)


def _gzip() -> Any:
    return zlib.decompressobj(zlib.MAX_WBITS | 16)


def _skip_frame(window: Window, faults: list[str]) -> None:
    """Pass over a frame without data."""
    head = window.peek(8)
    left = 8 + int.from_bytes(head[4:8], "little")
    if head[0] == 0x5D:
        faults.append(f"there is a zstd dictionary at offset {window.position}; compress the file without one")
    while left > 0 and (data := window.peek(min(left, INPUT_BYTES))):
        window.go_to(window.position + len(data))
        window.forget()
        left -= len(data)


def _next_member(
    window: Window, start: int, magic: bytes, unpacker: Callable[[], Any], errors: tuple[type[Exception], ...]
) -> int | None:
    """Offset of the first member from `start` on that begins with a WARC record."""
    window.go_to(start)
    while True:
        window.forget()
        block = window.peek(SEARCH_BYTES)
        last = len(block) < SEARCH_BYTES
        end = len(block) if last else len(block) - PROBE_BYTES
        at = block.find(magic)
        while 0 <= at < end:
            if _begins_record(block[at : at + PROBE_BYTES], unpacker, errors):
                return window.position + at
            at = block.find(magic, at + 1)
        if last:
            return None
        window.go_to(window.position + end)


def _begins_record(data: bytes, unpacker: Callable[[], Any], errors: tuple[type[Exception], ...]) -> bool:
    try:
        return bool(unpacker().decompress(data, len(RECORD_START)).startswith(RECORD_START))
    except errors:
        return False
