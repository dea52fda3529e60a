"""What stands in the regions of a batch's pages: a row with the elements of each page, over worker processes.

Pictures of figures, tables and formulas are rows of the table `pictures`, under the names that their elements give.
On a machine with a GPU that onnxruntime can use, the models run there; rows are made in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from neo_assets.documents.model import (
    ELEMENT_SCHEMA,
    LAYOUT_SCHEMA,
    PAGE_SCHEMA,
    page_of,
    plain,
    regions_of,
    with_verdict_columns,
)
from neo_assets.documents.models import fetch_all, names_for
from neo_assets.documents.recognition import PageReader
from neo_assets.jobs.base import open_job
from neo_assets.jobs.element_pictures import PictureTable
from neo_assets.jobs.page_parts import write_rows
from neo_assets.jobs.page_work import Files, Row, Source, Work, page_results
from neo_assets.lake.records import QUARANTINED
from neo_assets.lake.writer import VersionWriter
from neo_assets.recipe.documents import DocumentsSection

PAGES, LAYOUT = "pages", "layout"
"""The inputs of the job."""
REGIONS = LAYOUT_SCHEMA.field("regions")
JOINED_SCHEMA = pa.schema([*PAGE_SCHEMA, REGIONS])
"""A page with its regions; these are null where its layout was quarantined."""
PART_ROWS = 2000
"""Pages that are written together."""
Key = tuple[str, int]


@dataclass(frozen=True)
class PagesWithLayout:
    """The pages of a batch, each with its regions. Both tables are ordered by doc_id and page.

    A page without a row of layout stays, with null for its regions.
    """

    pages: Source
    layout: Source

    @property
    def rows(self) -> int:
        """How many pages there are."""
        return self.pages.rows

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The pages in order. Memory: a batch of each table.

        Raises:
            ValueError: a row of layout has no page, or a table is not in order.
        """
        regions = _by_key(self.layout)
        held = next(regions, None)
        for batch in self.pages.batches():
            found: list[Any] = []
            for key in _keys(batch):
                match = held is not None and held[0] == key
                found.append(held[1] if match and held is not None else None)
                held = next(regions, None) if match else held
            columns = [batch[name] for name in PAGE_SCHEMA.names]
            yield pa.RecordBatch.from_arrays([*columns, pa.array(found, REGIONS.type)], schema=JOINED_SCHEMA)
        if held is not None:
            raise ValueError(f"the layout of {held[0]} has no page, or rows are not in order; build the layout again")


def make_elements(settings: DocumentsSection) -> Work:
    """What a worker does: the reader, its models loaded when needed, and a row of `ELEMENT_SCHEMA` for each page."""
    reader = PageReader(settings)

    def elements(row: dict[str, Any]) -> tuple[Row, Files]:
        kept = {name: row[name] for name in ("doc_id", "url", "page", "width", "height")}
        if row["regions"] is None:
            reason = "the layout of this page could not be found; its reason is among the decisions of the layout"
            return {**kept, "verdict": QUARANTINED, "rule": "layout", "reason": reason}, {}
        page, pictures = reader.read(page_of(row), regions_of(row))
        folder = folder_of(row["doc_id"])
        found = plain(page)
        for element in found["elements"]:
            element["image"] = element["image"] and f"{folder}/{element['image']}"
        return {**kept, **found}, {f"{folder}/{name}": data for name, data in pictures.items()}

    return elements


def folder_of(doc_id: str) -> str:
    """What the names of a document's pictures begin with, as if they lay in a folder."""
    return doc_id.replace(":", "-")


def write_elements(writer: VersionWriter, batches: Iterable[pa.RecordBatch], pictures: PictureTable) -> dict[str, int]:
    """Put rows and pictures into a version, a part at a time; gives how many elements are of each kind and source.

    Args:
        pictures: has taken those of a batch before the batch is given.
    """
    counted: Counter[str] = Counter()

    def with_pictures() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.select(["doc_id", "url", "page", "elements"]).to_pylist():
                pictures.put(row)
                counted.update(one["kind"] for one in row["elements"] or ())
                counted.update(f"from_{one['source']}" for one in row["elements"] or ())
            yield batch

    write_rows(writer, with_pictures(), with_verdict_columns(ELEMENT_SCHEMA), PART_ROWS)
    pictures.finish()
    return dict(sorted(counted.items()))


def main() -> None:
    """Run the job that its asset ordered."""
    with open_job() as job:
        # Section by section: what else the recipe says of documents must not make elements stale.
        settings = DocumentsSection(
            layout=job.recipe.documents.layout,
            recognition=job.recipe.documents.recognition,
            tables=job.recipe.documents.tables,
            formulas=job.recipe.documents.formulas,
        )
        fetch_all(names_for(settings))  # fetched once, before the workers ask for them
        source = PagesWithLayout(job.inputs[PAGES], job.inputs[LAYOUT])
        pictures = PictureTable(job.writer)
        results = page_results(job, source, make_elements, settings, ELEMENT_SCHEMA, "recognition", files=pictures.take)
        job.metadata["elements"] = write_elements(job.writer, results, pictures)


def _by_key(layout: Source) -> Iterator[tuple[Key, list[Mapping[str, Any]]]]:
    for batch in layout.batches():
        yield from zip(_keys(batch), batch["regions"].to_pylist(), strict=True)


def _keys(batch: pa.RecordBatch) -> Iterator[Key]:
    return zip(batch["doc_id"].to_pylist(), batch["page"].to_pylist(), strict=True)


if __name__ == "__main__":
    main()
