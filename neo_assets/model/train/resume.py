"""Where a segment goes on: after the checkpoints that are whole already, from the newest snapshot of the next."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.distributed as dist

from neo_assets.model.files.saved import read_state, verify_checkpoint
from neo_assets.model.files.tensor_files import CheckpointError
from neo_assets.model.train.progress import lineage
from neo_assets.model.train.run import Segment
from neo_assets.model.train.snapshots import Snapshots


@dataclass(frozen=True)
class ResumePoint:
    """The checkpoint to train next, and the step (of its phase) that a snapshot stands before; None: from its start."""

    index: int
    step: int | None = None


def agreed_resume_point(segment: Segment) -> ResumePoint:
    """What rank 0 finds, on every rank.

    Raises:
        CheckpointError: on all ranks; the checkpoint that the segment starts from is broken.
    """
    found: list[ResumePoint | CheckpointError | None] = [None]
    if dist.get_rank() == 0:
        try:
            found = [resume_point(segment)]
        except CheckpointError as error:
            found = [error]
    dist.broadcast_object_list(found, src=0, device=torch.device("cpu"))
    (answer,) = found
    if not isinstance(answer, ResumePoint):
        raise answer or CheckpointError("rank 0 told nothing")
    return answer


def resume_point(segment: Segment) -> ResumePoint:
    """Look for what an earlier process of the same run has left. Reads and verifies all that it counts on.

    Raises:
        CheckpointError: the checkpoint that the segment starts from is broken.
    """
    if segment.start is not None:
        verify_checkpoint(segment.start)
    index = next((index for index in segment.indices if not _is_made(segment, index)), segment.last + 1)
    while segment.first < index <= segment.last and segment.is_released(index - 1):
        index -= 1  # what it would start from is gone with it
    return ResumePoint(index, _newest_snapshot(segment, index) if index <= segment.last else None)


def _is_made(segment: Segment, index: int) -> bool:
    """Whether a checkpoint of this run and this parent was made here: it is whole, or was and has been released."""
    folder = segment.folder(index)
    if not (folder.is_dir() and segment.steps_file(index).is_file()):
        return False
    try:
        state = read_state(folder)
        same = (segment.run, index, lineage(segment.parent(index)))
        if (state.get("run"), state.get("checkpoint"), state.get("parent")) != same:
            return False
        if not segment.is_released(index):
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
