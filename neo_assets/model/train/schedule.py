"""Learning rate as a pure function of the step: nothing to save, nothing to resume."""

from __future__ import annotations

import math

from neo_assets.recipe.training import CosineSchedule, HalfLifeSchedule, PhaseSettings


def cosine_lr(schedule: CosineSchedule, step: int) -> float:
    """Learning rate of the update that follows `step` updates: linear warm-up, half a cosine, then the minimum.

    Source: Megatron-LM's `cosine` style; MAP-Neo §6.1 warms up from 2e-5, its script from 0.
    """
    if step < schedule.warmup_steps:
        return schedule.warmup_from_lr + (schedule.peak_lr - schedule.warmup_from_lr) * step / schedule.warmup_steps
    if step >= schedule.decay_steps:
        return schedule.min_lr
    progress = (step - schedule.warmup_steps) / (schedule.decay_steps - schedule.warmup_steps)
    return schedule.min_lr + (schedule.peak_lr - schedule.min_lr) * 0.5 * (1.0 + math.cos(math.pi * progress))


def half_life_lr(schedule: HalfLifeSchedule, step: int, n_steps: int) -> float:
    """`max(floor, peak * 0.5 ** (step / half_life))`; the half-life defaults to half of the phase's `n_steps`.

    Source: MAP-Neo §6.2 (2e-4 falls to 5e-5). Its code adds 1 to the half-life, a millionth of a step's effect.
    """
    half_life = schedule.half_life_steps or n_steps / 2
    return max(schedule.min_lr, schedule.peak_lr * math.pow(0.5, step / half_life))


def learning_rate(phase: PhaseSettings, step: int) -> float:
    """Learning rate of the phase's update number `step` (0-based, counted from the start of the phase)."""
    if isinstance(phase.schedule, CosineSchedule):
        return cosine_lr(phase.schedule, step)
    return half_life_lr(phase.schedule, step, phase.n_steps)
