"""A dump as large as wanted: the bundled web's pages over and over under other addresses, in WARC files of one size.

Every page has the three records that Common Crawl's files have: request, response and metadata, gzip members each.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

COMPRESSION = 6


class MadeDump(NamedTuple):
    """The files, and what is in them: response records, bytes packed, bytes of HTML."""

    files: tuple[Path, ...]
    n_pages: int
    packed_bytes: int
    html_bytes: int


def make_dump(folder: Path, n_pages: int, n_files: int) -> MadeDump:
    """Write the dump; the same bytes for the same numbers."""
    pages, html_bytes = list(_pages()), 0
    folder.mkdir(parents=True, exist_ok=True)
    files = tuple(folder / f"CC-MAIN-{number:05}.warc.gz" for number in range(n_files))
    for number, file in enumerate(files):
        with file.open("wb") as stream:
            for index in range(number, n_pages, n_files):
                url, content_type, body = pages[index % len(pages)]
                address = f"{url}?copy={index // len(pages)}"
                html_bytes += len(body)
                for record in _records(address, content_type, body):
                    stream.write(gzip.compress(record, COMPRESSION, mtime=0))
    return MadeDump(files, n_pages, sum(file.stat().st_size for file in files), html_bytes)


def _pages() -> Iterator[tuple[str, str, bytes]]:
    """Address, content type and body of the pages of text of the bundled web, in a fixed order."""
    from neo_assets.web.bundled.site import build_site

    for (host, path), page in sorted(build_site(0).pages.items()):
        content_type = page.content_type
        if page.status == 200 and content_type.startswith("text/html") and "?" not in path:
            yield f"http://{host}{path}", content_type, page.body


def _records(url: str, content_type: str, body: bytes) -> Iterator[bytes]:
    request = f"GET / HTTP/1.1\r\nHost: {url.split('/')[2]}\r\nUser-Agent: neo-assets\r\n\r\n".encode()
    yield _record("request", url, "application/http; msgtype=request", request)
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    yield _record("response", url, "application/http; msgtype=response", head + body)
    yield _record("metadata", url, "application/warc-fields", b"fetchTimeMs: 120\r\n")


def _record(kind: str, url: str, content_type: str, block: bytes) -> bytes:
    lines = (
        "WARC/1.0", f"WARC-Type: {kind}", "WARC-Date: 2026-11-01T00:00:00Z", f"WARC-Target-URI: {url}",
        "WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000000>", f"Content-Type: {content_type}",
        f"Content-Length: {len(block)}", "", "",
    )  # fmt: skip
    return "\r\n".join(lines).encode() + block + b"\r\n\r\n"
