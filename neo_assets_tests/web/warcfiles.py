"""WARC files written by hand, so that they can be wrong in any way."""

from __future__ import annotations

import base64
import gzip
import hashlib

HTML = "text/html; charset=utf-8"


def page(number: int, extra: str = "") -> bytes:
    """A short HTML page."""
    text = f"Page {number} is about the number {number}, which comes after {number - 1} and before {number + 1}."
    return f"<html lang='en'><title>Page {number}</title><body><p>{text} {extra}</p></body></html>".encode()


def answer(body: bytes, *headers: str, status: str = "200 OK", content_type: str | None = HTML) -> bytes:
    """An HTTP answer as a response record holds it."""
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {content_type}"] if content_type else []), *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def record(
    url: str | None,
    block: bytes,
    *extra: str | bytes,
    kind: str = "response",
    version: str = "WARC/1.1",
    length: object = None,
) -> bytes:
    """A record; `length` is what Content-Length says, if not the truth."""
    lines: list[str | bytes] = [version, f"WARC-Type: {kind}", "WARC-Record-ID: <urn:uuid:0>"]
    lines += [f"WARC-Target-URI: {url}"] if url is not None else []
    lines += [*extra, f"Content-Length: {len(block) if length is None else length}", "", ""]
    return b"\r\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + block + b"\r\n\r\n"


def response(number: int, *extra: str | bytes, length: object = None) -> bytes:
    """The record of page `number`."""
    return record(address(number), answer(page(number)), *extra, length=length)


def address(number: int) -> str:
    """The address of page `number`."""
    return f"http://pages.test/{number}"


def packed(*records: bytes) -> list[bytes]:
    """Each record as a gzip member of its own."""
    return [gzip.compress(one, mtime=0) for one in records]


def sha1(data: bytes) -> str:
    """A digest as WARC files have it."""
    return f"sha1:{base64.b32encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode()}"
