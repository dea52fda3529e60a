"""What is recorded of every optimiser step, and what a checkpoint's steps add up to."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from neo_assets.lake.records import volatile

STEP_SCHEMA = pa.schema(
    [
        pa.field("run", pa.string()),
        pa.field("phase", pa.string()),
        pa.field("step", pa.int64()),
        pa.field("checkpoint", pa.string()),
        pa.field("first_position", pa.int64()),
        pa.field("n_sequences", pa.int64()),
        pa.field("lr", pa.float64()),
        pa.field("loss", pa.float64()),
        pa.field("grad_norm", pa.float64()),
        pa.field("tokens_read", pa.int64()),
        pa.field("tokens_masked", pa.int64()),
        pa.field("tokens_applied", pa.int64()),
        pa.field("skipped", pa.string()),
        pa.field("rolled_back", pa.int32()),
        volatile(pa.field("seconds", pa.float64())),
        volatile(pa.field("tokens_per_second", pa.float64())),
        volatile(pa.field("mfu", pa.float64())),
        volatile(pa.field("start", pa.int32())),
    ]
)


@dataclass(frozen=True)
class StepRecord:
    """One optimiser step, as it counted in the end.

    Tokens are target positions. Read ones were taken from the chunk; masked ones bear no loss (the input is the
    end-of-document id); applied ones moved the weights: none in a step with `skipped`, which holds the reason. A batch
    that was left out without being computed, because one near it was rolled back, has NaN as loss and gradient norm.

    Attributes:
        step: counted from the start of the phase.
        first_position: of its first sequence, counted over the whole run.
        loss: nats per loss-bearing token, before the update.
        rolled_back: how often the step had been done before and was undone.
        seconds, tokens_per_second, mfu, start: differ between equal runs. `mfu` is None where the device's peak is not
            known; `start` is the number of the process start that did the step, 1 for the first of its checkpoint.
    """

    run: str
    phase: str
    step: int
    checkpoint: str
    first_position: int
    n_sequences: int
    lr: float
    loss: float
    grad_norm: float
    tokens_read: int
    tokens_masked: int
    tokens_applied: int
    skipped: str | None
    rolled_back: int
    seconds: float
    tokens_per_second: float
    mfu: float | None
    start: int

    @property
    def content(self) -> tuple[Any, ...]:
        """The columns that equal runs have in common; NaN equals itself here."""
        values = tuple(asdict(self).values())[:14]
        return tuple("nan" if isinstance(v, float) and math.isnan(v) else v for v in values)


@dataclass(frozen=True)
class Totals:
    """What a checkpoint's steps add up to."""

    tokens_read: int
    tokens_masked: int
    tokens_applied: int
    n_skipped: int
    mean_loss: float
    """Nats per applied token; NaN if every step was skipped."""
    last_loss: float
    """Of the last step that was applied."""
    tokens_per_second: float
    n_starts: int


def totals(steps: Sequence[StepRecord]) -> Totals:
    """Sums over steps."""
    applied = [step for step in steps if step.skipped is None]
    n_applied, seconds = sum(step.tokens_applied for step in applied), sum(step.seconds for step in steps)
    n_read = sum(step.tokens_read for step in steps)
    weighted = math.fsum(step.loss * step.tokens_applied for step in applied)
    return Totals(
        tokens_read=n_read,
        tokens_masked=sum(step.tokens_masked for step in steps),
        tokens_applied=n_applied,
        n_skipped=len(steps) - len(applied),
        mean_loss=weighted / n_applied if n_applied else math.nan,
        last_loss=applied[-1].loss if applied else math.nan,
        tokens_per_second=n_read / seconds if seconds else 0.0,
        n_starts=max((step.start for step in steps), default=1),
    )


def step_table(steps: Iterable[StepRecord]) -> pa.Table:
    """The steps as a table of `STEP_SCHEMA`."""
    return pa.Table.from_pylist([asdict(step) for step in steps], schema=STEP_SCHEMA)


def write_steps(path: Path, steps: Iterable[StepRecord]) -> None:
    """Write steps as JSON lines; the file appears whole or not at all."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.writelines(f"{json.dumps(asdict(step))}\n" for step in steps)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def read_steps(path: Path) -> list[StepRecord]:
    """The steps that `write_steps` wrote."""
    return [StepRecord(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
