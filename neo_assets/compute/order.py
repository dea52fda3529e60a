"""What a job is told, whatever runs it: which partition to write, from which versions, under which recipe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from neo_assets.io_manager import provenance_of
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe


def partitions_of(context: dg.AssetExecutionContext) -> list[str]:
    """The partitions that are made in this step, in order; empty for an unpartitioned asset."""
    return list(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else []


def job_order(
    context: dg.AssetExecutionContext, lake: Lake, recipe: Recipe, inputs: Mapping[str, Dataset]
) -> dict[str, Any]:
    """The extras of a job, as plain JSON: everything it needs besides the lake itself."""
    spec = context.assets_def.get_asset_spec(context.asset_key)
    digests = {name: digest for dataset in inputs.values() for name, digest in dataset.digests.items()}
    return {
        "lake": lake.root,
        "recipe": recipe.model_dump(mode="json"),
        "asset": context.asset_key.to_user_string(),
        "partition": context.partition_key if context.has_partition_key else None,
        "partitions": partitions_of(context),
        "inputs": {
            name: {"asset": dataset.asset, "manifests": [m.model_dump(mode="json") for m in dataset.manifests]}
            for name, dataset in inputs.items()
        },
        "provenance": provenance_of(spec, digests, "job").model_dump(mode="json"),
    }
