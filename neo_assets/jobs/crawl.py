"""One crawl day, in a process of its own (Twisted's reactor cannot be started twice)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

import pyarrow as pa

from neo_assets.jobs.base import Job, open_job
from neo_assets.lake.dataset import ROWS
from neo_assets.lake.writer import write_part
from neo_assets.recipe.crawl import CrawlSection
from neo_assets.web.crawler.crawl import crawl_day


def main() -> None:
    """Crawl the partition's day, going on where a killed job was; write pages, state, what was left out, WARC files."""
    with open_job() as job:
        previous = job.inputs["previous"]
        state = previous.named("state").batches() if previous else ()
        named = job.inputs["seeds"].read(["url", "kind"]).to_pylist()
        seeds = [row["url"] for row in named if row["kind"] == "page"]
        settings = CrawlSection.model_validate({**dict(job.recipe.crawl), **job.settings})
        result = crawl_day(settings, seeds, state, date.fromisoformat(job.key), job.work(job.recipe.crawl, alone=True))
        _write(job, result.pages(), ROWS)
        _write(job, result.state(), "state")
        _write(job, result.left_out(), "left_out")
        # WARC files hold fetch times and random record ids: kept, but not what makes two crawls equal.
        job.writer.folder_of_files(result.warc_folder, content=False)
        job.metadata["report"] = result.report


def _write(job: Job, batches: Iterable[pa.RecordBatch], name: str) -> None:
    for index, table in enumerate(_tables(batches, job.recipe.platform.part_rows)):
        job.writer.add(write_part(job.writer.store, job.writer.folder, name, index, table))


def _tables(batches: Iterable[pa.RecordBatch], n_rows: int) -> Iterator[pa.Table]:
    """The batches, of which there is at least one, as tables of `n_rows` rows; only the last may have fewer."""
    held: pa.Table | None = None
    for batch in batches:
        table = pa.Table.from_batches([batch])
        held = table if held is None else pa.concat_tables([held, table])
        while held.num_rows > n_rows:
            yield held.slice(0, n_rows)
            held = held.slice(n_rows)
    if held is not None:
        yield held


if __name__ == "__main__":
    main()
