"""Checkpoints of a range, trained without a break in processes of their own; each is published when it is whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neo_assets.engine.progress import report
from neo_assets.jobs.base import RangeJob, open_range_job
from neo_assets.lake.dataset import Dataset
from neo_assets.lake.store import DamagedError
from neo_assets.lake.writer import VersionWriter
from neo_assets.model.metrics.tracking import tracking_of
from neo_assets.model.train.hub import hub_of_this_process
from neo_assets.model.train.run import CHECKPOINT_PREFIX, Segment, run_id, stretches
from neo_assets.model.train.steps import read_steps, step_table
from neo_assets.model.train.supervisor import run_workers
from neo_assets.ordinals import ordinal_index, ordinal_key

ORDER = "training/order"
WORKER = "neo_assets.model.train.worker"
"""What trains, in processes that the supervisor starts. Named here, since it decides what a checkpoint is."""
OBSERVATIONS = 20
"""Of every checkpoint on its way, for the curves that the instance plots."""
OBSERVED = ("step", "loss", "lr", "grad_norm", "tokens_per_second", "mfu")


class ChunkMismatchError(ValueError):
    """The chunks of a range do not belong together, or not to the recipe."""


@dataclass
class _Range:
    """A range of checkpoints that is being trained."""

    job: RangeJob
    run: str
    work: Path
    previous: Dataset
    segment: Segment | None = None

    def train(self, first: int, last: int) -> None:
        """Train a stretch of the range."""
        job, training = self.job, self.job.recipe.training
        segment = Segment(
            training=training,
            seed=job.recipe.seed,
            eod_id=job.recipe.tokenizer.end_of_document_id,
            run=self.run,
            first=first,
            last=last,
            chunks={index: Path(self.chunk(index).file("chunk.npy")) for index in range(first, last + 1)},
            start=self.previous.folder() if self.previous else None,
            out=self.work / "checkpoints",
            snapshots=self.work / "snapshots",
            loader_workers=int(job.settings.get("loader_workers", 0)),
            tracking=tracking_of({**os.environ, **job.settings.get("tracking", {})}, self.run),
            faults={int(at): float(loss) for at, loss in job.settings.get("faults", {}).items()},
        )
        for index in filter(segment.is_released, segment.indices):
            shutil.rmtree(segment.folder(index))  # of a range that is made again: its tensors are to be published too
        self.segment = segment
        run_workers(segment.spec(), segment.n_ranks, self.take)

    def chunk(self, index: int) -> Dataset:
        """The chunk of a checkpoint."""
        return self.job.inputs["chunk"].partition(ordinal_key("chunk", index))

    def take(self, event: Mapping[str, Any]) -> None:
        """What is done with an event of the ranks."""
        match event["event"]:
            case "step":
                self.observe(event)
            case "checkpoint":
                self.publish(event)
            case "resumed":
                print(f"goes on at {event['checkpoint']}, from {event['why']}", flush=True)
            case "rolled_back":
                print(f"step {event['step']}: {event['reason']}; back to step {event['to']}", flush=True)

    def observe(self, step: Mapping[str, Any]) -> None:
        """Show how far the checkpoint is."""
        key, training = step["checkpoint"], self.job.recipe.training
        phase, chunk = training.position(ordinal_index(key))
        n_steps = phase.steps_in_chunk(chunk)
        done = step["step"] - chunk * phase.steps_per_chunk + 1
        report(f"{key} loss {step['loss']:.3f}", done, n_steps)
        if done % max(n_steps // OBSERVATIONS, 1) == 0:
            values = {name: step[name] for name in OBSERVED if step[name] is not None}
            self.job.observe(key, {**values, "position": step["first_position"] + step["n_sequences"]})

    def check_chunk(self, index: int) -> None:
        """That the ranks trained on what was committed; hashed while they are at the next chunk already.

        Raises:
            DamagedError: the chunk's file is another; all that was trained from it on is removed.
        """
        try:
            check_files(self.chunk(index))
        except DamagedError:
            for folder in ("checkpoints", "snapshots"):
                shutil.rmtree(self.work / folder, ignore_errors=True)
            raise

    def publish(self, event: Mapping[str, Any]) -> None:
        """Commit a checkpoint: its files, and the table of its steps."""
        key, folder, summary = event["checkpoint"], Path(event["folder"]), event["summary"]
        index, training = event["index"], self.job.recipe.training
        self.check_chunk(index)
        steps = read_steps(Path(event["steps"]))
        phase, of_phase = training.position(index)

        def write(writer: VersionWriter) -> None:
            writer.folder_of_files(folder)
            writer.table(step_table(steps))

        metadata = {
            "run": self.run,
            "phase": phase.name,
            "mean loss": summary["mean_loss"],
            "last loss": summary["last_loss"],
            "tokens planned": phase.sequences_in_chunk(of_phase) * training.chosen.seq_length,
            "tokens read": summary["tokens_read"],
            "tokens masked": summary["tokens_masked"],
            "tokens applied": summary["tokens_applied"],
            "steps skipped": summary["n_skipped"],
            "restarts": summary["n_starts"] - 1,
            "next position": summary["next_position"],
            "weights digest": summary["weights_digest"],
            "checkpoint digest": summary["checkpoint_digest"],
            "tokens per second": round(summary["tokens_per_second"]),
        }
        if faults := self.job.settings.get("faults"):
            metadata["faults injected at positions"] = ", ".join(sorted(map(str, faults), key=int))
        inputs = {"previous": self.previous, "chunk": self.chunk(index)}
        self.previous = self.job.publish(key, write, inputs, metadata)
        if self.segment is not None and index > self.segment.first:
            self.segment.release(index - 1)  # the lake has it, and training would go on from this one


def main() -> None:
    """Train the checkpoints of the job's range."""
    hub_of_this_process()  # the other machines, if there are any, connect while chunks are checked
    with open_range_job() as job:
        indices, training = [ordinal_index(key) for key in job.keys], job.recipe.training
        run = run_id(training, job.recipe.seed, _order_digest(job, indices))
        made = _Range(job, run, job.work(run), job.inputs["previous"])
        for chunk in (made.chunk(index) for index in indices):
            check_files(chunk, digests=False)  # better now than after hours
        if made.previous:
            check_files(made.previous)
        for first, last in stretches(training, indices):
            if made.previous and made.previous.manifest.partition != ordinal_key(CHECKPOINT_PREFIX, first - 1):
                raise ChunkMismatchError(
                    f"{ordinal_key(CHECKPOINT_PREFIX, first)} does not follow on {made.previous.manifest.partition};"
                    " materialize the checkpoints between them too"
                )
            made.train(first, last)


def check_files(dataset: Dataset, digests: bool = True) -> None:
    """Compare the files of a partition with their sizes, and their SHA-256, in its manifest; a block in memory.

    Raises:
        DamagedError: one is missing or another; the message says what to rebuild.
    """
    for name, recorded in dataset.manifest.files.items():
        path = dataset.folder() / name
        if not path.is_file():
            raise DamagedError(recorded.path, "missing")
        if (found := path.stat().st_size) != recorded.bytes:
            raise DamagedError(recorded.path, f"damaged ({found:,} bytes instead of {recorded.bytes:,})")
        if digests:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != recorded.sha256:
                    raise DamagedError(recorded.path, "not what was committed (its SHA-256 differs)")


def _order_digest(job: RangeJob, indices: list[int]) -> str:
    """The digest of the one order that all chunks of the range were cut from.

    Raises:
        ChunkMismatchError: a chunk is missing, of another order, or begins at another position than the recipe says.
    """
    digests = {}
    for index in indices:
        key, first = ordinal_key("chunk", index), job.recipe.training.sequences_before(index)
        chunk = job.inputs["chunk"].partition(key)
        if not chunk:
            raise ChunkMismatchError(f"{key} is missing; materialize training/chunk {key}")
        if (begins := chunk.metadata.get("first position")) != first:
            raise ChunkMismatchError(f"{key} begins at position {begins}, the recipe says {first}; materialize it anew")
        digests[key] = chunk.manifest.provenance.inputs[ORDER]
    if len(set(digests.values())) != 1:
        raise ChunkMismatchError(f"{', '.join(digests)} are of different orders; materialize training/chunk anew")
    return next(iter(digests.values()))


if __name__ == "__main__":
    main()
