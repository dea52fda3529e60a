"""The frame of a job: reads its order, opens the writer of its partition, commits, reports."""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from dagster_pipes import PipesContext, open_dagster_pipes

from neo_assets.engine.orphan import exit_with_parent
from neo_assets.engine.progress import PROGRESS_PREFIX, listening
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Manifest, Provenance, Resources
from neo_assets.lake.work import work_folder
from neo_assets.lake.writer import VersionWriter
from neo_assets.metadata import Columns, Json, Markdown, describe
from neo_assets.recipe.base import Section
from neo_assets.recipe.recipe import Recipe


@dataclass
class Job:
    """One job: its inputs by name, the recipe, a scratch folder, and the writer of the partition it makes."""

    lake: Lake
    recipe: Recipe
    partition: str | None
    inputs: Mapping[str, Dataset]
    writer: VersionWriter
    scratch: Path
    provenance: Provenance
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What an operator set for this run beside the recipe."""
    metadata: dict[str, Any] = field(default_factory=dict)
    closing: ExitStack = field(default_factory=ExitStack)

    def work(self, *settings: Section, alone: bool = False) -> Path:
        """A folder that outlives a kill: the next job with the same code, inputs and settings finds what is in it.

        Emptied when the job has committed. `alone`: no other partition of the asset may be made meanwhile.

        Raises:
            BusyError: another process makes the same partition.
        """
        order = [self.provenance.code_version, *sorted(self.provenance.inputs.items())]
        text = json.dumps([order, [section.model_dump(mode="json") for section in settings]])
        order_digest = sha256(text.encode()).hexdigest()
        folder = work_folder(self.lake, self.writer.asset, self.partition, order_digest, alone)
        return self.closing.enter_context(folder)

    @property
    def key(self) -> str:
        """The partition key of a job of a partitioned asset."""
        if self.partition is None:
            raise ValueError(f"{self.writer.asset} is not partitioned; this job needs a partition")
        return self.partition


@contextmanager
def open_job() -> Iterator[Job]:
    """Run the block as a job: what it wrote is committed and reported at its end, or discarded if it fails.

    Raises:
        RuntimeError: not started by a Dagster asset.
    """
    if "DAGSTER_PIPES_CONTEXT" not in os.environ:
        raise RuntimeError("a job is started by its asset: materialize that instead")
    with (
        open_dagster_pipes() as pipes,
        tempfile.TemporaryDirectory(prefix="neo-job-") as scratch,
        listening(_print_progress),
    ):
        started = time.perf_counter()
        job = _job(pipes, Path(scratch))
        try:
            with job.closing:
                yield job
                dataset = job.writer.commit(job.provenance, _resources(started), job.metadata)
        except BaseException:
            job.writer.discard()
            raise
        pipes.report_asset_materialization(metadata=_raw(describe(dataset)), data_version=dataset.manifest.digest)


def _print_progress(what: str, done: int, total: int) -> None:
    print(f"{PROGRESS_PREFIX}{what}\t{done}\t{total}", flush=True)


def _job(pipes: PipesContext, scratch: Path) -> Job:
    order = pipes.extras
    if "parent" in order:
        exit_with_parent(order["parent"])
    lake = Lake(order["lake"])
    inputs = {
        name: Dataset(lake.store, given["asset"], tuple(Manifest.model_validate(m) for m in given["manifests"]))
        for name, given in order["inputs"].items()
    }
    return Job(
        lake=lake,
        recipe=Recipe.model_validate(order["recipe"]),
        settings=order.get("settings", {}),
        partition=order["partition"],
        inputs=inputs,
        writer=lake.writer(order["asset"], order["partition"]),
        scratch=scratch,
        provenance=Provenance.model_validate(order["provenance"]),
    )


def _resources(started: float) -> Resources:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return Resources(
        cpu_seconds=round(usage.ru_utime + usage.ru_stime, 3),
        wall_seconds=round(time.perf_counter() - started, 3),
        peak_memory_bytes=usage.ru_maxrss * 1024,
    )


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
