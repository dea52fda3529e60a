"""What starts by itself, once somebody switches it on: the daily crawl, and how late a crawl may be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg

from neo_assets.recipe.recipe import Recipe

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

PAGES, EXTRACTED, IMPORTS, SEEDS = (dg.AssetKey(["crawl", name]) for name in ("pages", "extracted", "imports", "seeds"))
ARRIVED, CORRECTED = (dg.AssetKey(["documents", name]) for name in ("arrived", "corrected"))
ONE_CRAWL = {"neo/crawl": "true"}
"""Tag of runs that crawl; the instance's run queue lets one of them run at a time."""
WARN_AFTER, FAIL_AFTER = timedelta(hours=30), timedelta(hours=54)
"""The day's crawl begins at three and may take most of a day: after so long one day is missing, or two are."""


def daily_job() -> UnresolvedAssetJobDefinition:
    """The job of one crawl day."""
    return dg.define_asset_job(
        "daily_crawl",
        dg.AssetSelection.groups("crawl", "chinese") | dg.AssetSelection.assets(ARRIVED),
        description="One crawl day: fetch what is new or changed, extract it, clean and deduplicate its Chinese pages.",
        tags=ONE_CRAWL,
    )


def daily_schedule(job: UnresolvedAssetJobDefinition, recipe: Recipe) -> dg.ScheduleDefinition:
    """At three in the morning (UTC), for the day before; off until it is switched on."""

    @dg.schedule(
        name="daily_crawl_at_3",
        job=job,
        cron_schedule="0 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Crawls the day that has just ended, and makes its Chinese line.",
    )
    def daily_crawl_at_3(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        day = (context.scheduled_execution_time - timedelta(days=1)).date()
        try:
            recipe.crawl.epoch(day)
        except ValueError as error:
            return dg.SkipReason(str(error))
        return dg.RunRequest(run_key=day.isoformat(), partition_key=day.isoformat())

    return daily_crawl_at_3


def import_jobs() -> tuple[UnresolvedAssetJobDefinition, UnresolvedAssetJobDefinition]:
    """What the sensor asks for: the seed lists read anew; the dumps of a day, with its Chinese line."""
    seeds = dg.define_asset_job(
        "new_seeds", dg.AssetSelection.assets(SEEDS), description="The seed lists read anew, for the next crawl day."
    )
    dumps = dg.define_asset_job(
        "new_dumps",
        dg.AssetSelection.assets(IMPORTS, ARRIVED) | dg.AssetSelection.groups("chinese"),
        description="The dumps of one crawl day imported, and the Chinese line of that day.",
    )
    return seeds, dumps


def document_jobs() -> tuple[UnresolvedAssetJobDefinition, UnresolvedAssetJobDefinition]:
    """What the sensor of documents asks for: a batch converted; the documents of a day handed to the text lines."""
    converted = dg.define_asset_job(
        "new_documents",
        dg.AssetSelection.groups("documents") - dg.AssetSelection.assets(ARRIVED),
        description="One batch of documents converted, from files to Markdown and its gallery.",
    )
    handed_on = dg.define_asset_job(
        "documents_of_a_day",
        dg.AssetSelection.assets(ARRIVED) | dg.AssetSelection.groups("chinese"),
        description="The converted documents of one crawl day, and the Chinese line of that day.",
    )
    return converted, handed_on


def with_freshness(assets: Sequence[dg.AssetsDefinition], recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The assets, of which the crawl's pages and their text are late when no day was added for long.

    A crawl that has an end day is never late: there is no more to come.
    """
    if recipe.crawl.end is not None:
        return list(assets)
    policy = dg.FreshnessPolicy.time_window(fail_window=FAIL_AFTER, warn_window=WARN_AFTER)

    def watch(spec: dg.AssetSpec) -> dg.AssetSpec:
        return spec.replace_attributes(freshness_policy=policy) if spec.key in (PAGES, EXTRACTED) else spec

    return [asset for asset in dg.map_asset_specs(watch, assets) if isinstance(asset, dg.AssetsDefinition)]
