from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import neo_assets
from neo_assets.recipe.lines import ChineseRules, ChineseSection, DedupSettings, EnglishRules, EnglishSection, Range

RECIPES = Path(neo_assets.__file__).parent / "recipes"


@pytest.mark.parametrize("name", ["mini", "matrix"])
def test_recipes_hold_valid_sections(name: str) -> None:
    recipe = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    EnglishSection.model_validate(recipe["english"])
    ChineseSection.model_validate(recipe["chinese"])


def test_matrix_states_every_published_limit() -> None:
    recipe = yaml.safe_load((RECIPES / "matrix.yaml").read_text(encoding="utf-8"))
    assert recipe["english"]["rule_sets"]["generic"].keys() == EnglishRules.model_fields.keys()
    assert recipe["english"]["rule_sets"]["redpajama"].keys() == EnglishRules.model_fields.keys()
    assert recipe["chinese"]["rules"].keys() == ChineseRules.model_fields.keys()
    english = EnglishSection.model_validate(recipe["english"])
    assert english.rule_sets["generic"] == EnglishRules()
    # MAP-Neo's rule set for RedPajama-V2: A10, A11, A12, A21, A22
    strict = english.rule_sets["redpajama"]
    assert (strict.language, strict.characters, strict.lines) == (
        Range(minimum=0.8, maximum=None),
        Range(minimum=1000, maximum=None),
        Range(minimum=10, maximum=None),
    )
    assert (strict.unique_words, strict.unigram_entropy) == (
        Range(minimum=0.2, maximum=0.8),
        Range(minimum=3, maximum=6),
    )


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
        ({"sources": {"a": {**SOURCE, "rules": ["wrods"]}}}, "no such rules: wrods; known are language"),
        ({"sources": {"a": {**SOURCE, "rule_set": "strict"}}}, "rule_sets has only"),
        ({"rule_sets": {"generic": {"words": {"minimum": 9, "maximum": 3}}}}, "minimum 9 is above maximum 3"),
        ({"rule_sets": {"generic": {"words": {}}}}, "set it to null"),
        ({"rule_sets": {"generic": {"wrods": {"minimum": 1}}}}, "Extra inputs are not permitted"),
        ({"dedup": {"normalisation": "english", "bands": 10}}, "10 x 13 = 130 values"),
        ({"dedup": {"normalisation": "klingon"}}, "'english' or 'chinese'"),
        ({"dedup": {"normalisation": "english", "verify_jaccard": 1.5}}, "less than or equal to 1"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        EnglishSection.model_validate({"sources": {"a": SOURCE}, **change})


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError):
        DedupSettings(normalisation="english").bands = 3  # type: ignore[misc]
