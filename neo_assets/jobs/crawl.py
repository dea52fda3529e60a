"""One crawl day, in a process of its own (Twisted's reactor cannot be started twice)."""

from __future__ import annotations

from datetime import date

from neo_assets.jobs.base import open_job


def main() -> None:
    """Crawl the partition's day; write pages, state and WARC files."""
    from neo_assets.web.crawl import crawl_day

    with open_job() as job:
        previous, part_rows = job.inputs["previous"], job.recipe.platform.part_rows
        state = previous.named("state").read() if previous else None
        seeds = job.inputs["seeds"].read(["url"])["url"].to_pylist()
        result = crawl_day(job.recipe.crawl, seeds, state, date.fromisoformat(job.key), job.scratch)
        job.writer.table(result.pages, part_rows=part_rows)
        job.writer.table(result.state, "state", part_rows=part_rows)
        # WARC files hold fetch times and random record ids: kept, but not what makes two crawls equal.
        job.writer.folder_of_files(job.scratch, content=False)
        job.metadata["report"] = result.report


if __name__ == "__main__":
    main()
