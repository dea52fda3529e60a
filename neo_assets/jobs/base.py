"""The frame of a job: reads its order, opens the writer of its partition, commits, reports.

A job makes one partition (`open_job`), or a range of them one after the other, each committed as soon as it is whole
(`open_range_job`).
"""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import psutil
from dagster_pipes import PipesContext, open_dagster_pipes

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.engine.progress import OBSERVATION_PREFIX, PROGRESS_PREFIX, listening
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest, Provenance, Resources
from neo_assets.lake.work import work_folder
from neo_assets.lake.writer import VersionWriter
from neo_assets.metadata import Columns, Json, Markdown, describe
from neo_assets.recipe.base import Section
from neo_assets.recipe.recipe import Recipe


@dataclass
class _Ordered:
    """What every job is told: its inputs by name, the recipe, and a scratch folder that ends with it."""

    lake: Lake
    recipe: Recipe
    asset: str
    inputs: Mapping[str, Dataset]
    scratch: Path
    provenance: Provenance
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What an operator set for this run beside the recipe."""
    closing: ExitStack = field(default_factory=ExitStack)

    def _work(self, partition: str | None, order: Any, alone: bool) -> Path:
        digest = sha256(json.dumps([self.provenance.code_version, order]).encode()).hexdigest()
        return self.closing.enter_context(work_folder(self.lake, self.asset, partition, digest, alone))


@dataclass
class Job(_Ordered):
    """A job that makes one partition, through one writer."""

    partition: str | None = None
    writer: VersionWriter = field(kw_only=True)
    metadata: dict[str, Any] = field(default_factory=dict)

    def work(self, *settings: Section, alone: bool = False) -> Path:
        """A folder that outlives a kill: the next job with the same code, inputs and settings finds what is in it.

        Emptied when the job has committed. `alone`: no other partition of the asset may be made meanwhile.

        Raises:
            BusyError: another process makes the same partition.
        """
        given = [section.model_dump(mode="json") for section in settings]
        return self._work(self.partition, [sorted(self.provenance.inputs.items()), given], alone)

    @property
    def key(self) -> str:
        """The partition key of a job of a partitioned asset."""
        if self.partition is None:
            raise ValueError(f"{self.asset} is not partitioned; this job needs a partition")
        return self.partition


@dataclass
class RangeJob(_Ordered):
    """A job that makes consecutive partitions without a break in between; each is committed when it is whole."""

    keys: tuple[str, ...] = ()
    tell: Callable[[dict[str, Any]], None] = field(kw_only=True)
    """Sends the asset what was published."""
    published: dict[str, Dataset] = field(default_factory=dict)
    _since: float = field(default_factory=time.perf_counter)
    _cpu_before: float = 0.0

    def work(self, order: str) -> Path:
        """A folder that outlives a kill, for the whole chain: the next job with the same code and `order` finds what
        is in it. Emptied when all partitions are made.

        Raises:
            BusyError: another process makes partitions of this asset.
        """
        return self._work(None, order, alone=True)

    def publish(
        self,
        key: str,
        write: Callable[[VersionWriter], None],
        inputs: Mapping[str, Dataset],
        metadata: Mapping[str, Any],
    ) -> Dataset:
        """Commit one partition: `write` fills its version, `inputs` are the handles that it alone was made from."""
        if key not in self.keys or key in self.published:
            raise ValueError(f"{self.asset}: partition {key!r} is not one to make, or was made already")
        writer = self.lake.writer(self.asset, key)
        digests = {name: digest for dataset in inputs.values() for name, digest in dataset.digests.items()}
        try:
            write(writer)
            made = self.provenance.model_copy(update={"inputs": digests})
            dataset = writer.commit(made, _resources(self._since, self._cpu_before), metadata)
        except BaseException:
            writer.discard()
            raise
        self._since, self._cpu_before = time.perf_counter(), _cpu_seconds()
        self.published[key] = dataset
        self.tell({"partition": key, "digest": dataset.manifest.digest, "metadata": _raw(describe(dataset))})
        return dataset

    def observe(self, key: str, metadata: Mapping[str, float | int | str]) -> None:
        """Tell the instance how a partition is coming on while it is made: an observation event, which the UI plots."""
        line = json.dumps({"partition": key, "metadata": metadata}, allow_nan=True)
        print(f"{OBSERVATION_PREFIX}{line}", flush=True)


@contextmanager
def open_job() -> Iterator[Job]:
    """Run the block as a job: what it wrote is committed and reported at its end, or discarded if it fails.

    Raises:
        RuntimeError: not started by a Dagster asset.
    """
    with _opened() as (pipes, ordered):
        started, partition = time.perf_counter(), pipes.extras["partition"]
        writer = ordered["lake"].writer(ordered["asset"], partition)
        job = Job(**ordered, partition=partition, writer=writer)
        try:
            with job.closing:
                yield job
                dataset = job.writer.commit(job.provenance, _resources(started), job.metadata)
        except BaseException:
            job.writer.discard()
            raise
        pipes.report_asset_materialization(metadata=_raw(describe(dataset)), data_version=dataset.manifest.digest)


@contextmanager
def open_range_job() -> Iterator[RangeJob]:
    """Run the block as a job over its range of partitions; it must publish every one of them.

    What was published stays when the block fails later, and the instance learns of it.

    Raises:
        RuntimeError: not started by a Dagster asset, or a partition was not published.
    """
    with _opened() as (pipes, ordered):
        job = RangeJob(**ordered, keys=tuple(pipes.extras["partitions"]), tell=pipes.report_custom_message)
        with job.closing:
            yield job
            if missing := [key for key in job.keys if key not in job.published]:
                raise RuntimeError(f"{job.asset}: {', '.join(missing)} not made")
        last = job.published[job.keys[-1]]
        pipes.report_asset_materialization(data_version=last.manifest.digest)


@contextmanager
def _opened() -> Iterator[tuple[PipesContext, dict[str, Any]]]:
    """The connection to the asset, and the fields that its order fills."""
    if "DAGSTER_PIPES_CONTEXT" not in os.environ:
        raise RuntimeError("a job is started by its asset: materialize that instead")
    with (
        open_dagster_pipes() as pipes,
        tempfile.TemporaryDirectory(prefix="neo-job-") as scratch,
        listening(_print_progress),
    ):
        yield pipes, _ordered(pipes.extras, Path(scratch))


def _print_progress(what: str, done: int, total: int) -> None:
    print(f"{PROGRESS_PREFIX}{what}\t{done}\t{total}", flush=True)


def _ordered(order: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    if "parent" in order:
        exit_with_parent(order["parent"])
    lake = Lake(order["lake"])
    inputs = {
        name: Dataset(lake.store, given["asset"], tuple(Manifest.model_validate(m) for m in given["manifests"]))
        for name, given in order["inputs"].items()
    }
    return {
        "lake": lake,
        "recipe": Recipe.model_validate(order["recipe"]),
        "asset": order["asset"],
        "inputs": inputs,
        "scratch": scratch,
        "provenance": Provenance.model_validate(order["provenance"]),
        "settings": order.get("settings", {}),
    }


def _resources(started: float, cpu_before: float = 0.0) -> Resources:
    """What this process took, and the processes that it started, since `started`."""
    usage, ended = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return Resources(
        cpu_seconds=round(_cpu_seconds() - cpu_before, 3),
        wall_seconds=round(time.perf_counter() - started, 3),
        peak_memory_bytes=max(usage.ru_maxrss, ended.ru_maxrss) * 1024,
    )


def _cpu_seconds() -> float:
    """Of this process and all it started, those at work included."""
    times = os.times()
    children = psutil.Process().children(recursive=True)
    return times.user + times.system + times.children_user + times.children_system + sum(map(_cpu_of, children))


def _cpu_of(process: psutil.Process) -> float:
    try:
        taken = process.cpu_times()
    except psutil.NoSuchProcess:  # it ended just now
        return 0.0
    return float(taken.user + taken.system)


def _raw(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata in the raw form that Pipes carries."""
    raw: dict[str, Any] = {}
    for key, value in metadata.items():
        match value:
            case Markdown(text=text):
                raw[key] = {"raw_value": text, "type": "md"}
            case Json(data=data):
                raw[key] = {"raw_value": data, "type": "json"}
            case Columns(schema=schema):
                columns = [{"name": f.name, "type": str(f.type)} for f in schema]
                raw[key] = {"raw_value": {"columns": columns}, "type": "table_schema"}
            case _:
                raw[key] = value
    return raw
