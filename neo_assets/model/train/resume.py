"""Where a segment goes on: after the checkpoints that are whole already, from the newest snapshot of the next."""

from __future__ import annotations

from dataclasses import dataclass

from neo_assets.model.files.checkpoint import CheckpointError, read_state, verify_checkpoint
from neo_assets.model.train.progress import lineage
from neo_assets.model.train.run import Segment
from neo_assets.model.train.snapshots import Snapshots


@dataclass(frozen=True)
class ResumePoint:
    """The checkpoint to train next, and the step (of its phase) that a snapshot stands before; None: from its start."""

    index: int
    step: int | None = None


def resume_point(segment: Segment) -> ResumePoint:
    """Look for what an earlier process of the same run has left. Reads and verifies all that it counts on.

    Raises:
        CheckpointError: the checkpoint that the segment starts from is broken.
    """
    if segment.start is not None:
        verify_checkpoint(segment.start)
    for index in segment.indices:
        if not is_made(segment, index):
            return ResumePoint(index, _newest_snapshot(segment, index))
    return ResumePoint(segment.last + 1)


def is_made(segment: Segment, index: int) -> bool:
    """Whether a whole checkpoint of this run and this parent is in its place already."""
    folder = segment.folder(index)
    if not (folder.is_dir() and segment.steps_file(index).is_file()):
        return False
    try:
        state = read_state(folder)
        same = (segment.run, index, lineage(segment.parent(index)))
        if (state.get("run"), state.get("checkpoint"), state.get("parent")) != same:
            return False
        verify_checkpoint(folder)
    except CheckpointError:
        return False
    return True


def _newest_snapshot(segment: Segment, index: int) -> int | None:
    """The step of a whole snapshot of this run and this parent; those of others are removed."""
    snapshots = Snapshots(segment.snapshots, segment.training, index)
    step = snapshots.newest_whole()
    if step is None:
        return None
    state = read_state(snapshots.path(step))
    if (state.get("run"), state.get("parent")) != (segment.run, lineage(segment.parent(index))):
        snapshots.clear()
        return None
    return step
