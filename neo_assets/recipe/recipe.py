"""The recipe of a release: every setting that decides what comes out, as one frozen, checked tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import Field, ValidationError, model_validator

from neo_assets.recipe.alignment import AlignmentSection
from neo_assets.recipe.base import Section
from neo_assets.recipe.corpus import CorpusSection
from neo_assets.recipe.crawl import CrawlSection, ExtractionSection
from neo_assets.recipe.documents import DocumentsSection
from neo_assets.recipe.evaluation import EvaluationSection
from neo_assets.recipe.imports import ImportSettings, arriving, told
from neo_assets.recipe.lines import ChineseSection, EnglishSection
from neo_assets.recipe.platform import PlatformSection
from neo_assets.recipe.release import ReleaseSection
from neo_assets.recipe.supplement import SupplementSection
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
    imports: dict[str, ImportSettings] = Field(
        default={}, description="dumps and data sets that arrive beside the crawl"
    )
    documents: DocumentsSection = DocumentsSection()
    english: EnglishSection
    chinese: ChineseSection
    supplement: SupplementSection = SupplementSection()
    corpus: CorpusSection
    tokenizer: TokenizerSection
    training: TrainingSection
    evaluation: EvaluationSection
    alignment: AlignmentSection
    release: ReleaseSection

    def arrivals(self, day: str) -> dict[str, Any]:
        """What the imports of a crawl day are told to look at, as plain JSON."""
        return told(arriving(self.imports, date.fromisoformat(day)))

    def files_of(self, batch: str) -> dict[str, Any]:
        """What a batch of documents is told to look at, as plain JSON."""
        return self.documents.told(batch)

    @property
    def searched_sources(self) -> tuple[str, ...]:
        """The English sources in which the supplement looks for more of its domains."""
        arriving = (name for name, source in self.english.sources.items() if source.kind in ("crawl", "imports"))
        return self.supplement.pools or tuple(arriving)

    @model_validator(mode="after")
    def _sections_agree(self) -> Recipe:
        faults = [*self._phase_faults(), *self._source_faults(), *self._arrival_faults(), *self._tokenizer_faults()]
        faults += self._supplement_faults()
        if faults:
            raise ValueError("\n".join(faults))
        return self

    def _phase_faults(self) -> Iterator[str]:
        phases, mixes = {phase.name for phase in self.training.phases}, set(self.corpus.phases)
        if phases != mixes:
            yield (
                f"training.phases {sorted(phases)} and corpus.phases {sorted(mixes)} must name the same phases; "
                f"add the missing mix or phase"
            )

    def _source_faults(self) -> Iterator[str]:
        known = list(self.english.sources)
        for name, subset in self.corpus.subsets.items():
            if subset.language != "english" and subset.sources:
                yield (
                    f"corpus.subsets.{name}.sources: only the English line has sources, so a {subset.language} subset "
                    f"can take none; give hosts instead"
                )
            elif unknown := [source for source in subset.sources if source not in known]:
                yield (
                    f"corpus.subsets.{name}.sources: no source {', '.join(unknown)} in english.sources"
                    f"{_did_you_mean(unknown[0], known)}; add it there, or name one of {', '.join(known)}"
                )

    def _arrival_faults(self) -> Iterator[str]:
        days = f"before {self.crawl.end}" if self.crawl.end else "on"
        arrivals = {f"imports.{name}": settings.arrived for name, settings in self.imports.items()}
        arrivals |= {f"documents.batches.{name}": batch.arrived for name, batch in self.documents.batches.items()}
        for name, day in arrivals.items():
            if day and (day < self.crawl.start or (self.crawl.end and day >= self.crawl.end)):
                yield f"{name}.arrived: {day} is no crawl day; they go from {self.crawl.start} {days}"
        taken: dict[str, str] = {}
        for name, source in self.english.sources.items():
            for dump in source.dumps:
                if dump not in self.imports:
                    hint = _did_you_mean(dump, list(self.imports))
                    yield f"english.sources.{name}.dumps: no dump {dump} in imports{hint}; add it there"
                elif dump in taken:
                    yield f"english.sources.{name}.dumps: {dump} is in {taken[dump]} already; name it once"
                taken.setdefault(dump, name)

    def _supplement_faults(self) -> Iterator[str]:
        known, sources = self.supplement.domains, list(self.english.sources)
        if unknown := [name for name in self.supplement.pools if name not in sources]:
            yield (
                f"supplement.pools: no source {', '.join(unknown)} in english.sources"
                f"{_did_you_mean(unknown[0], sources)}; name one of {', '.join(sources)}"
            )
        for name, subset in self.corpus.subsets.items():
            for domain in subset.domains:
                if domain not in known:
                    hint = _did_you_mean(domain, list(known))
                    yield f"corpus.subsets.{name}.domains: no domain {domain} in supplement.domains{hint}; add it there"
                elif known[domain].language != subset.language:
                    yield (
                        f"corpus.subsets.{name}.domains: {domain} is a domain of the {known[domain].language} line, "
                        f"the subset one of the {subset.language}; move it to a {known[domain].language} subset"
                    )

    def _tokenizer_faults(self) -> Iterator[str]:
        subsets = list(self.corpus.subsets)
        if unknown := [name for name in self.tokenizer.sampling.weights if name not in subsets]:
            yield (
                f"tokenizer.sampling.weights: no subset {', '.join(unknown)} in corpus.subsets"
                f"{_did_you_mean(unknown[0], subsets)}; name one of {', '.join(subsets)}"
            )
        chosen = self.training.chosen
        needed = self.tokenizer.vocab_rows(chosen.tensor_parallel)
        if chosen.vocab_rows != needed:
            yield (
                f"training.architectures.{self.training.architecture}.vocab_rows: is {chosen.vocab_rows}, but the "
                f"tokenizer has {self.tokenizer.n_ids} ids, which at tensor parallel {chosen.tensor_parallel} take "
                f"{needed} rows; set it to {needed}"
            )


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


class _Loader(yaml.SafeLoader):
    """Refuses a key that is given twice, of which YAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.YAMLError(f"line {key.start_mark.line + 1}: the key {key.value!r} is given twice; keep one")
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


@lru_cache(maxsize=8)
def _load(path: Path, _modified: int) -> Recipe:
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 (it is a safe loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise RecipeError(f"{path}: expected a mapping of sections, found {type(data).__name__}")
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        faults = [line for fault in error.errors() for line in _explain(fault).splitlines()]
        raise RecipeError("\n  ".join([f"{path}: {len(faults)} fault(s)", *faults])) from error


def _explain(fault: Any) -> str:
    """A fault as 'key.path: reason. Fix.'; faults between sections name their paths themselves, a line each."""
    path = ".".join(str(step) for step in fault["loc"])
    kind, message = fault["type"], str(fault["msg"]).removeprefix("Value error, ")
    if not path:
        return message
    if kind == "extra_forbidden":
        return f"{path}: unknown key. Remove it, or correct its spelling{_near(fault['loc'])}."
    if kind == "missing":
        return f"{path}: required key is missing. Add it."
    found = "" if isinstance(fault.get("input"), dict) else f" (found {fault.get('input')!r})"
    return f"{path}: {message}{found}."


def _near(location: Sequence[int | str]) -> str:
    """A hint at the known key with the closest spelling."""
    sections: list[type[Section]] = [Recipe]
    *parents, key = location
    for step in parents:
        fields = [section.model_fields[str(step)] for section in sections if str(step) in section.model_fields]
        # A step that is no field is an index, a name or a kind inside the container reached before.
        sections = [found for field in fields for found in _sections_in(field.annotation)] or sections
    return _did_you_mean(str(key), [name for section in sections for name in section.model_fields])


def _sections_in(annotation: Any) -> Iterator[type[Section]]:
    """Every section class that a type annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for argument in get_args(annotation):
        yield from _sections_in(argument)


def _did_you_mean(name: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
