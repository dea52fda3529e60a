"""Our own crawl: a daily, conditional, polite fetch into WARC, and the text that is in it."""

import pyarrow as pa

from neo_assets.asset import Compute, Context, Crawler, Dataset, Draft, Engine, Recipe, Relation, Result, asset
from neo_assets.partitions import PREVIOUS, crawl_days
from neo_assets.web.crawler.seeds import seed_table
from neo_assets.web.language import IdentifyLanguage
from neo_assets.web.page.extract import ExtractPages
from neo_assets.web.report.host_pages import report_files
from neo_assets.web.report.host_report import report_hosts


@asset(kinds={"parquet"})
def seeds(recipe: Recipe) -> Relation:
    """URLs and sitemaps that the crawl starts from, each with what names it: the recipe, or a line of a list."""
    return pa.Table.from_batches([seed_table(recipe.crawl)])


@asset(
    kinds={"scrapy", "parquet"},
    partitions_def=crawl_days,
    inputs={"previous": ("crawl/pages", PREVIOUS)},
    pool="crawl",
    observed=True,
)
def pages(context: Context, seeds: Dataset, previous: Dataset, compute: Compute, crawler: Crawler) -> Result:
    """Every URL asked for on a crawl day, with its answer; the exchanges themselves in WARC 1.1 files.

    The table `state` carries what is known of each URL over all days so far: ETag, Last-Modified, content digest,
    change history. The next day's crawl asks conditionally by it. A day that was crawled stays as it was, whatever
    the crawler or its settings become; only `neo build crawl/pages --force` asks the web again.
    """
    return compute.run(
        context, "neo_assets.jobs.crawl", profile="crawl", settings=crawler.settings, seeds=seeds, previous=previous
    )


@asset(kinds={"parquet"}, partitions_def=crawl_days, inputs={"pages": "crawl/pages"})
def frontier(pages: Dataset) -> Relation:
    """What is known of every URL after a crawl day: validators, content digest, first and last seen, changes."""
    return pages.named("state")


@asset(kinds={"parquet"}, partitions_def=crawl_days)
def extracted(pages: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Main text, title, charset and language of every page that was fetched anew on a crawl day."""
    return engine.map(pages, ExtractPages(str(pages.folder()), recipe.extraction), IdentifyLanguage())


@asset(kinds={"warc", "parquet"}, partitions_def=crawl_days, pool="imports", observed="arrivals")
def imports(context: Context, compute: Compute) -> Result:
    """Documents of the dumps and data sets that arrived on a crawl day: Common Crawl's WARC and WET files, JSON lines,
    Parquet. The table `segments` has a row for each file: what it held, and what was wrong with it.

    A day is imported again when the recipe has other dumps for it, and when the sensor finds that files have changed.
    """
    return compute.run(context, "neo_assets.jobs.imports", profile="crawl")


@asset(kinds={"parquet", "matplotlib"}, partitions_def=crawl_days, inputs={"previous": ("crawl/report", PREVIOUS)})
def report(context: Context, pages: Dataset, previous: Dataset) -> Draft:
    """What a crawl day brought, host by host: outcomes, status codes, bytes, changes, refusals, traps, latency.

    The table `days` has a row for this day and for each before it.
    """
    earlier = previous.named("days").read() if previous else None
    found = report_hosts(context.partition_key, pages.batches(), pages.named("left_out").batches(), earlier)
    return Draft(tables=found.tables, files=report_files(found), metadata=found.metadata)
