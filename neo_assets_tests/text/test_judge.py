from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.text.judge import JudgeByRules, MissingSignalError
from neo_assets.text.rule import Rule
from neo_assets_tests.text.batches import check_account

Cell = float | str | None


def naive(rule: Rule, value: Cell) -> tuple[bool, bool, float | str | None]:
    """(failed, missing, threshold) of one rule for one value, as the rule's description says it."""
    missing = value is None or (isinstance(value, float) and math.isnan(value))
    if rule.comparison == "absent":
        return not missing and value != 0, False, 0.0
    if missing:
        return False, rule.missing == "quarantines", None
    if rule.comparison == "equals":
        return value != rule.label, False, rule.label
    assert isinstance(value, float)
    if rule.minimum is not None:
        strict = rule.bounds in ("exclusive", "exclusive_minimum")
        if value < rule.minimum or (strict and value == rule.minimum):
            return True, False, rule.minimum
    if rule.maximum is not None and (value > rule.maximum or (rule.bounds == "exclusive" and value == rule.maximum)):
        return True, False, rule.maximum
    return False, False, None


BOUND = st.none() | st.integers(0, 4).map(float)
NUMERIC = st.builds(
    Rule,
    name=st.just(""),
    signal=st.sampled_from(["x", "y"]),
    unit=st.just("u"),
    origin=st.just("o"),
    number=st.sampled_from(["", "B1"]),
    comparison=st.sampled_from(["range", "range", "absent"]),
    bounds=st.sampled_from(["inclusive", "exclusive", "exclusive_minimum"]),
    minimum=BOUND,
    maximum=BOUND,
    missing=st.sampled_from(["passes", "quarantines"]),
    profile=st.sampled_from(["corrected", "faithful"]),
)
LABEL = st.builds(
    Rule,
    name=st.just(""),
    signal=st.just("language"),
    unit=st.just("u"),
    origin=st.just("o"),
    comparison=st.just("equals"),
    label=st.sampled_from(["zh", "en"]),
    missing=st.sampled_from(["passes", "quarantines"]),
)
RULES = st.lists(NUMERIC | LABEL, max_size=5).map(
    lambda rules: tuple(Rule(**{**vars(rule), "name": f"r{i}"}) for i, rule in enumerate(rules))
)
NUMBER = st.none() | st.integers(-1, 5).map(float) | st.sampled_from([math.nan, math.inf, -math.inf])
ROWS = st.lists(
    st.tuples(st.none() | st.integers(-1, 5), NUMBER, st.sampled_from(["zh", "en", 'a"\n', None])), max_size=6
)


def batch_of(rows: list[tuple[Cell, Cell, Cell]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([f"d{i}" for i in range(len(rows))], pa.string()),
            pa.nulls(len(rows), pa.string()),
            pa.array([row[0] for row in rows], pa.int64()),
            pa.array([row[1] for row in rows], pa.float64(), from_pandas=False),
            pa.array([row[2] for row in rows], pa.string()),
        ],
        names=["doc_id", "url", "x", "y", "language"],
    )


@given(RULES, ROWS)
def test_verdicts_equal_the_naive_ones(rules: tuple[Rule, ...], rows: list[tuple[Cell, Cell, Cell]]) -> None:
    batch = batch_of(rows)
    after = JudgeByRules(rules)(batch)
    check_account(batch, after)
    assert repr(after.select(batch.schema.names).to_pylist()) == repr(batch.to_pylist())  # NaN stays NaN
    for row, judged in zip(rows, after.to_pylist(), strict=True):
        cells = {"x": None if row[0] is None else float(row[0]), "y": row[1], "language": row[2]}
        found = [(rule, cells[rule.signal], *naive(rule, cells[rule.signal])) for rule in rules]
        lacking = [rule.signal for rule, _, _, missing, _ in found if missing]
        failures = [(rule, value, threshold) for rule, value, failed, _, threshold in found if failed]
        if lacking:
            assert (judged["verdict"], judged["rule"], judged["value"]) == ("quarantined", "missing_signal", None)
            assert judged["reason"] == f"without {', '.join(dict.fromkeys(lacking))}, which a rule needs"
        elif failures:
            assert (judged["verdict"], judged["rule"]) == ("rejected", failures[0][0].name)
            numeric = failures[0][0].comparison != "equals"
            assert (judged["value"], judged["threshold"]) == (failures[0][1:] if numeric else (None, None))
            assert json.loads(judged["reason"]) == [listed(*failure) for failure in failures]
        else:
            assert (judged["verdict"], judged["rule"], judged["reason"]) == ("kept", None, None)
            assert judged["value"] is judged["threshold"] is None


def listed(rule: Rule, value: Cell, threshold: Cell) -> dict[str, Any]:
    shown = None if isinstance(value, float) and not math.isfinite(value) else value
    named = {"rule": rule.name, "number": rule.number, "profile": rule.profile, "version": rule.version}
    return {**named, "value": shown, "threshold": threshold}


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [("inclusive", [1, 2, 3]), ("exclusive", [2]), ("exclusive_minimum", [2, 3])],
)
def test_bounds(bounds: Any, kept: list[int]) -> None:
    rule = Rule("r", "x", "u", "o", bounds=bounds, minimum=1, maximum=3)
    values = np.array([0.0, 1, 2, 3, 4, np.nan])
    assert [int(value) for value in values[:-1][~rule.fails(values)[:-1]]] == kept
    assert not rule.fails(values)[-1]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule("r", "x", "u", "o", minimum=0.1, maximum=2), "0.1 <= x <= 2"),
        (Rule("r", "x", "u", "o", bounds="exclusive", maximum=3e-8), "x < 3e-08"),
        (Rule("r", "x", "u", "o", bounds="exclusive_minimum", minimum=-25000, maximum=25000), "-25000 < x <= 25000"),
        (Rule("r", "l", "u", "o", comparison="equals", label="zh"), "l = zh"),
        (Rule("r", "c", "u", "o", comparison="absent"), "c is null or 0"),
    ],
)
def test_conditions_as_text(rule: Rule, text: str) -> None:
    assert rule.condition() == text


def test_a_rule_without_its_column_is_refused_by_name() -> None:
    kernel = JudgeByRules((Rule("words", "rps_doc_word_count", "words", "o", minimum=1),))
    with pytest.raises(MissingSignalError, match="rule words reads the column rps_doc_word_count"):
        kernel(batch_of([]))
    assert pickle.loads(pickle.dumps(kernel)) == kernel  # noqa: S301
