"""The channel between an asset and its job on another machine: a folder of the lake, which both reach.

    .jobs/NAME/order.json              what the asset tells the job: the context of Dagster Pipes, order included
    .jobs/NAME/messages/NNNNNN.json    what the job told through Pipes, in lists
    .jobs/NAME/log/NNNNNN.txt          what it printed, in whole lines
    .jobs/NAME/result.json             how it ended
    .jobs/NAME/taken.json              the asset knows how it ended

Each file is written once, in one step, so whoever reads sees it whole or not at all. A pod that starts where another
one was killed goes on numbering after what it finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neo_assets.lake.dataset import input_name
from neo_assets.lake.lake import Lake
from neo_assets.lake.store import Store

FOLDER = ".jobs"
POSITION_PREFIX = "::line "
"""Printed by a pod now and then: how many of the job's lines came before. Not one of them itself."""
NOTE_PREFIX = "::pod "
"""What a pod says itself, between the job's lines."""


@dataclass(frozen=True)
class Result:
    """How a job ended.

    Args:
        code: its exit status; negative: the signal that killed it.
        interrupted: the pod was told to stop, so what the job says of its end is not its own fault.
        lines: how many lines the log has.
    """

    code: int
    interrupted: bool = False
    lines: int = 0


@dataclass(frozen=True)
class Channel:
    """The folder of one pod, or of one node of several."""

    store: Store
    name: str

    def _path(self, file: str) -> str:
        return f"{FOLDER}/{self.name}/{file}"

    def _read(self, file: str) -> bytes | None:
        try:
            return self.store.read(self._path(file))
        except FileNotFoundError:
            return None

    def _json(self, file: str) -> Any:
        data = self._read(file)
        return None if data is None else json.loads(data)

    def _put(self, file: str, value: Any) -> None:
        self.store.replace(self._path(file), json.dumps(value).encode())

    def put_order(self, context: Mapping[str, Any]) -> None:
        """Leave the order for the pod."""
        self._put("order.json", context)

    def order(self) -> dict[str, Any] | None:
        """The order; None if there is none."""
        found: dict[str, Any] | None = self._json("order.json")
        return found

    def put_messages(self, number: int, messages: Sequence[Mapping[str, Any]]) -> None:
        """Store the next messages of Pipes."""
        self._put(f"messages/{number:06}.json", messages)

    def messages(self) -> list[dict[str, Any]]:
        """All messages so far, in order."""
        return [message for chunk in self._chunks("messages", ".json") for message in json.loads(chunk)]

    def put_log(self, number: int, lines: Sequence[str]) -> None:
        """Store the next lines; each without its line end."""
        self.store.replace(self._path(f"log/{number:06}.txt"), "".join(f"{line}\n" for line in lines).encode())

    def log(self, number: int) -> list[str] | None:
        """The lines of a chunk of the log; None while it is not there."""
        data = self._read(f"log/{number:06}.txt")
        return None if data is None else data.decode().split("\n")[:-1]

    def _chunks(self, folder: str, ending: str) -> Iterator[bytes]:
        number = 0
        while (data := self._read(f"{folder}/{number:06}{ending}")) is not None:
            yield data
            number += 1

    def stored(self) -> tuple[int, int, int]:
        """How many chunks of messages, chunks of the log and lines there are."""
        chunks = list(self._chunks("log", ".txt"))
        return sum(1 for _ in self._chunks("messages", ".json")), len(chunks), sum(c.count(b"\n") for c in chunks)

    def put_result(self, result: Result) -> None:
        """Tell how the job ended; the last thing that is written."""
        self._put("result.json", vars(result))

    def result(self) -> Result | None:
        """How the job ended; None if it did not, or was killed with its pod."""
        found = self._json("result.json")
        return None if found is None else Result(**found)

    def take(self, by: str) -> None:
        """Note that the asset knows how this ended, so that nobody takes it for news."""
        self._put("taken.json", {"by": by})

    @property
    def is_taken(self) -> bool:
        """Whether an asset knows how this ended."""
        return self._read("taken.json") is not None

    def node(self, rank: int) -> Channel:
        """The channel of another node of the same job, for its log and its end."""
        return self if rank == 0 else Channel(self.store, f"{self.name}/node-{rank}")


def attempts(store: Store, base: str) -> list[int]:
    """The numbers of the pods of an order that left a folder, sorted."""
    endings = (name.removeprefix(f"{base}-") for name in store.folders(FOLDER) if name.startswith(f"{base}-"))
    return sorted(int(ending) for ending in endings if ending.isdecimal())


def published(messages: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """What a job over a range told of each partition that it committed, by partition."""
    told = (m["params"]["payload"] for m in messages if m["method"] == "report_custom_message")
    return {payload["partition"]: payload for payload in told if "partition" in payload}


def rest_of(context: Mapping[str, Any], made: Mapping[str, Mapping[str, Any]], lake: Lake) -> dict[str, Any]:
    """The same order without the first partitions of its range, which are made and in force.

    What the asset continues is then the last of those.
    """
    order = context["extras"]
    keys, asset = list(order["partitions"]), order["asset"]
    last = None
    while keys and keys[0] in made:
        manifest = lake.manifest(asset, keys[0])
        if manifest is None or manifest.digest != made[keys[0]]["digest"]:
            break
        last = manifest
        keys.pop(0)
    if last is None:
        return dict(context)
    own = {"asset": asset, "manifests": [last.model_dump(mode="json")]}
    inputs = {name: own if given["asset"] == asset else given for name, given in order["inputs"].items()}
    digests = {name: d for name, d in order["provenance"]["inputs"].items() if not name.startswith(f"{asset}|")}
    digests[input_name(asset, last.partition)] = last.digest
    left = {
        **order,
        "partition": keys[0] if len(keys) == 1 else None,
        "partitions": keys,
        "inputs": inputs,
        "provenance": {**order["provenance"], "inputs": digests},
    }
    return {**context, "extras": left}


def closing_message(asset: str, digest: str) -> dict[str, Any]:
    """What a job over a range reports at its end, for one that was killed after its last commit."""
    params = {"asset_key": asset, "data_version": digest, "metadata": None}
    return {"method": "report_asset_materialization", "params": params}
