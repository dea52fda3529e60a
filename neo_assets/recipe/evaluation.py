"""Settings of evaluation: the local tasks, and the public benchmarks with the scores reported for them."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section


class Benchmark(Section):
    """A public benchmark and the score that the authors report; null where only the name is known."""

    name: str
    reported_percent: float | None = Field(default=None, ge=0, le=100)


class EvaluationSection(Section):
    """What is measured on every checkpoint."""

    tasks: tuple[str, ...] = Field(min_length=1, description="local tasks, by name (see neo_assets/evaluation/suite)")
    items_per_task: int = Field(gt=0, le=10_000)
    batch_sequences: int = Field(default=16, gt=0, description="sequences in one forward pass")
    held_out_sequences: int = Field(
        default=256,
        gt=0,
        description="of each subset's held-out documents, for a checkpoint's loss",
    )
    public_tokenizers: tuple[str, ...] = Field(
        default=(), description="set beside the tokenizer in its report (see `tokens.vocabulary.public`)"
    )
    benchmarks: tuple[Benchmark, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        if len(set(self.tasks)) < len(self.tasks):
            raise ValueError(f"tasks are listed twice: {sorted(self.tasks)}")
        return self
