"""The pages of one batch of documents, rendered, with their text layers, over worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.documents.files.render import PageFault, rendered
from neo_assets.documents.model import PAGE_SCHEMA, plain, with_verdict_columns
from neo_assets.jobs.base import open_job
from neo_assets.jobs.page_parts import write_rows
from neo_assets.jobs.page_pool import WorkLimits
from neo_assets.jobs.page_work import Files, Many, Row, row_results
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.records import QUARANTINED
from neo_assets.lake.writer import VersionWriter
from neo_assets.recipe.documents import DocumentsSection, RecognitionSettings

CHUNK_PAGES = 16
"""Pages of a file that one child renders; so many pages a worker does anew after a kill."""
PART_PAGES = 64
PART_BYTES = 1 << 26
"""A part is closed at either; what the later stages hold in memory follows from them."""
_CHUNK = pa.schema(
    [
        ("doc_id", pa.string()), ("url", pa.string()), ("file", pa.string()), ("first", pa.int32()),
        ("last", pa.int32()),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class Chunks:
    """The pages of files in chunks, by document and page."""

    files: pa.Table

    @property
    def rows(self) -> int:
        """How many chunks there are."""
        return sum(-(-n_pages // CHUNK_PAGES) for n_pages in self.files["n_pages"].to_pylist())

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The chunks, those of a file at a time."""
        columns = ["doc_id", "url", "file", "n_pages"]
        for row in sorted(self.files.select(columns).to_pylist(), key=lambda row: str(row["doc_id"])):
            n_pages = row.pop("n_pages")
            chunks = [
                {**row, "first": first, "last": min(first + CHUNK_PAGES - 1, n_pages)}
                for first in range(1, n_pages + 1, CHUNK_PAGES)
            ]
            yield pa.RecordBatch.from_pylist(chunks, _CHUNK)


def page_batches(
    files: Dataset, settings: DocumentsSection, work: Path, workers: int | None = None
) -> Iterator[pa.RecordBatch]:
    """A row of `PAGE_SCHEMA` with a verdict for each page of the files, by document and page; batches of a chunk."""
    table = files.read()
    if not table.num_rows:
        return
    make = partial(_make, files.folder())
    limits = settings.limits
    seconds = 4 * CHUNK_PAGES * (limits.open_seconds + limits.page_seconds)  # the children keep their own limits
    yield from row_results(
        Chunks(table), make, settings, PAGE_SCHEMA, work, "pages", workers=workers, group_rows=1,
        limits=WorkLimits(row_seconds=seconds),
    )  # fmt: skip


def write_pages(batches: Iterator[pa.RecordBatch], writer: VersionWriter) -> None:
    """Put pages into parts of bounded size, at least one."""
    write_rows(writer, batches, with_verdict_columns(PAGE_SCHEMA), PART_PAGES, PART_BYTES)


def _make(folder: Path, settings: DocumentsSection) -> Many:
    """Renders a chunk."""

    def work(row: Mapping[str, Any]) -> Iterator[tuple[Row, Files]]:
        numbers = range(row["first"], row["last"] + 1)
        share = settings.recognition.max_strange_share
        for one in rendered(folder / row["file"], row["doc_id"], numbers, settings.rendering, settings.limits, share):
            told: dict[str, Any] = {"url": f"{row['url']}#page={one.page.number}", "seconds": one.seconds}
            if isinstance(one.page, PageFault):
                fault = one.page
                told |= {
                    "doc_id": fault.doc_id, "page": fault.number, "verdict": QUARANTINED, "rule": fault.rule,
                    "reason": fault.reason,
                }  # fmt: skip
            else:
                told |= plain(one.page)
            yield told, {}

    return work


def main() -> None:
    """Render the pages of the partition's files."""
    with open_job() as job:
        limits, rendering = job.recipe.documents.limits, job.recipe.documents.rendering
        strange = RecognitionSettings(max_strange_share=job.recipe.documents.recognition.max_strange_share)
        settings = DocumentsSection(limits=limits, rendering=rendering, recognition=strange)
        work = job.work(settings)
        write_pages(page_batches(job.inputs["files"], settings, work), job.writer)


if __name__ == "__main__":
    main()
