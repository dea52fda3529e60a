"""Our own crawl: a daily, conditional, polite fetch into WARC, and the text that is in it."""

import pyarrow as pa

from neo_assets.asset import Compute, Context, Dataset, Engine, Recipe, Relation, Result, asset
from neo_assets.partitions import PREVIOUS, crawl_days
from neo_assets.web.crawl import seeds as seed_urls
from neo_assets.web.extract import ExtractPages
from neo_assets.web.language import IdentifyLanguage


@asset(kinds={"parquet"})
def seeds(recipe: Recipe) -> Relation:
    """URLs that the crawl starts from, one row each."""
    return pa.table({"url": pa.array(seed_urls(recipe.crawl), pa.string())})


@asset(
    kinds={"scrapy", "parquet"},
    partitions_def=crawl_days,
    inputs={"previous": ("crawl/pages", PREVIOUS)},
    pool="crawl",
    observed=True,
)
def pages(context: Context, seeds: Dataset, previous: Dataset, compute: Compute) -> Result:
    """Every URL asked for on a crawl day, with its answer; the exchanges themselves in WARC 1.1 files.

    The table `state` carries what is known of each URL over all days so far: ETag, Last-Modified, content digest,
    change history. The next day's crawl asks conditionally by it. A day that was crawled stays as it was, whatever
    the crawler or its settings become; only `neo build crawl/pages --force` asks the web again.
    """
    return compute.run(context, "neo_assets.jobs.crawl", profile="crawl", seeds=seeds, previous=previous)


@asset(kinds={"parquet"}, partitions_def=crawl_days, inputs={"pages": "crawl/pages"})
def frontier(pages: Dataset) -> Relation:
    """What is known of every URL after a crawl day: validators, content digest, first and last seen, changes."""
    return pages.named("state")


@asset(kinds={"parquet"}, partitions_def=crawl_days)
def extracted(pages: Dataset, engine: Engine, recipe: Recipe) -> Relation:
    """Main text, title, charset and language of every page that was fetched anew on a crawl day."""
    return engine.map(pages, ExtractPages(str(pages.folder()), recipe.extraction), IdentifyLanguage())
