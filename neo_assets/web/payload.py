"""The payload of an HTTP answer: its Content-Encoding undone, never beyond a cap."""

from __future__ import annotations

import zlib

AUTO_HEADER = zlib.MAX_WBITS | 32
"""zlib finds out by itself whether the data is gzip or zlib."""


class PayloadError(Exception):
    """The body can't be decompressed, or is over the cap; the message is the reason, `encoding` or `size`."""


def decoded(body: bytes, content_encoding: str, max_bytes: int) -> bytes:
    """The body without its Content-Encoding (gzip, deflate, identity).

    Raises:
        PayloadError: an encoding nobody asked for, broken data, or more than `max_bytes` bytes.
    """
    for coding in reversed([part.strip().lower() for part in content_encoding.split(",")]):
        if coding in ("", "identity"):
            continue
        if coding not in ("gzip", "x-gzip", "deflate"):
            raise PayloadError("encoding")
        body = inflated(body, max_bytes)
    if len(body) > max_bytes:
        raise PayloadError("size")
    return body


def inflated(data: bytes, max_bytes: int) -> bytes:
    """The data decompressed (gzip with any number of members, zlib, raw deflate); stops as soon as the cap is passed.

    Raises:
        PayloadError: broken or truncated data, or more than `max_bytes` bytes.
    """
    try:
        return _inflated(data, max_bytes, AUTO_HEADER)
    except zlib.error:
        pass
    try:
        return _inflated(data, max_bytes, -zlib.MAX_WBITS)
    except zlib.error as error:
        raise PayloadError("encoding") from error


def _inflated(data: bytes, max_bytes: int, wbits: int) -> bytes:
    pieces, size = [], 0
    while data:
        inflater = zlib.decompressobj(wbits)
        piece = inflater.decompress(data, max_bytes + 1 - size)
        size += len(piece)
        if size > max_bytes:
            raise PayloadError("size")
        if not inflater.eof:
            raise PayloadError("encoding")
        pieces.append(piece)
        data = inflater.unused_data
    return b"".join(pieces)
