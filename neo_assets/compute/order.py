"""What a job is told, whatever runs it: which partition to write, from which versions, under which recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from neo_assets.io_manager import provenance_of
from neo_assets.lake.dataset import Dataset, input_name
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe


def partitions_of(context: dg.AssetExecutionContext) -> list[str]:
    """The partitions that are made in this step, in order; empty for an unpartitioned asset."""
    return list(context.partition_keys) if context.has_partition_key or context.has_partition_key_range else []


def job_order(
    context: dg.AssetExecutionContext,
    lake: Lake,
    recipe: Recipe,
    settings: Mapping[str, Any] | None,
    inputs: Mapping[str, Dataset],
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
        "settings": dict(settings or {}),
    }


def order_digest(module: str, order: Mapping[str, Any]) -> str:
    """What decides a job's result, as one digest: whoever orders the same has the same, in whatever run."""
    made_from, keys = order["provenance"], [order["partition"], order["partitions"]]
    told = [module, order["asset"], keys, made_from["code_version"], made_from["recipe"], _digests(order)]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def covers(running: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    """Whether a job over a longer range makes what is asked on its way: it began earlier, and ends alike.

    So it is when its watcher died after it had committed some partitions: those are not asked for again.
    """
    keys, wanted = running["partitions"], asked["partitions"]
    if not wanted or running["asset"] != asked["asset"] or keys[-len(wanted) :] != wanted:
        return False
    alike = all(running["provenance"][key] == asked["provenance"][key] for key in ("code_version", "recipe"))
    own = {f"{asked['asset']}|{key}" for key in keys}
    there, here = _digests(running), _digests(asked)
    return alike and all(
        name in own or there.get(parameter, {}).get(name) == digest
        for parameter, given in here.items()
        for name, digest in given.items()
    )


def _digests(order: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """The content digests of each input, by parameter and `asset|partition`."""
    return {
        parameter: {input_name(m["asset"], m["partition"]): m["digest"] for m in given["manifests"]}
        for parameter, given in order["inputs"].items()
    }
