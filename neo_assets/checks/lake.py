"""Checks that every asset has: no row lost, which blocks what follows, and inputs current."""

from collections.abc import Iterable, Iterator

import dagster as dg
import pyarrow.parquet as pq

from neo_assets.build import Graph, Node
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest, Part
from neo_assets.partitions import batches_to_make
from neo_assets.recipe.recipe import load_recipe

CONSERVED, CURRENT = "rows_conserved", "inputs_current"


def lake_checks(
    area: str, assets: Iterable[dg.AssetsDefinition], graph: "GraphSource"
) -> list[dg.AssetChecksDefinition]:
    """The two checks of every asset of an area.

    `rows_conserved` blocks: in the run that made an asset, nothing is made from it unless it passed. So it has a step
    of its own for each asset, between that asset and the next. `inputs_current` is one step, after all assets.
    """
    keys = [asset.key for asset in assets]
    return [*(_conservation_check(key, graph) for key in keys), _currency_checks(area, keys, graph)]


def _conservation_check(key: dg.AssetKey, graph: "GraphSource") -> dg.AssetChecksDefinition:
    spec = dg.AssetCheckSpec(
        CONSERVED,
        asset=key,
        description="Rows in = kept + rejected + quarantined, and the parts hold what the manifest says.",
        blocking=True,
    )

    @dg.multi_asset_check(specs=[spec], name=f"{key.to_python_identifier()}__{CONSERVED}")
    def check(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator[dg.AssetCheckResult]:
        yield _conserved(lake, _nodes(context, graph.of(lake), key))

    return check


def _currency_checks(area: str, keys: list[dg.AssetKey], graph: "GraphSource") -> dg.AssetChecksDefinition:
    description = "Made by the present code and recipe from what is now in force upstream."
    specs = [dg.AssetCheckSpec(CURRENT, asset=key, description=description) for key in keys]

    @dg.multi_asset_check(specs=specs, name=f"{area}__{CURRENT}", can_subset=True)
    def checks(context: dg.AssetCheckExecutionContext, lake: dg.ResourceParam[Lake]) -> Iterator[dg.AssetCheckResult]:
        for selected in sorted(context.selected_asset_check_keys):
            now = graph.of(lake)
            yield _current(now, _nodes(context, now, selected.asset_key))

    return checks


def _nodes(context: dg.AssetCheckExecutionContext, graph: Graph, key: dg.AssetKey) -> list[Node]:
    """The partition of the run if the asset has it, else every partition of the asset."""
    step, asset = context.op_execution_context, key.to_user_string()
    partition = step.partition_key if step.has_partition_key else None
    found = graph.partitions(asset)
    return [Node(asset, p) for p in (found if partition not in found else [partition])]


class GraphSource:
    """Gives the graph of the definitions that these checks are part of, once those exist."""

    definitions: dg.Definitions

    def of(self, lake: Lake) -> Graph:
        """The graph over a lake, its manifests read anew."""
        return Graph(self.definitions, lake, batches_to_make(load_recipe()))


def _conserved(lake: Lake, nodes: list[Node]) -> dg.AssetCheckResult:
    manifests = [m for node in nodes if (m := lake.manifest(node.asset, node.partition))]
    faults = [f"{m.partition or m.asset}: {fault}" for m in manifests for fault in _faults(lake, m)]
    counts = [m.counts for m in manifests if m.counts]
    return _result(
        nodes[0], CONSERVED, faults,
        {
            "rows in": sum(c.rows_in for c in counts) if counts else sum(m.rows for m in manifests),
            "kept": sum(c.kept for c in counts) if counts else sum(m.rows for m in manifests),
            "rejected": sum(c.rejected for c in counts), "quarantined": sum(c.quarantined for c in counts),
        },
    )  # fmt: skip


def _faults(lake: Lake, manifest: Manifest) -> Iterator[str]:
    parts = [part for table in manifest.tables.values() for part in table.parts]
    for part, rows in zip(parts, lake.store.each(lambda part: _rows(lake, part), parts), strict=True):
        if rows != part.rows:
            yield f"{part.path} holds {rows} rows, the manifest says {part.rows}"
    counts = manifest.counts
    if counts is None:
        return
    if not counts.balanced:
        out = f"{counts.kept} kept, {counts.rejected} rejected, {counts.quarantined} quarantined"
        yield f"{counts.rows_in} rows in, but {out}"
    if counts.kept != manifest.rows:
        yield f"{counts.kept} rows kept, {manifest.rows} in the table"
    if counts.rejected + counts.quarantined != manifest.tables["decisions"].rows:
        yield "decisions do not cover every row that was not kept"


def _rows(lake: Lake, part: Part) -> int:
    """How many rows the part's own footer tells of."""
    with lake.store.open(part.path) as stream:
        return int(pq.read_metadata(stream).num_rows)


def _current(graph: Graph, nodes: list[Node]) -> dg.AssetCheckResult:
    states = {node: state for node in nodes if (state := graph.stale(node)) and state.kind != "missing"}
    return _result(
        nodes[0], CURRENT, [f"{node.partition or node.asset}: {state}" for node, state in states.items()], {}
    )


def _result(node: Node, name: str, faults: list[str], counts: dict[str, int]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=node.asset.split("/"),
        check_name=name,
        passed=not faults,
        severity=dg.AssetCheckSeverity.ERROR if name == CONSERVED else dg.AssetCheckSeverity.WARN,
        metadata={**counts, "faults": "\n".join(faults[:20]) or "none"},
    )
