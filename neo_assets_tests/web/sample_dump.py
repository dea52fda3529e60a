"""The sample dump of the seed: a small WARC file laid out as Common Crawl lays out its own.

Eight short pages written for this repository (Apache-2.0), four in Chinese and four in English, among records such as a
real dump has: requests, an answer with status 404, a picture, a revisit. Made by `python -m
neo_assets_tests.web.sample_dump`; the same bytes always.
"""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

NAME = "dumps/sample.warc.gz"
DATE = "2024-11-02T08:00:00Z"
HOST = "http://notes.neo.test"

TEXTS = Path(__file__).with_suffix(".txt")
"""The pages: a line `## path language charset title`, then a paragraph a line."""


class Essay(NamedTuple):
    """One page."""

    path: str
    language: str
    charset: str
    title: str
    paragraphs: tuple[str, ...]


def essays() -> list[Essay]:
    """The pages in their order."""
    blocks = TEXTS.read_text("utf-8").removeprefix("## ").split("\n## ")
    return [Essay(*head.split(" ", 3), tuple(lines)) for head, *lines in map(str.splitlines, blocks)]


def sample_dump() -> bytes:
    """The file."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=True, warc_version="1.0")
    for number, record in enumerate(_records(writer)):
        record.rec_headers.replace_header("WARC-Record-ID", f"<urn:uuid:{uuid.UUID(int=number)}>")
        record.rec_headers.replace_header("WARC-Date", DATE)
        writer.write_record(record)
    return stream.getvalue()


def _records(writer: WARCWriter) -> Iterator[object]:
    yield writer.create_warcinfo_record("sample.warc.gz", {"isPartOf": "SAMPLE-2024-44", "publisher": "neo-assets"})
    for essay in essays():
        url = f"{HOST}{essay.path}"
        yield _request(writer, url)
        yield _response(writer, url, "200 OK", f"text/html; charset={essay.charset}", page(essay))
    yield _response(writer, f"{HOST}/missing.html", "404 Not Found", "text/html", b"<h1>Not found</h1>")
    yield _response(writer, f"{HOST}/dot.gif", "200 OK", "image/gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")
    first = f"{HOST}{essays()[0].path}"
    yield writer.create_revisit_record(first, "sha1:" + "A" * 32, first, DATE)


def page(essay: Essay) -> bytes:
    """An essay as a small web page with a menu above and a notice below."""
    text = "\n".join(f"<p>{paragraph}</p>" for paragraph in essay.paragraphs)
    head = f'<meta charset="{essay.charset}"><title>{essay.title}</title>'
    menu = '<nav><a href="/">Notes</a> <a href="/zh/">中文</a></nav>'
    return (
        f'<!DOCTYPE html><html lang="{essay.language}"><head>{head}</head>\n'
        f"<body>{menu}<article><h1>{essay.title}</h1>\n{text}\n</article>\n"
        f"<footer>Apache-2.0</footer></body></html>\n"
    ).encode(essay.charset, "xmlcharrefreplace")


def _request(writer: WARCWriter, url: str) -> object:
    path = url.removeprefix(HOST)
    http = StatusAndHeaders(f"GET {path} HTTP/1.1", [("Host", "notes.neo.test")], is_http_request=True)
    return writer.create_warc_record(url, "request", http_headers=http)


def _response(writer: WARCWriter, url: str, status: str, content_type: str, body: bytes) -> object:
    headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
    http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
    return writer.create_warc_record(url, "response", payload=io.BytesIO(body), length=len(body), http_headers=http)


if __name__ == "__main__":
    from neo_assets.seed import SEED_FOLDER

    (SEED_FOLDER / NAME).parent.mkdir(exist_ok=True)
    (SEED_FOLDER / NAME).write_bytes(sample_dump())
