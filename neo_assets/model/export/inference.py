"""A checkpoint opened for scoring: token ids in, logits out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from neo_assets.model.files.checkpoint import load_weights, read_architecture, weights_digest
from neo_assets.model.stack.gpt import build_model, deterministic, positions, process_group
from neo_assets.recipe.training import ArchitectureSettings


@dataclass(frozen=True)
class OpenModel:
    """`logits` maps ids [batch, sequence] to float32 [batch, sequence, vocab_rows]; valid inside the `with` block."""

    architecture: ArchitectureSettings
    weights_digest: str
    logits: Callable[[torch.Tensor], torch.Tensor]


@contextmanager
def open_model(checkpoint: Path, n_threads: int = 1) -> Iterator[OpenModel]:
    """The model of a checkpoint, with the CPU trainer's own kernels, so that scores are those of the trained weights.

    Checkpoints of any layout open as one unsplit model, and of any type as float32.

    Raises:
        CheckpointError: the folder is broken.
    """
    architecture = read_architecture(checkpoint)
    unsplit = architecture.model_copy(update={"tensor_parallel": 1, "dtype": "float32"})
    with deterministic(n_threads), process_group(), torch.inference_mode():
        model = build_model(unsplit, seed=0).eval()
        load_weights(checkpoint, model)
        yield OpenModel(architecture, weights_digest(checkpoint), lambda ids: model(ids, positions(ids), None))
