from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.model.train.schedule import cosine_lr, learning_rate
from neo_assets.recipe.training import CosineSchedule, HalfLifeSchedule, PhaseSettings


def phase(schedule: CosineSchedule | HalfLifeSchedule, n_steps: int) -> PhaseSettings:
    return PhaseSettings(name="p", n_steps=n_steps, steps_per_chunk=n_steps, batch_sequences=1, schedule=schedule)


FUNDAMENTAL = CosineSchedule(
    kind="cosine", peak_lr=2e-4, min_lr=2e-5, warmup_from_lr=2e-5, warmup_steps=2_000, decay_steps=365_000
)
DECAY = HalfLifeSchedule(kind="half_life", peak_lr=2e-4, min_lr=2e-5)


@pytest.mark.parametrize(("step", "lr"), [(0, 2e-4), (74_000, 1e-4), (148_000, 5e-5)])
def test_decay_has_the_published_rates(step: int, lr: float) -> None:
    # Acceptance figures derived from MAP-Neo §6.2: 148k steps, 2e-4 at the start, 1e-4 half-way, 5e-5 at the end.
    assert learning_rate(phase(DECAY, 148_000), step) == pytest.approx(lr, rel=1e-12)


def test_decay_stops_at_its_floor() -> None:
    assert learning_rate(phase(DECAY, 148_000), 10**7) == 2e-5


@pytest.mark.parametrize(
    ("step", "lr"),
    [(0, 2e-5), (1_000, 1.1e-4), (2_000, 2e-4), (183_500, 1.1e-4), (365_000, 2e-5), (444_213, 2e-5)],
)
def test_cosine_warms_up_peaks_and_stays_at_the_minimum(step: int, lr: float) -> None:
    # 2e-5 to 2e-4 over 2,000 steps, back over 365k (MAP-Neo §6.1); the rest of the 444,213 steps at the minimum.
    assert learning_rate(phase(FUNDAMENTAL, 444_213), step) == pytest.approx(lr, rel=1e-9)


@given(st.integers(0, 400_000))
def test_cosine_is_bounded_and_falls_after_warm_up(step: int) -> None:
    lr = cosine_lr(FUNDAMENTAL, step)
    assert FUNDAMENTAL.min_lr <= lr <= FUNDAMENTAL.peak_lr
    if step >= FUNDAMENTAL.warmup_steps:
        assert cosine_lr(FUNDAMENTAL, step + 1) <= lr
    assert math.isfinite(lr)
