"""WARC 1.1 files: writing what a crawl exchanged, and reading one record back."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import responses
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self
from urllib.parse import urlsplit

Headers = Sequence[tuple[str, str]]

NOT_MODIFIED = "http://netpreserve.org/warc/1.1/revisit/server-not-modified"
IDENTICAL = "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest"
GZIP_MAGIC = b"\x1f\x8b"


class WarcError(Exception):
    """A record can't be read back; the message says why."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `body` is the entity as sent, with its Content-Encoding."""

    url: str
    method: str
    request_headers: Headers
    status: int
    protocol: str
    response_headers: Headers
    body: bytes
    fetched_at: datetime


class WarcFolder:
    """WARC files of bounded size in one folder, every record its own gzip member. A context manager."""

    def __init__(self, folder: Path, prefix: str, max_bytes: int, info: dict[str, str]) -> None:
        self._folder = folder
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._info = info
        self._file: BinaryIO | None = None
        self._writer: Any = None
        self.names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def write_exchange(self, exchange: Exchange) -> tuple[str, int]:
        """Write a response record and its request record; gives the file's name and the response's offset."""
        headers = _kept_headers(exchange.response_headers, len(exchange.body))
        record = self._record(exchange, "response", _status_line(exchange), headers, exchange.body)
        return self._write_pair(exchange, record)

    def write_revisit(self, exchange: Exchange, first_fetched_at: datetime | None) -> tuple[str, int]:
        """Write that a page was found unchanged since `first_fetched_at`: by a 304, or by an equal payload."""
        headers = _kept_headers(exchange.response_headers, None)
        record = self._record(exchange, "revisit", _status_line(exchange), headers, b"")
        fields = record.rec_headers
        fields.add_header("WARC-Profile", NOT_MODIFIED if exchange.status == 304 else IDENTICAL)
        fields.add_header("WARC-Refers-To-Target-URI", exchange.url)
        if first_fetched_at is not None:
            fields.add_header("WARC-Refers-To-Date", _warc_date(first_fetched_at))
        if exchange.status != 304:
            fields.add_header("WARC-Payload-Digest", _payload_digest(exchange.body))
        return self._write_pair(exchange, record)

    def _write_pair(self, exchange: Exchange, record: Any) -> tuple[str, int]:
        parts = urlsplit(exchange.url)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        line = f"{exchange.method} {path} HTTP/1.1"
        request = self._record(exchange, "request", line, [("Host", parts.netloc), *exchange.request_headers], b"")
        file = self._open_file()
        offset = file.tell()
        self._writer.write_request_response_pair(request, record)
        return self.names[-1], offset

    def _record(self, exchange: Exchange, kind: str, line: str, headers: Headers, body: bytes) -> Any:
        from warcio.statusandheaders import StatusAndHeaders

        self._open_file()
        http = StatusAndHeaders(line, list(headers), protocol="")
        return self._writer.create_warc_record(
            exchange.url,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            http_headers=http,
            warc_headers_dict={"WARC-Date": _warc_date(exchange.fetched_at)},
        )

    def _open_file(self) -> BinaryIO:
        """The file in force; a new one once the last has reached its size."""
        from warcio.warcwriter import WARCWriter

        if self._file is not None and self._file.tell() >= self._max_bytes:
            self.close()
        if self._file is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = f"{self._prefix}-{len(self.names):05}.warc.gz"
            self.names.append(name)
            self._file = (self._folder / name).open("wb")
            self._writer = WARCWriter(self._file, gzip=True, warc_version="1.1")
            self._writer.write_record(self._writer.create_warcinfo_record(name, self._info))
        return self._file


def read_payload(file: BinaryIO, offset: int, url: str, max_bytes: int) -> bytes:
    """The payload of the response record at `offset`, decompressed.

    Raises:
        WarcError: there is no such record, it is another URL's, it is damaged, or its payload is over `max_bytes`.
    """
    from warcio.archiveiterator import ArchiveIterator
    from warcio.exceptions import ArchiveLoadFailed

    try:
        file.seek(offset)
        # Every record is a gzip member of its own; bytes from the middle of one may look like an old ARC record.
        if file.read(len(GZIP_MAGIC)) != GZIP_MAGIC:
            raise WarcError(f"no response record at offset {offset}")
        file.seek(offset)
        record = next(iter(ArchiveIterator(file)), None)
        if record is None or record.rec_type != "response":
            raise WarcError(f"no response record at offset {offset}")
        if record.rec_headers.get_header("WARC-Target-URI") != url:
            raise WarcError(f"the record at offset {offset} is another URL's")
        payload: bytes = record.content_stream().read(max_bytes + 1)
    except (ArchiveLoadFailed, OSError, EOFError, ValueError) as error:
        raise WarcError(f"damaged record at offset {offset}: {type(error).__name__}") from error
    if len(payload) > max_bytes:
        raise WarcError(f"payload over {max_bytes} bytes")
    return payload


def _status_line(exchange: Exchange) -> str:
    return f"{exchange.protocol} {exchange.status} {responses.get(exchange.status, '')}".rstrip()


def _kept_headers(headers: Headers, n_bytes: int | None) -> list[tuple[str, str]]:
    """The answer's headers, true of the stored body: the HTTP library has undone the transfer coding, so its header and
    a differing length are kept under another name."""
    kept = []
    for raw_name, value in headers:
        name = raw_name.encode("ascii", "replace").decode("ascii")
        if name.lower() == "transfer-encoding" or (name.lower() == "content-length" and n_bytes is not None):
            name = f"X-Crawler-{name}"
        kept.append((name, value))
    return kept if n_bytes is None else [*kept, ("Content-Length", str(n_bytes))]


def _payload_digest(body: bytes) -> str:
    from warcio.utils import Digester

    digester = Digester("sha1")
    digester.update(body)
    return str(digester)


def _warc_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
