"""Segments of a model that trains in a second, and what came of them, shared by the tests of the trainer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neo_assets.model.train.run import Segment, checkpoint_key, run_id
from neo_assets.model.train.steps import StepRecord, read_steps
from neo_assets.recipe.training import TrainingSection
from neo_assets_tests.model.settings import EOD, SEED, learnable_tokens, tiny_training


def longer_training(
    n_steps: int = 12, steps_per_chunk: int = 4, decay_steps: int = 4, **settings: Any
) -> TrainingSection:
    """The tiny model over more steps; `settings` are those of the section (snapshot_steps, anomalies, execution)."""
    plain = tiny_training().model_dump(mode="json")
    fundamental, decay = plain["phases"]
    schedule = {**fundamental["schedule"], "decay_steps": n_steps}
    fundamental |= {"n_steps": n_steps, "steps_per_chunk": steps_per_chunk, "schedule": schedule}
    decay |= {"n_steps": decay_steps, "steps_per_chunk": decay_steps}
    return TrainingSection.model_validate({**plain, "phases": [fundamental, decay], **settings})


def make_segment(
    folder: Path,
    training: TrainingSection,
    first: int = 0,
    last: int | None = None,
    start: Path | None = None,
    tokens: np.ndarray[Any, Any] | None = None,
    snapshots: bool = True,
    **more: Any,
) -> Segment:
    """A segment below `folder` whose chunks are cut from one array of tokens."""
    last = training.n_checkpoints - 1 if last is None else last
    every = learnable_tokens(training.sequences_before(last + 1)) if tokens is None else tokens
    folder.mkdir(parents=True, exist_ok=True)
    chunks = {}
    for index in range(first, last + 1):
        begin = training.sequences_before(index)
        phase, chunk = training.position(index)
        chunks[index] = folder / f"chunk_{index}.npy"
        np.save(chunks[index], every[begin : begin + phase.sequences_in_chunk(chunk)])
    return Segment(
        training=training,
        seed=SEED,
        eod_id=EOD,
        run=run_id(training, SEED, "order"),
        first=first,
        last=last,
        chunks=chunks,
        start=start,
        out=folder / "out",
        snapshots=folder / "snapshots" if snapshots else None,
        **more,
    )


def contents(segment: Segment) -> dict[str, Any]:
    """Everything that equal runs must have in common: the bytes of every checkpoint's files, and the step records."""
    found: dict[str, Any] = {}
    for index in segment.indices:
        folder = segment.folder(index)
        found |= {f"{folder.name}/{path.name}": path.read_bytes() for path in sorted(folder.iterdir())}
        found[f"{folder.name}/steps"] = [step.content for step in records(segment, index)]
    return found


def records(segment: Segment, index: int) -> list[StepRecord]:
    """The step records of a checkpoint."""
    return read_steps(segment.out / f"{checkpoint_key(index)}.steps.jsonl")
