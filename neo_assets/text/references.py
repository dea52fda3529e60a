"""Documents that models learn from: the recipe's reference sets, and the pool of what the web itself looks like."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from neo_assets.lake.records import KEPT
from neo_assets.recipe.references import ReferenceFiles, ReferenceSettings
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.sources import MAX_CHARS, SourceError, SourceReader

REFERENCE_SETS = ("wikipedia", "books", "openwebtext", "wikiref")
"""RedPajama-V2's reference sets."""
WEB = "web"
"""The set of crawled documents, which the others are told from."""
REFERENCE_SCHEMA = pa.schema([("set", pa.string()), ("doc_id", pa.string()), ("text", pa.string())])


class Document(NamedTuple):
    """A text and its stable id."""

    doc_id: str
    text: str


class ChosenRecord(NamedTuple):
    """A document of a chosen file: its id, its own address or `seed:path#id`, and the file below the seed folder."""

    doc_id: str
    url: str
    title: str | None
    text: str
    path: str


def reference_documents(
    settings: ReferenceSettings | None, seed_folder: Path, crawled: Iterable[pa.RecordBatch]
) -> pa.Table:
    """The documents of all reference sets and of the web pool; none without settings. Arguments as below."""
    if settings is None:
        return REFERENCE_SCHEMA.empty_table()
    return pa.concat_tables([read_references(settings, seed_folder), web_pool(crawled, settings)])


def read_references(settings: ReferenceSettings, seed_folder: Path) -> pa.Table:
    """The documents of all reference sets, by `REFERENCE_SCHEMA`, ordered by set and document id.

    Raises:
        SourceError: no file matches a set's path, or a record is broken: reference sets are chosen, so they are whole.
    """
    tables = []
    for name in REFERENCE_SETS:
        files: tuple[ReferenceFiles, ...] = getattr(settings, name)
        documents = chain.from_iterable(_documents(name, one, seed_folder) for one in files)
        tables.append(_table(name, sample(documents, settings.max_documents)))
    return pa.concat_tables(tables)


def chosen_records(
    what: str, source: str, files: ReferenceFiles, licence: str, seed_folder: Path
) -> Iterator[ChosenRecord]:
    """The records of files that somebody chose, in the order of their names: every one of them must be sound.

    Args:
        what: what the files are, as errors call it.
        source: what the ids of the records begin with.

    Raises:
        SourceError: no file matches, or a record is broken.
    """
    settings = SourceSettings(
        kind=files.kind, path=files.path, split_at=files.split_at, group_chars=files.group_chars, licence=licence
    )
    reader = SourceReader.of(source, settings, seed_folder, MAX_CHARS)
    names = ("doc_id", "url", "title", "text", "verdict", "reason")
    for file in reader.files:
        path = file.relative_to(seed_folder).as_posix()
        for batch in replace(reader, files=(file,))():
            columns = (batch.column(name).to_pylist() for name in names)
            for doc_id, url, title, text, verdict, reason in zip(*columns, strict=True):
                if verdict != KEPT:
                    raise SourceError(f"{what}: {reason}")
                yield ChosenRecord(doc_id, url, title, text, path)


def web_pool(batches: Iterable[pa.RecordBatch], settings: ReferenceSettings) -> pa.Table:
    """The crawled documents of these batches in the right language, by `REFERENCE_SCHEMA`, ordered by document id.

    Args:
        batches: with columns `doc_id`, `language` and `text`; memory is that of the documents kept.
    """
    return _table(WEB, sample(_in_language(batches, settings.web_language), settings.max_documents))


def sample(documents: Iterable[Document], n: int) -> list[Document]:
    """At most n of the documents, those whose ids have the smallest digests, ordered by id."""
    chosen = heapq.nsmallest(n, documents, key=lambda one: (hashlib.sha256(one.doc_id.encode()).digest(), one.text))
    return sorted(chosen)


def texts_by_set(documents: pa.Table) -> dict[str, list[str]]:
    """The texts of each reference set and of the web pool, in the table's order.

    Raises:
        ValueError: a set has no document.
    """
    found: dict[str, list[str]] = {name: [] for name in (WEB, *REFERENCE_SETS)}
    for name, text in zip(documents["set"].to_pylist(), documents["text"].to_pylist(), strict=True):
        found[name].append(text)
    if not found[WEB]:
        raise ValueError("the first crawl day brought no document in this language, so there is nothing to tell from")
    if empty := [name for name, texts in found.items() if not texts]:
        raise ValueError(f"reference set without a document: {', '.join(empty)}; correct its files in the recipe")
    return found


def _in_language(batches: Iterable[pa.RecordBatch], language: str) -> Iterator[Document]:
    for batch in batches:
        columns = (batch.column(name).to_pylist() for name in ("doc_id", "language", "text"))
        for doc_id, label, text in zip(*columns, strict=True):
            if label == language and text and text.strip():
                yield Document(doc_id, text)


def _documents(name: str, files: ReferenceFiles, seed_folder: Path) -> Iterator[Document]:
    for record in chosen_records(f"reference set {name!r}", name, files, "as its files", seed_folder):
        yield Document(record.doc_id, record.text)


def _table(name: str, documents: list[Document]) -> pa.Table:
    columns = [[name] * len(documents), [one.doc_id for one in documents], [one.text for one in documents]]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, REFERENCE_SCHEMA, strict=True)]
    return pa.table(arrays, REFERENCE_SCHEMA)
