"""The payload of an HTTP answer: its Content-Encoding undone, never beyond a cap."""

from __future__ import annotations

import zlib

AUTO_HEADER = zlib.MAX_WBITS | 32
"""zlib finds out by itself whether the data is gzip or zlib."""
MAX_CODINGS = 3
"""Content-Encodings on top of each other; more are made to waste time."""


class PayloadError(Exception):
    """The body can't be decompressed, or is over the cap; the message is the reason, `encoding` or `size`."""


def decoded(body: bytes, content_encoding: str, max_bytes: int, *, whole: bool = True) -> bytes:
    """The body without its Content-Encoding (gzip, deflate, identity).

    Unless `whole`, a body that goes on beyond `max_bytes` or ends early gives what there is of it up to there.

    Raises:
        PayloadError: an encoding nobody asked for, broken data, or more than `max_bytes` bytes.
    """
    codings = [part.strip().lower() for part in content_encoding.split(",")]
    codings = [coding for coding in reversed(codings) if coding not in ("", "identity")]
    if len(codings) > MAX_CODINGS or not set(codings) <= {"gzip", "x-gzip", "deflate"}:
        raise PayloadError("encoding")
    for _ in codings:
        body = inflated(body, max_bytes, whole=whole)
    if len(body) > max_bytes and whole:
        raise PayloadError("size")
    return body[:max_bytes]


def inflated(data: bytes, max_bytes: int, *, whole: bool = True) -> bytes:
    """The data decompressed (gzip with any number of members, zlib, raw deflate); stops as soon as the cap is passed.

    Raises:
        PayloadError: broken or (if `whole`) truncated data, or (if `whole`) more than `max_bytes` bytes.
    """
    try:
        return _inflated(data, max_bytes, AUTO_HEADER, whole)
    except zlib.error:
        pass
    try:
        return _inflated(data, max_bytes, -zlib.MAX_WBITS, whole)
    except zlib.error as error:
        raise PayloadError("encoding") from error


def _inflated(data: bytes, max_bytes: int, wbits: int, whole: bool) -> bytes:
    pieces, size = [], 0
    while data:
        inflater = zlib.decompressobj(wbits)
        piece = inflater.decompress(data, max_bytes + 1 - size)
        size += len(piece)
        if size > max_bytes and whole:
            raise PayloadError("size")
        pieces.append(piece)
        if size > max_bytes:
            break
        if not inflater.eof:
            if whole:
                raise PayloadError("encoding")
            break
        data = inflater.unused_data
    return b"".join(pieces)[:max_bytes]
