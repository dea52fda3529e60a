from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import neo_assets
from neo_assets.recipe.dedup import NearSettings
from neo_assets.recipe.limits import ChineseRules, GenericRules, RedPajamaRules, RuleSets
from neo_assets.recipe.lines import ChineseSection, EnglishSection
from neo_assets.text.rules import CHINESE_RULES, GENERIC_RULES, REDPAJAMA_RULES

RECIPES = Path(neo_assets.__file__).parent / "recipes"


@pytest.mark.parametrize("name", ["mini", "matrix"])
def test_recipes_hold_valid_sections(name: str) -> None:
    recipe = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    EnglishSection.model_validate(recipe["english"])
    ChineseSection.model_validate(recipe["chinese"])


def test_matrix_states_every_published_limit() -> None:
    recipe = yaml.safe_load((RECIPES / "matrix.yaml").read_text(encoding="utf-8"))
    sets = recipe["english"]["rule_sets"]
    # stated in the order of the rules, and each limit is the published one, which is the default
    assert list(sets["generic"]) == [rule.name for rule in GENERIC_RULES]
    assert list(sets["redpajama"]) == [rule.name for rule in REDPAJAMA_RULES]
    assert list(recipe["chinese"]["rules"]) == [rule.name for rule in CHINESE_RULES]
    assert RuleSets.model_validate(sets) == RuleSets()
    assert ChineseRules.model_validate(recipe["chinese"]["rules"]) == ChineseRules()


def test_the_sets_differ_where_the_published_ones_do() -> None:
    # MAP-Neo: A5/B5, A10/B9, A11/B10, A12/B11, A21/B16, A22/B25, and A9 and A13, which B does not have
    generic, strict = GenericRules().limits(), RedPajamaRules().limits()
    assert {name for name in generic.keys() & strict.keys() if generic[name] != strict[name]} == {
        *("stop_word_share", "language", "characters", "lines", "unique_words", "unigram_entropy"),
        *("perplexity", "perplexity_bucket"),
    }


SOURCE: dict[str, Any] = {"kind": "crawl", "licence": "x"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": {}}, "at least 1 item"),
        ({"sources": {"It's": SOURCE}}, "should match pattern"),
        ({"sources": {"a": {**SOURCE, "licence": "author's"}}}, "should match pattern"),
        ({"sources": {"a": {**SOURCE, "path": "x"}}}, "a crawl source has no path"),
        ({"sources": {"a": {**SOURCE, "kind": "text"}}}, "needs a path"),
        ({"sources": {"a": {**SOURCE, "kind": "text", "path": "../x"}}}, "stay inside"),
        ({"sources": {"a": {**SOURCE, "kind": "text", "path": "/x"}}}, "relative"),
        ({"sources": {"a": {**SOURCE, "kind": "text", "path": "x", "split_at": "("}}}, "not a regular expression"),
        ({"sources": {"a": {**SOURCE, "kind": "text", "path": "x", "group_chars": 9}}}, "give split_at too"),
        ({"sources": {"a": {**SOURCE, "rules": ["wrods"]}}}, "sources.a.rules: no such rules: wrods; known are"),
        ({"sources": {"a": {**SOURCE, "rules": ["palm_score"]}}}, "no such rules: palm_score"),
        ({"sources": {"a": {**SOURCE, "limits": {"wrods": None}}}}, "sources.a.limits: no such rules: wrods"),
        ({"sources": {"a": {**SOURCE, "limits": {"words": {"minimum": 2, "maximum": 1}}}}}, "no document could pass"),
        ({"sources": {"a": {**SOURCE, "limits": {"ut1": True}}}}, "valid dictionary"),
        ({"sources": {"a": {**SOURCE, "rule_set": "strict"}}}, "rule_sets has no 'strict', only generic, redpajama"),
        ({"sources": {"a": {**SOURCE, "limits": {"quality": {"minimum": 0.5}}}}}, "needs references.quality_model"),
        ({"rule_sets": {"strict": {}}}, "Extra inputs are not permitted"),
        ({"profile": "exact"}, "'corrected' or 'faithful'"),
        ({"max_chars": 0}, "greater than 0"),
        ({"rule_sets": {"generic": {"words": {"minimum": 9, "maximum": 3}}}}, "minimum 9 is above maximum 3"),
        ({"rule_sets": {"generic": {"words": {}}}}, "set it to null"),
        ({"rule_sets": {"generic": {"wrods": {"minimum": 1}}}}, "Extra inputs are not permitted"),
        ({"dedup": {"near": {"normalisation": "english", "bands": 10}}}, "10 x 13 = 130 values"),
        ({"dedup": {"near": {"normalisation": "klingon"}}}, "'english', 'chinese' or 'none'"),
        ({"dedup": {"near": {"normalisation": "english", "threshold": 1.5}}}, "less than or equal to 1"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EnglishSection.model_validate({"sources": {"a": SOURCE}, **change})


def test_a_limit_on_quality_needs_a_model_in_chinese_too() -> None:
    with pytest.raises(ValidationError, match=r"references\.quality_model"):
        ChineseSection.model_validate({"rules": {"quality": {"minimum": 0.5}}})


def test_a_source_may_narrow_its_rules() -> None:
    unused = {**SOURCE, "rules": ["words"], "limits": {"quality": {"minimum": 0.5}, "words": {"minimum": 20}}}
    source = EnglishSection.model_validate({"sources": {"a": unused}}).sources["a"]
    assert (source.limits["words"].minimum, source.limits["words"].maximum) == (20, None)


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        NearSettings(normalisation="english").bands = 3  # type: ignore[misc]
