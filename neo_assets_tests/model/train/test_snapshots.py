from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.files.checkpoint import CheckpointError
from neo_assets.model.train.snapshots import Snapshots
from neo_assets_tests.model.segments import longer_training

TRAINING = longer_training(20, 10, 2, snapshot_steps=3)
ROLLS_BACK = longer_training(20, 10, 2, snapshot_steps=3, anomalies={"policy": "roll_back", "skip_before": 2})


def with_steps(folder: Path, steps: list[int], training: object = TRAINING) -> Snapshots:
    snapshots = Snapshots(folder, training, 1)  # type: ignore[arg-type]
    for step in steps:
        snapshots.path(step).mkdir(parents=True)
    return snapshots


def test_they_are_due_inside_a_chunk_only(tmp_path: Path) -> None:
    assert [step for step in range(10, 21) if Snapshots(tmp_path, TRAINING, 1).due(step)] == [13, 16, 19]
    assert not any(Snapshots(None, TRAINING, 1).due(step) for step in range(10, 21))
    never = TRAINING.model_copy(update={"snapshot_steps": None})
    assert not any(Snapshots(tmp_path, never, 1).due(step) for step in range(10, 21))


def test_what_a_roll_back_returns_to(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, ROLLS_BACK, 1)
    assert [snapshots.target(step) for step in range(10, 20)] == [10, 10, 10, 10, 10, 13, 13, 13, 16, 16]
    assert [Snapshots(tmp_path, TRAINING, 1).target(step) for step in (10, 14, 16)] == [10, 14, 16]  # nothing to undo
    assert Snapshots(None, ROLLS_BACK, 1).target(19) == 10


def test_old_ones_go_but_those_that_a_roll_back_may_need(tmp_path: Path) -> None:
    newest_only = with_steps(tmp_path / "a", [13, 16, 19])
    newest_only.forget_old(19)
    assert newest_only.steps() == [19]
    more = with_steps(tmp_path / "b", [13, 16, 19], ROLLS_BACK)
    more.forget_old(19)
    assert more.steps() == [16, 19]
    assert more.target(19) == 16
    more.forget_after(16)
    assert more.steps() == [16]


def test_starts_are_counted_until_the_checkpoint_is_made(tmp_path: Path) -> None:
    snapshots, other = with_steps(tmp_path, [13]), Snapshots(tmp_path, TRAINING, 0)
    assert [snapshots.count_start() for _ in range(3)] == [1, 2, 3]
    assert other.count_start() == 1
    (tmp_path / "ckpt_002-step_00000016.partial").mkdir()
    snapshots.clear()
    assert [path.name for path in tmp_path.iterdir()] == ["ckpt_001.starts"]
    assert snapshots.count_start() == 1
    assert Snapshots(None, TRAINING, 1).count_start() == 1


def test_one_that_cannot_be_read_is_removed(tmp_path: Path) -> None:
    snapshots = with_steps(tmp_path, [13, 16])
    assert snapshots.newest_whole() is None
    assert snapshots.steps() == []
    with pytest.raises(CheckpointError, match="no folder for snapshots"):
        Snapshots(None, TRAINING, 1).path(13)
