from __future__ import annotations

from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from neo_assets.recipe.recipe import RECIPES, Recipe
from neo_assets.recipe.supplement import SupplementSection


def mini() -> dict[str, Any]:
    recipe: dict[str, Any] = yaml.safe_load((RECIPES / "mini.yaml").read_text())
    return recipe


def test_the_defaults_are_the_published_figures() -> None:
    """MAP-Neo, get_high_quality_data: 500,000 a class, 95 % / 2.5 % splits, fastText's settings, 0.96, 10 %."""
    section = SupplementSection()
    sampling, classifier = section.sampling, section.classifier
    assert (sampling.per_class, sampling.valid_share, sampling.test_share) == (500_000, 0.025, 0.025)
    assert (classifier.dim, classifier.word_ngrams, classifier.min_count) == (256, 3, 3)
    assert (classifier.learning_rate, classifier.epochs) == (0.1, 3)
    assert (section.review.default_threshold, section.recall.hit_rate) == (0.96, 0.1)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"domains": {"x": {"language": "english", "description": "Something.", "seeds": {}}}}, "without a seed"),
        ({"review": {"edges": [0.5, 0.9]}}, "must be one of the edges"),
        ({"review": {"edges": [0.9, 0.96, 0.5]}}, "must ascend"),
        ({"judge": {"kind": "server"}}, "needs endpoint and model"),
        ({"judge": {"kind": "local"}}, "the folder of a Hugging Face model"),
        ({"judge": {"endpoint": "http://127.0.0.1:1/v1"}}, "only kind: server"),
    ],
)
def test_what_cannot_work_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        SupplementSection.model_validate(change)


def test_a_pattern_that_is_none_is_refused() -> None:
    recipe = mini()
    recipe["supplement"]["domains"]["statutes"]["seeds"] = {"url_patterns": ["("]}
    with pytest.raises(ValidationError, match="not a regular expression"):
        Recipe.model_validate(recipe)


@pytest.mark.parametrize(
    ("subset", "domains", "told"),
    [
        ("law_zh", ["statute"], "did you mean 'statutes'"),
        ("law_zh", ["mathematics"], "is a domain of the english line"),
    ],
)
def test_subsets_name_domains_of_their_line(subset: str, domains: list[str], told: str) -> None:
    recipe = mini()
    recipe["corpus"]["subsets"][subset]["domains"] = domains
    with pytest.raises(ValidationError, match=told):
        Recipe.model_validate(recipe)


def test_what_is_searched_are_sources_that_arrive() -> None:
    recipe = mini()
    assert Recipe.model_validate(recipe).searched_sources == ("crawl", "dumps")
    recipe["supplement"]["pools"] = ["jargon"]
    assert Recipe.model_validate(recipe).searched_sources == ("jargon",)
    recipe["supplement"]["pools"] = ["jargons"]
    with pytest.raises(ValidationError, match="no source jargons"):
        Recipe.model_validate(recipe)
