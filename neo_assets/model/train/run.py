"""Names for what is trained: the run, which everything that decides the weights gives its name, and its segments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from neo_assets.ordinals import ordinal_key
from neo_assets.recipe.training import TrainingSection

CHECKPOINT_PREFIX = "ckpt"
TENSORS = "*.safetensors"
N_HEX = 12


class SegmentError(ValueError):
    """A segment that cannot be trained in one go."""


def run_id(training: TrainingSection, seed: int, order_digest: str) -> str:
    """The id of a run: 12 hex digits over all that decides its weights, so a fork of a run is another run.

    Speed and safety (threads, snapshots, other architectures in the recipe) do not count.

    Args:
        order_digest: content digest of the published order, which stands for all tokens.
    """
    given = {
        "order": order_digest,
        "architecture": training.chosen.model_dump(mode="json"),
        "optimiser": training.optimiser.model_dump(mode="json"),
        "phases": [phase.model_dump(mode="json") for phase in training.phases],
        "microbatch_sequences": training.microbatch_sequences,
        "mask_after_eod": training.mask_after_eod,
        "anomalies": training.anomalies.model_dump(mode="json"),
        "execution": training.execution.model_dump(mode="json"),
        "seed": seed,
    }
    text = json.dumps(given, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:N_HEX]


def checkpoint_key(index: int) -> str:
    """The partition key of a checkpoint, 0-based over all phases."""
    return ordinal_key(CHECKPOINT_PREFIX, index)


@dataclass(frozen=True)
class Segment:
    """Consecutive checkpoints, trained without a break; plain enough to be written as JSON for other processes.

    Attributes:
        run: see `run_id`.
        first, last: indices of its checkpoints, 0-based over all phases, both inclusive.
        chunks: per checkpoint the `.npy` file of its sequences, [sequences, seq_length + 1], in training order.
        start: folder of the checkpoint before the first; None to start from nothing.
        out: gets a folder `ckpt_001` … per checkpoint; what is whole there is not trained again.
        snapshots: for what a killed training goes on from; None: none are kept.
        loader_workers: processes that read ahead; they change nothing but the speed.
        tracking: see `neo_assets.model.metrics.tracking.sinks_of`.
        faults: losses that take the place of computed ones at steps that begin at these positions: for drills.
    """

    training: TrainingSection
    seed: int
    eod_id: int
    run: str
    first: int
    last: int
    chunks: Mapping[int, Path]
    start: Path | None
    out: Path
    snapshots: Path | None = None
    loader_workers: int = 0
    tracking: Mapping[str, Any] = field(default_factory=dict)
    faults: Mapping[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last < self.training.n_checkpoints:
            raise SegmentError(
                f"checkpoints {self.first} to {self.last} are not among the recipe's {self.training.n_checkpoints}"
            )
        if missing := [checkpoint_key(i) for i in self.indices if i not in self.chunks]:
            raise SegmentError(f"no chunk given for {', '.join(missing)}; materialize training/chunk first")
        if (self.start is None) != (self.first == 0):
            before = None if self.first == 0 else checkpoint_key(self.first - 1)
            wanted = "starts from nothing" if before is None else f"needs {before} as its parent"
            raise SegmentError(f"{checkpoint_key(self.first)} {wanted}")
        if len({self.training.n_ranks(self.training.position(i)[0]) for i in self.indices}) > 1:
            raise SegmentError("the phases of this segment have different numbers of ranks; train each by itself")

    @property
    def indices(self) -> range:
        """The checkpoints of the segment."""
        return range(self.first, self.last + 1)

    @property
    def n_ranks(self) -> int:
        """Processes that train it."""
        return self.training.n_ranks(self.training.position(self.first)[0])

    def folder(self, index: int) -> Path:
        """Where a checkpoint of the segment is written."""
        return self.out / checkpoint_key(index)

    def steps_file(self, index: int) -> Path:
        """The step records of a checkpoint of the segment, one JSON object a line."""
        return self.out / f"{checkpoint_key(index)}.steps.jsonl"

    def release(self, index: int) -> None:
        """Free the disk of a checkpoint that is safe elsewhere, once the one after it is whole.

        Its tensors go. What tells of it stays, so that a later process of the segment still knows that it was made.
        """
        for path in self.folder(index).glob(TENSORS):
            path.unlink()

    def is_released(self, index: int) -> bool:
        """Whether `release` has freed the disk of a checkpoint that was made here."""
        return self.folder(index).is_dir() and not any(self.folder(index).glob(TENSORS))

    def parent(self, index: int) -> Path | None:
        """The folder that a checkpoint starts from."""
        return self.start if index == self.first else self.folder(index - 1)

    def spec(self) -> dict[str, Any]:
        """The segment as JSON values."""
        return {
            "training": self.training.model_dump(mode="json"),
            "seed": self.seed,
            "eod_id": self.eod_id,
            "run": self.run,
            "first": self.first,
            "last": self.last,
            "chunks": {str(index): str(path) for index, path in sorted(self.chunks.items())},
            "start": None if self.start is None else str(self.start),
            "out": str(self.out),
            "snapshots": None if self.snapshots is None else str(self.snapshots),
            "loader_workers": self.loader_workers,
            "tracking": dict(self.tracking),
            "faults": {str(position): loss for position, loss in sorted(self.faults.items())},
        }

    @classmethod
    def from_spec(cls, spec: Mapping[str, Any]) -> Segment:
        """The segment that `spec` was made from."""
        given = {name: spec[name] for name in ("seed", "eod_id", "run", "first", "last")}
        return cls(
            **given,
            training=TrainingSection.model_validate(spec["training"]),
            chunks={int(index): Path(path) for index, path in spec["chunks"].items()},
            start=None if spec["start"] is None else Path(spec["start"]),
            out=Path(spec["out"]),
            snapshots=Path(spec["snapshots"]) if spec.get("snapshots") else None,
            loader_workers=spec.get("loader_workers", 0),
            tracking=spec.get("tracking", {}),
            faults={int(position): float(loss) for position, loss in spec.get("faults", {}).items()},
        )


def stretches(training: TrainingSection, indices: Sequence[int]) -> list[tuple[int, int]]:
    """Checkpoints, given in order, as (first, last) of stretches that can each be one segment."""
    found: list[tuple[int, int]] = []
    ranks = {index: training.n_ranks(training.position(index)[0]) for index in indices}
    for index in indices:
        if found and index == found[-1][1] + 1 and ranks[index] == ranks[found[-1][1]]:
            found[-1] = (found[-1][0], index)
        else:
            found.append((index, index))
    return found
