"""Jobs as processes on this machine, over Dagster Pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from neo_assets.compute.order import job_order, partitions_of
from neo_assets.compute.protocol import Profile
from neo_assets.engine.orphan import stopped_with_us
from neo_assets.engine.progress import OBSERVATION_PREFIX, relay
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.recipe.recipe import Recipe

DATA_VERSION_TAG = "dagster/data_version"
TAIL_LINES = 30
GRACE_SECONDS = 10


@dataclass(frozen=True)
class LocalCompute:
    """Runs each job in a fresh Python process; its output goes to the step's log and, on failure, into the error."""

    lake: Lake
    recipe: Recipe
    environment: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        context: dg.AssetExecutionContext,
        module: str,
        *,
        profile: Profile = "cpu",
        settings: Mapping[str, Any] | None = None,
        **inputs: Dataset,
    ) -> dg.MaterializeResult[None]:
        """Run the module for the context's asset partition, with these inputs."""
        extras = job_order(context, self.lake, self.recipe, inputs) | {
            "parent": os.getpid(),
            "settings": dict(settings or {}),
        }
        with (
            _without_internal_warnings(),
            dg.open_pipes_session(
                context=context,
                context_injector=dg.PipesTempFileContextInjector(),
                message_reader=dg.PipesTempFileMessageReader(),
                extras=extras,
            ) as session,
        ):
            environment = {**os.environ, **session.get_bootstrap_env_vars(), **self.environment}
            environment |= {"PYTHONUNBUFFERED": "1", "TQDM_DISABLE": "1"}
            code, tail = _run([sys.executable, "-m", module], environment, _observer(context))
        results = session.get_results(implicit_materializations=False)
        published, log = session.get_custom_messages(), "\n".join(tail)
        if code != 0:
            _record(context, published)
            reason = f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
            last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
            raise dg.Failure(f"{module} {reason}: {last}\nThe last lines of its log:\n{log}")
        if len(results) != 1 or not isinstance(results[0], dg.MaterializeResult):
            raise dg.Failure(f"{module} ended without reporting its result. The last lines of its log:\n{log}")
        for told in published:
            context.add_asset_metadata(_metadata(told["metadata"]), partition_key=told["partition"])
        return results[0]


def _record(context: dg.AssetExecutionContext, published: Sequence[Any]) -> None:
    """Tell the instance of the partitions that a job committed before it failed: they stay."""
    for told in published:
        tags = {DATA_VERSION_TAG: told["digest"]}
        key, metadata = told["partition"], _metadata(told["metadata"])
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata, tags=tags))


def _metadata(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as it came over Pipes, in Dagster's types."""
    shown: dict[str, Any] = {}
    for key, value in raw.items():
        match value:
            case {"raw_value": text, "type": "md"}:
                shown[key] = dg.MetadataValue.md(text)
            case {"raw_value": {"columns": columns}, "type": "table_schema"}:
                shown[key] = dg.TableSchema(columns=[dg.TableColumn(c["name"], c["type"]) for c in columns])
            case {"raw_value": data, "type": "json"}:
                shown[key] = dg.MetadataValue.json(data)
            case _:
                shown[key] = value
    return shown


def _observer(context: dg.AssetExecutionContext) -> Callable[[str], bool]:
    """Turns a job's observation lines into events of the partition being made."""
    known = set(partitions_of(context))

    def observe(line: str) -> bool:
        if not line.startswith(OBSERVATION_PREFIX):
            return False
        told = json.loads(line.removeprefix(OBSERVATION_PREFIX))
        if told["partition"] in known:
            context.log_event(
                dg.AssetObservation(context.asset_key, partition=told["partition"], metadata=told["metadata"])
            )
        return True

    return observe


def _run(command: list[str], environment: dict[str, str], observe: Callable[[str], bool]) -> tuple[int, deque[str]]:
    """Run a process to its end, passing its output on line by line; give its status and last lines."""
    tail: deque[str] = deque(maxlen=TAIL_LINES)
    with (
        subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as process,
        stopped_with_us(process, GRACE_SECONDS),
    ):
        for line in process.stdout or ():
            if not (relay(line) or observe(line)):
                tail.append(line.rstrip())
                print(line, end="", flush=True)
        return process.wait(), tail


@contextmanager
def _without_internal_warnings() -> Iterator[None]:
    """Dagster warns of members that its own Pipes session uses; nobody can act on that here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*PipesMessageReader.expected_writer_count")
        warnings.filterwarnings("ignore", message="AssetExecutionContext.run_id is deprecated")
        yield
