"""Training of one chunk: from the checkpoint before, over the chunk's sequences in order, to the next checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neo_assets.model.checkpoint import (
    CheckpointError,
    checkpoint_digest,
    load_optimiser,
    load_weights,
    read_state,
    save_checkpoint,
    weights_digest,
)
from neo_assets.model.cpu import FlatDataParallel, cpu_optimizer
from neo_assets.model.gpt import build_model, deterministic, positions, process_group
from neo_assets.model.megatron import OptimizerConfig, finalize_model_grads
from neo_assets.model.schedule import learning_rate
from neo_assets.recipe.training import ArchitectureSettings, OptimiserSettings, PhaseSettings, TrainingSection


class TrainingError(ValueError):
    """The tokens or the parent checkpoint do not fit the recipe."""


@dataclass(frozen=True)
class StepRecord:
    """One optimiser step. `skipped` holds the reason when the update was left out, else None."""

    phase: str
    step: int
    lr: float
    loss: float
    grad_norm: float
    tokens_read: int
    tokens_masked: int
    tokens_applied: int
    skipped: str | None


@dataclass(frozen=True)
class TrainReport:
    """The consumption ledger of one chunk. Seconds are the only values that differ between equal runs.

    Planned tokens are target positions of the chunk; read ones went through the model; masked ones bore no loss
    (the input was the end-of-document id); applied ones moved the weights.
    """

    phase: str
    chunk: int
    steps: tuple[StepRecord, ...]
    tokens_planned: int
    parent_digest: str | None
    weights_digest: str
    checkpoint_digest: str
    wall_seconds: float
    cpu_seconds: float

    @property
    def tokens_read(self) -> int:
        """Target positions that went through the model."""
        return sum(step.tokens_read for step in self.steps)

    @property
    def tokens_applied(self) -> int:
        """Loss-bearing positions of all steps that were not skipped."""
        return sum(step.tokens_applied for step in self.steps)

    @property
    def n_skipped(self) -> int:
        """Steps whose update was left out."""
        return sum(step.skipped is not None for step in self.steps)

    @property
    def mean_loss(self) -> float:
        """Mean loss per applied token, in nats; NaN if every step was skipped."""
        if not self.tokens_applied:
            return math.nan
        return sum(s.loss * s.tokens_applied for s in self.steps if s.skipped is None) / self.tokens_applied


Progress = Callable[[StepRecord], None]


def train_chunk(
    training: TrainingSection,
    checkpoint: int,
    tokens: np.ndarray[Any, Any],
    start: Path | None,
    out: Path,
    *,
    seed: int,
    eod_id: int,
    progress: Progress | None = None,
) -> TrainReport:
    """Train checkpoint number `checkpoint` (0-based over all phases) and write it to `out`.

    Args:
        tokens: ids of the chunk, [sequences, seq_length + 1], in training order; row i + 1 follows row i.
        start: folder of the checkpoint before; None for the first.
        eod_id: the end-of-document id; where it is the input, the loss is masked.
        progress: called after every step.

    Raises:
        TrainingError: shape or ids of the tokens, or the parent, do not fit the recipe.
        CheckpointError: the parent is broken.

    Resuming is bit-exact: training two chunks one after the other in two processes gives the bytes of training both in
    one. Time grows with tokens x parameters; memory is about 16 bytes per parameter beside the activations.
    """
    phase, chunk = training.position(checkpoint)
    architecture, first_step = training.chosen, chunk * phase.steps_per_chunk
    _check_tokens(tokens, architecture, phase, chunk)
    _check_parent(start, training, checkpoint, architecture)
    wall, cpu = time.perf_counter(), time.process_time()
    with deterministic(training.n_threads), process_group():
        model = build_model(architecture, seed)
        parallel = FlatDataParallel(model.config, model)
        optimiser = cpu_optimizer(_optimizer_config(training.optimiser), [parallel])
        if start is not None:
            load_weights(start, model)
            if chunk > 0 or not phase.finetune:
                load_optimiser(start, model, optimiser)
        records = []
        for index in range(phase.steps_in_chunk(chunk)):
            rows = tokens[index * phase.batch_sequences : (index + 1) * phase.batch_sequences]
            records.append(_step(training, phase, first_step + index, rows, parallel, optimiser, eod_id))
            if progress is not None:
                progress(records[-1])
        parent = None if start is None else checkpoint_digest(start)
        state = _state(training, checkpoint, seed, records, start)
        save_checkpoint(out, model, optimiser, state)
    return TrainReport(
        phase=phase.name,
        chunk=chunk,
        steps=tuple(records),
        tokens_planned=phase.sequences_in_chunk(chunk) * architecture.seq_length,
        parent_digest=parent,
        weights_digest=weights_digest(out),
        checkpoint_digest=checkpoint_digest(out),
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
    )


def _step(
    training: TrainingSection,
    phase: PhaseSettings,
    step: int,
    rows: np.ndarray[Any, Any],
    parallel: Any,
    optimiser: Any,
    eod_id: int,
) -> StepRecord:
    batch = torch.from_numpy(np.ascontiguousarray(rows, dtype=np.int64))
    ids, labels = batch[:, :-1].contiguous(), batch[:, 1:].contiguous()
    mask = (ids != eod_id).float() if training.mask_after_eod else torch.ones(ids.shape)
    n_loss_tokens = int(mask.sum().item())
    # Both are needed: megatron aliases param.grad to main_grad, and stale ones would be added again.
    parallel.zero_grad_buffer()
    optimiser.zero_grad()
    total = 0.0
    size = training.microbatch_sequences
    for part in (slice(i, i + size) for i in range(0, len(ids), size)):
        losses = parallel(ids[part], positions(ids[part]), None, labels=labels[part])
        loss = (losses * mask[part]).sum() / max(n_loss_tokens, 1)
        loss.backward()
        total += loss.item()
    finalize_model_grads([parallel])
    lr, skipped, norm = learning_rate(phase, step), None, math.nan
    if not math.isfinite(total):
        skipped = "loss is not finite"
    elif not bool(torch.isfinite(parallel.buffer).all()):
        skipped = "gradient is not finite"
    elif not n_loss_tokens:
        skipped = "every position is masked"
    else:
        for group in optimiser.param_groups:
            group["lr"] = lr
        norm = optimiser.step()[1]
    applied = 0 if skipped else n_loss_tokens
    return StepRecord(phase.name, step, lr, total, norm, ids.numel(), ids.numel() - n_loss_tokens, applied, skipped)


def _optimizer_config(settings: OptimiserSettings) -> OptimizerConfig:
    return OptimizerConfig(
        optimizer="adam",
        lr=1.0,  # every step sets its own
        weight_decay=settings.weight_decay,
        adam_beta1=settings.beta1,
        adam_beta2=settings.beta2,
        adam_eps=settings.eps,
        clip_grad=settings.clip_norm,
        params_dtype=torch.float32,
    )


def _state(
    training: TrainingSection, checkpoint: int, seed: int, records: list[StepRecord], start: Path | None
) -> dict[str, Any]:
    phase, chunk = training.position(checkpoint)
    before = {} if start is None else read_state(start)["tokens"]
    return {
        "format": 1,
        "architecture": training.chosen.model_dump(mode="json"),
        "checkpoint": checkpoint,
        "phase": phase.name,
        "next_step": chunk * phase.steps_per_chunk + len(records),
        "seed": seed,
        "tokens": {
            "read": before.get("read", 0) + sum(r.tokens_read for r in records),
            "applied": before.get("applied", 0) + sum(r.tokens_applied for r in records),
        },
        "skipped_steps": [{"step": r.step, "reason": r.skipped} for r in records if r.skipped],
    }


def _check_tokens(
    tokens: np.ndarray[Any, Any], architecture: ArchitectureSettings, phase: PhaseSettings, chunk: int
) -> None:
    shape = (phase.sequences_in_chunk(chunk), architecture.seq_length + 1)
    if tokens.shape != shape:
        raise TrainingError(f"chunk {chunk} of phase {phase.name} must have the shape {shape}, not {tokens.shape}")
    if int(tokens.min()) < 0 or int(tokens.max()) >= architecture.vocab_rows:
        raise TrainingError(
            f"token ids run from {tokens.min()} to {tokens.max()}, the embedding has {architecture.vocab_rows} rows;"
            " raise vocab_rows or take the tokenizer of this recipe"
        )


def _check_parent(
    start: Path | None, training: TrainingSection, checkpoint: int, architecture: ArchitectureSettings
) -> None:
    if (start is None) != (checkpoint == 0):
        wanted = "starts from nothing" if checkpoint == 0 else f"needs checkpoint {checkpoint - 1} as its parent"
        raise TrainingError(f"checkpoint {checkpoint} {wanted}")
    if start is None:
        return
    state = read_state(start)
    before, chunk = training.position(checkpoint - 1)
    wanted_step = chunk * before.steps_per_chunk + before.steps_in_chunk(chunk)
    found = (state.get("phase"), state.get("next_step"))
    if found != (before.name, wanted_step):
        raise CheckpointError(
            f"the parent stands at phase {found[0]}, step {found[1]}, but checkpoint {checkpoint} continues"
            f" phase {before.name}, step {wanted_step}; rebuild the parent"
        )
    if state.get("architecture") != architecture.model_dump(mode="json"):
        raise CheckpointError("the parent has another architecture; rebuild the chain from its first checkpoint")
