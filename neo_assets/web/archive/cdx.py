"""The index of a day's WARC files: a CDXJ file, one line per response and revisit record, sorted.

A line is `KEY TIMESTAMP JSON`: the URL as a sort-friendly key, 14 digits of UTC, and url, mime, status, digest, length,
offset and filename, as pywb and the Common Crawl index write them. It is made by reading the files back, so that what
it names is known to be there and readable.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

INDEX_NAME = "index.cdxj"
DEFAULT_PORTS = {"http": 80, "https": 443}
WWW = re.compile(r"www\d*\.")
SLASHES = re.compile(r"/{2,}")
NOT_DIGIT = re.compile(r"\D")
REVISIT_MIME = "warc/revisit"


def surt(url: str) -> str:
    """The sort-friendly key of a URL: `http://www.example.com:8080/A?b=1` gives `com,example:8080)/a?b=1`.

    As the surt package has it, by which the index of Common Crawl is made: scheme and `www.` gone, lower case, query
    parameters sorted, no trailing slash. Session ids stay: they are cut before a URL is asked for.

    Raises:
        ValueError: the URL can't be parsed.
    """
    parts = urlsplit(url)
    host = WWW.sub("", (parts.hostname or "").rstrip("."), count=1)
    if ":" not in host:
        host = ",".join(reversed(host.split(".")))
    port = f":{parts.port}" if parts.port and parts.port != DEFAULT_PORTS.get(parts.scheme) else ""
    path = SLASHES.sub("/", parts.path.lower())
    path = path.rstrip("/") if len(path) > 1 else "/"
    query = "&".join(sorted(parts.query.lower().split("&")))
    return f"{host}{port}){path or '/'}" + (f"?{query}" if query else "")


def write_index(folder: Path, names: Sequence[str]) -> Path:
    """Index the WARC files of a folder; one at a time is held in memory as its lines.

    Raises:
        OSError: a file can't be read.
    """
    parts = [folder / f"{name}.cdxj" for name in names]
    for name, part in zip(names, parts, strict=True):
        part.write_text("".join(sorted(index_lines(folder / name))), "utf-8")
    index = folder / INDEX_NAME
    with ExitStack() as stack:
        files = [stack.enter_context(part.open(encoding="utf-8")) for part in parts]
        with index.open("w", encoding="utf-8") as out:
            out.writelines(heapq.merge(*files))
    for part in parts:
        part.unlink()
    return index


def index_lines(path: Path) -> Iterator[str]:
    """The lines of one WARC file's index, in the order of its records."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    pending: tuple[int, str, dict[str, Any]] | None = None
    with path.open("rb") as file:
        for record in ArchiveIterator(file, parse_http=True):
            if pending is not None:
                yield _line(pending, record.stream_pos)
                pending = None
            if record.record_type in (WarcRecordType.response, WarcRecordType.revisit):
                pending = (record.stream_pos, _prefix(record), _fields(record, path.name))
        if pending is not None:
            yield _line(pending, path.stat().st_size)


def _line(pending: tuple[int, str, dict[str, Any]], end: int) -> str:
    offset, prefix, fields = pending
    return f"{prefix} {json.dumps(fields | {'length': str(end - offset), 'offset': str(offset)}, ensure_ascii=True)}\n"


def _prefix(record: Any) -> str:
    return f"{surt(record.headers['WARC-Target-URI'])} {NOT_DIGIT.sub('', record.headers['WARC-Date'])[:14]}"


def _fields(record: Any, name: str) -> dict[str, Any]:
    http = record.http_headers
    mime = (http.get("Content-Type") or "").partition(";")[0].strip().lower() if http else ""
    is_revisit = record.headers["WARC-Type"] == "revisit"
    fields = {
        "url": record.headers["WARC-Target-URI"],
        "mime": REVISIT_MIME if is_revisit else mime or "unk",
        "status": str(http.status_code) if http and http.status_code else "-",
        "digest": (record.headers.get("WARC-Payload-Digest") or "-").removeprefix("sha1:"),
        "filename": name,
    }
    truncated = record.headers.get("WARC-Truncated")
    return fields | ({"truncated": truncated} if truncated else {})
