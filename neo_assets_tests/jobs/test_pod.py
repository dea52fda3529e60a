"""A pod's entry and the channel through the lake, without any cluster."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.jobs import pod
from neo_assets.jobs.channel import (
    NOTE_PREFIX,
    POSITION_PREFIX,
    Channel,
    Result,
    attempts,
    closing_message,
    published,
    rest_of,
)
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.store import StoreError

ROOT = Path(__file__).parents[2]
SPEAKS = """
import os, signal, sys, time
print("first é")
if "wait" in os.environ.get("ACT", ""):
    print("waits", flush=True)
    time.sleep(60)
sys.stderr.write("no end of line")
sys.exit(int(os.environ.get("CODE", "0")))
"""


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def channel(lake: Lake) -> Channel:
    found = Channel(lake.store, "neo-t-made-0-1")
    found.put_order({"asset_keys": ["t/made"], "extras": {"asset": "t/made", "partitions": []}})
    return found


def start(lake: Lake, folder: Path, **environment: str) -> subprocess.Popen[str]:
    (folder / "speaks.py").write_text(SPEAKS)
    variables = {
        "PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{folder}", "NEO_LAKE": lake.root,
        "NEO_JOB": "neo-t-made-0-1", "NEO_POD_FLUSH_SECONDS": "0.05", **environment,
    }  # fmt: skip
    command = [sys.executable, "-m", "neo_assets.jobs.pod", "speaks"]
    return subprocess.Popen(
        command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def lines(channel: Channel) -> list[str]:
    return [line for number in range(channel.stored()[1]) for line in channel.log(number) or ()]


@pytest.mark.parametrize("code", [0, 3])
def test_output_and_end_come_to_the_lake_and_to_the_pods_own_log(
    lake: Lake, channel: Channel, tmp_path: Path, code: int
) -> None:
    with start(lake, tmp_path, CODE=str(code)) as process:
        output = process.communicate(timeout=100)[0].splitlines()
    assert process.returncode == code
    assert channel.result() == Result(code, False, 2)
    assert sorted(lines(channel)) == ["first é", "no end of line"]
    assert [line for line in output if not line.startswith("::")] == lines(channel)
    assert output[0] == f"{POSITION_PREFIX}0"
    # Once more, as a controller would: the job's own end stands, nothing runs again.
    with start(lake, tmp_path, CODE="7") as process:
        assert process.communicate(timeout=100)[0] == ""
    assert process.returncode == code and channel.result() == Result(code, False, 2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_pod_that_is_told_to_stop(lake: Lake, channel: Channel, tmp_path: Path, number: signal.Signals) -> None:
    with start(lake, tmp_path, ACT="wait") as process:
        end = time.monotonic() + 100
        while "waits" not in lines(channel):
            assert time.monotonic() < end
            time.sleep(0.02)
        if number == signal.SIGKILL:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
        process.wait(100)
    if number == signal.SIGTERM:
        assert process.returncode == 128 + signal.SIGTERM
        assert channel.result() == Result(-signal.SIGTERM, True, 2)
    else:
        assert channel.result() is None


def test_no_order(lake: Lake, tmp_path: Path) -> None:
    with start(lake, tmp_path) as process:
        output = process.communicate(timeout=100)[0]
    assert process.returncode == pod.NO_ORDER
    assert output == f"{NOTE_PREFIX}neo-t-made-0-1: no order in {lake.root}; does this pod see the lake of its asset?\n"


def test_chunks_go_on_where_a_killed_pod_had_come(channel: Channel, tmp_path: Path) -> None:
    channel.put_messages(0, [{"method": "opened", "params": {}}])
    channel.put_log(0, ["a", "b"])
    file = tmp_path / "messages"
    file.write_text('{"method": "one"}\n{"method": "half')
    printed: list[str] = []
    recorder = pod.Recorder(channel, file, printed.append, channel.stored())
    recorder.line("c")
    recorder.flush()
    with file.open("a") as more:
        more.write('"}\n')
    recorder.line("d")
    recorder.flush()
    assert [message["method"] for message in channel.messages()] == ["opened", "one", "half"]
    assert lines(channel) == ["a", "b", "c", "d"] and recorder.n_lines == 4
    assert printed[:2] == [f"{POSITION_PREFIX}2", "c"]


def test_what_could_not_be_stored_is_stored_later(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "messages"
    file.write_text('{"method": "one"}\n')
    recorder = pod.Recorder(channel, file, lambda line: None)
    recorder.line("a")
    put = Channel.put_log

    def refuse(*_: Any) -> None:
        raise StoreError("the lake is away")

    monkeypatch.setattr(Channel, "put_log", refuse)
    with pytest.raises(StoreError):
        recorder.flush()
    recorder.line("b")
    monkeypatch.setattr(Channel, "put_log", put)
    recorder.flush()
    assert lines(channel) == ["a", "b"] and [m["method"] for m in channel.messages()] == ["one"]


def test_attempts_are_numbered(lake: Lake) -> None:
    assert attempts(lake.store, "neo-a-1") == []
    for name in ("neo-a-1-10", "neo-a-1-2", "neo-a-11-3", "neo-a-1-x"):
        Channel(lake.store, name).put_order({})
    assert attempts(lake.store, "neo-a-1") == [2, 10]
    channel = Channel(lake.store, "neo-a-1-2")
    assert not channel.is_taken
    channel.take("run")
    assert channel.is_taken
    assert list(lake.assets()) == []  # a dot folder holds none


def commit(lake: Lake, key: str, value: int) -> str:
    writer = lake.writer("t/chain", key)
    writer.table(pa.table({"n": [value]}))
    return writer.commit(Provenance()).manifest.digest


def order(lake: Lake) -> dict[str, Any]:
    given = lake.dataset("t/chain", ["k0"])
    inputs = {
        "previous": {"asset": "t/chain", "manifests": [json.loads(m.model_dump_json()) for m in given.manifests]},
        "other": {"asset": "t/other", "manifests": []},
    }
    provenance = {"inputs": {"t/chain|k0": given.manifest.digest, "t/other|x": "1"}, "code_version": "c", "recipe": {}}
    extras = {
        "asset": "t/chain", "partition": None, "partitions": ["k1", "k2", "k3"], "inputs": inputs,
        "provenance": provenance,
    }  # fmt: skip
    return {"run_id": "1", "extras": extras}


def test_what_is_left_of_an_order(lake: Lake) -> None:
    commit(lake, "k0", 0)
    whole = order(lake)
    digests = {key: commit(lake, key, value) for value, key in enumerate(("k1", "k2"), 1)}
    made = {key: {"partition": key, "digest": digest} for key, digest in digests.items()}
    left = rest_of(whole, made, lake)["extras"]
    assert left["partitions"] == ["k3"] and left["partition"] == "k3"
    assert [m["partition"] for m in left["inputs"]["previous"]["manifests"]] == ["k2"]
    assert left["inputs"]["other"] == whole["extras"]["inputs"]["other"]
    assert left["provenance"]["inputs"] == {"t/chain|k2": digests["k2"], "t/other|x": "1"}
    # Only what is in force counts, and only from the beginning on.
    assert rest_of(whole, {"k2": made["k2"]}, lake) == whole
    assert rest_of(whole, {"k1": {"digest": "another"}, "k2": made["k2"]}, lake) == whole
    assert rest_of(whole, {}, lake) == whole
    made["k3"] = {"partition": "k3", "digest": commit(lake, "k3", 3)}
    assert rest_of(whole, made, lake)["extras"]["partitions"] == []


def test_a_pod_with_nothing_left_to_do_says_so(lake: Lake) -> None:
    commit(lake, "k0", 0)
    channel, whole = Channel(lake.store, "neo-t-chain-0-1"), order(lake)
    channel.put_order(whole)
    told = [
        {"method": "report_custom_message", "params": {"payload": {"partition": key, "digest": commit(lake, key, 1)}}}
        for key in ("k1", "k2", "k3")
    ]
    channel.put_messages(0, [{"method": "opened", "params": {}}, *told])
    assert list(published(channel.messages())) == ["k1", "k2", "k3"]
    assert pod.run("neo_assets.nowhere", lake, channel) == 0
    assert channel.result() == Result(0)
    assert channel.messages()[-1] == closing_message("t/chain", lake.manifest("t/chain", "k3").digest)  # type: ignore[union-attr]
