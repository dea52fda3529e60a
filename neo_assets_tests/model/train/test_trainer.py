from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model.files.checkpoint import CheckpointError, checkpoint_digest, read_state, weights_digest
from neo_assets.model.train.anomalies import AnomalyError
from neo_assets.model.train.loader import TokensError
from neo_assets.model.train.run import Segment
from neo_assets.model.train.steps import totals
from neo_assets.model.train.trainer import Emit, train
from neo_assets_tests.model.segments import contents, longer_training, make_segment, records
from neo_assets_tests.model.settings import EOD, learnable_tokens, tiny_training

TOKENS = learnable_tokens(80)
ROLL_BACK = {"policy": "roll_back", "skip_before": 1, "skip_after": 1, "spike_deviations": 4, "window_steps": 8}


class Killed(BaseException):
    """Stands for SIGKILL inside one process."""


def losses_at(changes: Mapping[int, float]) -> dict[str, dict[int, float]]:
    """Puts other losses at some steps of the first phase."""
    return {"faults": {4 * step: loss for step, loss in changes.items()}}


def killed_after(n_steps: int) -> Emit:
    """Ends training in the middle of that step's report."""
    left = iter(range(n_steps - 1))

    def emit(event: str, values: Mapping[str, Any]) -> None:
        if event == "step" and next(left, None) is None:
            raise Killed

    return emit


def test_one_segment_is_the_bytes_of_one_job_per_checkpoint(tmp_path: Path) -> None:
    training = longer_training()
    whole = make_segment(tmp_path / "whole", training)
    train(whole)
    start = None
    for index in range(training.n_checkpoints):
        single = make_segment(tmp_path / f"single_{index}", training, index, index, start)
        train(single)
        start = single.folder(index)
        assert {n: v for n, v in contents(whole).items() if n.startswith(start.name)} == contents(single)
    assert read_state(start)["parent"]["digest"] == checkpoint_digest(whole.folder(2))


def test_where_the_chain_is_cut_changes_no_weight(tmp_path: Path) -> None:
    for steps in (2, 4):
        train(make_segment(tmp_path / str(steps), longer_training(4, steps, 2)))
    last = {2: tmp_path / "2/out/ckpt_002", 4: tmp_path / "4/out/ckpt_001"}
    for name in ("model.safetensors", "optimiser.safetensors"):
        assert (last[2] / name).read_bytes() == (last[4] / name).read_bytes()


@pytest.mark.parametrize("n_workers", [1, 2])
def test_reading_ahead_changes_nothing(tmp_path: Path, n_workers: int) -> None:
    for workers in (0, n_workers):
        train(make_segment(tmp_path / str(workers), tiny_training(), loader_workers=workers))
    plain, ahead = (make_segment(tmp_path / str(workers), tiny_training()) for workers in (0, n_workers))
    assert contents(plain) == contents(ahead)


def test_the_loss_falls_and_the_ledger_adds_up(tmp_path: Path) -> None:
    training = longer_training(4, 4, 2)
    events: list[tuple[str, Mapping[str, Any]]] = []
    segment = make_segment(tmp_path, training, tokens=TOKENS)
    train(segment, lambda name, values: events.append((name, values)))
    steps = records(segment, 0)
    assert steps[0].loss == pytest.approx(math.log(64), abs=0.1)  # a fresh model knows nothing
    assert steps[-1].loss < steps[0].loss - 0.2
    n_masked = int((TOKENS[:16, :-1] == EOD).sum())
    found = totals(steps)
    assert found.tokens_read == 16 * 16
    assert found.tokens_masked == n_masked > 0
    assert found.tokens_applied == found.tokens_read - n_masked
    assert [step.first_position for step in [*steps, *records(segment, 1)]] == [0, 4, 8, 12, 16, 20]
    assert all(step.mfu and step.tokens_per_second > 0 and step.start == 1 for step in steps)
    state = read_state(segment.folder(0))
    assert state["tokens"] == {"read": 256, "masked": n_masked, "applied": 256 - n_masked}
    assert (state["run"], state["first_position"], state["next_position"]) == (segment.run, 0, 16)
    assert read_state(segment.folder(1))["tokens"]["read"] == 256 + 128
    assert [name for name, _ in events] == ["step"] * 4 + ["checkpoint"] + ["step"] * 2 + ["checkpoint"]
    told = events[4][1]
    assert (told["index"], told["checkpoint"], Path(told["folder"])) == (0, "ckpt_001", segment.folder(0))
    assert told["summary"]["weights_digest"] == weights_digest(segment.folder(0))
    assert told["summary"]["checkpoint_digest"] == checkpoint_digest(segment.folder(0))


def test_decay_starts_with_a_fresh_optimiser(tmp_path: Path) -> None:
    training = longer_training(4, 4, 2)
    reset = make_segment(tmp_path / "reset", training)
    phases = (training.phases[0], training.phases[1].model_copy(update={"finetune": False}))
    kept = make_segment(tmp_path / "kept", training.model_copy(update={"phases": phases}))
    train(reset)
    train(kept)
    assert records(reset, 1)[0].loss == records(kept, 1)[0].loss  # same weights
    assert weights_digest(reset.folder(1)) != weights_digest(kept.folder(1))  # other moments
    assert [step.lr for step in records(reset, 1)] == [5e-3, 5e-3 * 0.5]


def test_what_follows_a_document_end_does_not_train(tmp_path: Path) -> None:
    # Only the token after the first EOD differs, and it is never an input (last column): nothing may change.
    given = {"a": TOKENS.copy(), "b": TOKENS.copy()}
    for value, tokens in enumerate(given.values()):
        tokens[:, -2], tokens[:, -1] = EOD, value
    digests = {}
    for masked in (True, False):
        for name, tokens in given.items():
            training = tiny_training().model_copy(update={"mask_after_eod": masked})
            segment = make_segment(tmp_path / f"{name}{masked}", training, 0, 0, tokens=tokens)
            train(segment)
            digests[name, masked] = weights_digest(segment.folder(0))
    assert digests["a", True] == digests["b", True]
    assert digests["a", False] != digests["b", False]


@pytest.mark.parametrize("anomalies", [{}, ROLL_BACK])
def test_killed_five_times_gives_the_same_bytes_and_tells_of_its_starts(
    tmp_path: Path, anomalies: dict[str, Any]
) -> None:
    training = longer_training(snapshot_steps=2, anomalies=anomalies)
    changes = {5: math.nan, 9: math.inf} if anomalies else {6: math.nan}
    whole, killed = (make_segment(tmp_path / name, training, **losses_at(changes)) for name in ("whole", "killed"))
    train(whole)
    for n_steps in (2, 4, 3, 6, 5):
        with pytest.raises(Killed):
            train(killed, killed_after(n_steps))
    events: list[tuple[str, Mapping[str, Any]]] = []
    train(killed, lambda name, values: events.append((name, values)))
    assert events[0][0] == "resumed"
    assert [values["index"] for name, values in events if name == "checkpoint"] == [0, 1, 2, 3]  # those made before too
    assert contents(killed) == contents(whole)
    assert max(step.start for index in whole.indices for step in records(killed, index)) > 1
    assert killed.snapshots and not any(killed.snapshots.iterdir())


def test_a_nan_is_skipped_recorded_and_harms_nothing(tmp_path: Path) -> None:
    segment = make_segment(tmp_path, tiny_training(4), faults={8: math.nan})
    train(segment)
    steps = records(segment, 0)
    assert [step.skipped for step in steps] == [None, None, "loss is not finite", None]
    assert (steps[2].first_position, steps[2].tokens_applied, steps[2].tokens_read) == (8, 0, 64)
    assert math.isnan(steps[2].loss)
    assert all(math.isfinite(step.loss) for step in records(segment, 1))
    assert read_state(segment.folder(0))["skipped_steps"] == [
        {"first_position": 8, "n_sequences": 4, "reason": "loss is not finite", "step": 2}
    ]


def test_a_step_without_targets_is_skipped_under_every_policy(tmp_path: Path) -> None:
    tokens = TOKENS.copy()
    tokens[4:8] = EOD
    training = longer_training(4, 4, 2, anomalies={"policy": "stop"})
    segment = make_segment(tmp_path, training, 0, 0, tokens=tokens)
    train(segment)
    assert [step.skipped for step in records(segment, 0)] == [None, "every position is masked", None, None]


def test_a_spike_is_judged_by_losses_of_earlier_checkpoints_too(tmp_path: Path) -> None:
    training = longer_training(anomalies={"spike_deviations": 4, "window_steps": 8})
    segment = make_segment(tmp_path, training, 0, 2, **losses_at({7: 100.0, 9: 100.0}))
    train(segment)  # at step 7 there are only seven losses before it
    assert [step.skipped for step in records(segment, 1)] == [None] * 4
    assert [step.skipped for step in records(segment, 2)] == [None] * 4  # the window holds the 100 of step 7
    again = make_segment(tmp_path / "again", training, 0, 2, **losses_at({9: 100.0}))
    train(again)
    assert [step.skipped for step in records(again, 2)] == [None, "loss spike", None, None]


def test_a_roll_back_gives_what_leaving_the_batches_out_from_the_start_gives(tmp_path: Path) -> None:
    training = longer_training(8, 8, 2, snapshot_steps=2, anomalies={**ROLL_BACK, "skip_before": 2})
    events: list[tuple[str, Mapping[str, Any]]] = []
    segment = make_segment(tmp_path / "a", training, 0, 0, **losses_at({5: math.nan}))
    train(segment, lambda name, values: events.append((name, values)))
    steps = records(segment, 0)
    near = "near the loss is not finite of step 5"
    assert [step.skipped for step in steps] == [None, None, None, near, near, "loss is not finite", near, None]
    assert [step.rolled_back for step in steps] == [0, 0, 1, 1, 1, 0, 0, 0]  # back to the snapshot before step 2
    assert [values for name, values in events if name == "rolled_back"] == [
        {"step": 5, "to": 2, "reason": "loss is not finite"}
    ]
    plain = longer_training(8, 8, 2, anomalies={"policy": "skip"})
    left_out = make_segment(tmp_path / "b", plain, 0, 0, **losses_at(dict.fromkeys([3, 4, 5, 6], math.nan)))
    train(left_out)
    assert weights_digest(segment.folder(0)) == weights_digest(left_out.folder(0))


def test_batches_to_leave_out_reach_into_the_next_checkpoint_but_never_into_the_one_before(tmp_path: Path) -> None:
    training = longer_training(12, 4, 2, anomalies={**ROLL_BACK, "skip_before": 3, "skip_after": 2})
    segment = make_segment(tmp_path, training, 0, 2, **losses_at({4: math.nan, 7: math.inf}))
    train(segment)
    skipped = [step.skipped is not None for index in segment.indices for step in records(segment, index)]
    assert skipped == [False] * 4 + [True] * 4 + [True, True, False, False]
    assert read_state(segment.folder(1))["anomalies"]["left_out"].keys() == {"8", "9"}


def test_the_run_stops_where_the_policy_says(tmp_path: Path) -> None:
    training = longer_training(anomalies={"policy": "stop"})
    segment = make_segment(tmp_path / "stop", training, **losses_at({5: math.nan}))
    with pytest.raises(AnomalyError, match=r"loss is not finite in step 5 at position 20 .*another anomalies.policy"):
        train(segment)
    assert segment.folder(0).is_dir() and not segment.folder(1).exists()
    training = longer_training(anomalies={"max_in_a_row": 2})
    segment = make_segment(tmp_path / "row", training, **losses_at(dict.fromkeys([4, 5, 6], math.nan)))
    with pytest.raises(AnomalyError, match="step 6: 3 steps in a row"):
        train(segment)
    segment = make_segment(tmp_path / "across", training, **losses_at(dict.fromkeys([2, 3, 4], math.nan)))
    with pytest.raises(AnomalyError, match="step 4: 3 steps in a row"):  # two of the checkpoint before
        train(segment)


def test_a_broken_snapshot_is_passed_over(tmp_path: Path) -> None:
    training = longer_training(snapshot_steps=1)
    whole, segment = (make_segment(tmp_path / name, training, 0, 0) for name in ("whole", "broken"))
    train(whole)
    with pytest.raises(Killed):
        train(segment, killed_after(4))
    assert segment.snapshots
    [newest] = [path for path in segment.snapshots.iterdir() if path.is_dir()]
    weights = newest / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    train(segment)
    assert contents(segment) == contents(whole)


def test_released_checkpoints_count_as_made_and_free_their_disk(tmp_path: Path) -> None:
    training = longer_training()
    whole, segment = (make_segment(tmp_path / name, training) for name in ("whole", "released"))
    train(whole)

    def emit(event: str, values: Mapping[str, Any]) -> None:
        if event == "checkpoint" and values["index"]:
            segment.release(values["index"] - 1)
        if event == "step" and values["step"] == 10:
            raise Killed

    with pytest.raises(Killed):
        train(segment, emit)
    left = {path.relative_to(segment.out).parts[0] for path in segment.out.rglob("*.safetensors")}
    assert left == {"ckpt_002"}
    events: list[tuple[str, Mapping[str, Any]]] = []
    train(segment, lambda name, values: events.append((name, values)))
    assert events[0][1] == {"index": 2, "checkpoint": "ckpt_003", "step": None, "why": "checkpoints that are whole"}
    told = [values["summary"]["checkpoint_digest"] for name, values in events if name == "checkpoint"]
    assert told == [checkpoint_digest(whole.folder(index)) for index in whole.indices]
    assert read_state(segment.folder(3)) == read_state(whole.folder(3))


def test_what_a_released_checkpoint_would_be_needed_for_is_made_anew(tmp_path: Path) -> None:
    training = longer_training(8, 4, 2)
    whole, segment = (make_segment(tmp_path / name, training) for name in ("whole", "lost"))
    train(whole)
    train(segment)
    segment.release(0)
    weights = segment.folder(1) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    train(segment)
    assert contents(segment) == contents(whole)


def test_what_another_parent_or_run_left_is_not_gone_on_from(tmp_path: Path) -> None:
    training = longer_training()
    segment = make_segment(tmp_path, training, 0, 1)
    train(segment)
    first = contents(segment)
    other = replace(segment, run="0" * 12)
    train(other)
    assert {step.run for step in records(other, 1)} == {"0" * 12}
    train(segment)
    assert contents(segment) == first


def test_a_damaged_parent_is_refused(tmp_path: Path) -> None:
    training = tiny_training()
    train(make_segment(tmp_path / "a", training, 0, 0))
    parent = tmp_path / "a/out/ckpt_001"
    segment = make_segment(tmp_path / "b", training, 1, 1, parent)
    file = parent / "optimiser.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"optimiser\.safetensors"):
        train(segment)
    assert not segment.folder(1).exists()


def test_only_the_right_parent_is_accepted(tmp_path: Path) -> None:
    training = tiny_training()
    train(make_segment(tmp_path / "a", training, 0, 0))
    parent = tmp_path / "a/out/ckpt_001"
    with pytest.raises(CheckpointError, match="stands at phase fundamental, step 2, but ckpt_003"):
        train(make_segment(tmp_path / "x", training, 2, 2, parent))
    with pytest.raises(CheckpointError, match="another architecture"):
        train(make_segment(tmp_path / "y", tiny_training(ffn_size=64), 1, 1, parent))


def test_the_wrong_chunk_is_refused_and_what_was_made_stays(tmp_path: Path) -> None:
    training = longer_training(12, 4, 2)
    segment = make_segment(tmp_path, training)
    train(replace(segment, last=0))
    before = contents(replace(segment, last=0))
    np.save(segment.chunks[1], np.load(segment.chunks[3]))
    with pytest.raises(TokensError, match=r"chunk_1\.npy: a chunk of phase fundamental .* it is another chunk"):
        train(segment)
    assert contents(replace(segment, last=0)) == before
    assert not segment.folder(1).exists()


def test_a_full_disk_leaves_the_last_checkpoint_and_the_next_start_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    training = longer_training(8, 4, 2)
    whole, segment = (make_segment(tmp_path / name, training, 0, 1) for name in ("whole", "full"))
    train(whole)
    first: Segment = replace(segment, last=0)
    train(first)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        with pytest.raises(CheckpointError):
            train(segment)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert {path.name for path in segment.out.iterdir() if path.is_dir()} == {"ckpt_001"}
    train(segment)
    assert contents(segment) == contents(whole)
