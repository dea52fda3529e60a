"""How far a run has come, as `state.json` of a checkpoint or a snapshot tells it: enough to go on bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from neo_assets.model.files.saved import FORMAT, read_state, recorded_digest, recorded_digests
from neo_assets.model.files.tensor_files import CheckpointError
from neo_assets.model.train.anomalies import Memory
from neo_assets.model.train.run import Segment, checkpoint_key
from neo_assets.model.train.steps import StepRecord, read_steps, totals


@dataclass
class Progress:
    """Where training stands inside a checkpoint's chunk.

    Attributes:
        next_step: counted from the start of the phase.
        tokens: target positions of the whole run so far: read, masked, applied.
        records: the chunk's steps so far.
    """

    next_step: int
    tokens: dict[str, int]
    memory: Memory
    records: list[StepRecord] = field(default_factory=list)

    def done(self, record: StepRecord) -> None:
        """Take note of a step."""
        self.records.append(record)
        self.next_step = record.step + 1
        given = {"read": record.tokens_read, "masked": record.tokens_masked, "applied": record.tokens_applied}
        self.tokens = {name: self.tokens[name] + given[name] for name in self.tokens}

    def next_chunk(self) -> Progress:
        """The start of the phase's next chunk, without reading anything back."""
        return Progress(self.next_step, self.tokens, self.memory)


def at_start(segment: Segment, index: int) -> Progress:
    """The progress from which a checkpoint's chunk begins.

    Raises:
        CheckpointError: the parent is not the checkpoint before.
    """
    parent = segment.parent(index)
    if parent is None:
        return Progress(0, {"read": 0, "masked": 0, "applied": 0}, Memory())
    state, chunk = read_state(parent), segment.training.position(index)[1]
    check_parent(segment, index, state)
    try:
        memory = Memory.from_json(state["anomalies"]) if chunk else Memory()
        return Progress(state["next_step"] if chunk else 0, dict(state["tokens"]), memory)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{parent} was not written by this trainer ({error}); rebuild it") from error


def from_snapshot(state: Mapping[str, Any]) -> Progress:
    """The progress that a snapshot was written with."""
    records = [StepRecord(**record) for record in state["records"]]
    return Progress(state["next_step"], dict(state["tokens"]), Memory.from_json(state["anomalies"]), records)


def state_of(segment: Segment, index: int, progress: Progress, snapshot: bool) -> dict[str, Any]:
    """`state.json` of a checkpoint, or of a snapshot on the way to it: no time, no path."""
    training = segment.training
    phase, chunk = training.position(index)
    first = training.sequences_before(index)
    n_steps = progress.next_step - chunk * phase.steps_per_chunk
    state = {
        "format": FORMAT,
        "architecture": training.chosen.model_dump(mode="json"),
        "run": segment.run,
        "parent": lineage(segment.parent(index)),
        "checkpoint": index,
        "phase": phase.name,
        "next_step": progress.next_step,
        "first_position": first,
        "next_position": first + n_steps * phase.batch_sequences,
        "seed": segment.seed,
        "tokens": progress.tokens,
        "anomalies": progress.memory.as_json(),
        "skipped_steps": [
            {"step": r.step, "reason": r.skipped, "first_position": r.first_position, "n_sequences": r.n_sequences}
            for r in progress.records
            if r.skipped
        ],
    }
    return {**state, "records": [asdict(record) for record in progress.records]} if snapshot else state


def lineage(folder: Path | None) -> dict[str, Any] | None:
    """What a checkpoint records of its parent: run, checkpoint and content digest."""
    if folder is None:
        return None
    state = read_state(folder)
    return {"run": state.get("run"), "checkpoint": state.get("checkpoint"), "digest": recorded_digest(state)}


def summary_of(folder: Path, steps: Path) -> dict[str, Any]:
    """What is told of a checkpoint that is whole: sums over its steps, digests, parent."""
    state = read_state(folder)
    return {
        "phase": state["phase"],
        **asdict(totals(read_steps(steps))),
        "weights_digest": recorded_digests(state)["weights"],
        "checkpoint_digest": recorded_digest(state),
        "parent": state["parent"],
        "next_position": state["next_position"],
    }


def check_parent(segment: Segment, index: int, state: Mapping[str, Any]) -> None:
    """Whether a checkpoint can follow on this state.

    Raises:
        CheckpointError: it is not that of the checkpoint before, or of another architecture.
    """
    training, key = segment.training, checkpoint_key(index)
    before, chunk = training.position(index - 1)
    wanted_step = chunk * before.steps_per_chunk + before.steps_in_chunk(chunk)
    found = (state.get("phase"), state.get("next_step"))
    if found != (before.name, wanted_step):
        raise CheckpointError(
            f"the parent stands at phase {found[0]}, step {found[1]}, but {key} continues phase {before.name}, step"
            f" {wanted_step}; rebuild the parent"
        )
    if state.get("architecture") != training.chosen.model_dump(mode="json"):
        raise CheckpointError("the parent has another architecture; rebuild the chain from its first checkpoint")
    if state.get("next_position") != training.sequences_before(index):
        raise CheckpointError(
            f"the parent ends before position {state.get('next_position')} of its run, {key} begins at"
            f" {training.sequences_before(index)}; rebuild the parent"
        )
