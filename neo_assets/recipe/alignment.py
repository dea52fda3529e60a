"""Settings of alignment: supervised fine-tuning and iterative preference optimisation."""

from __future__ import annotations

from pydantic import Field

from neo_assets.recipe.base import Section


class SftPhase(Section):
    """A pass of supervised fine-tuning; figures that were never published are null."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data: tuple[str, ...] = Field(min_length=1, description="data sets, as the paper names them")
    n_epochs: int = Field(gt=0)
    seq_length: int = Field(gt=0, description="tokens")
    batch_sequences: int = Field(gt=0)
    peak_lr: float | None = Field(default=None, gt=0)
    warmup_ratio: float | None = Field(default=None, ge=0, lt=1)


class DpoIteration(Section):
    """A round of direct preference optimisation on pairs scored by a reward model."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    data: tuple[str, ...] = Field(min_length=1)
    reward_model: str | None = None
    betas: tuple[float, ...] = Field(default=(), description="strengths that were tried")
    peak_lr: float | None = Field(default=None, gt=0)
    warmup_ratio: float | None = Field(default=None, ge=0, lt=1)
    batch_pairs: int | None = Field(default=None, gt=0)
    n_epochs: int | None = Field(default=None, gt=0)
    adam_beta1: float | None = Field(default=None, ge=0, lt=1)
    adam_beta2: float | None = Field(default=None, ge=0, lt=1)
    adam_eps: float | None = Field(default=None, gt=0)


class AlignmentSection(Section):
    """The chain from base model to chat model; empty when the recipe stops at the base model."""

    sft: tuple[SftPhase, ...] = ()
    dpo: tuple[DpoIteration, ...] = ()
