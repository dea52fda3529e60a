"""The English sources' documents: of files (plain text cut at its headings, code, JSON lines) and of our crawl."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from neo_assets.lake.records import document_id
from neo_assets.recipe.lines import SourceSettings

SOURCE_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("host", pa.string()),
        ("day", pa.string()),
        ("title", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
        ("source", pa.string()),
        ("licence", pa.string()),
    ]
)


class Piece(NamedTuple):
    """A document inside a file: what identifies it there, its title and its text."""

    identity: str
    title: str
    text: str


def read_source(name: str, settings: SourceSettings, seed_folder: Path) -> pa.Table:
    """The documents of a file source, by `SOURCE_SCHEMA`, ordered by document id.

    A document's id comes from its file's path below the seed folder and its heading (or the `id` of a JSON object),
    its URL is `seed:path#heading`. All files are read into memory: meant for seeds, not for dumps of terabytes.

    Raises:
        ValueError: the source is a crawl, or a line of a JSON lines file has no text `text`.
        FileNotFoundError: no file matches the source's path.
    """
    if settings.path is None:
        raise ValueError(f"source {name!r} is a crawl: its documents come from the crawl's assets, not from files")
    files = sorted(file for file in seed_folder.glob(settings.path) if file.is_file())
    if not files:
        raise FileNotFoundError(f"source {name!r}: no file matches {settings.path!r} in the seed folder")
    rows = []
    for file in files:
        path = file.relative_to(seed_folder).as_posix()
        for piece in _pieces(file, path, settings):
            rows.append(_row(name, settings, path, piece))
    return pa.Table.from_pylist(sorted(rows, key=lambda row: str(row["doc_id"])), SOURCE_SCHEMA)


def crawled_records(name: str, settings: SourceSettings) -> str:
    """SQL over the relation `extracted`: all crawled pages as documents of this source, by `SOURCE_SCHEMA`.

    Pages in other languages are among them; normalisation rejects those, so that each is accounted for.
    """
    # Names and licences are checked by the recipe to hold no quotes.
    return f"""
SELECT
    doc_id, url, host, day, title, text, language, language_score,
    '{name}' AS source, '{settings.licence}' AS licence
FROM extracted
ORDER BY doc_id
"""  # noqa: S608


def _row(name: str, settings: SourceSettings, path: str, piece: Piece) -> dict[str, Any]:
    record = f"{path}#{piece.identity}" if piece.identity else path
    return {
        "doc_id": document_id(name, record),
        "url": f"seed:{record}",
        "title": piece.title,
        "text": piece.text,
        "language": settings.language,
        "language_score": 1.0,
        "source": name,
        "licence": settings.licence,
    }


def _pieces(file: Path, path: str, settings: SourceSettings) -> Iterator[Piece]:
    """The documents of one file, in their order."""
    if settings.kind == "jsonl":
        yield from _objects(file, path)
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    if settings.split_at is None:
        yield Piece("", file.stem, text)
        return
    yield from _distinct(split_text(text, settings.split_at, settings.group_chars))


def split_text(text: str, heading: str, group_chars: int = 0) -> Iterator[tuple[str, str]]:
    """(heading, text) of each stretch from one heading line to the next; what precedes the first has heading ''.

    Consecutive stretches are joined, under the first one's heading, until they have `group_chars` characters.
    Joined again, the texts are the whole text. Stretches of nothing but whitespace are left out.
    """
    starts = [match.start() for match in re.finditer(heading, text, re.MULTILINE)]
    cuts = sorted({0, *starts, len(text)})
    title, group = "", ""
    for start, end in pairwise(cuts):
        stretch = text[start:end]
        if not group:
            title = stretch.strip().split("\n", 1)[0].strip() if start in starts else ""
        group += stretch
        if len(group) >= group_chars:
            if group.strip():
                yield title, group
            group = ""
    if group.strip():
        yield title, group


def _distinct(stretches: Iterator[tuple[str, str]]) -> Iterator[Piece]:
    """Pieces whose identity is the heading, numbered from its second occurrence on."""
    seen: Counter[str] = Counter()
    for title, text in stretches:
        seen[title] += 1
        yield Piece(title if seen[title] == 1 else f"{title}~{seen[title]}", title, text)


def _objects(file: Path, path: str) -> Iterator[Piece]:
    """The objects of a JSON lines file, plain or gzipped, which have `text` and may have `id` and `title`."""
    opened = gzip.open if file.suffix == ".gz" else open
    with opened(file, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            record = json.loads(line)
            if not isinstance(record, dict) or not isinstance(record.get("text"), str):
                raise ValueError(f"{path}, line {number}: expected an object with a text field 'text'")
            yield Piece(str(record.get("id", number)), str(record.get("title", "")), record["text"])
