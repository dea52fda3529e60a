"""Files as sources give them: opened whatever their compression, read line by line in bounded memory.

A broken record never stops a file: it becomes a `Record` with a `Fault`. A file that cannot be read to its end is a
`SourceError`, for then nobody knows what is missing.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import pyarrow as pa

BUFFER_BYTES = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NEWLINE = b"\n"


class SourceError(RuntimeError):
    """A source whose files cannot be read: says which file, what is wrong with it, and what to do."""


class UnusableFileError(ValueError):
    """A file that can be read but is not what the recipe says: the message completes '<file> …'."""


class Fault(NamedTuple):
    """Why a record goes to quarantine: the rule, the reason, and what was measured against which limit."""

    rule: str
    reason: str
    value: float | None = None
    threshold: float | None = None


class Record(NamedTuple):
    """A document inside a file, or what is in its place. `place` names it in messages ('line 7'; '' the file)."""

    place: str
    identity: str = ""
    text: str | None = None
    title: str = ""
    url: str | None = None
    day: str | None = None
    language: str | None = None
    language_score: float | None = None
    shipped: Mapping[str, Any] | None = None
    fault: Fault | None = None


class Line(NamedTuple):
    """A line of a file, counted from 1, with the offset of its first byte; `data` is None if it was too long."""

    number: int
    start: int
    size: int
    data: bytes | None

    @property
    def place(self) -> str:
        """How messages and URLs name it."""
        return f"line {self.number}"


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked if its name ends in .gz or .zst; damage shows as an exception while reading."""
    if file.suffix == ".gz":
        # The buffer around it makes readline fast; the checksum is verified at the end.
        with gzip.open(file, "rb") as packed, io.BufferedReader(cast(io.RawIOBase, packed), BUFFER_BYTES) as stream:
            yield stream
    elif file.suffix == ".zst":
        if not file.stat().st_size:  # gzip, too, reads an empty file as no content
            yield io.BytesIO()
            return
        with pa.input_stream(file, compression="zstd") as packed:
            yield cast(BinaryIO, io.BufferedReader(packed, BUFFER_BYTES))
    else:
        with file.open("rb", BUFFER_BYTES) as stream:
            yield stream


@contextmanager
def naming(source: str, path: str) -> Iterator[None]:
    """Turn whatever makes a file unreadable inside the block into a `SourceError` of one line that names it.

    It stands for its cause: a build tells the innermost error.
    """
    try:
        yield
    except FileNotFoundError:
        raise SourceError(_advice(source, path, "is gone since the build listed it")) from None
    except UnusableFileError as error:
        raise SourceError(_advice(source, path, _one_line(error))) from None
    except EOFError:
        raise SourceError(_advice(source, path, "is cut off: its compressed content has no end")) from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(_advice(source, path, f"is not sound gzip ({_one_line(error)})")) from None
    except (pa.ArrowException, OSError) as error:
        raise SourceError(_advice(source, path, f"cannot be read ({_one_line(error)})")) from None


def lines_of(stream: BinaryIO, max_bytes: int) -> Iterator[Line]:
    """The lines with their line ends, in memory of `max_bytes` at most; a byte order mark at the start is left out."""
    number, start = 0, 0
    while data := stream.readline(max_bytes + 1):
        number += 1
        size = len(data)
        if size > max_bytes and not data.endswith(b"\n"):
            while data := stream.readline(BUFFER_BYTES):
                size += len(data)
                if data.endswith(b"\n"):
                    break
            yield Line(number, start, size, None)
        else:
            mark = len(BYTE_ORDER_MARK) if number == 1 and data.startswith(BYTE_ORDER_MARK) else 0
            yield Line(number, start + mark, size - mark, data[mark:])
        start += size


def decoded(data: bytes, first_line: int | None = None, start: int = 0) -> str | Fault:
    """The text of UTF-8 bytes, or the first that is none: by its line and its offset in the unpacked file.

    `first_line` and `start` are those of the data's first byte; `first_line` is None where lines mean nothing.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = "" if first_line is None else f"line {first_line + data.count(NEWLINE, 0, error.start)}, "
        return Fault("utf8", f"not UTF-8: {line}byte 0x{data[error.start]:02x} at offset {start + error.start}")


def decoded_line(line: Line, max_bytes: int) -> str | Fault:
    """The text of a line with its line end, or why it has none."""
    if line.data is None:
        return too_long(line.size, max_bytes)
    return decoded(line.data, line.number, line.start)


def too_long(size: int, max_bytes: int) -> Fault:
    """The fault of a record that is not even read."""
    return Fault("too_large", "more bytes than max_record_bytes", float(size), float(max_bytes))


def checked(record: Record, max_chars: int) -> Record:
    """The record, or its fault: no text, too many characters, or half a surrogate pair, which UTF-8 cannot express."""
    if record.fault is not None:
        return record
    fault = None
    if record.text is None:
        fault = Fault("text", "it has no text")
    elif len(record.text) > max_chars:
        fault = Fault("too_large", "more characters than max_chars", float(len(record.text)), float(max_chars))
    elif any(map(_has_lone_surrogate, (record.text, record.identity, record.title, record.url, record.language))):
        fault = Fault("surrogate", "half a surrogate pair, which is no character")
    return record if fault is None else Record(record.place, fault=fault)


def _has_lone_surrogate(text: str | None) -> bool:
    if not text or text.isascii():
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _advice(source: str, path: str, what: str) -> str:
    return (
        f"source {source!r}: {path} {what}; restore the file, "
        f"or take it out of english.sources.{source}.path, and build again"
    )


def _one_line(error: Exception) -> str:
    text = str(getattr(error, "strerror", None) or error)
    return " ".join(text.split())[:300]
