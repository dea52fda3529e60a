from __future__ import annotations

import json
import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.lines import ChineseRules, EnglishRules, SourceSettings, at_least
from neo_assets.text.chinese import CHINESE_SIGNALS
from neo_assets.text.english import ENGLISH_SIGNALS
from neo_assets.text.rules import CHINESE_RULES, ENGLISH_RULES, JudgeByRules, Rule, chinese_rules, english_rules
from neo_assets_tests.text.batches import check_account

WEB = SourceSettings(kind="crawl", licence="x")


@pytest.mark.parametrize(
    ("catalogue", "limits", "signals"),
    [(ENGLISH_RULES, EnglishRules, ENGLISH_SIGNALS), (CHINESE_RULES, ChineseRules, CHINESE_SIGNALS)],
)
def test_catalogue_recipe_and_signals_agree(catalogue: tuple[Rule, ...], limits: type, signals: tuple) -> None:
    assert [rule.name for rule in catalogue] == list(limits.model_fields)
    measured = {signal.name for signal in signals} | {"language_score"}
    assert {rule.signal for rule in catalogue} <= measured


def naive_verdict(values: dict[str, float], rules: tuple[Rule, ...]) -> list[dict[str, object]]:
    failures = []
    for rule in rules:
        value = values[rule.signal]
        if rule.minimum is not None and (
            value < rule.minimum or (rule.bounds == "exclusive" and value == rule.minimum)
        ):
            failures.append({"rule": rule.name, "value": value, "threshold": rule.minimum})
        if rule.maximum is not None and (
            value > rule.maximum or (rule.bounds == "exclusive" and value == rule.maximum)
        ):
            failures.append({"rule": rule.name, "value": value, "threshold": rule.maximum})
    return failures


BOUND = st.one_of(st.none(), st.integers(0, 4).map(float))
RULES = st.lists(
    st.builds(
        Rule,
        name=st.sampled_from(["r1", "r2", "r3"]),
        signal=st.sampled_from(["x", "y"]),
        unit=st.just("u"),
        origin=st.just("o"),
        bounds=st.sampled_from(["inclusive", "exclusive"]),
        minimum=BOUND,
        maximum=BOUND,
    ),
    max_size=4,
).map(tuple)
ROWS = st.lists(st.tuples(st.integers(-1, 5), st.integers(-1, 5)), max_size=6)


@given(RULES, ROWS)
def test_verdicts_equal_the_naive_ones(rules: tuple[Rule, ...], rows: list[tuple[int, int]]) -> None:
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array([f"d{i}" for i in range(len(rows))], pa.string()),
            pa.array([None] * len(rows), pa.string()),
            pa.array([row[0] for row in rows], pa.int64()),
            pa.array([row[1] for row in rows], pa.float64()),
        ],
        names=["doc_id", "url", "x", "y"],
    )
    after = JudgeByRules(rules)(batch)
    check_account(batch, after)
    for row, judged in zip(rows, after.to_pylist(), strict=True):
        failures = naive_verdict({"x": float(row[0]), "y": float(row[1])}, rules)
        assert judged["verdict"] == ("rejected" if failures else "kept")
        if failures:
            assert (judged["rule"], judged["value"], judged["threshold"]) == tuple(failures[0].values())
            assert json.loads(judged["reason"]) == failures
        else:
            assert judged["rule"] is judged["reason"] is None


def test_a_missing_signal_means_quarantine() -> None:
    batch = pa.RecordBatch.from_pylist(
        [{"doc_id": "a", "url": None, "x": None}, {"doc_id": "b", "url": None, "x": 1.0}]
    )
    after = JudgeByRules((Rule("r", "x", "u", "o", maximum=2),))(batch)
    assert after.column("verdict").to_pylist() == ["quarantined", "kept"]


def test_each_source_has_its_rules_and_rule_set() -> None:
    rule_sets = {"generic": EnglishRules(), "strict": EnglishRules(characters=at_least(1000))}
    web = SourceSettings(kind="crawl", licence="x", rule_set="strict")
    code = SourceSettings(kind="code", path="*.py", licence="x", rules=("characters", "bad_characters"))
    assert [rule.name for rule in english_rules(code, rule_sets)] == ["bad_characters", "characters"]
    assert {rule.name: rule.minimum for rule in english_rules(code, rule_sets)}["characters"] == 200
    assert {rule.name: rule.minimum for rule in english_rules(web, rule_sets)}["characters"] == 1000
    assert len(english_rules(web, rule_sets)) == len(ENGLISH_RULES)


def test_a_rule_set_to_null_is_off_and_kernels_travel() -> None:
    rules = chinese_rules(ChineseRules(digits=None))
    assert "digits" not in {rule.name for rule in rules}
    assert len(rules) == len(CHINESE_RULES) - 1
    kernel = JudgeByRules(rules)
    assert pickle.loads(pickle.dumps(kernel)) == kernel  # noqa: S301


def test_every_rule_names_its_origin_and_unit() -> None:
    for rule in (*english_rules(WEB, {"generic": EnglishRules()}), *chinese_rules(ChineseRules())):
        assert rule.origin
        assert rule.unit
        assert rule.minimum is not None or rule.maximum is not None
