"""Settings of pre-training: architectures, optimiser, learning-rate schedules, phases."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section


class ArchitectureSettings(Section):
    """A decoder-only transformer of the NEO family: RMSNorm, SwiGLU, rotary positions, no biases or dropout."""

    n_layers: int = Field(gt=0)
    hidden_size: int = Field(gt=0)
    n_heads: int = Field(gt=0, description="query heads")
    n_kv_groups: int = Field(gt=0, description="key/value heads; 1 is multi-query, n_heads is full attention")
    ffn_size: int = Field(gt=0, description="inner size of SwiGLU (three matrices)")
    vocab_rows: int = Field(gt=0, description="rows of the embedding: all token ids, padded (see `padded_vocab_rows`)")
    seq_length: int = Field(gt=0, description="context, in tokens")
    rms_norm_eps: float = Field(default=1.0e-5, gt=0)
    rope_base: int = Field(default=10_000, gt=0)
    init_std: float = Field(default=0.02, gt=0)
    untied: bool = Field(default=True, description="the output projection has its own weights")
    tensor_parallel: int = Field(default=1, gt=0, description="ranks that share one layer")
    dtype: Literal["float32", "bfloat16"] = Field(default="float32", description="type of the weights in training")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.hidden_size % self.n_heads:
            raise ValueError(f"hidden_size {self.hidden_size} must be a multiple of n_heads {self.n_heads}")
        if self.head_size % 2:
            raise ValueError(f"head size {self.head_size} (hidden_size / n_heads) must be even for rotary positions")
        if self.n_heads % self.n_kv_groups:
            raise ValueError(f"n_heads {self.n_heads} must be a multiple of n_kv_groups {self.n_kv_groups}")
        split = (self.vocab_rows, self.n_heads, self.n_kv_groups, self.ffn_size)
        if any(size % self.tensor_parallel for size in split):
            raise ValueError(
                "vocab_rows, n_heads, n_kv_groups and ffn_size must be multiples of tensor_parallel"
                f" {self.tensor_parallel}"
            )
        return self

    @property
    def head_size(self) -> int:
        """Dimensions of one attention head."""
        return self.hidden_size // self.n_heads


def n_parameters(architecture: ArchitectureSettings) -> int:
    """The number of trained weights, padding rows included. Source: MAP-Neo §5 and its published shards."""
    hidden, kv_size = architecture.hidden_size, architecture.n_kv_groups * architecture.head_size
    attention = 2 * hidden * hidden + 2 * hidden * kv_size
    layer = attention + 3 * hidden * architecture.ffn_size + 2 * hidden
    embeddings = (2 if architecture.untied else 1) * architecture.vocab_rows * hidden
    return embeddings + architecture.n_layers * layer + hidden


def padded_vocab_rows(n_ids: int, tensor_parallel: int = 1, multiple: int = 128) -> int:
    """Embedding rows for `n_ids` token ids: the next multiple of `multiple * tensor_parallel` (Megatron's rule).

    64,005 ids give 64,128 rows at tensor parallel 1 and 64,256 at 2, as published.
    """
    step = multiple * tensor_parallel
    return -(-n_ids // step) * step


class OptimiserSettings(Section):
    """AdamW with decoupled weight decay (not on norms) and clipping of the global gradient norm."""

    beta1: float = Field(default=0.9, ge=0, lt=1)
    beta2: float = Field(default=0.95, ge=0, lt=1)
    eps: float = Field(default=1.0e-8, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)
    clip_norm: float = Field(default=1.0, gt=0, description="largest global gradient norm")


class CosineSchedule(Section):
    """Linear warm-up, then half a cosine from peak to minimum; constant at the minimum afterwards."""

    kind: Literal["cosine"]
    peak_lr: float = Field(gt=0)
    min_lr: float = Field(ge=0)
    warmup_from_lr: float = Field(default=0.0, ge=0)
    warmup_steps: int = Field(default=0, ge=0)
    decay_steps: int = Field(gt=0, description="step at which the minimum is reached, warm-up included")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not (self.min_lr <= self.peak_lr and self.warmup_from_lr <= self.peak_lr):
            raise ValueError("min_lr and warmup_from_lr must not exceed peak_lr")
        if self.warmup_steps >= self.decay_steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} must be below decay_steps {self.decay_steps}")
        return self


class HalfLifeSchedule(Section):
    """Exponential decay `peak * 0.5 ** (step / half_life)` with a floor."""

    kind: Literal["half_life"]
    peak_lr: float = Field(gt=0)
    min_lr: float = Field(ge=0, description="floor")
    half_life_steps: int | None = Field(default=None, gt=0, description="null: half of the phase's steps")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_lr > self.peak_lr:
            raise ValueError("min_lr must not exceed peak_lr")
        return self


Schedule = Annotated[CosineSchedule | HalfLifeSchedule, Field(discriminator="kind")]


class PhaseSettings(Section):
    """A stage of pre-training; it writes one checkpoint after every chunk of its tokens."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    n_steps: int = Field(gt=0, description="optimiser steps in the whole phase")
    steps_per_chunk: int = Field(gt=0, description="steps between checkpoints; the last chunk may be shorter")
    batch_sequences: int = Field(gt=0, description="sequences in one optimiser step")
    schedule: Schedule
    finetune: bool = Field(default=False, description="start from the weights only: optimiser state and step are reset")
    data_parallel: int | None = Field(default=None, gt=0, description="null: as in `execution`; must divide the batch")

    @property
    def n_chunks(self) -> int:
        """Chunks of the phase, which is its number of checkpoints."""
        return math.ceil(self.n_steps / self.steps_per_chunk)

    @property
    def sequences_per_chunk(self) -> int:
        """Sequences in every chunk but perhaps the last."""
        return self.steps_per_chunk * self.batch_sequences

    def steps_in_chunk(self, index: int) -> int:
        """Optimiser steps of the chunk with this 0-based index.

        Raises:
            IndexError: the phase has no such chunk.
        """
        if not 0 <= index < self.n_chunks:
            raise IndexError(f"phase {self.name} has chunks 0 to {self.n_chunks - 1}, not {index}")
        return min(self.steps_per_chunk, self.n_steps - index * self.steps_per_chunk)

    def sequences_in_chunk(self, index: int) -> int:
        """Sequences of the chunk with this 0-based index."""
        return self.steps_in_chunk(index) * self.batch_sequences

    def n_tokens(self, seq_length: int) -> int:
        """Target tokens planned for the phase, before masking."""
        return self.n_steps * self.batch_sequences * seq_length


class ExecutionSettings(Section):
    """How the ranks of a training job share the work, and with which kernels.

    It belongs to the recipe and not to the machine: sums in another order have other last bits, so another layout is
    another run.
    """

    stack: Literal["cpu", "gpu"] = Field(
        default="cpu", description="cpu: float32 over gloo; gpu: megatron's own kernels and optimisers over NCCL"
    )
    data_parallel: int = Field(default=1, gt=0, description="copies of the model, each with a share of every batch")
    pipeline_parallel: int = Field(default=1, gt=0, description="groups of layers on ranks of their own (gpu)")
    sequence_parallel: bool = Field(default=False, description="split norms along the sequence over the tensor ranks")
    distributed_optimizer: bool = Field(default=False, description="moments divided over the data-parallel ranks (gpu)")
    layer_spec: Literal["local", "transformer_engine"] = Field(default="local", description="whose layers (gpu)")
    attention: Literal["auto", "flash", "fused", "unfused"] = Field(default="auto", description="kernel (gpu)")
    recompute: Literal["none", "selective", "full"] = Field(
        default="none", description="activations computed again in the backward pass instead of kept (gpu)"
    )
    overlap_communication: bool = Field(default=False, description="reduce gradients while others are computed (gpu)")
    deterministic: bool = Field(default=True, description="only kernels that give the same bits every time")

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.stack == "cpu":
            chosen = {
                "pipeline_parallel": self.pipeline_parallel > 1,
                "sequence_parallel": self.sequence_parallel,
                "distributed_optimizer": self.distributed_optimizer,
                "layer_spec": self.layer_spec != "local",
                "recompute": self.recompute != "none",
                "overlap_communication": self.overlap_communication,
            }
            if wrong := [name for name, given in chosen.items() if given]:
                raise ValueError(f"{', '.join(wrong)} needs stack: gpu; the cpu stack has data and tensor parallelism")
        return self


class AnomalySettings(Section):
    """What happens when a step's loss or gradient is not finite, or its loss jumps.

    A loss is a spike when it lies more than `spike_deviations` standard deviations above the mean of the last
    `window_steps` applied losses of the phase (and there are that many). What is left out is recorded, with its reason.
    """

    policy: Literal["skip", "roll_back", "stop"] = Field(
        default="skip",
        description=(
            "skip: leave the update out; roll_back: return to the last snapshot before the step and go on without the"
            " batches around it; stop: fail"
        ),
    )
    spike_deviations: float | None = Field(default=None, gt=0, description="null: only what is not finite counts")
    window_steps: int = Field(default=128, ge=8, description="applied losses that a spike is judged by")
    skip_before: int = Field(default=0, ge=0, description="roll_back: batches left out before the step")
    skip_after: int = Field(default=0, ge=0, description="roll_back: batches left out after the step")
    max_in_a_row: int = Field(default=8, gt=0, description="more steps left out one after the other fail the run")


class TrainingSection(Section):
    """Everything that decides the weights, beside the tokens."""

    architectures: dict[str, ArchitectureSettings] = Field(min_length=1)
    architecture: str = Field(description="the one that is trained, by its name in `architectures`")
    optimiser: OptimiserSettings = OptimiserSettings()
    phases: tuple[PhaseSettings, ...] = Field(min_length=1)
    microbatch_sequences: int = Field(default=8, gt=0, description="sequences in one forward pass")
    n_threads: int = Field(default=1, gt=0, description="CPU threads; only 1 gives the same bits on any machine load")
    mask_after_eod: bool = Field(default=True, description="no loss where the input is the end-of-document id")
    snapshot_steps: int | None = Field(
        default=None, gt=0, description="steps between the snapshots inside a chunk that a killed job resumes from"
    )
    anomalies: AnomalySettings = AnomalySettings()
    execution: ExecutionSettings = ExecutionSettings()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.architecture not in self.architectures:
            known = ", ".join(sorted(self.architectures))
            raise ValueError(f"architecture {self.architecture!r} is not in architectures; choose one of: {known}")
        names = [phase.name for phase in self.phases]
        if len(set(names)) < len(names):
            raise ValueError(f"phase names must differ: {names}")
        if self.phases[0].finetune:
            raise ValueError(f"phase {names[0]} is the first and has no weights to start from; set finetune: false")
        return self

    @model_validator(mode="after")
    def _divisible(self) -> Self:
        for phase in self.phases:
            ranks = self.data_parallel(phase)
            if phase.batch_sequences % (ranks * self.microbatch_sequences):
                raise ValueError(
                    f"batch_sequences {phase.batch_sequences} of phase {phase.name} is no multiple of data_parallel"
                    f" {ranks} x microbatch_sequences {self.microbatch_sequences}"
                )
        layers = self.chosen.n_layers
        if layers % self.execution.pipeline_parallel:
            raise ValueError(f"n_layers {layers} must be a multiple of pipeline_parallel")
        if self.execution.sequence_parallel and self.chosen.tensor_parallel == 1:
            raise ValueError("sequence_parallel needs an architecture with tensor_parallel above 1")
        if self.execution.stack == "cpu" and self.chosen.dtype != "float32":
            raise ValueError(f"the cpu stack is float32; {self.architecture} is {self.chosen.dtype}: set stack: gpu")
        return self

    @property
    def chosen(self) -> ArchitectureSettings:
        """The architecture that is trained."""
        return self.architectures[self.architecture]

    def data_parallel(self, phase: PhaseSettings) -> int:
        """Copies of the model in a phase."""
        return phase.data_parallel or self.execution.data_parallel

    def n_ranks(self, phase: PhaseSettings) -> int:
        """Processes of a training job of this phase."""
        return self.data_parallel(phase) * self.chosen.tensor_parallel * self.execution.pipeline_parallel

    @property
    def n_checkpoints(self) -> int:
        """Checkpoints of all phases."""
        return sum(phase.n_chunks for phase in self.phases)

    def position(self, checkpoint: int) -> tuple[PhaseSettings, int]:
        """The phase of a checkpoint (0-based over all phases) and its 0-based chunk in that phase.

        Raises:
            IndexError: the recipe has no such checkpoint.
        """
        chunk = checkpoint
        for phase in self.phases:
            if 0 <= chunk < phase.n_chunks:
                return phase, chunk
            chunk -= phase.n_chunks
        raise IndexError(f"the recipe has checkpoints 0 to {self.n_checkpoints - 1}, not {checkpoint}")

    def tokens_seen(self, checkpoint: int) -> int:
        """Target positions read when this checkpoint (0-based over all phases) is made, those of skipped steps too."""
        return self.sequences_before(checkpoint + 1) * self.chosen.seq_length

    def sequences_before(self, checkpoint: int) -> int:
        """Sequences of all chunks before this one (0-based over all phases): its first row in the published order."""
        return sum(p.sequences_in_chunk(i) for p, i in map(self.position, range(checkpoint)))
