from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("megatron.core")

from neo_assets.model import trainer
from neo_assets.model.checkpoint import CheckpointError, checkpoint_digest, read_state
from neo_assets.model.trainer import TrainingError, TrainReport, train_chunk
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model.settings import EOD, SEED, learnable_tokens, tiny_training

TOKENS = learnable_tokens(24)


def train(
    training: TrainingSection, checkpoint: int, start: Path | None, out: Path, tokens: np.ndarray[Any, Any] = TOKENS
) -> TrainReport:
    first = training.sequences_before(checkpoint)
    phase, chunk = training.position(checkpoint)
    rows = tokens[first : first + phase.sequences_in_chunk(chunk)]
    return train_chunk(training, checkpoint, rows, start, out, seed=SEED, eod_id=EOD)


def test_two_chunks_in_two_runs_are_the_bytes_of_both_in_one(tmp_path: Path) -> None:
    whole, halves = tiny_training(steps_per_chunk=4), tiny_training(steps_per_chunk=2)
    in_one = train(whole, 0, None, tmp_path / "one")
    first = train(halves, 0, None, tmp_path / "a")
    second = train(halves, 1, tmp_path / "a", tmp_path / "b")
    assert [*first.steps, *second.steps] == list(in_one.steps)
    assert second.weights_digest == in_one.weights_digest
    for name in ("model.safetensors", "optimiser.safetensors"):
        assert (tmp_path / "b" / name).read_bytes() == (tmp_path / "one" / name).read_bytes()
    assert second.parent_digest == checkpoint_digest(tmp_path / "a")


def test_the_same_chunk_gives_the_same_files_elsewhere(tmp_path: Path) -> None:
    for folder in (tmp_path / "here", tmp_path / "there" / "deep"):
        train(tiny_training(), 0, None, folder)
    here, there = sorted((tmp_path / "here").iterdir()), sorted((tmp_path / "there" / "deep").iterdir())
    assert [p.name for p in here] == ["model.safetensors", "optimiser.safetensors", "state.json"]
    assert [p.read_bytes() for p in here] == [p.read_bytes() for p in there]


def test_the_loss_falls_and_the_ledger_adds_up(tmp_path: Path) -> None:
    training = tiny_training(steps_per_chunk=4)
    report = train(training, 0, None, tmp_path)
    assert report.steps[0].loss == pytest.approx(math.log(64), abs=0.1)  # a fresh model knows nothing
    assert report.steps[-1].loss < report.steps[0].loss - 0.2
    n_masked = int((TOKENS[:16, :-1] == EOD).sum())
    assert n_masked > 0
    assert report.tokens_planned == report.tokens_read == 16 * 16
    assert sum(step.tokens_masked for step in report.steps) == n_masked
    assert report.tokens_applied == report.tokens_read - n_masked
    assert read_state(tmp_path)["tokens"] == {"read": 256, "applied": 256 - n_masked}
    assert report.n_skipped == 0


def test_decay_starts_with_a_fresh_optimiser(tmp_path: Path) -> None:
    training = tiny_training(steps_per_chunk=4)
    train(training, 0, None, tmp_path / "f")
    reset = train(training, 1, tmp_path / "f", tmp_path / "reset")
    phases = [training.phases[0], training.phases[1].model_copy(update={"finetune": False})]
    kept = train(training.model_copy(update={"phases": tuple(phases)}), 1, tmp_path / "f", tmp_path / "kept")
    assert reset.steps[0].loss == kept.steps[0].loss  # same weights
    assert reset.weights_digest != kept.weights_digest  # other moments
    assert [step.lr for step in reset.steps] == [5e-3, 5e-3 * 0.5]


def test_what_follows_a_document_end_does_not_train(tmp_path: Path) -> None:
    # Only the token after the first EOD differs, and it is never an input (last column): nothing may change.
    a, b = TOKENS.copy(), TOKENS.copy()
    a[:, -2] = b[:, -2] = EOD
    a[:, -1], b[:, -1] = 1, 2
    assert (
        train(tiny_training(), 0, None, tmp_path / "a", a).weights_digest
        == train(tiny_training(), 0, None, tmp_path / "b", b).weights_digest
    )
    unmasked = tiny_training().model_copy(update={"mask_after_eod": False})
    assert (
        train(unmasked, 0, None, tmp_path / "c", a).weights_digest
        != train(unmasked, 0, None, tmp_path / "d", b).weights_digest
    )


def test_a_broken_step_is_skipped_with_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "learning_rate", lambda phase, step: math.inf if step == 0 else 1e-3)
    report = train(tiny_training(), 0, None, tmp_path)
    assert [step.skipped for step in report.steps] == [None, "loss is not finite"]
    assert report.n_skipped == 1
    assert report.steps[1].tokens_applied == 0
    assert report.tokens_read == report.tokens_planned
    assert json.loads((tmp_path / "state.json").read_text())["skipped_steps"] == [
        {"reason": "loss is not finite", "step": 1}
    ]


def test_progress_is_told_every_step(tmp_path: Path) -> None:
    seen: list[int] = []
    train_chunk(
        tiny_training(),
        0,
        TOKENS[:8],
        None,
        tmp_path,
        seed=SEED,
        eod_id=EOD,
        progress=lambda step: seen.append(step.step),
    )
    assert seen == [0, 1]


def test_wrong_tokens_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"must have the shape \(8, 17\), not \(7, 17\)"):
        train_chunk(tiny_training(), 0, TOKENS[:7], None, tmp_path, seed=SEED, eod_id=EOD)
    with pytest.raises(TrainingError, match="raise vocab_rows"):
        train_chunk(tiny_training(), 0, TOKENS[:8] + 60, None, tmp_path, seed=SEED, eod_id=EOD)


def test_only_the_right_parent_is_accepted(tmp_path: Path) -> None:
    training = tiny_training()
    with pytest.raises(TrainingError, match="needs checkpoint 0 as its parent"):
        train(training, 1, None, tmp_path / "x")
    train(training, 0, None, tmp_path / "a")
    with pytest.raises(TrainingError, match="starts from nothing"):
        train(training, 0, tmp_path / "a", tmp_path / "x")
    with pytest.raises(CheckpointError, match="stands at phase fundamental, step 2"):
        train(training, 2, tmp_path / "a", tmp_path / "x")
    with pytest.raises(CheckpointError, match="another architecture"):
        train(tiny_training(ffn_size=64), 1, tmp_path / "a", tmp_path / "x")
