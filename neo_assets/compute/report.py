"""What an asset makes of a job's output and reports, wherever the job ran."""

from __future__ import annotations

import json
import signal
import warnings
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import dagster as dg

from neo_assets.compute.order import partitions_of
from neo_assets.engine.progress import OBSERVATION_PREFIX, relay

DATA_VERSION_TAG = "dagster/data_version"
TAIL_LINES = 30


class Output:
    """A job's output, line by line: progress and observations go where they belong, the rest to the step's log."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._known = set(partitions_of(context))
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)

    def __call__(self, line: str) -> None:
        """Take a line, without its end."""
        if not (relay(line) or self._observe(line)):
            self.tail.append(line.rstrip())
            print(line, flush=True)

    def _observe(self, line: str) -> bool:
        """Turn an observation into an event of the partition being made; False if the line is none."""
        if not line.startswith(OBSERVATION_PREFIX):
            return False
        told = json.loads(line.removeprefix(OBSERVATION_PREFIX))
        if told["partition"] in self._known:
            key, metadata = told["partition"], told["metadata"]
            self._context.log_event(dg.AssetObservation(self._context.asset_key, partition=key, metadata=metadata))
        return True


def status_text(code: int) -> str:
    """How a process ended that did not end well; a negative status is the signal that killed it."""
    return f"was killed by signal {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"


def failure(
    context: dg.AssetExecutionContext,
    module: str,
    reason: str,
    tail: Sequence[str],
    published: Sequence[Mapping[str, Any]] = (),
) -> dg.Failure:
    """The error of a job that `reason` ended, with the last lines of its log.

    The instance learns of the partitions that it had committed: they stay.
    """
    record(context, published)
    last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
    return dg.Failure(f"{module} {reason}: {last}\nThe last lines of its log:\n" + "\n".join(tail))


def result_of(
    context: dg.AssetExecutionContext, module: str, session: Any, tail: Sequence[str]
) -> dg.MaterializeResult[None]:
    """What a job that ended well has reported in its Pipes session.

    Raises:
        dg.Failure: it has not reported one result.
    """
    results, published = session.get_results(implicit_materializations=False), session.get_custom_messages()
    if len(results) != 1 or not isinstance(results[0], dg.MaterializeResult):
        log = "\n".join(tail)
        raise dg.Failure(f"{module} ended without reporting its result. The last lines of its log:\n{log}")
    made_here = set(partitions_of(context))
    record(context, [told for told in published if told["partition"] not in made_here])
    for told in published:
        if told["partition"] in made_here:
            context.add_asset_metadata(shown(told["metadata"]), partition_key=told["partition"])
    return results[0]


def record(context: dg.AssetExecutionContext, published: Sequence[Mapping[str, Any]]) -> None:
    """Tell the instance of committed partitions that are no result of this step: those of a job that failed later."""
    for told in published:
        tags = {DATA_VERSION_TAG: told["digest"]}
        key, metadata = told["partition"], shown(told["metadata"])
        context.log_event(dg.AssetMaterialization(context.asset_key, partition=key, metadata=metadata, tags=tags))


def shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as it came over Pipes, in Dagster's types."""
    found: dict[str, Any] = {}
    for key, value in raw.items():
        match value:
            case {"raw_value": text, "type": "md"}:
                found[key] = dg.MetadataValue.md(text)
            case {"raw_value": {"columns": columns}, "type": "table_schema"}:
                found[key] = dg.TableSchema(columns=[dg.TableColumn(c["name"], c["type"]) for c in columns])
            case {"raw_value": data, "type": "json"}:
                found[key] = dg.MetadataValue.json(data)
            case _:
                found[key] = value
    return found


@contextmanager
def without_internal_warnings() -> Iterator[None]:
    """Dagster warns of members that its own Pipes session uses; nobody can act on that here."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*PipesMessageReader.expected_writer_count")
        warnings.filterwarnings("ignore", message="AssetExecutionContext.run_id is deprecated")
        yield
