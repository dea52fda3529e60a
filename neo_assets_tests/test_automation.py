"""What starts by itself: off at first, one crawl day at a time, and late only while the crawl goes on."""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from neo_assets.automation import (
    ARRIVED,
    CORRECTED,
    EXTRACTED,
    FAIL_AFTER,
    ONE_CRAWL,
    PAGES,
    WARN_AFTER,
    daily_job,
    daily_schedule,
    document_jobs,
    import_jobs,
    with_freshness,
)
from neo_assets.partitions import ALL
from neo_assets.recipe.recipe import Recipe, load_recipe


def assets_of(days: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    @dg.asset(key=PAGES, group_name="crawl", partitions_def=days)
    def pages() -> None: ...

    @dg.asset(key=EXTRACTED, group_name="crawl", partitions_def=days, deps=[pages])
    def extracted() -> None: ...

    @dg.asset(key=CORRECTED, group_name="documents", partitions_def=dg.DynamicPartitionsDefinition(name="batches"))
    def corrected() -> None: ...

    @dg.asset(
        key=ARRIVED, group_name="documents", partitions_def=days, deps=[dg.AssetDep(corrected, partition_mapping=ALL)]
    )
    def arrived() -> None: ...

    @dg.asset(key=["chinese", "normalized"], group_name="chinese", partitions_def=days, deps=[extracted, arrived])
    def normalized() -> None: ...

    @dg.asset(key=["chinese", "funnel"], group_name="chinese", deps=[normalized])
    def funnel() -> None: ...

    @dg.asset(key=["english", "records"], group_name="english")
    def records() -> None: ...

    return [pages, extracted, corrected, arrived, normalized, funnel, records]


def repository(end: date | None = None) -> dg.RepositoryDefinition:
    days = dg.DailyPartitionsDefinition("2024-11-01", end_date=end.isoformat() if end else None)
    job = daily_job()
    schedule = daily_schedule(job, recipe_until(end))
    return dg.Definitions(assets=assets_of(days), jobs=[job], schedules=[schedule]).get_repository_def()


def recipe_until(end: date | None) -> Recipe:
    recipe = load_recipe("mini")
    return recipe.model_copy(update={"crawl": recipe.crawl.model_copy(update={"end": end})})


def evaluate(found: dg.RepositoryDefinition, at: datetime) -> dg.ScheduleExecutionData:
    schedule = found.get_schedule_def("daily_crawl_at_3")
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=at, repository_def=found)
        return schedule.evaluate_tick(context)


def test_the_schedule_is_off_until_somebody_switches_it_on() -> None:
    schedule = repository().get_schedule_def("daily_crawl_at_3")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    assert schedule.cron_schedule == "0 3 * * *"
    assert schedule.execution_timezone == "UTC"


def test_a_tick_asks_for_the_day_that_has_just_ended() -> None:
    [request] = evaluate(repository(), datetime(2024, 12, 24, 3, tzinfo=UTC)).run_requests
    assert request.partition_key == "2024-12-23"


def test_the_last_day_of_a_crawl_is_asked_for_and_none_after_it() -> None:
    found = repository(date(2024, 11, 3))
    [request] = evaluate(found, datetime(2024, 11, 3, 3, tzinfo=UTC)).run_requests
    assert (request.partition_key, request.run_key) == ("2024-11-02", "2024-11-02")
    after = evaluate(found, datetime(2024, 11, 4, 3, tzinfo=UTC))
    assert not after.run_requests
    assert after.skip_message == ("2024-11-03 is no crawl day; the crawl goes from 2024-11-01 to before 2024-11-03")


def test_the_job_crawls_and_makes_the_chinese_line_of_the_day() -> None:
    job = repository().get_job("daily_crawl")
    names = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert names == {"crawl/pages", "crawl/extracted", "documents/arrived", "chinese/normalized", "chinese/funnel"}
    assert ONE_CRAWL.items() <= job.tags.items()


def test_the_jobs_of_the_sensor() -> None:
    days = dg.DailyPartitionsDefinition("2024-11-01")

    @dg.asset(key=["crawl", "seeds"], group_name="crawl")
    def seeds() -> None: ...

    @dg.asset(key=["crawl", "imports"], group_name="crawl", partitions_def=days)
    def imports() -> None: ...

    found = dg.Definitions(assets=[*assets_of(days), seeds, imports], jobs=import_jobs()).get_repository_def()
    selected = {
        name: {key.to_user_string() for key in found.get_job(name).asset_layer.executable_asset_keys}
        for name in ("new_seeds", "new_dumps")
    }
    assert selected["new_seeds"] == {"crawl/seeds"}
    assert selected["new_dumps"] == {"crawl/imports", "documents/arrived", "chinese/normalized", "chinese/funnel"}


def test_the_jobs_of_the_sensor_of_documents() -> None:
    days = dg.DailyPartitionsDefinition("2024-11-01")
    found = dg.Definitions(assets=assets_of(days), jobs=document_jobs()).get_repository_def()
    selected = {
        name: {key.to_user_string() for key in found.get_job(name).asset_layer.executable_asset_keys}
        for name in ("new_documents", "documents_of_a_day")
    }
    assert selected["new_documents"] == {"documents/corrected"}
    assert selected["documents_of_a_day"] == {"documents/arrived", "chinese/normalized", "chinese/funnel"}


@pytest.mark.parametrize("end", [None, date(2024, 11, 3)])
def test_pages_and_their_text_are_late_only_while_the_crawl_goes_on(end: date | None) -> None:
    assets = with_freshness(assets_of(dg.DailyPartitionsDefinition("2024-11-01")), recipe_until(end))
    policies = {spec.key: spec.freshness_policy for asset in assets for spec in asset.specs}
    assert len(policies) == 7
    watched = {key for key, policy in policies.items() if policy is not None}
    assert watched == (set() if end else {PAGES, EXTRACTED})
    expected = None if end else dg.FreshnessPolicy.time_window(fail_window=FAIL_AFTER, warn_window=WARN_AFTER)
    assert policies[PAGES] == expected


def test_freshness_keeps_everything_else_of_an_asset() -> None:
    before = assets_of(dg.DailyPartitionsDefinition("2024-11-01"))
    after = with_freshness(before, recipe_until(None))
    for old, new in zip(before, after, strict=True):
        assert (old.key, old.partitions_def, old.group_names_by_key) == (
            new.key,
            new.partitions_def,
            new.group_names_by_key,
        )
        assert [d.asset_key for s in old.specs for d in s.deps] == [d.asset_key for s in new.specs for d in s.deps]
