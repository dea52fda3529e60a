"""The English sources' documents: of files in several formats, and of our crawl.

A broken record is quarantined, a broken file fails the partition; docs/operations.md lists what is what.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation, Streamed
from neo_assets.lake.records import KEPT, QUARANTINED, VERDICT_COLUMNS, document_id
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.redpajama import PREFIX, SHIPPED, SIGNALS_END, redpajama_records, shipped_value
from neo_assets.text.source_files import Record, SourceError, checked, naming
from neo_assets.text.source_rows import json_records, parquet_records
from neo_assets.text.source_text import split_text, text_records

__all__ = ["SOURCE_SCHEMA", "SourceError", "crawled_records", "file_records", "read_source", "split_text"]

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
_READING = pa.schema([*VERDICT_COLUMNS, ("position", pa.int64()), ("place_id", pa.string()), ("place", pa.string())])
BATCH_ROWS = 10_000
BATCH_CHARS = 16_000_000
MAX_CHARS = 10_000_000


@dataclass(frozen=True)
class SourceReader:
    """Reads the files of a source, in the order of their names, as record batches of bounded rows and characters."""

    name: str
    settings: SourceSettings
    folder: Path
    files: tuple[Path, ...]
    max_chars: int
    shipped: Mapping[str, pa.DataType]

    @classmethod
    def of(cls, name: str, settings: SourceSettings, folder: Path, max_chars: int) -> SourceReader:
        """The reader of a source whose files lie below a folder.

        Raises:
            ValueError: the source is a crawl.
            SourceError: no file matches the source's path, or a Parquet file's columns cannot be read.
        """
        if settings.path is None:
            raise ValueError(f"source {name!r} is a crawl: its documents come from the crawl's assets, not from files")
        files = tuple(sorted(file for file in folder.glob(settings.path) if file.is_file()))
        if settings.kind == "redpajama":
            files = tuple(file for file in files if not file.name.endswith(SIGNALS_END))
        if not files:
            raise SourceError(
                f"source {name!r}: no file matches {settings.path!r} below the seed folder; "
                f"put the files there, or mend english.sources.{name}.path"
            )
        for file in files:
            if not _is_utf8(file.as_posix()):
                raise SourceError(f"source {name!r}: the name of {file.as_posix()!r} is not UTF-8; rename it")
        return cls(name, settings, folder, files, max_chars, _shipped_by(name, settings, folder, files))

    @property
    def documents(self) -> pa.Schema:
        """What a document of this source has: `SOURCE_SCHEMA`, and a column for each annotation it ships."""
        return pa.schema([*SOURCE_SCHEMA, *(pa.field(PREFIX + name, kind) for name, kind in self.shipped.items())])

    @property
    def schema(self) -> pa.Schema:
        """Documents, a verdict on each, where it was found, and its number among all records."""
        return pa.schema([*self.documents, *_READING])

    def __call__(self) -> Iterator[pa.RecordBatch]:
        rows: list[dict[str, Any]] = []
        n_chars = 0
        for position, row in enumerate(self._rows()):
            rows.append({**row, "position": position})
            n_chars += len(row.get("text") or "")
            if len(rows) >= BATCH_ROWS or n_chars >= BATCH_CHARS:
                yield pa.RecordBatch.from_pylist(rows, self.schema)
                rows, n_chars = [], 0
        yield pa.RecordBatch.from_pylist(rows, self.schema)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for file in self.files:
            path = file.relative_to(self.folder).as_posix()
            with naming(self.name, path):
                for record in self._records(file):
                    yield self._row(path, checked(record, self.max_chars))

    def _records(self, file: Path) -> Iterator[Record]:
        match self.settings.kind:
            case "jsonl":
                return json_records(file, self.settings)
            case "parquet":
                return parquet_records(file, self.settings, self.shipped)
            case "redpajama":
                return redpajama_records(file, self.settings)
            case _:
                return text_records(file, self.settings, self.max_chars)

    def _row(self, path: str, record: Record) -> dict[str, Any]:
        settings, fault = self.settings, record.fault
        named = f"{path}#{record.identity}" if record.identity else path
        place = f"{path}, {record.place}" if record.place else path
        # A newline cannot follow a path in the name of a sound record: no document has the id of a place.
        place_id = document_id(self.name, f"{path}\n{record.place}")
        if fault is not None:
            url = f"seed:{path}#{record.place}" if record.place else f"seed:{path}"
            return {
                "doc_id": place_id, "url": url, "source": self.name, "licence": settings.licence, "place": place,
                "verdict": QUARANTINED, "rule": fault.rule, "value": fault.value, "threshold": fault.threshold,
                "reason": f"{place}: {fault.reason}", "place_id": place_id,
            }  # fmt: skip
        language, score = self._language(record)
        row = {
            "doc_id": document_id(self.name, named), "url": record.url or f"seed:{named}", "host": _host(record.url),
            "day": record.day, "title": record.title, "text": record.text,
            "language": language, "language_score": score,
            "source": self.name, "licence": settings.licence, "verdict": KEPT, "place": place, "place_id": place_id,
        }  # fmt: skip
        given = record.shipped or {}
        return row | {PREFIX + name: shipped_value(name, given.get(name)) for name in self.shipped}

    def _language(self, record: Record) -> tuple[str | None, float | None]:
        """Label and confidence as the data set ships them; code is code; of other text they are still to be found."""
        if "code" in (self.settings.kind, self.settings.language):
            return self.settings.language, 1.0
        if record.language_score is None:
            return None, None
        return record.language or self.settings.language, record.language_score


def file_records(
    engine: Engine, name: str, settings: SourceSettings, folder: Path, max_chars: int = MAX_CHARS
) -> Relation:
    """The documents of a file source, judged: by `SOURCE_SCHEMA` and columns for shipped annotations, ordered by id.

    A document's id comes from its file's path below the folder and its heading, `id` or number; its URL is its own, or
    `seed:path#id`. Of records with the same id the first is kept. Memory: one batch, and what the engine sorts in.

    Raises:
        SourceError: now or when it is carried out, for files that cannot be read to their end.
    """
    reader = SourceReader.of(name, settings, folder, max_chars)
    found = Streamed(reader.schema, reader)
    return engine.query(_judged_records(reader.documents.names), judges="found", found=found)


def read_source(name: str, settings: SourceSettings, seed_folder: Path) -> pa.Table:
    """All documents of a file source in memory, by `SOURCE_SCHEMA`, ordered by id: for small reference texts.

    Raises:
        ValueError: the source is a crawl.
        SourceError: a file cannot be read, a record is broken, or two have the same id.
    """
    reader = SourceReader.of(name, settings, seed_folder, MAX_CHARS)
    table = pa.Table.from_batches(list(reader()), reader.schema)
    for verdict, reason in zip(table["verdict"].to_pylist(), table["reason"].to_pylist(), strict=True):
        if verdict != KEPT:
            raise SourceError(f"source {name!r}: {reason}")
    if len(set(table["doc_id"].to_pylist())) != table.num_rows:
        raise SourceError(f"source {name!r}: two records have the same id; number them apart")
    return table.select(SOURCE_SCHEMA.names).sort_by("doc_id")


def crawled_records(name: str, settings: SourceSettings) -> str:
    """SQL over the relation `arrived`: what the crawl extracted, or the source's dumps among what was imported, as
    documents of this source, by `SOURCE_SCHEMA`, judged.

    A page without address or text is quarantined. Pages in other languages are among the kept; normalisation rejects
    those, so that each is accounted for.
    """
    # Names and licences are checked by the recipe to hold no quotes.
    dumps = ", ".join(f"'{dump}'" for dump in settings.dumps)
    return f"""
SELECT
    doc_id, url, host, day, title, text, language, language_score,
    '{name}' AS source, '{settings.licence}' AS licence,
    CASE WHEN url IS NULL OR url = '' OR text IS NULL THEN '{QUARANTINED}' ELSE '{KEPT}' END AS verdict,
    CASE WHEN url IS NULL OR url = '' THEN 'url' WHEN text IS NULL THEN 'text' END AS rule,
    CAST(NULL AS DOUBLE) AS value, CAST(NULL AS DOUBLE) AS threshold,
    CAST(NULL AS STRING) AS survivor, CAST(NULL AS DOUBLE) AS similarity,
    CASE WHEN url IS NULL OR url = '' THEN 'url missing' WHEN text IS NULL THEN 'it has no text' END AS reason
FROM arrived{f" WHERE source IN ({dumps})" if dumps else ""}
ORDER BY doc_id
"""  # noqa: S608


def _judged_records(columns: Iterable[str]) -> str:
    """SQL over `found`: its verdicts, and quarantine for a sound record whose id an earlier one has."""
    others = ", ".join(f'"{name}"' for name in columns if name != "doc_id")
    return f"""
WITH firsts AS (
    SELECT doc_id AS first_id, MIN(position) AS first_position, MIN_BY(place, position) AS first_place
    FROM found WHERE verdict = '{KEPT}' GROUP BY doc_id
),
judged AS (
    SELECT found.*, first_id, first_place, COALESCE(position > first_position, FALSE) AS again
    FROM found LEFT JOIN firsts ON found.doc_id = first_id AND verdict = '{KEPT}'
)
SELECT
    CASE WHEN again THEN place_id ELSE doc_id END AS doc_id,
    {others},
    CASE WHEN again THEN '{QUARANTINED}' ELSE verdict END AS verdict,
    CASE WHEN again THEN 'duplicate_id' ELSE rule END AS rule,
    value, threshold,
    CASE WHEN again THEN first_id END AS survivor,
    similarity,
    CASE WHEN again THEN place || ': its id was taken by ' || first_place ELSE reason END AS reason
FROM judged
ORDER BY doc_id
"""  # noqa: S608


def _shipped_by(
    name: str, settings: SourceSettings, folder: Path, files: tuple[Path, ...]
) -> Mapping[str, pa.DataType]:
    """The annotations that the files hold, known before they are read, so that all batches have the same columns."""
    if settings.kind == "redpajama":
        return SHIPPED
    if settings.kind != "parquet":
        return {}
    found: set[str] = set()
    for file in files:
        with naming(name, file.relative_to(folder).as_posix()):
            found |= set(pq.read_schema(file).names)
    return {name: kind for name, kind in SHIPPED.items() if name in found}


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:
        return None
