"""The recipe of a release: every setting that decides what comes out, as one frozen, checked tree."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from neo_assets.recipe.alignment import AlignmentSection
from neo_assets.recipe.base import Section
from neo_assets.recipe.corpus import CorpusSection
from neo_assets.recipe.crawl import CrawlSection, ExtractionSection
from neo_assets.recipe.evaluation import EvaluationSection
from neo_assets.recipe.lines import ChineseSection, EnglishSection
from neo_assets.recipe.platform import PlatformSection
from neo_assets.recipe.release import ReleaseSection
from neo_assets.recipe.tokenizer import TokenizerSection
from neo_assets.recipe.training import TrainingSection

RECIPES = Path(__file__).parents[1] / "recipes"


class RecipeError(ValueError):
    """A recipe that cannot be used; the message has a line per fault: key path, reason, what to do."""


class Recipe(Section):
    """One release, from the first URL to the last evaluation."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$")
    seed: int = Field(ge=0, description="all randomness derives from it and from stable ids")
    platform: PlatformSection = PlatformSection()
    crawl: CrawlSection
    extraction: ExtractionSection
    english: EnglishSection
    chinese: ChineseSection
    corpus: CorpusSection
    tokenizer: TokenizerSection
    training: TrainingSection
    evaluation: EvaluationSection
    alignment: AlignmentSection
    release: ReleaseSection

    @model_validator(mode="after")
    def _phases_have_mixes(self) -> Recipe:
        phases, mixes = {phase.name for phase in self.training.phases}, set(self.corpus.phases)
        if phases != mixes:
            raise ValueError(
                f"training.phases {sorted(phases)} and corpus.phases {sorted(mixes)} must name the same phases; "
                f"add the missing mix or phase"
            )
        return self


def available_recipes() -> list[str]:
    """The names of the recipes that ship with the package."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def recipe_path(name_or_path: str | None = None) -> Path:
    """The file of a recipe: given by name or path, or by `NEO_RECIPE`, or else `mini`.

    Raises:
        RecipeError: there is no such recipe.
    """
    chosen = name_or_path or os.environ.get("NEO_RECIPE") or "mini"
    path = RECIPES / f"{chosen}.yaml" if "/" not in chosen and not chosen.endswith(".yaml") else Path(chosen)
    if not path.is_file():
        raise RecipeError(
            f"no recipe {chosen!r}: give a path to a YAML file or one of {', '.join(available_recipes())}"
        )
    return path


def load_recipe(name_or_path: str | None = None) -> Recipe:
    """Read and check a recipe.

    Raises:
        RecipeError: no such file, not YAML, or a key or value that is refused.
    """
    path = recipe_path(name_or_path).absolute()
    return _load(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=8)
def _load(path: Path, _modified: int) -> Recipe:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise RecipeError(f"{path}: not YAML: {error}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: expected a mapping of sections, found {type(data).__name__}")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = "\n".join(f"  {_explain(fault)}" for fault in error.errors())
        raise RecipeError(f"{path}: {error.error_count()} fault(s)\n{faults}") from error


def _explain(fault: Any) -> str:
    """A fault as 'key.path: reason. Fix.'"""
    path = ".".join(str(step) for step in fault["loc"]) or "(recipe)"
    kind, message = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return f"{path}: unknown key. Remove it, or correct its spelling{_near(path)}."
    if kind == "missing":
        return f"{path}: required key is missing. Add it."
    found = "" if isinstance(fault.get("input"), dict) else f" (found {fault.get('input')!r})"
    return f"{path}: {message}{found}."


def _near(path: str) -> str:
    """A hint at the known key with the closest spelling."""
    import difflib

    model: Any = Recipe
    *parents, key = path.split(".")
    for step in parents:
        field = getattr(model, "model_fields", {}).get(step)
        model = field.annotation if field else None
    close = difflib.get_close_matches(key, getattr(model, "model_fields", {}), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
