"""What is missing or stale, by the manifests; and building exactly that through Dagster, in dependency order.

Dagster's own staleness stops at wide fan-ins and does not pass through several levels, so the manifests decide: a
partition is current when it was made by the present code and recipe from the content that is now in force upstream.
An upstream rebuild that changes nothing makes nothing stale.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from typing import Any, NamedTuple

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.types.pagination import PaginatedResults

from neo_assets.lake.dataset import input_name
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest
from neo_assets.metadata import OBSERVED, RECIPE_KEY, TOLD
from neo_assets.recipe.recipe import load_recipe


class Node(NamedTuple):
    """One partition of one asset."""

    asset: str
    partition: str | None

    def __str__(self) -> str:
        return input_name(self.asset, self.partition)


@dataclass(frozen=True)
class Stale:
    """Why a partition must be made."""

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


class RunResult(NamedTuple):
    """How a run ended: the error that stopped it, if any, and the checks that failed."""

    error: str | None = None
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What happened to a batch of nodes: built, or failed with a message; and the checks that failed."""

    nodes: tuple[Node, ...]
    error: str | None = None
    failed_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class DynamicKeys:
    """The keys of dynamic partitions, in the form in which Dagster asks for them."""

    keys: Mapping[str, Sequence[str]]

    def get_dynamic_partitions(self, partitions_def_name: str) -> Sequence[str]:
        """The keys of a definition, in order."""
        return self.keys[partitions_def_name]

    def get_paginated_dynamic_partitions(
        self, partitions_def_name: str, limit: int, ascending: bool, cursor: str | None = None
    ) -> PaginatedResults[str]:
        """The same, a page at a time."""
        return PaginatedResults.create_from_sequence(self.keys[partitions_def_name], limit, ascending, cursor)

    def has_dynamic_partition(self, partitions_def_name: str, partition_key: str) -> bool:
        """Whether it is one of them."""
        return partition_key in self.keys[partitions_def_name]

    def get_existing_dynamic_partitions(self, partitions_def_name: str, partition_keys: Sequence[str]) -> set[str]:
        """Those of the keys that are among them."""
        return set(partition_keys) & set(self.keys[partitions_def_name])

    def get_dynamic_partitions_definition_id(self, partitions_def_name: str) -> str:
        """Changes when the keys do."""
        return sha256(json.dumps(list(self.keys[partitions_def_name])).encode()).hexdigest()

    def register(self, instance: dg.DagsterInstance) -> None:
        """Tell an instance of the keys that it does not know."""
        for name, keys in self.keys.items():
            if new := [key for key in keys if not instance.has_dynamic_partition(name, key)]:
                instance.add_dynamic_partitions(name, new)


class SelectionError(ValueError):
    """A selection or partition that names nothing."""


@dataclass
class Graph:
    """The asset graph, partition by partition, over one lake."""

    definitions: dg.Definitions
    lake: Lake
    dynamic: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Keys of dynamic partitions that are to be made, by the name of their definition; committed ones are known."""
    _manifests: dict[Node, Manifest | None] = field(default_factory=dict)
    _parents: dict[Node, list[Node]] = field(default_factory=dict)
    _partitions: dict[str, list[str | None]] = field(default_factory=dict)

    @cached_property
    def assets(self) -> Any:
        """Dagster's asset graph."""
        return self.definitions.resolve_asset_graph()

    @cached_property
    def store(self) -> DynamicKeys:
        """Every key of every dynamic partitions definition."""
        return DynamicKeys({name: self._dynamic_keys(name) for name in self._roots})

    @cached_property
    def order(self) -> list[str]:
        """Assets (`area/name`) in topological order."""
        return [key.to_user_string() for key in self.assets.toposorted_asset_keys]

    def partitions(self, asset: str) -> list[str | None]:
        """The partition keys of an asset, in order; `[None]` for an unpartitioned one."""
        if asset not in self._partitions:
            definition = self._node(asset).partitions_def
            keys = [None] if definition is None else definition.get_partition_keys(dynamic_partitions_store=self.store)
            self._partitions[asset] = list(keys)
        return self._partitions[asset]

    def parents(self, node: Node) -> list[Node]:
        """The upstream partitions that a partition reads, in order."""
        if node not in self._parents:
            assets = sorted(key.to_user_string() for key in self._node(node.asset).parent_keys)
            self._parents[node] = [Node(asset, key) for asset in assets for key in self._upstream(node, asset)]
        return self._parents[node]

    def select(self, selection: str | None, partition: str | None, upstream: bool = True) -> list[Node]:
        """The nodes of a selection (Dagster's syntax; everything if None), with all they need, in build order.

        Raises:
            SelectionError: nothing is selected, or no selected asset has that partition.
        """
        chosen = self._keys(selection)
        nodes = [Node(a, p) for a in self.order if a in chosen for p in self.partitions(a)]
        if partition is not None:
            nodes = [node for node in nodes if node.partition == partition]
            if not nodes:
                keys = sorted({str(p) for a in chosen for p in self.partitions(a) if p})
                raise SelectionError(f"no selected asset has partition {partition!r}; there are {', '.join(keys[:20])}")
        wanted = set(nodes)
        if upstream:
            waiting = list(nodes)
            while waiting:
                new = [parent for parent in self.parents(waiting.pop()) if parent not in wanted]
                wanted.update(new)
                waiting.extend(new)
        return [Node(a, p) for a in self.order for p in self.partitions(a) if Node(a, p) in wanted]

    def stale(self, node: Node, remade: Iterable[Node] = ()) -> Stale | None:
        """Why the partition must be made, or None if it is current. `remade`: partitions known to be made anew."""
        manifest = self._manifest(node)
        if manifest is None:
            return Stale("missing")
        spec = self.assets.get(dg.AssetKey(node.asset.split("/")))
        if OBSERVED in spec.metadata:
            return _told_otherwise(manifest, spec.metadata[OBSERVED])
        if manifest.provenance.code_version != spec.code_version:
            return _changed(manifest, spec)
        now = {str(p): m.digest if (m := self._manifest(p)) else "" for p in self.parents(node)}
        then = manifest.provenance.inputs
        if now != then:
            differing = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
            return Stale("input changed", ", ".join(differing[:3]) + (" …" if len(differing) > 3 else ""))
        upstream = set(self.parents(node)) & set(remade)
        return Stale("upstream stale", ", ".join(sorted(map(str, upstream))[:3])) if upstream else None

    def states(self, nodes: Sequence[Node]) -> dict[Node, Stale | None]:
        """The state of each node, staleness passed on to everything downstream."""
        self._read_ahead([*nodes, *(parent for node in nodes for parent in self.parents(node))])
        found: dict[Node, Stale | None] = {}
        for node in nodes:
            found[node] = self.stale(node, (other for other, state in found.items() if state))
        return found

    def build(
        self, nodes: Sequence[Node], run: Callable[[Sequence[Node]], RunResult], force: bool = False
    ) -> Iterator[Outcome]:
        """Make what is missing or stale, batch by batch; stops after the first failure.

        Partitions that surely need making and share a partition key go into one run, and so do consecutive partitions
        of an asset that makes ranges; one whose inputs are only about to be remade is judged when they are.
        """
        waiting = list(nodes)
        while waiting:
            node = waiting.pop(0)
            if not force and self.stale(node) is None:
                yield Outcome(())
                continue
            follow = self._range if self._node(node.asset).backfill_policy is not None else self._companions
            batch = [node, *follow(node, waiting, force)]
            waiting = [other for other in waiting if other not in batch]
            result = run(batch)
            for made in batch:
                self._manifests.pop(made, None)
            yield Outcome(tuple(batch), *result)
            if result.error is not None:
                return

    def _companions(self, first: Node, waiting: Sequence[Node], force: bool) -> Iterator[Node]:
        definition, batch, blocked = self._node(first.asset).partitions_def, {first}, set(waiting)
        for node in waiting:
            alike = node.partition == first.partition and self._node(node.asset).partitions_def == definition
            reason = Stale("forced") if force else self.stale(node)
            ready = not any(parent in blocked and parent not in batch for parent in self.parents(node))
            if alike and reason is not None and reason.kind != "input changed" and ready:
                batch.add(node)
                yield node

    def _range(self, first: Node, waiting: Sequence[Node], force: bool) -> Iterator[Node]:
        """The partitions after this one that the same job can make: all that follow without a gap and are ready.

        One with nothing wrong but its input joins when that of the first changed too; if the first is made anew for
        another reason, the same bits may come out and leave the rest of the chain current.
        """
        keys, blocked, batch = self.partitions(first.asset), set(waiting), {first}
        surely = force or ((reason := self.stale(first)) is not None and reason.kind == "input changed")
        for key in keys[keys.index(first.partition) + 1 :]:
            node = Node(first.asset, key)
            ready = not any(parent in blocked and parent not in batch for parent in self.parents(node))
            state = self.stale(node)
            own = state is not None and state.kind != "input changed"
            if node not in blocked or not ready or not (surely or own):
                return
            batch.add(node)
            yield node

    def _keys(self, selection: str | None) -> set[str]:
        if selection is None:
            return set(self.order)
        try:
            keys = dg.AssetSelection.from_string(selection).resolve(self.assets)
        except Exception as error:
            raise SelectionError(f"cannot read the selection {selection!r}: {error}") from error
        if not keys:
            raise SelectionError(f"{selection!r} selects no asset; `neo status` lists them")
        return {key.to_user_string() for key in keys}

    def _manifest(self, node: Node) -> Manifest | None:
        if node not in self._manifests:
            self._manifests[node] = self.lake.manifest(node.asset, node.partition)
        return self._manifests[node]

    def _read_ahead(self, nodes: Iterable[Node]) -> None:
        """Manifests that will be asked for, several at once where the lake is far away."""
        missing = [node for node in dict.fromkeys(nodes) if node not in self._manifests]
        self._manifests.update(zip(missing, self.lake.manifests(missing), strict=True))

    @cached_property
    def _roots(self) -> dict[str, list[str]]:
        """The assets where each dynamic partitions definition begins, by its name."""
        found: dict[str, list[str]] = {}
        for asset in self.order:
            definition = self._node(asset).partitions_def
            if isinstance(definition, dg.DynamicPartitionsDefinition):
                above = [self.assets.get(key).partitions_def for key in self._node(asset).parent_keys]
                found.setdefault(str(definition.name), []).extend([] if definition in above else [asset])
        return found

    def _dynamic_keys(self, name: str) -> list[str]:
        committed = [key for asset in self._roots[name] for key in self.lake.partitions(asset)]
        return sorted({*self.dynamic.get(name, ()), *(key for key in committed if key is not None)})

    def _node(self, asset: str) -> Any:
        return self.assets.get(dg.AssetKey(asset.split("/")))

    def _upstream(self, node: Node, parent: str) -> list[str | None]:
        below, above = self._node(node.asset), self._node(parent)
        if above.partitions_def is None:
            return [None]
        mapping = self.assets.get_partition_mapping(below.key, above.key)
        subset = None
        if below.partitions_def is not None:
            subset = below.partitions_def.subset_with_partition_keys([node.partition])
        result = mapping.get_upstream_mapped_partitions_result_for_partitions(
            subset, below.partitions_def, above.partitions_def, datetime.now(UTC), self.store
        )
        return sorted(result.partitions_subset.get_partition_keys(), key=self.partitions(parent).index)


RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def run_in_process(definitions: dg.Definitions, instance: dg.DagsterInstance) -> Callable[[Sequence[Node]], RunResult]:
    """A function that materializes nodes of one partition key, or a range of one asset's, as one Dagster run.

    It says how the run ended.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    for pool in ("NullPool", "QueuePool"):  # of instances in files, and on servers
        logging.getLogger(f"sqlalchemy.pool.impl.{pool}").addFilter(_is_no_interrupt)

    def run(nodes: Sequence[Node]) -> RunResult:
        selection = {dg.AssetKey(node.asset.split("/")) for node in nodes}
        first, last = nodes[0].partition, nodes[-1].partition
        in_range = {RANGE_START: first, RANGE_END: last} if first and last and first != last else {}
        result = job.get_subset(asset_selection=selection).execute_in_process(
            instance=instance,
            partition_key=None if in_range else first,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={"neo/build": "true", **in_range},
        )
        failed = tuple(
            f"{check.asset_key.to_user_string()} {check.check_name}"
            for check in result.get_asset_check_evaluations()
            if not check.passed
        )
        return RunResult(None if result.success else _first_error(result), failed)

    return run


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """Whether a line of the log is of something else than an interrupt, which is raised on and told at the end.

    SQLAlchemy logs whatever is raised while it closes a connection, with the traceback.
    """
    raised = record.exc_info[1] if record.exc_info else None
    return not isinstance(raised, KeyboardInterrupt | DagsterExecutionInterruptedError)


@contextmanager
def engine_kept(definitions: dg.Definitions) -> Iterator[None]:
    """Keep what the engine starts (a Spark session) over several runs in this process; it is stopped at the end."""
    with dg.build_resources({"engine": (definitions.resources or {})["engine"]}):
        yield


def _first_error(result: Any) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
                error = error.cause  # what raised it is in its traceback; its own words say what to do
            step = event.step_key.replace("__", "/")
            if error.cls_name == "DagsterExecutionInterruptedError":
                return f"{step}: interrupted; what was committed stays, and the same build goes on from there"
            failure = event.step_failure_data.user_failure_data
            return f"{step}: {(failure.description if failure else None) or error.message.strip()}"
    return f"run {result.run_id} failed before its first step; see it in the UI"


def _told_otherwise(manifest: Manifest, told_by: bool | str) -> Stale | None:
    """An observation is made anew only if the recipe now tells it to look at something else."""
    if not isinstance(told_by, str):
        return None
    try:
        now, then = getattr(load_recipe(), told_by)(manifest.partition), manifest.metadata.get(TOLD)
    except ValueError as error:  # the recipe knows it no more; making it says so again
        return Stale("recipe changed", str(error))
    return None if now == then else Stale("recipe changed", ", ".join(_differences(then, now, ""))[:200])


def _changed(manifest: Manifest, spec: Any) -> Stale:
    """Which of code and recipe changed, with the recipe paths that differ."""
    then, now = manifest.provenance.recipe, spec.metadata[RECIPE_KEY].value
    if manifest.provenance.code_version.split("-")[0] != (spec.code_version or "").split("-")[0]:
        return Stale("code changed")
    return Stale("recipe changed", ", ".join(_differences(then, now, ""))[:200])


def _differences(then: Any, now: Any, path: str) -> Iterator[str]:
    if isinstance(then, dict) and isinstance(now, dict):
        for key in sorted(then.keys() | now.keys()):
            yield from _differences(then.get(key), now.get(key), f"{path}.{key}" if path else key)
    elif then != now:
        yield f"{path} {then!r} → {now!r}"
