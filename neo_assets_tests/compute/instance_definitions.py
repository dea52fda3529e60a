"""A small graph over the lake of the environment, as a code location: what an instance is told of."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pyarrow as pa

from neo_assets.engine.local import LocalEngine
from neo_assets.io_manager import LakeIOManager
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake

N_DAYS = 2
DAYS = dg.DailyPartitionsDefinition(start_date="2026-11-01", end_date=f"2026-11-{N_DAYS + 1:02d}")
ALL = dg.AllPartitionMapping()


@dg.asset(key_prefix="t", partitions_def=DAYS, code_version="1", dagster_type=dg.Any)
def pages(context: dg.AssetExecutionContext) -> Any:
    return pa.table({"doc_id": [context.partition_key, "x"], "text": ["first", "second"]})


@dg.asset(
    key_prefix="t",
    partitions_def=DAYS,
    code_version="1",
    ins={"pages": dg.AssetIn(["t", "pages"])},
    dagster_type=dg.Any,
)
def kept(pages: Dataset) -> Any:
    return pages.read()


@dg.asset(
    key_prefix="t",
    code_version="1",
    ins={"kept": dg.AssetIn(["t", "kept"], partition_mapping=ALL)},
    dagster_type=dg.Any,
)
def total(kept: Dataset) -> Any:
    return pa.table({"rows": [kept.rows]})


@dg.asset(key_prefix="t", code_version="1", ins={"total": dg.AssetIn(["t", "total"])}, dagster_type=dg.Any)
def report(total: Dataset) -> Any:
    return total.read()


def events(instance: dg.DagsterInstance, asset: str) -> Iterator[dg.AssetMaterialization]:
    """Every materialization of an asset that the instance knows, newest first."""
    for record in instance.fetch_materializations(dg.AssetKey(asset.split("/")), limit=1000).records:
        assert record.asset_materialization is not None
        yield record.asset_materialization


defs = dg.Definitions(
    assets=[pages, kept, total, report],
    resources={"io_manager": LakeIOManager(Lake.from_environment(), LocalEngine(workers=1))},
    executor=dg.in_process_executor,
)
