"""The `asset` decorator of this repository, and the types that asset signatures are made of.

An asset takes handles and returns lazy rows, so its signature is its lineage:

    @asset(partitions_def=crawl_days, kinds={"parquet"})
    def filtered(annotated: Dataset, engine: Engine, recipe: Recipe) -> Relation: ...

Area, group and key prefix come from the module; the description from the docstring; the code version from the code
and the recipe sections it reads.
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import dagster as dg

from neo_assets.compute.crawler import CrawlResource as Crawler
from neo_assets.compute.protocol import Compute as ComputeProtocol
from neo_assets.compute.tracking import TrackingResource as Tracking
from neo_assets.engine.protocol import Engine as EngineProtocol
from neo_assets.engine.relation import Draft, Mapped, Queried, Relation
from neo_assets.lake.dataset import Dataset
from neo_assets.metadata import OBSERVED, RECIPE_KEY
from neo_assets.provenance.code import code_of
from neo_assets.recipe.recipe import Recipe as RecipeModel
from neo_assets.recipe.recipe import load_recipe

__all__ = [
    "Compute",
    "Context",
    "Crawler",
    "Dataset",
    "Draft",
    "Engine",
    "Mapped",
    "Queried",
    "Recipe",
    "Relation",
    "Result",
    "Tracking",
    "asset",
]

Context: TypeAlias = dg.AssetExecutionContext
Engine: TypeAlias = dg.ResourceParam[EngineProtocol]
Compute: TypeAlias = dg.ResourceParam[ComputeProtocol]
Recipe: TypeAlias = dg.ResourceParam[RecipeModel]
Result: TypeAlias = dg.MaterializeResult[None]
"""What an asset returns whose job has written the partition itself."""

RESOURCES = {"engine", "compute", "recipe", "crawler", "tracking"}
OWNERS = {
    "crawl": "team:data", "english": "team:data", "chinese": "team:data", "documents": "team:data",
    "supplement": "team:data", "corpus": "team:data", "tokenizer": "team:research", "training": "team:research",
    "alignment": "team:research", "evaluation": "team:research", "release": "team:research",
}  # fmt: skip


def asset(
    *,
    kinds: set[str],
    partitions_def: dg.PartitionsDefinition[str] | None = None,
    inputs: Mapping[str, str | tuple[str, dg.PartitionMapping]] | None = None,
    check_specs: list[dg.AssetCheckSpec] | None = None,
    pool: str | None = None,
    observed: bool | str = False,
    ranges: bool = False,
    within: str | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Define an asset of the area whose module this is in.

    Args:
        kinds: what the UI shows as icons.
        partitions_def: one of `neo_assets.partitions`.
        inputs: parameter -> `area/name`, or (`area/name`, partition mapping). Parameters not named here are assets
            of the same area with the same partition.
        observed: it records the outside world at a time; once made, it is current until it is forced. A name: that of
            the recipe's method which says what a partition is told to look at; it is current until that changes.
        ranges: consecutive partitions can be made by one job, each committed when it is whole.
        within: what the names of the asset and of its inputs begin with: one round of a loop.
    """

    def define(function: Callable[..., Any]) -> dg.AssetsDefinition:
        area = function.__module__.rsplit(".", 1)[-1]
        prefix = f"{within}_" if within else ""
        code = code_of(function, load_recipe())
        returns = inspect.signature(function).return_annotation
        parameters = [name for name in inspect.signature(function).parameters if name not in {"context", *RESOURCES}]
        with warnings.catch_warnings():
            # The parameter is beta in the pinned version; nothing stable lets one run make a range of partitions.
            warnings.filterwarnings("ignore", message="Parameter `backfill_policy`", category=dg.BetaWarning)
            decorate = dg.asset(
                name=prefix + function.__name__,
                key_prefix=area,
                group_name=area,
                kinds=kinds,
                owners=[OWNERS[area]],
                description=inspect.getdoc(function),
                code_version=code.version,
                metadata={RECIPE_KEY: dg.MetadataValue.json(code.recipe), **({OBSERVED: observed} if observed else {})},
                partitions_def=partitions_def,
                ins={name: _input(f"{area}/{prefix}{name}", (inputs or {}).get(name)) for name in parameters},
                check_specs=check_specs,
                pool=pool,
                backfill_policy=dg.BackfillPolicy.single_run() if ranges else None,
                # A lazy relation is a union of types, which Dagster cannot name.
                dagster_type=None if returns is Result else dg.Any,
            )
        return decorate(function)

    return define


def _input(usual: str, given: str | tuple[str, dg.PartitionMapping] | None) -> dg.AssetIn:
    key, mapping = given if isinstance(given, tuple) else (given or usual, None)
    return dg.AssetIn(key=key.split("/"), partition_mapping=mapping)
