"""Plain text files as documents: whole, or cut at their heading lines, in memory of one document."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.source_files import Fault, Record, decoded, decoded_line, lines_of, opened, too_long


def text_records(file: Path, settings: SourceSettings, max_chars: int) -> Iterator[Record]:
    """The documents of a file: all of it, or one for each stretch between headings (see `split_text`).

    A document with bytes that are not UTF-8 goes to quarantine; those before and after it are read.
    """
    if settings.split_at is None:
        yield _whole(file, settings.max_record_bytes)
        return
    with opened(file) as stream:
        limit = settings.max_record_bytes
        lines = ((line.number, decoded_line(line, limit)) for line in lines_of(stream, limit))
        pieces = _pieces(lines, re.compile(settings.split_at), settings.group_chars, max_chars)
        seen: Counter[str] = Counter()
        for piece in pieces:
            seen[piece.title] += 1
            again = seen[piece.title]
            # The heading, numbered from its second occurrence on; a broken piece counts, so that no other's id moves.
            identity = piece.title if again == 1 else f"{piece.title}~{again}"
            yield Record(f"line {piece.line}", identity, piece.text, piece.title, fault=piece.fault)


def split_text(text: str, heading: str, group_chars: int = 0) -> Iterator[tuple[str, str]]:
    """(heading, text) of each stretch from one heading line to the next; what precedes the first has heading ''.

    A heading line is one in which the regular expression is found. Consecutive stretches are joined, under the first
    one's heading, until they have `group_chars` characters. Joined again, the texts are the whole text. Stretches of
    nothing but whitespace are left out.
    """
    lines = enumerate(re.findall(r"[^\n]*\n|[^\n]+", text), start=1)
    for piece in _pieces(lines, re.compile(heading), group_chars, len(text)):
        yield piece.title, piece.text or ""


@dataclass
class _Piece:
    """A stretch being collected. Text over the limit is counted, not kept."""

    line: int = 1
    title: str = ""
    n_chars: int = 0
    fault: Fault | None = None
    parts: list[str] = field(default_factory=list)

    @property
    def text(self) -> str | None:
        return None if self.fault else "".join(self.parts)

    def add(self, line: str | Fault, max_chars: int) -> None:
        if isinstance(line, Fault):
            self.fault = self.fault or line
            self.n_chars += 1
            return
        self.n_chars += len(line)
        if self.n_chars > max_chars:
            self.parts.clear()
            if self.fault is None or self.fault.rule == "too_large":
                self.fault = Fault("too_large", "more characters than max_chars", float(self.n_chars), float(max_chars))
        elif self.fault is None:
            self.parts.append(line)

    @property
    def worth_telling(self) -> bool:
        return self.fault is not None or any(part.strip() for part in self.parts)


def _pieces(
    lines: Iterable[tuple[int, str | Fault]], heading: re.Pattern[str], group_chars: int, max_chars: int
) -> Iterator[_Piece]:
    piece = _Piece()
    for number, line in lines:
        is_heading = isinstance(line, str) and heading.search(line.rstrip("\r\n")) is not None
        if is_heading and (piece.n_chars >= group_chars or not piece.n_chars):
            if piece.worth_telling:
                yield piece
            piece = _Piece(number, str(line).strip())
        piece.add(line, max_chars)
    if piece.worth_telling:
        yield piece


def _whole(file: Path, max_bytes: int) -> Record:
    with opened(file) as stream:
        data = stream.read(max_bytes + 1)
    if len(data) > max_bytes:
        return Record("", fault=too_long(len(data), max_bytes))
    text = decoded(data, first_line=1)
    if isinstance(text, Fault):
        return Record("", fault=text)
    return Record("", "", text.removeprefix("\ufeff"), file.stem)
