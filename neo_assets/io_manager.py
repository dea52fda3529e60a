"""The one IO manager: resolves handles from asset keys and partitions, and commits what assets return.

It never loads rows: a handle is a manifest, and what an asset returns is a lazy relation that the engine writes part
by part.
"""

from __future__ import annotations

import importlib.metadata
import time
from collections import defaultdict
from typing import Any

import dagster as dg

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Draft, rows_judged
from neo_assets.engine.work import peak_memory
from neo_assets.lake.dataset import ROWS, Dataset, input_name
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance, Resources
from neo_assets.metadata import RECIPE_KEY, Columns, Json, Markdown, describe

LIBRARIES = ("pyarrow", "duckdb", "numpy")
"""Packages whose versions a manifest names."""


class LakeIOManager(dg.IOManager):
    """Assets take and return handles; rows stay in the lake."""

    def __init__(self, lake: Lake, engine: Engine) -> None:
        self._lake = lake
        self._engine = engine
        self._inputs: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        self._started: dict[tuple[str, str], tuple[float, float]] = {}

    def load_input(self, context: dg.InputContext) -> Dataset:
        """The handle over the upstream partitions; empty where a mapping allows partitions that don't exist."""
        self._started.setdefault(_step(context), (time.perf_counter(), time.process_time()))
        partitions: list[str | None] = [None]
        asset, gathers = context.asset_key.to_user_string(), _gathers(context)
        if context.has_asset_partitions and not gathers:
            partitions = [key for key in context.asset_partition_keys if key not in _made_now(context)]
        dataset = self._lake.whole(asset) if gathers else self._lake.dataset(asset, partitions)
        missing = set() if gathers else set(partitions) - {m.partition for m in dataset.manifests}
        if missing:
            names = ", ".join(sorted(str(name) for name in missing if name)) or "unpartitioned"
            raise dg.Failure(f"{asset} is not materialized ({names}); run `neo build {asset}` first")
        lost = [m for m in dataset.manifests if m.counts and not m.counts.balanced]
        if lost:
            name = input_name(lost[0].asset, lost[0].partition)
            raise dg.Failure(f"{name} lost rows; run `neo build {lost[0].asset} --force`")
        self._inputs[_step(context)] |= dataset.digests
        return dataset

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write what the asset returned, commit it, and tell Dagster its data version and metadata."""
        draft = Draft.of(obj)
        started = self._started.pop(_step(context), (time.perf_counter(), time.process_time()))
        key = context.asset_key.to_user_string()
        writer = self._lake.writer(key, context.partition_key if context.has_partition_key else None)
        if ROWS in draft.tables:
            writer.rows_in = rows_judged(draft.tables[ROWS])
        try:
            took = [self._engine.write(relation, writer, name) for name, relation in draft.tables.items()]
            for name, source in draft.files.items():
                # A plot shows the content in a rendering that may differ between installations.
                writer.file(name, source, content=not name.endswith(".png"))
            for name, source in draft.views.items():
                writer.file(name, source, content=False)
            spec = context.step_context.job_def.asset_layer.get(context.asset_key)
            dataset = writer.commit(
                provenance_of(spec, self._inputs.pop(_step(context), {}), self._engine.name),
                _total(took, started),
                draft.metadata,
            )
        except BaseException:
            writer.discard()
            raise
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(dataset.manifest.digest))
        context.add_output_metadata({key: shown(value) for key, value in describe(dataset).items()})


def provenance_of(spec: Any, inputs: dict[str, str], engine: str) -> Provenance:
    """The provenance record of a version that is being made now."""
    return Provenance(
        inputs=inputs,
        code_version=spec.code_version or "",
        recipe=spec.metadata[RECIPE_KEY].value if RECIPE_KEY in spec.metadata else {},
        engine=engine,
        libraries={
            name: importlib.metadata.version(name) for name in (*LIBRARIES, *(["pyspark"] if engine == "spark" else []))
        },
    )


def _gathers(context: dg.InputContext) -> bool:
    """Whether the input is every dynamic partition that there is, and not the step's own.

    Those are named long before they are made, and instances know of different ones: what is committed counts.
    """
    if not context.has_asset_partitions or not isinstance(context.asset_partitions_def, dg.DynamicPartitionsDefinition):
        return False
    step = context.step_context
    own = [step.partitions_def_for_output(output.name) for output in step.step.step_outputs]
    return context.asset_partitions_def not in own


def _made_now(context: dg.InputContext) -> set[str]:
    """The partitions of the input that this very step makes: those of an asset that continues itself over a range."""
    step = context.step_context
    for output in step.step.step_outputs:
        definition = step.partitions_def_for_output(output.name)
        if output.properties.asset_key == context.asset_key and definition is not None:
            made = step.asset_partition_key_range_for_output(output.name)
            return set(definition.get_partition_keys_in_range(made))
    return set()


def _step(context: dg.InputContext | dg.OutputContext) -> tuple[str, str]:
    step = context.step_context
    return step.run_id, step.step.key


def _total(took: list[Resources], started: tuple[float, float]) -> Resources:
    """What the whole step took since its first input: this process, and the engine's workers."""
    return Resources(
        cpu_seconds=round(time.process_time() - started[1] + sum(r.worker_cpu_seconds for r in took), 3),
        wall_seconds=round(time.perf_counter() - started[0], 3),
        peak_memory_bytes=max((r.peak_memory_bytes for r in took), default=peak_memory()),
        workers=max((r.workers for r in took), default=1),
        engine_metrics=_metrics(took),
    )


def _metrics(took: list[Resources]) -> dict[str, float]:
    """What the engine counted over all tables: sums, and of the skew of tasks the worst."""
    found: dict[str, float] = {}
    for name, value in (item for resources in took for item in resources.engine_metrics.items()):
        found[name] = max(found.get(name, 0.0), value) if name == "task_skew" else found.get(name, 0.0) + value
    return found


def shown(value: Any) -> Any:
    match value:
        case Markdown(text=text):
            return dg.MetadataValue.md(text)
        case Json(data=data):
            return dg.MetadataValue.json(data)
        case Columns(schema=schema):
            return dg.TableSchema(
                columns=[
                    dg.TableColumn(f.name, str(f.type), constraints=dg.TableColumnConstraints(nullable=f.nullable))
                    for f in schema
                ]
            )
        case _:
            return value
