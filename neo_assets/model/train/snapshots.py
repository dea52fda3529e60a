"""Snapshots: checkpoints inside a chunk, for this machine only, that a killed or rolled-back training goes on from.

A snapshot's `state.json` also holds the records of the chunk's steps so far, so that its ledger has no gap.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from neo_assets.model.files.saved import verify_checkpoint
from neo_assets.model.files.tensor_files import CheckpointError
from neo_assets.model.train.run import checkpoint_key
from neo_assets.recipe.training import TrainingSection

_NAME = re.compile(r"(?P<key>.+)-step_(?P<step>\d+)")
_STARTS = "starts"


@dataclass(frozen=True)
class Snapshots:
    """The snapshots of one checkpoint that is being trained. `folder` is None where none are kept."""

    folder: Path | None
    training: TrainingSection
    checkpoint: int

    @property
    def first_step(self) -> int:
        """The first step of the chunk, counted from the start of its phase."""
        phase, chunk = self.training.position(self.checkpoint)
        return chunk * phase.steps_per_chunk

    def due(self, next_step: int) -> bool:
        """Whether one is to be written now; at the end of a chunk its checkpoint takes its place."""
        phase, chunk = self.training.position(self.checkpoint)
        done, every = next_step - self.first_step, self.training.snapshot_steps
        return bool(self.folder and every and done % every == 0 and 0 < done < phase.steps_in_chunk(chunk))

    def path(self, next_step: int) -> Path:
        """The folder of the snapshot before this step."""
        if self.folder is None:
            raise CheckpointError("no folder for snapshots was given")
        return self.folder / f"{checkpoint_key(self.checkpoint)}-step_{next_step:08d}"

    def steps(self) -> list[int]:
        """The steps that snapshots stand before, oldest first."""
        if self.folder is None or not self.folder.is_dir():
            return []
        found = (_NAME.fullmatch(path.name) for path in self.folder.iterdir())
        return sorted(int(m["step"]) for m in found if m and m["key"] == checkpoint_key(self.checkpoint))

    def newest_whole(self) -> int | None:
        """The step of the newest snapshot that can be read; those that cannot are removed."""
        for step in reversed(self.steps()):
            try:
                verify_checkpoint(self.path(step))
            except CheckpointError:
                shutil.rmtree(self.path(step))
                continue
            return step
        return None

    def target(self, step: int) -> int:
        """The step that training goes back to when this one is rolled back: a snapshot's, or the chunk's first.

        A function of the settings alone, so that a resumed run goes back as far as one that never stopped: the last
        multiple of `snapshot_steps` that leaves all `skip_before` batches to come, but never into the chunk before.
        """
        wanted = step - self.training.anomalies.skip_before
        if wanted >= step:
            return step
        every = self.training.snapshot_steps if self.folder else None
        whole = (wanted - self.first_step) // every * every if every else 0
        return self.first_step + max(whole, 0)

    def forget_after(self, step: int) -> None:
        """Remove the snapshots of steps that were undone."""
        for other in self.steps():
            if other > step:
                shutil.rmtree(self.path(other))

    def forget_old(self, next_step: int) -> None:
        """Remove those that neither a kill nor a roll-back from `next_step` on can need."""
        rolls_back = self.training.anomalies.policy == "roll_back"
        oldest = self.target(next_step) if rolls_back else next_step
        for other in self.steps():
            if other < oldest:
                shutil.rmtree(self.path(other))

    def clear(self) -> None:
        """Remove all of this checkpoint, and what writers that died left behind."""
        if self.folder is None or not self.folder.is_dir():
            return
        key = checkpoint_key(self.checkpoint)
        for path in self.folder.iterdir():
            if path.name.startswith((f"{key}-step_", f"{key}.{_STARTS}")):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def count_start(self) -> int:
        """The number of this process start among those that worked on the checkpoint, 1 for the first."""
        if self.folder is None:
            return 1
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{checkpoint_key(self.checkpoint)}.{_STARTS}"
        with file.open("ab") as starts:
            starts.write(b".")
        return file.stat().st_size
