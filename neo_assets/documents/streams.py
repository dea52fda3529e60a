"""Stages that read documents whole, as streams of rows: one document in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from neo_assets.documents.model import MARKDOWN_SCHEMA, ORDERED_SCHEMA, elements_of, plain, with_verdict_columns
from neo_assets.engine.relation import Streamed
from neo_assets.lake.dataset import DECISIONS, Dataset
from neo_assets.recipe.documents import FileLimits, MarkdownSettings, OrderSettings

if TYPE_CHECKING:
    from neo_assets.documents.report import Report

Row = dict[str, Any]
Batches = Callable[[], Iterator[pa.RecordBatch]]
PAGES_A_BATCH = 256
DOCUMENTS_A_BATCH = 64


def ordered_rows(elements: Batches, settings: OrderSettings) -> Streamed:
    """Rows of `ORDERED_SCHEMA` from rows of `ELEMENT_SCHEMA`, which are ordered by doc_id and page."""

    from neo_assets.documents.ordering import order_document

    def pages() -> Iterator[Row]:
        for _, rows in groupby(rows_of(elements()), key=lambda row: row["doc_id"]):
            document = list(rows)
            urls = {row["page"]: row["url"] for row in document}
            for page in order_document(map(elements_of, document), settings):
                yield {**plain(page), "url": urls[page.number]}

    return Streamed(ORDERED_SCHEMA, lambda: batches_of(pages(), ORDERED_SCHEMA, PAGES_A_BATCH))


def markdown_rows(files: pa.Table, ordered: Batches, settings: MarkdownSettings, limits: FileLimits) -> Streamed:
    """Rows of `MARKDOWN_SCHEMA` with a verdict each, from rows of `ORDERED_SCHEMA` and those of their files."""
    from neo_assets.documents.markdown import documents_of

    known = {row["doc_id"]: row for row in files.to_pylist()}
    schema = with_verdict_columns(MARKDOWN_SCHEMA)

    def documents() -> Iterator[Row]:
        yield from documents_of(rows_of(ordered()), known, settings, limits)

    return Streamed(schema, lambda: batches_of(documents(), schema, DOCUMENTS_A_BATCH))


def report_batch(batch: str, files: Dataset, stages: Mapping[str, Dataset], gallery_pages: int) -> Report:
    """The report of a batch; `stages` by name, each with its decisions."""
    from neo_assets.documents.report import Stages, report

    rows = {name: partial(_rows, dataset) for name, dataset in stages.items()}
    judged = {"files": files, **stages}
    decisions = {name: rows_of(dataset.named(DECISIONS).batches()) for name, dataset in judged.items()}
    return report(batch, Stages(**rows), decisions, gallery_pages)


def _rows(dataset: Dataset) -> Iterator[Row]:
    return rows_of(dataset.batches())


def rows_of(batches: Iterable[pa.RecordBatch]) -> Iterator[Row]:
    """The rows of batches, a batch at a time in memory."""
    for batch in batches:
        yield from batch.to_pylist()


def batches_of(rows: Iterable[Row], schema: pa.Schema, n_rows: int) -> Iterator[pa.RecordBatch]:
    """Rows in batches of at most `n_rows`; one empty batch where there is none."""
    waiting: list[Row] = []
    n_given = 0
    for row in rows:
        waiting.append(row)
        if len(waiting) == n_rows:
            yield pa.RecordBatch.from_pylist(waiting, schema=schema)
            waiting, n_given = [], n_given + 1
    if waiting or not n_given:
        yield pa.RecordBatch.from_pylist(waiting, schema=schema)
