"""The records of a WARC file, one after the other, in bounded memory; damage costs the records it hit and no others.

WARC 1.0 and 1.1 (ISO 28500), gzip, zstd or plain. A record whose length is wrong, whose header is none, whose digest or
compressed member is damaged, or that is larger than it may be, comes with a fault instead of its content. After one,
reading goes on at the next record of the member, or at the next member that begins with a record.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from neo_assets.web.archive.members import OUTPUT_BYTES, DamageError, members
from neo_assets.web.archive.unpacked import Unpacked
from neo_assets.web.archive.warcfields import digest_differs, parsed_fields
from neo_assets.web.archive.window import Window

MAX_HEADER_BYTES = 1 << 16
BOUNDARY = re.compile(rb"\n(?=WARC/[01]\.\d{1,2}\r?\n)")
BOUNDARY_BYTES = 16
VERSION = re.compile(rb"WARC/[01]\.\d{1,2}\s*$")
LENGTH = re.compile(r"\d{1,18}")
INTRODUCTION_BYTES = 4096
COMPRESSION = "compression"
"""The rule of records whose compressed member is damaged."""


class Fault(NamedTuple):
    """Why a record goes to quarantine: the rule, the reason, and what was measured against which limit."""

    rule: str
    reason: str
    value: float | None = None
    threshold: float | None = None


class NoWarcError(ValueError):
    """A file that holds no WARC records; the message completes '<file> …'."""


@dataclass(frozen=True)
class WarcRecord:
    """One record, or what is in its place.

    Args:
        place: where it is, for messages and ids: 'offset 1234', or 'offset 0, unpacked byte 1234' where a member has
            several.
        headers: by lower-case name, the first of equal ones.
        block: the content; empty if there is a fault.
        size: what Content-Length says, in bytes.
    """

    place: str
    headers: Mapping[str, str] = field(default_factory=dict)
    block: bytes = b""
    size: int = 0
    fault: Fault | None = None

    @property
    def kind(self) -> str:
        """Its WARC-Type."""
        return self.headers.get("warc-type", "").lower()

    @property
    def url(self) -> str | None:
        """Its target, without the angle brackets that some WARC 1.0 writers put around it."""
        url = self.headers.get("warc-target-uri", "").removeprefix("<").removesuffix(">").strip()
        return url or None


class _BrokenError(Exception):
    """A record that cannot be read: its fault, and what is known of it."""

    def __init__(self, fault: Fault, headers: Mapping[str, str] | None = None, size: int = 0) -> None:
        super().__init__(fault.reason)
        self.fault, self.headers, self.size = fault, headers or {}, size


def warc_records(stream: BinaryIO, max_bytes: int, faults: list[str]) -> Iterator[WarcRecord]:
    """All records of a file. Memory: a few times `max_bytes`, the size of the largest record that is read.

    Args:
        faults: gets a sentence for each damage to the file itself.

    Raises:
        NoWarcError: the file has bytes, but no WARC record is in it.
    """
    window = Window(stream, max_bytes)
    start = window.peek(INTRODUCTION_BYTES)
    if not start:
        faults.append("the file is empty")
        return
    waiting: list[WarcRecord] | None = []  # broken ones, until it is sure that this is a WARC file
    for member in members(window, faults):
        for record in _member_records(Unpacked(member), max_bytes):
            if waiting is None:
                yield record
            else:
                waiting.append(record)
                if record.headers or record.fault is None or record.fault.rule == COMPRESSION:
                    yield from waiting
                    waiting = None
    if waiting is not None:
        raise NoWarcError(_what_it_is(start))


def _what_it_is(start: bytes) -> str:
    first = next(iter(members(Window(io.BytesIO(start), 0), [])), None)
    try:
        text = first.read() if first else b""
    except DamageError:
        text = start
    if text.startswith(b"filedesc://"):
        return "is an ARC file; convert it with `warcio recompress`"
    return f"holds no WARC record; it begins with {text[:40]!r}"


def _member_records(data: Unpacked, max_bytes: int) -> Iterator[WarcRecord]:
    """The records of a member; reads it to its end."""
    n_records = 0
    while True:
        while (head := data.peek(BOUNDARY_BYTES)) != (rest := head.lstrip(b"\r\n")):
            data.skip(len(head) - len(rest))
        place = _place(data, n_records)
        if not head:
            if data.damage and not n_records:
                yield WarcRecord(place, fault=_damaged(data))
            return
        n_records += 1
        try:
            yield _record(data, place, max_bytes)
        except _BrokenError as error:
            _to_boundary(data)
            fault = _damaged(data) if data.damage else error.fault  # damage explains what is wrong with the header
            yield WarcRecord(place, error.headers, size=error.size, fault=fault)


def _place(data: Unpacked, n_records: int) -> str:
    offset = data.member.offset
    if data.member.plain:
        return f"offset {offset + data.position}"
    return f"offset {offset}, unpacked byte {data.position}" if n_records else f"offset {offset}"


def _record(data: Unpacked, place: str, max_bytes: int) -> WarcRecord:
    headers = _headers(data)
    length = headers.get("content-length", "")
    if not LENGTH.fullmatch(length):
        raise _BrokenError(Fault("warc", f"its Content-Length is {length[:40]!r}"), headers)
    size = int(length)
    fault = None
    if size > max_bytes:
        held, at = data.skip(size), 0
        fault = Fault("too_large", "more bytes than max_record_bytes", float(size), float(max_bytes))
    else:
        held = at = data.ahead(size)
    behind = data.peek(BOUNDARY_BYTES, at)
    follows = behind.lstrip(b"\r\n")
    if data.damage and (held < size or not follows):
        raise _BrokenError(_damaged(data), headers, size)
    if held < size or (follows and not (b"WARC/".startswith(follows[:5]) and len(follows) < len(behind))):
        what = f"only {held} bytes follow" if held < size else "more bytes follow"
        raise _BrokenError(Fault("warc", f"its Content-Length is {size}, but {what}"), headers, size)
    block = data.take(at)
    return WarcRecord(place, headers, block, size, fault or _digest_fault(block, headers.get("warc-block-digest")))


def _headers(data: Unpacked) -> dict[str, str]:
    """The fields of a record's header; consumes it."""
    size = OUTPUT_BYTES // 16
    while (end := _header_end(block := data.peek(size))) < 0 and len(block) == size < MAX_HEADER_BYTES:
        size *= 2
    version, _, rest = block[:end].partition(b"\n")
    if not VERSION.match(version):
        data.skip(1)
        raise _BrokenError(_damaged(data) if data.damage else Fault("warc", f"no record begins here: {block[:40]!r}"))
    if end < 0:
        data.skip(1)
        raise _BrokenError(_damaged(data) if data.damage else Fault("warc", "its header has no end"))
    data.skip(end)
    headers = parsed_fields(rest)
    if "warc-type" not in headers:
        raise _BrokenError(Fault("warc", "its header has no WARC-Type"), headers)
    return headers


def _header_end(block: bytes) -> int:
    """Offset behind the empty line that ends a header; -1 if there is none."""
    found = [at + len(mark) for mark in (b"\r\n\r\n", b"\n\n") if (at := block.find(mark)) >= 0]
    return min(found, default=-1)


def _to_boundary(data: Unpacked) -> None:
    """Pass over what is there up to the next record of the member, or to its end."""
    while block := data.peek(OUTPUT_BYTES):
        found = BOUNDARY.search(block)
        if found:
            data.skip(found.end())
            return
        data.skip(len(block) if len(block) < OUTPUT_BYTES else len(block) - BOUNDARY_BYTES)


def _damaged(data: Unpacked) -> Fault:
    return Fault(COMPRESSION, f"its compressed member {data.damage}")


def _digest_fault(block: bytes, declared: str | None) -> Fault | None:
    if digest_differs(declared, block):
        return Fault("digest", f"its WARC-Block-Digest is {str(declared)[:80]}, that of what is there differs")
    return None
