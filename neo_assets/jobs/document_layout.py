"""Layout of a batch's pages: a row with the regions of each page, over worker processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from neo_assets.documents.layout import LayoutDetector
from neo_assets.documents.model import LAYOUT_SCHEMA, page_of, plain, with_verdict_columns
from neo_assets.documents.models import model_folder
from neo_assets.jobs.base import open_job
from neo_assets.jobs.page_parts import write_rows
from neo_assets.jobs.page_work import Files, Row, Work, page_results
from neo_assets.lake.writer import VersionWriter
from neo_assets.recipe.documents import LayoutSettings

PAGES = "pages"
"""The input of the job: the rendered pages."""
PART_ROWS = 10_000
"""Pages that are written together."""


def make_layout(settings: LayoutSettings) -> Work:
    """What a worker does: the detector, loaded once, and a row of `LAYOUT_SCHEMA` for each row of `PAGE_SCHEMA`."""
    detector = LayoutDetector(settings)

    def layout(row: Mapping[str, Any]) -> tuple[Row, Files]:
        regions = [plain(region) for region in detector.detect(page_of(row))]
        kept = {name: row[name] for name in ("doc_id", "url", "page", "width", "height")}
        return {**kept, "regions": regions}, {}

    return layout


def main() -> None:
    """Run the job that its asset ordered."""
    with open_job() as job:
        settings = job.recipe.documents.layout
        model_folder(settings.model)  # fetched once, before the workers ask for it
        results = page_results(job, job.inputs[PAGES], make_layout, settings, LAYOUT_SCHEMA, "layout")
        job.metadata["regions"] = write_layout(job.writer, results)


def write_layout(writer: VersionWriter, batches: Iterable[pa.RecordBatch]) -> dict[str, int]:
    """Put the rows into a version, a part at a time; gives how many regions there are of each kind."""
    kinds: Counter[str] = Counter()

    def count(part: pa.Table) -> None:
        kinds.update(region["kind"] for regions in part["regions"].to_pylist() for region in regions or ())

    write_rows(writer, batches, with_verdict_columns(LAYOUT_SCHEMA), PART_ROWS, seen=count)
    return dict(sorted(kinds.items()))


if __name__ == "__main__":
    main()
