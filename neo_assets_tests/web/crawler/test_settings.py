"""The recipe's crawl sections, and what impossible ones are told."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

import neo_assets
from neo_assets.recipe.crawl import CrawlSection, ExtractionSection
from neo_assets_tests.web.crawls import settings

RECIPES = Path(neo_assets.__file__).parent / "recipes"


@pytest.mark.parametrize("name", ["mini", "matrix"])
def test_recipes_are_valid(name: str) -> None:
    recipe = yaml.safe_load((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"))
    crawl = CrawlSection(**recipe["crawl"])
    assert ExtractionSection(**recipe["extraction"]).max_payload_bytes == crawl.max_body_bytes
    assert crawl.contact in crawl.agent


def test_the_smallest_recipe_has_two_days() -> None:
    recipe = yaml.safe_load((RECIPES / "mini.yaml").read_text(encoding="utf-8"))
    crawl = CrawlSection(**recipe["crawl"])
    assert [crawl.epoch(date(2024, 11, day)) for day in (1, 2)] == [0, 1]
    for day in (date(2024, 10, 31), date(2024, 11, 3)):
        with pytest.raises(ValueError, match="is no crawl day"):
            crawl.epoch(day)


def test_a_careful_crawl_is_polite() -> None:
    crawl = CrawlSection(**yaml.safe_load((RECIPES / "matrix.yaml").read_text(encoding="utf-8"))["crawl"])
    assert crawl.delay_seconds >= 1
    assert crawl.concurrency_per_host == 1
    assert crawl.max_crawl_delay_seconds >= crawl.delay_seconds
    assert crawl.epoch(date(2036, 1, 1)) == 4078  # days from 2024-11-01


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"end": date(2024, 11, 1)}, "is not after start"),
        ({"site": None}, "nothing to crawl: give seeds"),
        ({"proxy": "http://127.0.0.1:1"}, "is its own proxy"),
        ({"site": "mine"}, "bundled"),
        ({"max_pages": 0}, "greater than 0"),
        ({"delay": 1}, "Extra inputs are not permitted"),
        ({"contact": ""}, "at least 3 characters"),
    ],
)
def test_impossible_settings_are_refused_with_the_reason(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings(**values)
