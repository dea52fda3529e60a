from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.evaluation.curves import loss_curve, running_mean, score_curves

PNG = b"\x89PNG\r\n\x1a\n"


def steps(losses: list[float]) -> pa.Table:
    rows = [
        {
            "phase": "a" if i < 3 else "b",
            "loss": loss,
            "tokens_read": 100,
            "skipped": "loss is not finite" if i == 1 else None,
        }
        for i, loss in enumerate(losses)
    ]
    return pa.Table.from_pylist(
        rows, pa.schema([("phase", "string"), ("loss", "double"), ("tokens_read", "int64"), ("skipped", "string")])
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
