from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.train.machines import MachinesError
from neo_assets.model.train.run import Segment
from neo_assets.model.train.supervisor import EVENT_PREFIX, WorkerError, run_workers
from neo_assets_tests.model.launch import run_ranks
from neo_assets_tests.model.segments import contents, longer_training, make_segment
from neo_assets_tests.model.train.several_machines import end_job, machines

pytestmark = pytest.mark.slow
Event = dict[str, Any]
WORKER = "neo_assets.model.train.worker"
TRAINING = longer_training(6, 3, 2, snapshot_steps=1, execution={"data_parallel": 2})


def run(segment: Segment, on_event: Callable[[Event], None] = lambda event: None) -> None:
    run_workers(segment.spec(), segment.n_ranks, on_event)


def on_one_machine(segment: Segment) -> None:
    spec = segment.out.with_name("spec.json")
    spec.write_text(json.dumps(segment.spec()))
    run_ranks(segment.n_ranks, WORKER, str(spec))


def at_step(step: int, act: Callable[[], object]) -> Callable[[Event], None]:
    """Does something once, when a step is reported."""
    left = [act]

    def on_event(event: Event) -> None:
        if event["event"] == "step" and event["step"] == step and left:
            left.pop()()

    return on_event


def listeners(process: psutil.Process) -> set[str]:
    """The addresses at which a process and those it started wait for connections."""
    found = set()
    for one in [process, *process.children(recursive=True)]:
        found |= {c.laddr.ip for c in one.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    return found


def test_two_machines_give_the_bytes_of_one_over_all_segments_of_a_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, segment = (make_segment(tmp_path / name, TRAINING) for name in ("whole", "shared"))
    on_one_machine(whole)
    seen: list[Event] = []
    at: dict[str, set[str]] = {}

    def on_event(event: Event) -> None:
        seen.append(event)
        if event["event"] == "step" and not at:
            at["node 0"] = listeners(psutil.Process())
            at["node 1"] = listeners(psutil.Process(group.started[1].pid))

    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        run(replace(segment, last=0), on_event)
        stretch = replace(segment, first=1, start=segment.folder(0))
        run(stretch, on_event)  # the same processes of the other machine
        end_job()
        status, said = group.over(1)
    assert (status, EVENT_PREFIX in said) == (0, False)
    assert contents(segment) == contents(whole)
    assert [e["step"] for e in seen if e["event"] == "step"] == [0, 1, 2, 3, 4, 5, 0, 1]  # of rank 0 alone
    assert at["node 0"] | at["node 1"] <= {"127.0.0.1", "::1"}
    assert not list((tmp_path / "nodes").iterdir())
    assert not list(segment.out.glob("ranks-*"))


def test_a_machine_that_dies_is_named_and_training_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, killed = (make_segment(tmp_path / name, TRAINING, 0, 1) for name in ("whole", "killed"))
    on_one_machine(whole)
    died: list[float] = []

    def die() -> None:
        died.append(time.monotonic())
        group.kill(1)

    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        with pytest.raises(WorkerError, match=r"^node 1 has .*its process has died\. Checkpoints that were reported"):
            run(killed, at_step(4, die))
        assert time.monotonic() - died[0] < 30
        assert not [child for child in psutil.Process().children(recursive=True) if _is_rank(child)]
        with pytest.raises(MachinesError, match=r"node 1 has .*died"):
            run(killed)
    events: list[Event] = []
    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        run(killed, events.append)
    assert events[0]["event"] == "resumed"
    assert contents(killed) == contents(whole)


def _is_rank(process: psutil.Process) -> bool:
    try:
        return WORKER in process.cmdline()
    except psutil.NoSuchProcess:
        return False


def test_a_rank_of_another_machine_that_dies_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make_segment(tmp_path, TRAINING, 0, 0)

    def kill() -> None:
        [rank] = [process for process in group.below(1) if "RANK" in process.environ() and _is_rank(process)]
        rank.kill()

    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        with pytest.raises(WorkerError, match=r"^node 1: rank 1 was killed by SIGKILL\. Checkpoints"):
            run(segment, at_step(1, kill))
        assert not group.below(1)
        end_job()
        assert group.over(1)[0] == 1


def test_an_error_of_a_rank_of_another_machine_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make_segment(tmp_path, TRAINING, 0, 1)
    with machines(monkeypatch, tmp_path) as group:
        group.start(1, PYTHONPATH=str(_broken_disk(tmp_path)))
        with pytest.raises(WorkerError, match=r"^node 1: rank 1 stopped: its disk is broken \(OSError\)\. Checkpoints"):
            run(segment)


def _broken_disk(folder: Path) -> Path:
    """A folder for PYTHONPATH under which no rank can read its chunk."""
    (folder / "site").mkdir()
    (folder / "site/sitecustomize.py").write_text(
        "import os\n"
        "if 'RANK' in os.environ:\n"
        "    from neo_assets.model.train import loader\n"
        "    def fail(*arguments):\n"
        "        raise OSError('its disk is broken')\n"
        "    loader.open_chunk = fail\n"
    )
    return folder / "site"


def test_a_machine_that_is_asked_to_end_says_so_and_ends_its_ranks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = make_segment(tmp_path, longer_training(4000, 4000, 2, execution={"data_parallel": 2}), 0, 0)
    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        with pytest.raises(WorkerError, match=r"^node 1: was ended by SIGTERM\. Checkpoints"):
            run(segment, at_step(1, lambda: group.started[1].send_signal(signal.SIGTERM)))
        status, said = group.over(1)
    assert status == 1
    assert said.rstrip().endswith("was ended by SIGTERM")
    assert not list((tmp_path / "nodes").iterdir())


def test_an_error_of_the_listener_ends_the_ranks_of_all_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise KeyError("listener")

    segment = make_segment(tmp_path, longer_training(4000, 4000, 2, execution={"data_parallel": 2}), 0, 0)
    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        with pytest.raises(KeyError, match="listener"):
            run(segment, at_step(1, fail))
        end_job()
        assert group.over(1)[0] == 1


def test_machines_that_do_not_come_or_do_not_agree_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make_segment(tmp_path, TRAINING, 0, 0)
    with (
        machines(monkeypatch, tmp_path, wait_seconds=1) as group,
        pytest.raises(MachinesError, match=r"^node 1 of 2 did not come within 1 seconds; .*set NEO_NODES"),
    ):
        run(segment)
    with machines(monkeypatch, tmp_path) as group:
        group.start(1, NEO_NODES="3")
        with pytest.raises(MachinesError, match=r"^node 1 was started as one of 3 nodes, node 0 as one of 2"):
            run(segment)
        status, said = group.over(1)
    assert status == 1
    assert "node 0 refuses this node: node 1 was started as one of 3" in said
    four = longer_training(execution={"data_parallel": 4}, microbatch_sequences=1)
    with (
        machines(monkeypatch, tmp_path, n_nodes=3),
        pytest.raises(MachinesError, match=r"^4 ranks .* cannot be shared equally by 3 nodes; set NEO_NODES"),
    ):
        run(make_segment(tmp_path / "four", four, 0, 0))


def test_the_others_end_when_node_0_is_gone_or_was_never_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from neo_assets.model.train.machines import announce_end

    with machines(monkeypatch, tmp_path, wait_seconds=1) as group:
        group.start(1)
        status, said = group.over(1)
        assert status == 1
        assert f"node 0 did not answer at {group.environment['NEO_RENDEZVOUS']} within 1 seconds" in said
    announce_end(tmp_path / "nodes", ok=False)
    with machines(monkeypatch, tmp_path) as group:
        group.start(1)
        assert "node 0 was done before this node came (badly)" in group.over(1)[1]
