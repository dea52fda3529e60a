from __future__ import annotations

import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.model.metrics.run_events import EVENT_FILE, SCALARS, tensorboard_file
from neo_assets.model.metrics.tracking import (
    SPEED,
    Sinks,
    TensorBoardSink,
    TrackingError,
    position,
    sinks_of,
    tracking_of,
)
from neo_assets_tests.model.events import Event, read_events


def record(step: int, phase: str = "fundamental", first_position: int | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "run": "0123456789ab", "phase": phase, "step": step, "checkpoint": "ckpt_001",
        "first_position": 4 * step if first_position is None else first_position, "n_sequences": 4,
        "lr": 1e-3, "loss": 5.0 - step / 8, "grad_norm": 0.5, "tokens_read": 64, "tokens_masked": 3,
        "tokens_applied": 61, "skipped": None, "rolled_back": 0,
        "seconds": 0.25, "tokens_per_second": 256.0, "mfu": 0.125, "start": 1,
    } | changed  # fmt: skip


def read_folder(folder: Path) -> list[Event]:
    return [event for file in sorted(folder.iterdir()) for event in read_events(file.read_bytes())]


def shown(folder: Path, tag: str) -> dict[int, float]:
    """What TensorBoard shows of a folder: files by name, and a session's start forgets the steps from there on."""
    values: dict[int, float] = {}
    for event in read_folder(folder):
        if event.starts:
            values = {step: value for step, value in values.items() if step < event.step}
        if tag in event.scalars:
            values[event.step] = event.scalars[tag]
    return values


def test_the_file_of_a_run_holds_every_step_over_all_phases() -> None:
    rows = [record(0), record(1), record(0, "decay", first_position=8, loss=2.5, lr=5e-4)]
    file = tensorboard_file(pa.Table.from_pylist(rows))
    version, *events = read_events(file)
    assert version.file_version == "brain.Event:2"
    assert [event.step for event in events] == [4, 8, 12] == [event.wall_time for event in events]
    assert [event.scalars["train/loss"] for event in events] == [5.0, 4.875, 2.5]
    assert [event.scalars["train/step"] for event in events] == [0, 1, 0]
    assert set(events[0].scalars) == set(SCALARS)
    assert "tfevents" in EVENT_FILE


def test_the_file_depends_on_the_steps_alone() -> None:
    rows = [record(i) for i in range(5)]
    other_speed = [row | {"seconds": 9.0, "tokens_per_second": 1.0, "mfu": None, "start": 3} for row in rows]
    file = tensorboard_file(pa.Table.from_pylist(rows))
    assert file == tensorboard_file(pa.concat_tables([pa.Table.from_pylist([row]) for row in other_speed]))
    assert file != tensorboard_file(pa.Table.from_pylist([*rows[:-1], rows[-1] | {"loss": 4.0}]))


def test_a_skipped_step_shows_what_there_is_of_it() -> None:
    rows = [record(0, loss=math.nan, grad_norm=None, tokens_applied=0, skipped="loss is not finite"), record(1)]
    _, skipped, _ = read_events(tensorboard_file(pa.Table.from_pylist(rows)))
    assert math.isnan(skipped.scalars["train/loss"])
    assert skipped.scalars["train/tokens_applied"] == 0
    assert "train/gradient_norm" not in skipped.scalars


def test_live_files_are_complete_after_every_step(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path / "new" / "run")
    assert not (tmp_path / "new").exists()
    for step in range(3):
        sink.step(record(step))
        assert list(shown(tmp_path / "new" / "run", "speed/mfu").values()) == [0.125] * (step + 1)
    sink.close()
    assert set(read_folder(tmp_path / "new" / "run")[-1].scalars) == set(SCALARS | SPEED)


def test_going_back_replaces_the_steps_from_there_on(tmp_path: Path) -> None:
    sink = TensorBoardSink(tmp_path)
    for step in (0, 1, 2, 3):
        sink.step(record(step))
    sink.step(record(2, loss=1.0))  # rolled back
    sink.close()
    assert shown(tmp_path, "train/loss") == {4: 5.0, 8: 4.875, 12: 1.0}
    restarted = TensorBoardSink(tmp_path)  # after a kill, from a snapshot after step 0
    restarted.step(record(1, loss=2.0))
    assert shown(tmp_path, "train/loss") == {4: 5.0, 8: 2.0}
    restarted.step(record(2, loss=1.5))
    restarted.close()
    assert shown(tmp_path, "train/loss") == {4: 5.0, 8: 2.0, 12: 1.5}
    assert len(list(tmp_path.iterdir())) == 2


def test_two_sinks_of_one_process_take_files_of_their_own(tmp_path: Path) -> None:
    first, second = TensorBoardSink(tmp_path), TensorBoardSink(tmp_path)
    first.step(record(0))
    second.step(record(0))
    first.close()
    second.close()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_failing_sink_stops_and_training_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    sinks = Sinks([TensorBoardSink(tmp_path / "file" / "run"), TensorBoardSink(tmp_path / "good")])
    sinks.step(record(0))
    sinks.step(record(1))
    sinks.close()
    assert len(shown(tmp_path / "good", "train/loss")) == 2
    assert capsys.readouterr().err.count("tracking: TensorBoardSink stops: ") == 1


class FakeRun:
    def __init__(self) -> None:
        self.logged: list[dict[str, Any]] = []
        self.finished = False
        self.metrics: list[tuple[Any, ...]] = []

    def define_metric(self, *arguments: Any, **named: Any) -> None:
        self.metrics.append((*arguments, *named.items()))

    def log(self, values: dict[str, Any]) -> None:
        self.logged.append(values)

    def finish(self) -> None:
        self.finished = True


@pytest.fixture
def fake_wandb(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The package's interface, recorded."""
    module, calls = ModuleType("wandb"), {"run": FakeRun()}

    def init(**arguments: Any) -> FakeRun:
        calls["init"] = arguments
        run: FakeRun = calls["run"]
        return run

    module.init, module.Settings = init, dict  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "wandb", module)
    return calls


def test_wandb_gets_the_same_numbers(tmp_path: Path, fake_wandb: dict[str, Any]) -> None:
    environment = {
        "NEO_TRACKING": str(tmp_path), "NEO_WANDB_PROJECT": "neo", "WANDB_API_KEY": "secret", "WANDB_MODE": "online",
    }  # fmt: skip
    asked = tracking_of(environment, "0123456789ab", {"architecture": "mini"})
    assert "secret" not in repr(asked)
    sinks = sinks_of(asked)
    sinks.step(record(3))
    sinks.close()
    init, run = fake_wandb["init"], fake_wandb["run"]
    assert (init["project"], init["id"], init["mode"], init["resume"]) == ("neo", "0123456789ab", "online", "allow")
    assert init["config"] == {"architecture": "mini"}
    assert run.logged == [{"position": 16} | {tag: record(3)[name] for tag, name in (SCALARS | SPEED).items()}]
    assert run.finished
    assert shown(tmp_path / "0123456789ab", "train/loss") == {16: 4.625}


def test_wandb_itself_writes_a_run_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0123456789" * 4)
    sinks = sinks_of(tracking_of({"NEO_TRACKING": str(tmp_path), "NEO_WANDB_PROJECT": "neo"}, "0123456789ab"))
    sinks.step(record(0))
    sinks.close()
    files = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert any(file.suffix == ".wandb" for file in files)
    assert not any(b"0123456789" * 4 in file.read_bytes() for file in files)


def test_without_wandb_the_message_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(TrackingError, match=r"neo-assets\[tracking\]"):
        sinks_of(tracking_of({"NEO_TRACKING": str(tmp_path), "NEO_WANDB_PROJECT": "neo"}, "r"))


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"NEO_WANDB_PROJECT": "neo"}, "needs NEO_TRACKING"),
        ({"NEO_WANDB_PROJECT": "neo", "NEO_TRACKING": "f", "WANDB_MODE": "shared"}, "online or offline"),
    ],
)
def test_impossible_wishes_are_refused(environment: dict[str, str], message: str) -> None:
    with pytest.raises(TrackingError, match=message):
        tracking_of(environment, "r")


def test_nothing_is_tracked_unless_asked() -> None:
    assert tracking_of({}, "r") == {}
    assert sinks_of({}).sinks == []
    with pytest.raises(TrackingError, match="not mlflow"):
        sinks_of({"mlflow": "here"})


def test_position_runs_on_over_phases() -> None:
    assert position(record(1, "decay", first_position=100)) == 104
