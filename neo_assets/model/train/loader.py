"""Batches of a chunk, read ahead by torch's DataLoader: the same ones whatever its number of workers."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from neo_assets.model.stack.protocol import Microbatch
from neo_assets.recipe.training import PhaseSettings, TrainingSection

Tokens = np.ndarray[Any, Any]


class TokensError(ValueError):
    """The tokens of a chunk do not fit the recipe."""


@dataclass(frozen=True)
class Batch:
    """One rank's share of a step's sequences, and what is the same on all ranks.

    Attributes:
        rows: int32 or uint16 ids [sequences of the rank, seq_length + 1]; row i + 1 follows row i.
        n_loss_tokens: targets that bear loss, in the whole batch.
        n_tokens: all targets of the whole batch.
    """

    rows: Tokens
    n_loss_tokens: int
    n_tokens: int


@dataclass(frozen=True)
class ChunkBatches(Dataset[Batch]):
    """The batches of a chunk by step of the chunk, for one data-parallel rank, from the memory-mapped file.

    Every rank reads the whole batch, to know its loss-bearing targets without asking the others: 4 bytes a token,
    which is nothing beside computing on it.
    """

    path: Path
    phase: PhaseSettings
    n_steps: int
    seq_length: int
    vocab_rows: int
    eod_id: int | None
    """Where it is the input, the target bears no loss; None: every target does."""
    data_rank: int = 0
    data_size: int = 1

    def __len__(self) -> int:
        return self.n_steps

    def __getitem__(self, step: int) -> Batch:
        """The rank's share of the batch.

        Raises:
            TokensError: an id that the embedding has no row for.
        """
        size = self.phase.batch_sequences
        rows = self.tokens[step * size : (step + 1) * size]
        low, high = int(rows.min()), int(rows.max())
        if low < 0 or high >= self.vocab_rows:
            raise TokensError(
                f"{self.path}: token ids run from {low} to {high} in step {step} of the chunk, the embedding has"
                f" {self.vocab_rows} rows; raise vocab_rows or take the tokenizer of this recipe"
            )
        n_tokens = rows.shape[0] * self.seq_length
        masked = 0 if self.eod_id is None else int((rows[:, :-1] == self.eod_id).sum())
        share = size // self.data_size
        mine = np.ascontiguousarray(rows[self.data_rank * share : (self.data_rank + 1) * share])
        return Batch(mine, n_tokens - masked, n_tokens)

    @cached_property
    def tokens(self) -> Tokens:
        """The file's array, memory-mapped.

        Raises:
            TokensError: it is missing, cut off, or not of the recipe's shape.
        """
        return open_chunk(self.path, (self.n_steps * self.phase.batch_sequences, self.seq_length + 1), self.phase.name)

    def __getstate__(self) -> dict[str, Any]:
        """Without the mapping: every worker opens the file for itself."""
        return {name: value for name, value in self.__dict__.items() if name != "tokens"}


def open_chunk(path: Path, shape: tuple[int, int], phase: str) -> Tokens:
    """The tokens of a chunk, memory-mapped.

    Raises:
        TokensError: the file is missing, cut off, or not of this shape.
    """
    try:
        tokens: Tokens = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError as error:
        raise TokensError(f"{path} is missing; materialize its training/chunk anew") from error
    except (ValueError, EOFError, OSError) as error:
        raise TokensError(f"{path} is cut off or no array ({error}); materialize its training/chunk anew") from error
    if tokens.shape != shape or tokens.dtype.kind not in "iu":
        raise TokensError(
            f"{path}: a chunk of phase {phase} must hold integers of shape {shape}, not {tokens.dtype} {tokens.shape};"
            " it is another chunk, or the recipe changed: materialize it anew"
        )
    return tokens


def chunk_batches(
    training: TrainingSection, checkpoint: int, path: Path, eod_id: int, data_rank: int = 0, data_size: int = 1
) -> ChunkBatches:
    """The batches of a checkpoint's chunk.

    Raises:
        TokensError: the file is missing, cut off, or not of the recipe's shape.
    """
    phase, chunk = training.position(checkpoint)
    batches = ChunkBatches(
        path=path,
        phase=phase,
        n_steps=phase.steps_in_chunk(chunk),
        seq_length=training.chosen.seq_length,
        vocab_rows=training.chosen.vocab_rows,
        eod_id=eod_id if training.mask_after_eod else None,
        data_rank=data_rank,
        data_size=data_size,
    )
    open_chunk(path, (phase.sequences_in_chunk(chunk), training.chosen.seq_length + 1), phase.name)
    return batches


def read_ahead(batches: ChunkBatches, first: int, n_workers: int) -> Generator[Batch]:
    """The batches from step `first` of the chunk to its end, in order.

    Raises:
        TokensError: an id that the embedding has no row for.
    """
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(first, len(batches)),
        num_workers=n_workers,
        collate_fn=_as_it_is,  # arrays go through a pipe: no shared memory, which containers have little of
        generator=torch.Generator(),  # its own: the state of torch's default one is part of a checkpoint
    )
    try:
        yield from loader
    except TokensError as error:  # of a worker: its message is a traceback, which ends with the one that counts
        raise TokensError(str(error).rpartition("TokensError: ")[2].rstrip()) from error


def microbatches(batch: Batch, size: int, eod_id: int | None) -> list[Microbatch]:
    """The batch cut into forward passes of `size` sequences."""
    found = []
    for begin in range(0, len(batch.rows), size):
        rows = torch.from_numpy(batch.rows[begin : begin + size].astype(np.int64))
        ids, labels = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
        mask = torch.ones(ids.shape) if eod_id is None else (ids != eod_id).float()
        found.append(Microbatch(ids, labels, mask))
    return found


def _as_it_is(batch: Any) -> Any:
    return batch
