"""Steps whose loss or gradient is out of bounds: which they are, and what a run remembers of them.

Everything here is a function of the numbers of the steps so far, which are part of every checkpoint: a run that was
killed and resumed judges each step as one that was not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from neo_assets.recipe.training import AnomalySettings

NO_LOSS_TOKENS = "every position is masked"
LOSS_NOT_FINITE = "loss is not finite"
GRADIENT_NOT_FINITE = "gradient is not finite"
SPIKE = "loss spike"
NEAR = "near the {reason} of step {step}"


class AnomalyError(ValueError):
    """Training stops at a step, as the policy asks for, or because too many in a row were left out."""


def is_spike(loss: float, recent: Sequence[float], settings: AnomalySettings) -> bool:
    """Whether the loss lies too far above the recent applied ones; never before a whole window of them is there.

    O(window). The standard deviation is the population's, by exactly rounded sums.
    """
    if settings.spike_deviations is None or len(recent) < settings.window_steps:
        return False
    window = recent[-settings.window_steps :]
    mean = math.fsum(window) / len(window)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in window) / len(window))
    return loss > mean + settings.spike_deviations * deviation


def judge(
    loss: float, grad_norm: float, n_loss_tokens: int, recent: Sequence[float], settings: AnomalySettings
) -> str | None:
    """Why the update must not be made; None if it may."""
    if not n_loss_tokens:
        return NO_LOSS_TOKENS
    if not math.isfinite(loss):
        return LOSS_NOT_FINITE
    if not math.isfinite(grad_norm):
        return GRADIENT_NOT_FINITE
    return SPIKE if is_spike(loss, recent, settings) else None


@dataclass
class Judged:
    """What was seen of a step, and why it is left out; None if it is not."""

    reason: str | None
    loss: float = math.nan
    grad_norm: float = math.nan


@dataclass
class Memory:
    """What a run remembers of its steps to judge the next: part of every checkpoint and snapshot.

    Attributes:
        losses: the last `window_steps` applied losses of the phase.
        left_out: steps of the phase that are left out without being judged again, those of the present chunk included.
        undone: how often a step of the present chunk was undone.
        in_a_row: steps left out up to now, one after the other.
    """

    losses: list[float] = field(default_factory=list)
    left_out: dict[int, Judged] = field(default_factory=dict)
    undone: dict[int, int] = field(default_factory=dict)
    in_a_row: int = 0

    def done(self, step: int, loss: float, skipped: str | None, settings: AnomalySettings) -> None:
        """Take note of a step.

        Raises:
            AnomalyError: too many in a row were left out.
        """
        if skipped is None:
            self.in_a_row = 0
            self.losses = [*self.losses, loss][-settings.window_steps :]
            return
        self.in_a_row += 1
        if self.in_a_row > settings.max_in_a_row:
            raise AnomalyError(
                f"step {step}: {self.in_a_row} steps in a row were left out (last: {skipped}), more than max_in_a_row"
                f" {settings.max_in_a_row}; look at the data there, or lower the learning rate"
            )

    def leave_out_around(self, step: int, judged: Judged, target: int, settings: AnomalySettings) -> None:
        """Mark the step and the batches around it, not before `target`, to which training goes back."""
        near = Judged(NEAR.format(reason=judged.reason, step=step))
        for other in range(max(step - settings.skip_before, target), step + settings.skip_after + 1):
            self.left_out.setdefault(other, near)
        self.left_out[step] = judged
        for other in range(target, step):
            self.undone[other] = self.undone.get(other, 0) + 1

    def end_chunk(self, next_step: int) -> None:
        """Forget what is of the chunk before `next_step` only."""
        self.undone = {}
        self.left_out = {step: judged for step, judged in self.left_out.items() if step >= next_step}

    def as_json(self) -> dict[str, Any]:
        """For `state.json`."""
        return {
            "losses": self.losses,
            "left_out": {
                str(step): [judged.reason, _text(judged.loss), _text(judged.grad_norm)]
                for step, judged in sorted(self.left_out.items())
            },
            "undone": {str(step): times for step, times in sorted(self.undone.items())},
            "in_a_row": self.in_a_row,
        }

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> Memory:
        """What `as_json` gave."""
        return cls(
            losses=[float(loss) for loss in given["losses"]],
            left_out={
                int(step): Judged(reason, float(loss), float(norm))
                for step, (reason, loss, norm) in given["left_out"].items()
            },
            undone={int(step): times for step, times in given["undone"].items()},
            in_a_row=given["in_a_row"],
        )


def _text(value: float) -> float | str:
    """JSON has no NaN and no infinity."""
    return value if math.isfinite(value) else str(value)
