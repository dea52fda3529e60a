"""The HTTP answer inside a response record: status, headers, and the payload with its codings undone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from neo_assets.web.archive.warcfields import parsed_fields
from neo_assets.web.payload import PayloadError, decoded

STATUS = re.compile(rb"HTTP/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t\r]|$)", re.IGNORECASE)
CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")
CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]+)", re.IGNORECASE)
GZIP_MAGIC = b"\x1f\x8b"


class MessageError(ValueError):
    """No HTTP answer, or one whose payload cannot be had; the message says why."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `headers` by lower-case name, `body` as recorded."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str | None:
        """The Content-Type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() or None

    @property
    def charset(self) -> str | None:
        """The charset parameter of the Content-Type, in lower case."""
        found = CHARSET.search(self.headers.get("content-type", "").partition(";")[2])
        return found[1].lower() if found else None

    def without_chunks(self) -> bytes:
        """The body without its chunked transfer coding; unchanged where a writer has undone that already.

        Raises:
            MessageError: a chunk is broken.
        """
        if "chunked" not in self.headers.get("transfer-encoding", "").lower() or not CHUNK.match(self.body):
            return self.body
        return _joined_chunks(self.body)

    def payload(self, max_bytes: int) -> bytes:
        """The body without transfer coding and content codings (gzip, deflate, br, zstd).

        Raises:
            MessageError: a coding is unknown or broken, or the payload is larger than `max_bytes`.
        """
        body = self.without_chunks()
        for coding in reversed([part.strip().lower() for part in self.headers.get("content-encoding", "").split(",")]):
            body = _undone(body, coding, max_bytes)
        if len(body) > max_bytes:
            raise MessageError(f"its payload is larger than {max_bytes} bytes")
        return body


def parsed_answer(block: bytes) -> Answer:
    """The answer in a response record's block.

    Raises:
        MessageError: it does not begin with an HTTP status line.
    """
    status = STATUS.match(block)
    if not status:
        raise MessageError(f"no HTTP answer: it begins with {block[:40]!r}")
    ends = [(at, len(mark)) for mark in (b"\r\n\r\n", b"\n\n") if (at := block.find(mark)) >= 0]
    at, size = min(ends, default=(len(block), 0))
    fields = block[:at].partition(b"\n")[2]
    return Answer(int(status[1]), parsed_fields(fields), block[at + size :])


def _undone(body: bytes, coding: str, max_bytes: int) -> bytes:
    """The body without one coding; unchanged where a writer has undone it already but left the header."""
    if coding in ("", "identity", "none", "utf-8") or not body:
        return body
    if coding in ("gzip", "x-gzip") and not body.startswith(GZIP_MAGIC):
        return body
    try:
        if coding == "br":
            return _unbrotlied(body, max_bytes)
        return decoded(body, coding, max_bytes)
    except PayloadError as error:
        if str(error) == "size":
            raise MessageError(f"its payload is larger than {max_bytes} bytes") from error
        if body.lstrip()[:1] == b"<":
            return body
        raise MessageError(f"its Content-Encoding {coding!r} is unknown or broken") from error


def _unbrotlied(body: bytes, max_bytes: int) -> bytes:
    import brotli  # type: ignore[import-untyped]

    unpacker = brotli.Decompressor()
    try:
        data = bytes(unpacker.process(body, output_buffer_limit=max_bytes + 1))
        while len(data) <= max_bytes and not unpacker.is_finished():
            piece = unpacker.process(b"", output_buffer_limit=max_bytes + 1 - len(data))
            if not piece:
                raise PayloadError("encoding")
            data += piece
    except brotli.error as error:
        raise PayloadError("encoding") from error
    if len(data) > max_bytes:
        raise PayloadError("size")
    return data


def _joined_chunks(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0
    while chunk := CHUNK.match(body, at):
        size = int(chunk[1], 16)
        if not size:
            return b"".join(pieces)
        piece = body[chunk.end() : chunk.end() + size]
        if len(piece) < size:
            raise MessageError("its chunked body is cut off")
        pieces.append(piece)
        at = chunk.end() + size
        at += 2 if body[at : at + 2] == b"\r\n" else body[at : at + 1] == b"\n"
    if at >= len(body):
        raise MessageError("its chunked body has no end")
    raise MessageError(f"its chunked body is broken at byte {at}")
