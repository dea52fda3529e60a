"""Training of a segment: step after step over the chunks of consecutive checkpoints, in one rank's process.

Every rank runs this loop and takes the same decisions from the same numbers; rank 0 alone writes and reports beside
the checkpoints themselves. Killed at any time and started again, it gives the same bytes: what decides a step is in
the weights, the moments and `state.json`, and the order of the data is a function of the step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

import torch.distributed as dist

from neo_assets.model.files.checkpoint import load_checkpoint, save_checkpoint
from neo_assets.model.metrics.flops import device_peak_flops, mfu
from neo_assets.model.stack.gpt import build_stack, deterministic, process_group
from neo_assets.model.stack.protocol import Stack
from neo_assets.model.train.anomalies import NO_LOSS_TOKENS, AnomalyError, Judged, judge
from neo_assets.model.train.loader import Batch, chunk_batches, microbatches, read_ahead
from neo_assets.model.train.progress import Progress, at_start, from_snapshot, state_of, summary_of
from neo_assets.model.train.resume import ResumePoint, agreed_resume_point
from neo_assets.model.train.run import Segment, checkpoint_key
from neo_assets.model.train.schedule import learning_rate
from neo_assets.model.train.snapshots import Snapshots
from neo_assets.model.train.steps import StepRecord, write_steps

Emit = Callable[[str, Mapping[str, Any]], None]
"""Takes an event's name and its values: `resumed`, `step`, `rolled_back`, `checkpoint`."""


def train(segment: Segment, emit: Emit | None = None) -> None:
    """Train the checkpoints of a segment, going on from what an earlier process of the same segment has left.

    Args:
        emit: gets every event, on rank 0: `resumed` (index, checkpoint, step, why), `step` (a `StepRecord`),
            `rolled_back` (step, to, reason) and `checkpoint` (index, checkpoint, folder, steps file, summary). A step
            that is done again is told again.

    Raises:
        TokensError: a chunk is missing, cut off or not of the recipe.
        CheckpointError: the parent is broken or not the one before, or there is no room to write.
        AnomalyError: the policy says to stop.

    Time grows with tokens x parameters; memory is about 16 bytes per parameter and rank beside the activations.
    """
    training, execution = segment.training, segment.training.execution
    with (
        deterministic(training.n_threads, execution.deterministic),
        process_group(training.chosen.tensor_parallel, execution.pipeline_parallel),
    ):
        first = dist.get_rank() == 0
        _Trainer(segment, first, emit if first and emit else _silent).run()


@dataclass
class _Trainer:
    """One rank's state between steps."""

    segment: Segment
    first_rank: bool
    emit: Emit
    stack: Stack | None = None
    progress: Progress = field(init=False)
    snapshots: Snapshots = field(init=False)
    first_step: int = 0
    """Of the present chunk, counted from the start of its phase."""
    first_position: int = 0
    """Of that step's first sequence, counted over the whole run."""
    start: int = 1
    """Number of the process start among those that worked on the present chunk."""

    def run(self) -> None:
        for index, path in self.segment.chunks.items():  # better now than after hours
            chunk_batches(self.segment.training, index, path, self.segment.eod_id)
        point = agreed_resume_point(self.segment)
        if point != ResumePoint(self.segment.first):
            why = "checkpoints that are whole" if point.step is None else "the newest whole snapshot"
            key = checkpoint_key(min(point.index, self.segment.last))
            self.emit("resumed", {"index": point.index, "checkpoint": key, "step": point.step, "why": why})
        for index in self.segment.indices:
            if index < point.index:
                self._tell_checkpoint(index)
            else:
                self._chunk(index, point.step if index == point.index else None)

    def _chunk(self, index: int, snapshot: int | None) -> None:
        training = self.segment.training
        phase, chunk = training.position(index)
        self.first_step, self.first_position = chunk * phase.steps_per_chunk, training.sequences_before(index)
        self.snapshots = Snapshots(self.segment.snapshots, training, index)
        self.start = self.snapshots.count_start() if self.first_rank else 1
        if self.stack is None or chunk == 0 or snapshot is not None:
            self._open(index, snapshot)
        else:
            self.progress = self.progress.next_chunk()
        while self.progress.next_step < self.first_step + phase.steps_in_chunk(chunk):
            self._until_rolled_back(index)
        self.progress.memory.end_chunk(self.progress.next_step)
        if self.first_rank:
            self.segment.out.mkdir(parents=True, exist_ok=True)
            write_steps(self.segment.steps_file(index), self.progress.records)
        save_checkpoint(self.segment.folder(index), self._stack, state_of(self.segment, index, self.progress, False))
        if self.first_rank:
            self.snapshots.clear()
        self._tell_checkpoint(index)

    def _until_rolled_back(self, index: int) -> None:
        """Steps from where training stands to the end of the chunk, or to one that sends it back."""
        segment, stack = self.segment, self._stack
        path = segment.chunks[index]
        batches = chunk_batches(segment.training, index, path, segment.eod_id, stack.data_rank, stack.data_size)
        with closing(read_ahead(batches, self.progress.next_step - self.first_step, segment.loader_workers)) as ahead:
            for batch in ahead:
                back_to = self._step(index, batch)
                if back_to is not None:
                    self._roll_back(index, back_to)
                    return
                if self.snapshots.due(self.progress.next_step):
                    at = self.progress.next_step
                    save_checkpoint(self.snapshots.path(at), stack, state_of(segment, index, self.progress, True))
                    if self.first_rank:
                        self.snapshots.forget_old(at)

    def _step(self, index: int, batch: Batch) -> int | None:
        """Do one step, or leave it out; gives the step to go back to, if it is not this one."""
        began, training = time.perf_counter(), self.segment.training
        phase, _ = training.position(index)
        step, memory = self.progress.next_step, self.progress.memory
        position = self.first_position + (step - self.first_step) * phase.batch_sequences
        lr = learning_rate(phase, step)
        judged = memory.left_out.get(step) or self._compute(step, position, lr, batch)
        if isinstance(judged, int):
            return judged
        seconds = time.perf_counter() - began
        speed = batch.n_tokens / seconds
        record = StepRecord(
            run=self.segment.run,
            phase=phase.name,
            step=step,
            checkpoint=checkpoint_key(index),
            first_position=position,
            n_sequences=phase.batch_sequences,
            lr=lr,
            loss=judged.loss,
            grad_norm=judged.grad_norm,
            tokens_read=batch.n_tokens,
            tokens_masked=batch.n_tokens - batch.n_loss_tokens,
            tokens_applied=0 if judged.reason else batch.n_loss_tokens,
            skipped=judged.reason,
            rolled_back=memory.undone.get(step, 0),
            seconds=seconds,
            tokens_per_second=speed,
            mfu=self._mfu(speed),
            start=self.start,
        )
        self.progress.done(record)
        self.emit("step", asdict(record))
        memory.done(step, judged.loss, judged.reason, training.anomalies)
        return None

    def _compute(self, step: int, position: int, lr: float, batch: Batch) -> Judged | int:
        """Loss, gradient and, if nothing is wrong with them, the update; or the step to go back to."""
        training, stack, memory = self.segment.training, self._stack, self.progress.memory
        eod_id = self.segment.eod_id if training.mask_after_eod else None
        parts = microbatches(batch, training.microbatch_sequences, eod_id)
        loss = stack.forward_backward(parts, max(batch.n_loss_tokens, 1))
        loss = self.segment.faults.get(position, loss)
        norm = stack.gradient_norm()
        loss, norm = (math.nan if math.isnan(value) else value for value in (loss, norm))  # one of many NaNs
        reason = judge(loss, norm, batch.n_loss_tokens, memory.losses, training.anomalies)
        if reason is None:
            stack.update(lr)
            return Judged(None, loss, norm)
        stack.discard()
        judged = Judged(reason, loss, norm)
        if reason == NO_LOSS_TOKENS or training.anomalies.policy == "skip":
            return judged
        if training.anomalies.policy == "stop":
            raise AnomalyError(
                f"{reason} in step {step} at position {position} (loss {loss}, gradient norm {norm}); the checkpoint"
                " before is whole: look at the data there, or set another anomalies.policy, which makes another run"
            )
        target = self.snapshots.target(step)
        memory.leave_out_around(step, judged, target, training.anomalies)
        return target if target < step else judged

    def _roll_back(self, index: int, to: int) -> None:
        """Return to the state before step `to`, and remember what is to be left out from there on."""
        present = self.progress
        reason = present.memory.left_out[present.next_step].reason
        self.emit("rolled_back", {"step": present.next_step, "to": to, "reason": reason})
        self._open(index, to if to > self.first_step else None)
        self.progress.records = [record for record in present.records if record.step < to]
        self.progress.memory.left_out = present.memory.left_out
        self.progress.memory.undone = present.memory.undone
        if self.first_rank:
            self.snapshots.forget_after(to)
        dist.barrier()

    def _open(self, index: int, snapshot: int | None) -> None:
        """Build the stack and load what training goes on from."""
        segment = self.segment
        phase, chunk = segment.training.position(index)
        self.stack = None  # the memory of the old one first
        self.stack = build_stack(segment.training, phase, segment.seed)
        if snapshot is not None:
            self.progress = from_snapshot(load_checkpoint(self.snapshots.path(snapshot), self.stack, optimiser=True))
            return
        self.progress = at_start(segment, index)
        parent = segment.parent(index)
        if parent is not None:
            load_checkpoint(parent, self.stack, optimiser=chunk > 0 or not phase.finetune)

    @property
    def _stack(self) -> Stack:
        if self.stack is None:
            raise RuntimeError("no chunk is open")
        return self.stack

    def _mfu(self, tokens_per_second: float) -> float | None:
        if not self.first_rank:
            return None
        training = self.segment.training
        architecture, stack = training.chosen, training.execution.stack
        peak = device_peak_flops(stack, architecture.dtype, training.n_threads)
        return mfu(architecture, tokens_per_second, peak, self.segment.n_ranks)

    def _tell_checkpoint(self, index: int) -> None:
        if not self.first_rank:
            return
        folder, steps, key = self.segment.folder(index), self.segment.steps_file(index), checkpoint_key(index)
        told = {"index": index, "checkpoint": key, "folder": str(folder), "steps": str(steps)}
        self.emit("checkpoint", {**told, "summary": summary_of(folder, steps)})


def _silent(event: str, values: Mapping[str, Any]) -> None:
    """Nobody listens."""
