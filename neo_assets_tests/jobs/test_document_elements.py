"""The job of recognition: pages joined with their layout, rows and files of a version."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_assets.documents.model import ELEMENT_SCHEMA, LAYOUT_SCHEMA, PAGE_SCHEMA, Box, Page, Region, Run, plain
from neo_assets.documents.recognition.pictures import png
from neo_assets.jobs.document_elements import (
    JOINED_SCHEMA,
    PagesWithLayout,
    make_elements,
    write_elements,
)
from neo_assets.jobs.element_pictures import PictureTable
from neo_assets.jobs.page_work import row_results
from neo_assets.lake.lake import Lake
from neo_assets.recipe.documents import DocumentsSection
from neo_assets_tests.documents.recognition.cases import blank_picture, inked

FIGURE = Region("figure", Box(20, 100, 200, 200), 0.9)
TEXT = Region("text", Box(20, 20, 280, 60), 0.8)


def page_row(doc_id: str, number: int) -> dict[str, Any]:
    runs = (Run(f"page {number}", Box(30, 30, 90, 40), 10), Run("outside", Box(30, 300, 90, 310), 10))
    image = png(inked(blank_picture(), (30, 110, 190, 190)))
    page = Page(doc_id, number, 300, 400, "born_digital", "good", 144, image, runs)
    return {"url": f"document://x/{doc_id}#page={number}", "seconds": 0.5, **plain(page)}


def layout_row(doc_id: str, number: int, *regions: Region) -> dict[str, Any]:
    found = [plain(one) for one in regions]
    return {"doc_id": doc_id, "url": "", "page": number, "width": 300.0, "height": 400.0, "regions": found}


@dataclass
class Rows:
    """A table in batches of two rows."""

    given: list[dict[str, Any]]
    schema: pa.Schema

    @property
    def rows(self) -> int:
        return len(self.given)

    def batches(self) -> Iterator[pa.RecordBatch]:
        for first in range(0, len(self.given), 2):
            yield pa.RecordBatch.from_pylist(self.given[first : first + 2], self.schema)


KEYS = [("2026-11-01:a", 1), ("2026-11-01:a", 2), ("2026-11-01:a", 10), ("2026-11-01:b", 1), ("2026-11-01:c", 1)]
PAGES = Rows([page_row(*key) for key in KEYS], PAGE_SCHEMA)


def joined(*keys: tuple[str, int]) -> PagesWithLayout:
    return PagesWithLayout(PAGES, Rows([layout_row(*key, TEXT, FIGURE) for key in keys], LAYOUT_SCHEMA))


@pytest.mark.parametrize("missing", [[], [0], [4], [1, 2], [0, 1, 2, 3, 4]])
def test_pages_meet_their_layout(missing: list[int]) -> None:
    source = joined(*(key for at, key in enumerate(KEYS) if at not in missing))
    rows = [row for batch in source.batches() for row in batch.to_pylist()]
    assert source.rows == len(rows) == 5
    assert [(row["doc_id"], row["page"]) for row in rows] == KEYS
    assert [at for at, row in enumerate(rows) if row["regions"] is None] == missing
    assert {batch.schema for batch in source.batches()} == {JOINED_SCHEMA}


def test_a_layout_without_its_page_is_refused() -> None:
    with pytest.raises(ValueError, match="has no page"):
        list(joined(("2026-11-01:a", 3)).batches())
    with pytest.raises(ValueError, match="not in order"):
        list(joined(KEYS[1], KEYS[0]).batches())


def test_rows_and_files_of_a_page() -> None:
    [first, *_] = [row for batch in joined(KEYS[0]).batches() for row in batch.to_pylist()]
    row, files = make_elements(DocumentsSection())(first)
    assert [one["kind"] for one in row["elements"]] == ["text", "figure", "text"]
    assert [one["image"] for one in row["elements"]] == [None, "2026-11-01-a/p0001-1.png", None]
    assert list(files) == ["2026-11-01-a/p0001-1.png"]
    assert row["url"] == "document://x/2026-11-01:a#page=1"


def test_a_page_without_layout_is_quarantined_with_the_reason() -> None:
    *_, last = [row for batch in joined(KEYS[0]).batches() for row in batch.to_pylist()]
    row, files = make_elements(DocumentsSection())(last)
    assert (row["verdict"], row["rule"], files) == ("quarantined", "layout", {})
    assert "decisions of the layout" in row["reason"]


def test_a_version_holds_rows_decisions_and_pictures(tmp_path: Path) -> None:
    writer = Lake(str(tmp_path / "lake")).writer("documents/elements", "batch")
    work = tmp_path / "work"
    work.mkdir()
    pictures = PictureTable(writer, part_rows=3)
    results = row_results(
        joined(*KEYS[:4]),
        OneEach(),
        DocumentsSection(),
        ELEMENT_SCHEMA,
        work,
        "test",
        pictures.take,
        workers=1,
    )
    counted = write_elements(writer, results, pictures)
    assert counted == {"figure": 4, "from_layer": 8, "from_none": 4, "text": 8}
    judged = next(part.verdicts for part in writer.written if part.verdicts)
    assert judged == {"kept": 4, "rejected": 0, "quarantined": 1}
    assert writer.files == {}
    parts = [part.part for part in writer.written if part.table == "pictures"]
    assert [part.rows for part in parts] == [3, 1]
    rows = [row for part in parts for row in pq.read_table(tmp_path / "lake" / part.path).to_pylist()]
    named = ["2026-11-01-a/p0001-1.png", "2026-11-01-a/p0002-1.png", "2026-11-01-a/p0010-1.png"]
    assert [row["name"] for row in rows] == [*named, "2026-11-01-b/p0001-1.png"]
    assert [(row["doc_id"], row["page"]) for row in rows] == KEYS[:4]
    assert rows[3]["url"] == "document://x/2026-11-01:b#page=1"
    assert all(row["data"].startswith(b"\x89PNG") for row in rows)


def test_a_version_without_pages_has_both_tables(tmp_path: Path) -> None:
    writer = Lake(str(tmp_path / "lake")).writer("documents/elements", "batch")
    assert write_elements(writer, [], PictureTable(writer)) == {}
    assert {part.table: part.part.rows for part in writer.written} == {"rows": 0, "decisions": 0, "pictures": 0}


def test_parts_of_pictures_are_bounded_by_bytes_and_none_is_lost(tmp_path: Path) -> None:
    writer = Lake(str(tmp_path / "lake")).writer("documents/elements", "batch")
    pictures = PictureTable(writer, part_bytes=25)
    file = tmp_path / "x.png"
    file.write_bytes(b"0123456789")
    names = [f"d/p{at:04d}-0.png" for at in range(5)]
    for at, name in enumerate(names):
        pictures.take(name, file)
        pictures.put({"doc_id": "d", "url": "u", "page": at, "elements": [{"image": None}, {"image": name}]})
    pictures.finish()
    parts = [part.part for part in writer.written]
    assert [part.rows for part in parts] == [3, 2]
    found = [name for part in parts for name in pq.read_table(tmp_path / "lake" / part.path)["name"].to_pylist()]
    assert found == names
    pictures.take("stray.png", file)
    with pytest.raises(ValueError, match=r"no element names the pictures \['stray.png'\]"):
        pictures.finish()


class OneEach:
    """`make_elements` for the frame of jobs that gives any number of rows."""

    def __call__(self, settings: DocumentsSection) -> Any:
        work = make_elements(settings)
        return lambda row: iter([work(row)])
