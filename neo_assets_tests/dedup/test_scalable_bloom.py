from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.bloom import held_by_any
from neo_assets.dedup.scalable_bloom import ScalableBloom
from neo_assets_tests.dedup.test_bloom import KEYS, Keys, random_keys


def state(one: ScalableBloom) -> list[tuple[bytes, int, float]]:
    return [(held.filter.to_bytes(), held.capacity, held.error_rate) for held in one.slices]


def streamed(keys: Keys, step: int, capacity: int = 4) -> ScalableBloom:
    made = ScalableBloom.sized(capacity, 0.1)
    for start in range(0, len(keys), step):
        made.add(keys[start : start + step])
    return made


def test_it_starts_and_grows_as_published() -> None:
    # MAP-Neo Matrix, Chinese exact deduplication: initial capacity 100,000, error rate 0.001, growth 2
    made = ScalableBloom.sized()
    assert [held.capacity for held in made.slices] == [100_000]
    made.add(random_keys(701_000))
    assert [held.capacity for held in made.slices] == [100_000, 200_000, 400_000, 800_000]
    assert all(held.filter.n_added == held.capacity for held in made.slices[:-1])
    assert made.error_rate < 0.001
    assert made.holds(random_keys(701_000)).all()


@pytest.mark.parametrize("n_keys", [100, 20_000])
def test_the_measured_error_is_at_most_the_rate(n_keys: int) -> None:
    made = ScalableBloom.sized(50, 0.02)
    made.add(random_keys(n_keys))
    assert made.holds(random_keys(n_keys)).all()
    error = made.holds(random_keys(200_000, seed=8)).mean()
    assert error <= made.error_rate + 5 * math.sqrt(0.02 / 200_000)
    assert made.error_rate < 0.02


@given(KEYS, st.integers(1, 9))
def test_the_result_does_not_depend_on_how_the_stream_is_cut(keys: Keys, step: int) -> None:
    keys = np.concatenate([keys, keys[:5], keys[::-1]])
    whole = streamed(keys, max(len(keys), 1))
    assert state(streamed(keys, step)) == state(whole)
    assert whole.n_added <= len(np.unique(keys, axis=0))
    assert whole.holds(keys).all()


def test_what_is_held_takes_no_room() -> None:
    made = ScalableBloom.sized(100, 0.001)
    for _ in range(5):
        made.add(random_keys(100))
    assert len(made.slices) == 1 and made.n_added >= 99


@given(KEYS, KEYS, KEYS)
def test_merged_filters_hold_both_sets_and_grow_on(left: Keys, right: Keys, more: Keys) -> None:
    one, other = streamed(left, 3), streamed(right, 3)
    before = state(one), state(other)
    merged = one.merged(other)
    probes = np.concatenate([left, right, random_keys(50)])
    expected = held_by_any([held.filter for held in (*one.slices, *other.slices)], probes)
    assert merged.holds(probes).tolist() == expected.tolist()
    merged.add(more)
    assert merged.holds(np.concatenate([left, right, more])).all()
    assert (state(one), state(other)) == before
    assert merged.error_rate < 0.2


def test_a_senseless_capacity_is_refused() -> None:
    with pytest.raises(ValueError, match="initial_capacity"):
        ScalableBloom.sized(0)
