from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.evaluation.curves import (
    held_out_curves,
    loss_curve,
    running_mean,
    score_curves,
    step_curves,
    thinned,
)

PNG = b"\x89PNG\r\n\x1a\n"


def steps(losses: list[float]) -> pa.Table:
    rows = [
        {
            "phase": "a" if i < 3 else "b",
            "loss": loss,
            "tokens_read": 100,
            "lr": 1e-3 / (i + 1),
            "grad_norm": None if i == 1 else loss / 2,
            "skipped": "loss is not finite" if i == 1 else None,
        }
        for i, loss in enumerate(losses)
    ]
    return pa.Table.from_pylist(
        rows,
        pa.schema(
            [
                ("phase", "string"),
                ("loss", "double"),
                ("tokens_read", "int64"),
                ("skipped", "string"),
                ("lr", "double"),
                ("grad_norm", "double"),
            ]
        ),
    )


def scores(value: float) -> pa.Table:
    rows = [
        {"tokens": tokens, "task": task, "metric": "acc", "value": value, "stderr": stderr, "baseline": 0.25}
        for tokens in (200, 100)
        for task, stderr in (("t1", 0.05), ("t2", None))
    ]
    return pa.Table.from_pylist(rows)


def test_equal_data_gives_equal_bytes_and_other_data_others() -> None:
    assert loss_curve(steps([4.0, float("nan"), 3.0, 2.0]), 3.5).startswith(PNG)
    assert loss_curve(steps([4.0, 3.5, 3.0, 2.0]), 3.5) == loss_curve(steps([4.0, 3.5, 3.0, 2.0]), 3.5)
    assert loss_curve(steps([4.0, 3.5, 3.0, 2.0]), 3.5) != loss_curve(steps([4.0, 3.5, 3.0, 2.0]), 2.5)
    assert score_curves(scores(0.3)).startswith(PNG)
    assert score_curves(scores(0.3)) == score_curves(scores(0.3).take([3, 1, 0, 2]))
    assert score_curves(scores(0.3)) != score_curves(scores(0.4))


@given(st.lists(st.floats(-1e6, 1e6), max_size=30), st.integers(1, 10))
def test_running_mean_is_the_mean_of_the_last_values(values: list[float], window: int) -> None:
    for i, mean in enumerate(running_mean(values, window)):
        last = values[max(0, i + 1 - window) : i + 1]
        assert mean == pytest.approx(sum(last) / len(last), abs=1e-6)


def held_out(value: float, stderr: float | None = 0.1) -> pa.Table:
    rows = [
        {"tokens_seen": tokens, "subset": f"s{i}", "nats_per_token": value + i, "stderr": stderr}
        for tokens in (200, 100)
        for i in range(13)
    ]
    rows.append({"tokens_seen": 100, "subset": "none held out", "nats_per_token": float("nan"), "stderr": float("nan")})
    return pa.Table.from_pylist(rows)


def test_curves_of_steps_and_held_out_losses_depend_on_the_data_alone() -> None:
    assert step_curves(steps([4.0, 3.5, 3.0, 2.0])).startswith(PNG)
    assert step_curves(steps([4.0, 3.5, 3.0, 2.0])) == step_curves(steps([4.0, 3.5, 3.0, 2.0]))
    assert step_curves(steps([4.0, 3.5, 3.0, 2.0])) != step_curves(steps([4.0, 3.5, 3.0, 1.0]))
    assert step_curves(steps([])).startswith(PNG)
    order = list(range(27))
    assert held_out_curves(held_out(2.0)) == held_out_curves(held_out(2.0).take(order[::-1]))
    assert held_out_curves(held_out(2.0)) != held_out_curves(held_out(2.5))
    assert held_out_curves(held_out(2.0, None)) != held_out_curves(held_out(2.0))
    assert held_out_curves(held_out(2.0).slice(26)).startswith(PNG)


def test_a_long_run_is_drawn_as_fast_as_a_short_one() -> None:
    n = 300_000
    table = pa.table(
        {
            "phase": ["a"] * n, "loss": np.linspace(9.0, 2.0, n), "tokens_read": np.full(n, 8_388_608),
            "skipped": pa.nulls(n, pa.string()), "lr": np.full(n, 1e-4), "grad_norm": np.ones(n),
        }
    )  # fmt: skip
    assert loss_curve(table, 7.0).startswith(PNG)
    assert step_curves(table).startswith(PNG)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(1, 20))
def test_thinning_keeps_the_mean_of_every_stretch(values: list[float], max_points: int) -> None:
    x, y = np.arange(len(values), dtype=np.float64), np.array(values)
    few_x, few_y = thinned(x, y, max_points)
    assert len(few_x) == len(few_y) == min(len(values), max_points)
    assert list(few_x) == sorted(few_x)
    starts = (
        [i * len(values) // max_points for i in range(max_points)]
        if len(values) > max_points
        else list(range(len(values)))
    )
    for i, (begin, end) in enumerate(zip(starts, [*starts[1:], len(values)], strict=True)):
        assert few_x[i] == pytest.approx((begin + end - 1) / 2)
        assert few_y[i] == pytest.approx(sum(values[begin:end]) / (end - begin), abs=1e-6)
