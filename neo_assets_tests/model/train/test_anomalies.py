from __future__ import annotations

import json
import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.model.train.anomalies import AnomalyError, Judged, Memory, is_spike, judge
from neo_assets.recipe.training import AnomalySettings

SETTINGS = AnomalySettings(spike_deviations=3, window_steps=8, max_in_a_row=2)
STEADY = [2.0, 2.1, 1.9, 2.0, 2.1, 1.9, 2.0, 2.0]
losses = st.lists(st.floats(0, 20), min_size=8, max_size=20)


@given(losses, st.floats(0, 40))
def test_a_spike_is_what_the_textbook_says(recent: list[float], loss: float) -> None:
    window = recent[-8:]
    bound = statistics.fmean(window) + 3 * statistics.pstdev(window)
    if abs(loss - bound) > 1e-9:
        assert is_spike(loss, recent, SETTINGS) == (loss > bound)


def test_nothing_is_a_spike_before_a_whole_window_is_there() -> None:
    assert is_spike(1000.0, STEADY, SETTINGS)
    assert not is_spike(1000.0, STEADY[1:], SETTINGS)
    assert not is_spike(1000.0, STEADY, AnomalySettings(window_steps=8))


@pytest.mark.parametrize(
    ("loss", "norm", "n_loss_tokens", "reason"),
    [
        (2.0, 1.0, 10, None),
        (math.nan, 1.0, 10, "loss is not finite"),
        (math.inf, math.nan, 10, "loss is not finite"),
        (2.0, math.inf, 10, "gradient is not finite"),
        (0.0, 0.0, 0, "every position is masked"),
        (9.0, 1.0, 10, "loss spike"),
    ],
)
def test_every_reason(loss: float, norm: float, n_loss_tokens: int, reason: str | None) -> None:
    assert judge(loss, norm, n_loss_tokens, STEADY, SETTINGS) == reason


def test_only_applied_losses_are_remembered_and_no_more_than_the_window() -> None:
    memory = Memory()
    for step in range(20):
        memory.done(step, float(step), "loss spike" if step % 2 else None, SETTINGS)
    assert memory.losses == [4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0]


def test_too_many_in_a_row_stop_the_run_and_an_applied_step_starts_the_count_anew() -> None:
    memory = Memory()
    for step, skipped in enumerate(["x", "x", None, "x", "x"]):
        memory.done(step, 1.0, skipped, SETTINGS)
    with pytest.raises(AnomalyError, match=r"step 5: 3 steps in a row .* max_in_a_row 2"):
        memory.done(5, 1.0, "x", SETTINGS)


def test_batches_around_a_step_are_left_out_but_none_before_the_state_that_is_returned_to() -> None:
    memory, settings = Memory(), AnomalySettings(policy="roll_back", skip_before=3, skip_after=2)
    memory.leave_out_around(10, Judged("loss spike", 9.0, 2.0), 8, settings)
    assert sorted(memory.left_out) == [8, 9, 10, 11, 12]
    assert memory.left_out[10] == Judged("loss spike", 9.0, 2.0)
    assert memory.left_out[11].reason == "near the loss spike of step 10"
    assert memory.undone == {8: 1, 9: 1}
    memory.leave_out_around(14, Judged("loss spike"), 12, settings)
    assert memory.left_out[12].reason == "near the loss spike of step 10"  # the first reason stays
    memory.end_chunk(15)
    assert sorted(memory.left_out) == [15, 16]
    assert memory.undone == {}


@given(losses, st.dictionaries(st.integers(0, 10**6), st.sampled_from([math.nan, math.inf, 1.5]), max_size=3))
def test_what_is_written_is_what_is_read(recent: list[float], odd: dict[int, float]) -> None:
    memory = Memory(recent, {step: Judged("x", loss, loss) for step, loss in odd.items()}, {3: 1}, 2)
    again = Memory.from_json(json.loads(json.dumps(memory.as_json(), allow_nan=False)))
    assert repr(again) == repr(Memory(recent, dict(sorted(memory.left_out.items())), {3: 1}, 2))
