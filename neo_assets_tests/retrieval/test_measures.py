from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.retrieval.measures import (
    CURVE_SCHEMA,
    THRESHOLDS,
    Measured,
    average_precision,
    curve,
    curve_plot,
    facts,
)
from neo_assets.retrieval.training_set import HeldOut


def measured(*pairs: tuple[int, float]) -> Measured:
    documents = [HeldOut(f"d{i}", f"u{i}", label, "line") for i, (label, _) in enumerate(pairs)]
    return Measured(documents, np.array([score for _, score in pairs], np.float64))


def test_measures_at_one_half() -> None:
    # 2 of 3 above are right, 2 of 4 positives are above.
    found = facts("test", measured((1, 0.9), (0, 0.8), (1, 0.7), (1, 0.5), (0, 0.3), (1, 0.2)))
    assert found["test precision"] == 0.666667 and found["test recall"] == 0.5
    assert found["test F1"] == 0.571429 and found["test accuracy"] == 0.5
    # Precision at the positives' ranks 1, 3, 4, 6 (worked out by hand): (1 + 2/3 + 3/4 + 4/6) / 4.
    assert found["test average precision"] == 0.770833
    assert found["test confusion"] == [
        {"labelled": "domain", "classified domain": 2, "classified other": 2},
        {"labelled": "other", "classified domain": 1, "classified other": 1},
    ]


def test_what_cannot_be_measured_is_left_out() -> None:
    assert facts("valid", measured()) == {"valid documents": 0}
    assert "valid precision" not in facts("valid", measured((1, 0.1)))
    assert "valid recall" not in facts("valid", measured((0, 0.9)))
    assert "valid F1" not in facts("valid", measured((0, 0.9), (1, 0.1)))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0.0, 0.1, 0.5, 0.96, 0.961, 1.0])), max_size=12))
def test_the_curve_and_the_mean_are_the_naive_ones(pairs: list[tuple[int, float]]) -> None:
    one = measured(*pairs)
    table = curve({"valid": one, "test": measured()})
    assert table.schema == CURVE_SCHEMA and table.num_rows == (len(THRESHOLDS) if pairs else 0)
    for row in table.to_pylist():
        above = [label for label, score in pairs if score > row["threshold"]]
        n_positives = sum(label for label, _ in pairs)
        assert row["pages"] == len(above)
        assert row["precision"] == (pytest.approx(sum(above) / len(above), abs=1e-6) if above else None)
        assert row["recall"] == (pytest.approx(sum(above) / n_positives, abs=1e-6) if n_positives else None)
    at_positives = []
    for label, score in pairs:
        if label:
            reached = [other for other, at in pairs if at >= score]
            at_positives.append(sum(reached) / len(reached))
    mean = average_precision(one.labels, one.scores)
    assert mean == (pytest.approx(np.mean(at_positives), abs=1e-6) if at_positives else None)


def test_the_plot_is_the_same_twice() -> None:
    table = curve({"valid": measured((1, 0.9), (0, 0.4)), "test": measured((1, 0.7), (0, 0.8))})
    assert curve_plot(table) == curve_plot(table) != curve_plot(table.slice(0, len(THRESHOLDS)))
