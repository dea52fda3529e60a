"""WARC 1.1 files: writing what a crawl exchanged, going on after a broken-off crawl, reading one record back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
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
SUFFIX = ".warc.gz"
SECRET_HEADERS = frozenset({"proxy-authorization"})
"""Of the request, and between the crawler and its own proxy only: not for the archive."""


class WarcError(Exception):
    """A record can't be read back, or a file is not what it was; the message says why."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer; `body` is the entity as sent, with its Content-Encoding.

    `truncated` says why the body is not whole (`length`, `time`, `disconnect`); `address` is the server's.
    """

    url: str
    method: str
    request_headers: Headers
    status: int
    protocol: str
    response_headers: Headers
    body: bytes
    fetched_at: datetime
    truncated: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Place:
    """Where a record is: the file's name, and offset and length of its gzip member in bytes."""

    file: str
    offset: int
    length: int


class WarcFolder:
    """WARC files of bounded size in one folder, every record its own gzip member. A context manager.

    After each exchange the bytes are in the system's hands: they outlive this process. `sizes` are those that were
    written in full before: what is beyond them was under way when the crawl was broken off, and is cut away.
    """

    def __init__(
        self, folder: Path, prefix: str, max_bytes: int, info: dict[str, str], sizes: Mapping[str, int] | None = None
    ) -> None:
        self._folder = folder
        self._prefix = prefix
        self._max_bytes = max_bytes
        self._info = info
        self._file: BinaryIO | None = None
        self._writer: Any = None
        self.names = sorted(sizes or {})
        folder.mkdir(parents=True, exist_ok=True)
        _cut_back(folder, prefix, sizes or {})

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

    @property
    def size(self) -> tuple[str, int]:
        """Name and size of the file in force, as they are to be noted after each exchange."""
        return self.names[-1], self._file.tell() if self._file is not None else 0

    def write_exchange(self, exchange: Exchange) -> Place:
        """Write a response record and its request record; gives the response's place."""
        file = self._open_file()
        headers = _kept_headers(exchange.response_headers, len(exchange.body))
        return self._write_pair(file, exchange, self._record(exchange, "response", headers, exchange.body))

    def write_revisit(self, exchange: Exchange, first_fetched_at: datetime | None) -> Place:
        """Write that a page was found unchanged since `first_fetched_at`: by a 304, or by an equal payload."""
        file = self._open_file()
        record = self._record(exchange, "revisit", _kept_headers(exchange.response_headers, None), b"")
        fields = record.rec_headers
        fields.add_header("WARC-Profile", NOT_MODIFIED if exchange.status == 304 else IDENTICAL)
        fields.add_header("WARC-Refers-To-Target-URI", exchange.url)
        if first_fetched_at is not None:
            fields.add_header("WARC-Refers-To-Date", _warc_date(first_fetched_at))
        if exchange.status != 304:
            fields.add_header("WARC-Payload-Digest", _payload_digest(exchange.body))
        return self._write_pair(file, exchange, record)

    def _write_pair(self, file: BinaryIO, exchange: Exchange, record: Any) -> Place:
        offset = file.tell()
        self._writer.write_record(record)
        place = Place(self.names[-1], offset, file.tell() - offset)
        request = self._record(exchange, "request", [("Host", urlsplit(exchange.url).netloc), *_sent(exchange)], b"")
        request.rec_headers.add_header("WARC-Concurrent-To", record.rec_headers.get_header("WARC-Record-ID"))
        self._writer.write_record(request)
        file.flush()
        return place

    def _record(self, exchange: Exchange, kind: str, headers: Headers, body: bytes) -> Any:
        from warcio.statusandheaders import StatusAndHeaders

        fields = {"WARC-Date": _warc_date(exchange.fetched_at)}
        if exchange.address is not None:
            fields["WARC-IP-Address"] = exchange.address
        if exchange.truncated is not None and kind == "response":
            fields["WARC-Truncated"] = exchange.truncated
        line = _request_line(exchange) if kind == "request" else _status_line(exchange)
        return self._writer.create_warc_record(
            exchange.url,
            kind,
            payload=io.BytesIO(body),
            length=len(body),
            http_headers=StatusAndHeaders(line, list(headers), protocol=""),
            warc_headers_dict=fields,
        )

    def _open_file(self) -> BinaryIO:
        """The file in force; a new one once the last has reached its size."""
        if self._file is None and self.names:
            self._use(self.names[-1])
        if self._file is not None and self._file.tell() < self._max_bytes:
            return self._file
        self.close()
        name = f"{self._prefix}-{len(self.names):05}{SUFFIX}"
        self.names.append(name)
        file = self._use(name)
        self._writer.write_record(self._writer.create_warcinfo_record(name, self._info))
        return file

    def _use(self, name: str) -> BinaryIO:
        from warcio.warcwriter import WARCWriter

        self._file = (self._folder / name).open("ab")
        self._writer = WARCWriter(self._file, gzip=True, warc_version="1.1")
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


def _cut_back(folder: Path, prefix: str, sizes: Mapping[str, int]) -> None:
    """Bring the files of a broken-off crawl back to the sizes noted.

    Raises:
        WarcError: a file is missing or shorter than it was.
    """
    for path in sorted(folder.glob(f"{prefix}-*{SUFFIX}")):
        if path.name not in sizes:
            path.unlink()
    for name, size in sizes.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size < size:
            raise WarcError(f"{path} holds less than was written; delete the day's work folder to crawl it anew")
        with path.open("r+b") as file:
            file.truncate(size)


def _sent(exchange: Exchange) -> Headers:
    return [(name, value) for name, value in exchange.request_headers if name.lower() not in SECRET_HEADERS]


def _request_line(exchange: Exchange) -> str:
    parts = urlsplit(exchange.url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return f"{exchange.method} {path} HTTP/1.1"


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
