"""The layout job's part for a page, and how its rows become a version."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import neo_assets.seed
from neo_assets.documents.model import LAYOUT_SCHEMA, PAGE_SCHEMA, Page, plain, regions_of, with_verdict_columns
from neo_assets.jobs.document_layout import make_layout, write_layout
from neo_assets.jobs.page_work import row_results
from neo_assets.lake.dataset import DECISIONS, ROWS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance, Resources
from neo_assets.lake.records import KEPT, QUARANTINED
from neo_assets.recipe.documents import LayoutSettings

REGION = {"kind": "text", "box": [1.0, 2.0, 3.0, 4.0], "score": 0.5}
BASE = {"doc_id": "d", "url": "u", "width": 600.0, "height": 800.0, "seconds": 0.1}


def row(page: int, n_regions: int = 1) -> dict[str, Any]:
    return {**BASE, "page": page, "regions": [REGION] * n_regions, "verdict": KEPT}


def written(lake: Lake, batches: list[list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """A version of these rows, in parts of three pages."""
    monkeypatch.setattr("neo_assets.jobs.document_layout.PART_ROWS", 3)
    schema = with_verdict_columns(LAYOUT_SCHEMA)
    writer = lake.writer("documents/layout", "2026-01-31-x")
    kinds = write_layout(writer, (pa.RecordBatch.from_pylist(batch, schema) for batch in batches))
    n_kept = sum(len(one.get("regions") or ()) for batch in batches for one in batch)
    assert kinds == ({"text": n_kept} if n_kept else {})
    return writer.commit(Provenance(), Resources(), {})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_rows_are_written_in_order_and_the_others_among_the_decisions(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = {"doc_id": "d", "url": "u#page=3", "page": 3, "verdict": QUARANTINED, "rule": "memory", "reason": "r"}
    found = written(lake, [[row(1), row(2)], [lost, row(4, 3)]], monkeypatch)
    assert [(one["page"], len(one["regions"])) for one in found.read().to_pylist()] == [(1, 1), (2, 1), (4, 3)]
    [decision] = found.named(DECISIONS).read().to_pylist()
    assert (decision["doc_id"], decision["url"], decision["rule"]) == ("d", "u#page=3", "memory")


def test_how_rows_come_in_batches_does_not_show(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(page) for page in range(1, 8)]
    one = written(lake, [rows], monkeypatch)
    other = written(Lake(str(tmp_path / "other")), [[each] for each in rows], monkeypatch)
    assert one.manifest.digest == other.manifest.digest
    assert [part.rows for part in one.manifest.tables[ROWS].parts] == [3, 3, 1]
    assert [part.sha256 for part in one.manifest.tables[ROWS].parts] == [
        part.sha256 for part in other.manifest.tables[ROWS].parts
    ]


def test_a_batch_without_pages_is_an_empty_table(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    found = written(lake, [], monkeypatch)
    assert found.rows == 0
    assert found.schema.names == LAYOUT_SCHEMA.names


class Pages:
    """Two pages of the seed and one whose picture is broken, as rows."""

    rows = 3

    def batches(self) -> Iterator[pa.RecordBatch]:
        import pypdfium2

        made = []
        with pypdfium2.PdfDocument(Path(neo_assets.seed.__file__).parent / "pdf" / "debmake.en.p9-14.pdf") as document:
            for number in (2, 3):
                stream = io.BytesIO()
                document[number - 1].render(scale=1.5).to_pil().save(stream, "PNG")
                width, height = document[number - 1].get_size()
                made.append(Page("d", number, width, height, "born_digital", "good", 108.0, stream.getvalue()))
        made.append(Page("d", 4, 600.0, 800.0, "blank", "missing", 108.0, b"broken"))
        rows = [{**plain(page), "url": f"u#page={page.number}"} for page in made]
        yield pa.RecordBatch.from_pylist(rows, PAGE_SCHEMA)


@pytest.mark.needs("documents")
def test_each_page_gets_its_regions_in_a_worker(tmp_path: Path) -> None:
    settings = LayoutSettings()
    found = pa.Table.from_batches(
        row_results(Pages(), one_each, settings, LAYOUT_SCHEMA, tmp_path, "layout", workers=1)
    ).to_pylist()
    assert [(one["page"], one["url"], one["verdict"]) for one in found] == [
        (2, "u#page=2", KEPT),
        (3, "u#page=3", KEPT),
        (4, "u#page=4", QUARANTINED),
    ]
    assert "cannot be read" in found[2]["reason"]
    assert found[0]["width"] == pytest.approx(595.28) and found[0]["seconds"] > 0
    assert sum(region.kind == "title" for region in regions_of(found[0])) == 2


def one_each(settings: LayoutSettings) -> Any:
    """As the frame does for jobs that make a row of each."""
    work = make_layout(settings)
    return lambda row: iter([work(row)])
