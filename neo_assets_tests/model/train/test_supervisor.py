from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.train.run import Segment
from neo_assets.model.train.supervisor import EVENT_PREFIX, WorkerError, run_workers
from neo_assets.model.train.trainer import train
from neo_assets_tests.model.launch import run_ranks
from neo_assets_tests.model.segments import contents, longer_training, make_segment

pytestmark = pytest.mark.slow
Event = Mapping[str, Any]
WORKER = "neo_assets.model.train.worker"


def run(segment: Segment, on_event: Callable[[dict[str, Any]], None] = lambda event: None) -> None:
    run_workers(segment.spec(), segment.n_ranks, on_event)


def forked(segment: Segment) -> list[Event]:
    """The ranks without a supervisor, which start sooner; what rank 0 reports."""
    spec = segment.out.with_name("spec.json")
    spec.write_text(json.dumps(segment.spec()))
    lines = run_ranks(segment.n_ranks, WORKER, str(spec))[0].splitlines()
    return [json.loads(line.removeprefix(EVENT_PREFIX)) for line in lines if line.startswith(EVENT_PREFIX)]


def ranks() -> list[psutil.Process]:
    """The processes that train below this one, by age."""
    found = [p for p in psutil.Process().children(recursive=True) if WORKER in command_of(p)]
    return sorted(found, key=lambda process: process.create_time())


def command_of(process: psutil.Process) -> list[str]:
    """What a process runs; nothing when it has ended, also while nobody has asked for its exit status."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def killing(at_step: int, rank: int = 0) -> Callable[[Event], None]:
    """Kills one of the ranks when a step is reported."""

    def on_event(event: Event) -> None:
        if event["event"] == "step" and event["step"] == at_step:
            victims = [p for p in ranks() if p.environ().get("RANK", "0") == str(rank)]
            victims[0].kill()

    return on_event


def test_a_worker_killed_at_random_times_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    training = longer_training(60, 20, 20, snapshot_steps=3)
    whole, killed = (make_segment(tmp_path / name, training) for name in ("whole", "killed"))
    train(whole)
    random = np.random.default_rng()
    for _ in range(5):
        with pytest.raises(WorkerError, match=r"rank 0 was killed by SIGKILL\. Checkpoints that were reported"):
            run(killed, killing_after(random.integers(1, 12)))
    told: list[Event] = []
    run(killed, told.append)
    assert [event["index"] for event in told if event["event"] == "checkpoint"] == [0, 1, 2, 3]
    assert contents(killed) == contents(whole)


def killing_after(n_steps: int) -> Callable[[Event], None]:
    """Kills the rank when so many steps were reported, wherever training stands then."""
    seen = iter(range(n_steps - 1))

    def on_event(event: Event) -> None:
        if event["event"] == "step" and next(seen, None) is None and ranks():
            ranks()[0].kill()

    return on_event


@pytest.mark.parametrize(
    "layout", [{"execution": {"data_parallel": 2}}, {"tensor_parallel": 2}], ids=["data parallel", "tensor parallel"]
)
def test_a_worker_of_two_killed_is_named_and_training_goes_on_to_the_same_bytes(
    tmp_path: Path, layout: dict[str, Any]
) -> None:
    training = longer_training(6, 3, 2, snapshot_steps=1, execution=layout.get("execution", {}))
    tiny = {**training.chosen.model_dump(), "tensor_parallel": layout.get("tensor_parallel", 1)}
    training = type(training).model_validate({**training.model_dump(), "architectures": {"tiny": tiny}})
    whole, killed = (make_segment(tmp_path / name, training, 0, 1) for name in ("whole", "killed"))
    forked(whole)
    with pytest.raises(WorkerError, match=r"rank 1 was killed by SIGKILL\. Checkpoints that were reported"):
        run(killed, killing(at_step=3, rank=1))
    assert not ranks()
    assert forked(killed)[0]["event"] == "resumed"
    assert contents(killed) == contents(whole)


def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    segment = make_segment(tmp_path, longer_training(), 0, 0)
    segment.chunks[0].unlink()
    with pytest.raises(
        WorkerError, match=r"^rank 0 stopped: .*chunk_0\.npy is missing; materialize .*TokensError"
    ) as error:
        run(segment)
    assert "\n" not in str(error.value)
    assert "Traceback" in capfd.readouterr().out  # passed on, for the log


def test_an_error_of_the_listener_ends_the_ranks(tmp_path: Path) -> None:
    def fail(event: Event) -> None:
        raise KeyError(event["event"])

    with pytest.raises(KeyError, match="step"):
        run(make_segment(tmp_path, longer_training(4000, 4000, 2), 0, 0), fail)
    assert not ranks()


@pytest.mark.parametrize("n_ranks", [1, 2])
def test_ranks_end_when_the_supervisor_is_killed(tmp_path: Path, n_ranks: int) -> None:
    training = longer_training(9000, 9000, 2, execution={"data_parallel": n_ranks})
    tokens = np.ones((36_000, 17), np.int32)
    segment = replace(make_segment(tmp_path, training, 0, 0, tokens=tokens), snapshots=None)
    (tmp_path / "spec.json").write_text(json.dumps(segment.spec()))
    code = (
        "import json, sys; from neo_assets.model.train.supervisor import run_workers;"
        "run_workers(json.load(open(sys.argv[1])), int(sys.argv[2]), lambda event: print(event['event'], flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "spec.json"), str(n_ranks)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert any(line == "step\n" for line in process.stdout)
    children = psutil.Process(process.pid).children(recursive=True)
    assert sum(WORKER in command_of(child) for child in children) >= n_ranks
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 20
    while any(command_of(child) for child in children):
        assert time.monotonic() < deadline, children
        time.sleep(0.1)
