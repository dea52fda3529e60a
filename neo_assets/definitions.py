"""The one Definitions object: loads assets and checks once, binds resources chosen by the environment.

`NEO_LAKE` names the lake, `NEO_RECIPE` the recipe, `NEO_ENGINE` (local, spark) what moves rows, `NEO_COMPUTE` (local,
kubernetes) where jobs run, `NEO_WORKERS` how many processes work is divided among on one machine.
"""

import dagster as dg

import neo_assets.assets as asset_package
from neo_assets.arrivals import arrivals_sensor
from neo_assets.assets import AREAS
from neo_assets.automation import daily_job, daily_schedule, document_jobs, import_jobs, with_freshness
from neo_assets.checks.lake import GraphSource, lake_checks
from neo_assets.checks.results import RESULT_CHECKS
from neo_assets.compute.computes import compute_of
from neo_assets.compute.crawler import CrawlResource
from neo_assets.compute.engines import engine_of, held_resource
from neo_assets.compute.tracking import TrackingResource
from neo_assets.document_arrivals import document_sensor
from neo_assets.documents.files.sources import batch_stamps, inbox_batches
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.lake import Lake
from neo_assets.partitions import crawl_days
from neo_assets.recipe.recipe import Recipe, load_recipe
from neo_assets.web.imports.stamps import import_stamps, seed_stamps


def _resources(recipe: Recipe) -> dict[str, object]:
    lake = Lake.from_environment()
    engine = engine_of(lake, recipe)
    return {
        "io_manager": held_resource(engine, LakeIOManager(lake, engine)),
        "lake": lake,
        "engine": held_resource(engine, engine),
        "compute": compute_of(lake, recipe),
        "crawler": CrawlResource.from_environment(recipe.crawl),
        "tracking": TrackingResource.from_environment(),
        "recipe": recipe,
    }


def _definitions() -> dg.Definitions:
    recipe = load_recipe()
    loaded = [a for a in dg.load_assets_from_package_module(asset_package) if isinstance(a, dg.AssetsDefinition)]
    assets = with_freshness(loaded, recipe)
    by_area = {area: [asset for asset in assets if asset.key.path[0] == area] for area in AREAS}
    daily, arriving, converting = daily_job(), import_jobs(), document_jobs()
    jobs = [
        dg.define_asset_job(f"{area}_area", dg.AssetSelection.groups(area), description=f"Every asset of {area}.")
        for area in AREAS
        if area not in {"crawl", "chinese", "documents"}
        and len({a.partitions_def for a in by_area[area] if a.partitions_def}) <= 1
    ]
    source = GraphSource()
    definitions = dg.Definitions(
        assets=assets,
        asset_checks=[*(c for area in AREAS for c in lake_checks(area, by_area[area], source)), *RESULT_CHECKS],
        jobs=[daily, *arriving, *converting, *jobs],
        schedules=[daily_schedule(daily, recipe)],
        sensors=[
            arrivals_sensor(recipe, crawl_days, arriving, import_stamps, lambda: seed_stamps(recipe.crawl)),
            document_sensor(recipe.documents, crawl_days, converting, inbox_batches, batch_stamps),
        ],
        resources=_resources(recipe),
        # Heavy work runs in processes of its own; a process a step would only add their start-up.
        executor=dg.in_process_executor,
    )
    source.definitions = definitions
    return definitions


defs = _definitions()
