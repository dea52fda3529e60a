"""Settings of imports: what is refused, and the agreement of dumps and English sources."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from neo_assets.recipe.imports import ImportSettings
from neo_assets.recipe.recipe import Recipe, load_recipe

WARC: dict[str, Any] = {"kind": "warc", "paths": ("/data/a.warc.gz",), "arrived": "2024-11-01", "licence": "MIT"}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"paths": ()}, "give paths or a listing"),
        ({"paths": ("data/a.warc.gz",)}, "must be an absolute path or begin with"),
        ({"paths": ("ftp://a.test/a.warc.gz",)}, "must be an absolute path or begin with"),
        ({"listing": "warc.paths.gz"}, "must be an absolute path or begin with"),
        ({"arrived": None}, "give arrived, or write"),
        ({"paths": ("/data/{day}/a.warc.gz",)}, "give arrived, or write"),
        ({"fields": {"text": "content"}}, "fields is for kind"),
        ({"licence": "it's"}, "licence"),
    ],
)
def test_what_is_refused(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        ImportSettings(**{**WARC, **change})


def test_a_dump_arrives_on_its_day_or_on_any_that_its_paths_name() -> None:
    once = ImportSettings(**WARC)
    assert [once.arrives_on(date(2024, 11, day)) for day in (1, 2)] == [True, False]
    daily = ImportSettings(**{**WARC, "arrived": None, "paths": ("s3://bucket/{day}/*.warc.gz",)})
    assert daily.arrives_on(date(2024, 11, 2))


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"imports": {"sample": {**WARC, "arrived": "2025-01-01"}}}, "imports.sample.arrived: 2025-01-01 is no crawl"),
        (
            {"imports": {"simple": WARC}},
            r"dumps.dumps: no dump sample in imports \(did you mean 'simple'",
        ),
    ],
)
def test_the_recipe_is_refused_whose_parts_disagree(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        Recipe.model_validate(load_recipe("mini").model_dump(mode="json") | change)


def test_a_dump_is_in_one_source() -> None:
    recipe = load_recipe("mini").model_dump(mode="json")
    recipe["english"]["sources"]["again"] = recipe["english"]["sources"]["dumps"]
    with pytest.raises(ValidationError, match=r"english.sources.again.dumps: sample is in dumps already"):
        Recipe.model_validate(recipe)


def test_what_arrives_on_a_day_is_plain_and_sorted() -> None:
    recipe = load_recipe("mini").model_dump(mode="json")
    daily = {**WARC, "arrived": None, "paths": ("/data/{day}/*.warc.gz",)}
    recipe["imports"] = {"z": daily, "a": {**WARC, "arrived": "2024-11-02"}}
    built = Recipe.model_validate(recipe | {"english": without_dumps(recipe["english"])})
    assert list(built.arrivals("2024-11-01")) == ["z"]
    told = built.arrivals("2024-11-02")
    assert list(told) == ["a", "z"]
    assert told["a"]["arrived"] == "2024-11-02"
    assert json.loads(json.dumps(told)) == told


def without_dumps(english: dict[str, Any]) -> dict[str, Any]:
    return english | {"sources": {name: one for name, one in english["sources"].items() if name != "dumps"}}
