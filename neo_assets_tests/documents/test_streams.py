"""Streams of documents: rows in batches, and converted documents with the columns of crawled pages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.arrivals import ARRIVED_SCHEMA, documents_of_day
from neo_assets.documents.model import MARKDOWN_SCHEMA
from neo_assets.documents.streams import batches_of, ordered_rows, rows_of
from neo_assets.engine.local import LocalEngine
from neo_assets.lake.dataset import ROWS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.recipe.documents import OrderSettings
from neo_assets.web.page.extract import DOCUMENT_SCHEMA

SCHEMA = pa.schema([("n", pa.int64())])


@given(st.integers(0, 20), st.integers(1, 7))
def test_rows_come_in_batches_and_out_again(n_rows: int, size: int) -> None:
    rows = [{"n": n} for n in range(n_rows)]
    batches = list(batches_of(iter(rows), SCHEMA, size))
    assert list(rows_of(batches)) == rows
    assert all(batch.num_rows <= size for batch in batches)
    assert len(batches) == max(1, -(-n_rows // size))


def test_documents_have_the_columns_of_pages() -> None:
    assert ARRIVED_SCHEMA.equals(DOCUMENT_SCHEMA)


@pytest.fixture
def documents(tmp_path: Path) -> Dataset:
    lake = Lake(str(tmp_path))
    for batch, days in (("a", ["2024-11-01", "2024-11-02"]), ("b", ["2024-11-01"])):
        rows = [
            {"doc_id": f"{day}:{batch}", "url": f"document://x/{batch}", "host": "x", "day": day, "title": "T",
             "text": "正文 text", "markdown": "正文 text", "blocks": [], "n_pages": 1, "n_pages_missing": 0,
             "share_ocr": 0.5, "sha256": "00", "batch": batch, "licence": "MIT"}
            for day in days
        ]  # fmt: skip
        writer = lake.writer("documents/corrected", batch)
        writer.table(pa.Table.from_pylist(rows, MARKDOWN_SCHEMA))
        writer.commit(Provenance())
    return lake.whole("documents/corrected")


def of_day(documents: Dataset, day: str, folder: Path) -> pa.Table:
    writer = Lake(str(folder)).writer("t/t", None)
    engine = LocalEngine()
    engine.write(documents_of_day(engine, documents, day), writer, ROWS)
    return writer.commit(Provenance()).read()


def test_the_documents_of_a_day_of_all_batches(documents: Dataset, tmp_path: Path) -> None:
    found = of_day(documents, "2024-11-01", tmp_path / "one")
    assert found.schema.equals(ARRIVED_SCHEMA)
    assert found["doc_id"].to_pylist() == ["2024-11-01:a", "2024-11-01:b"]
    row = found.to_pylist()[0]
    assert (row["n_chars"], row["extractor"], row["source"], row["charset"]) == (7, "documents", "a", None)
    assert of_day(documents, "2024-11-03", tmp_path / "none").num_rows == 0


def test_without_any_batch_there_are_no_documents(documents: Dataset, tmp_path: Path) -> None:
    empty = Dataset(documents.store, documents.asset, ())
    assert of_day(empty, "2024-11-01", tmp_path / "empty").schema.equals(ARRIVED_SCHEMA)


def test_an_empty_batch_has_no_ordered_pages() -> None:
    nothing: Iterator[pa.RecordBatch] = iter(())
    [batch] = ordered_rows(lambda: nothing, OrderSettings()).batches()
    assert batch.num_rows == 0
