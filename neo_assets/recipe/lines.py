"""Settings of the two cleaning lines: the English sources, the rules' limits, lists, reference sets, deduplication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.dedup import ChineseDedup, EnglishDedup, SourceName
from neo_assets.recipe.limits import ChineseRules, Range, RuleSets, at_least, between
from neo_assets.recipe.lists import LineFilterSettings, UrlListSettings
from neo_assets.recipe.references import ReferenceSettings
from neo_assets.recipe.sources import SourceSettings
from neo_assets.recipe.studies import StudySettings

Profile = Literal["corrected", "faithful"]


class _LineSection(Section):
    """What both lines have."""

    profile: Profile = Field(
        "corrected", description="corrected: rules as intended; faithful: as MAP-Neo's released code computes them."
    )
    max_chars: int = Field(10_000_000, gt=0, description="A longer document is quarantined before it is measured.")
    references: ReferenceSettings | None = Field(
        None, description="Reference sets and their models; null: no perplexity, importance or reference scores."
    )
    url_lists: UrlListSettings | None = Field(None, description="Categories of addresses; null: none is looked up.")
    line_filter: LineFilterSettings | None = Field(None, description="Removal of single lines; null: none.")
    studies: StudySettings = StudySettings()


class EnglishSection(_LineSection):
    """The English line."""

    sources: dict[SourceName, SourceSettings] = Field(
        min_length=1, description="Sources by name; the partitions of the line."
    )
    rule_sets: RuleSets = RuleSets()
    stop_words_file: str = Field("lists/stopwords.en.json", description="Terms; a path inside the seed folder, or any.")
    bad_words_files: tuple[str, ...] = Field(
        ("lists/ldnoobw.en.json",), description="Obscene terms; paths inside the seed folder, or any."
    )
    dedup: EnglishDedup = EnglishDedup()

    @model_validator(mode="after")
    def _rules_exist(self) -> Self:
        if faults := [fault for name, source in self.sources.items() for fault in self._faults(name, source)]:
            raise ValueError("\n".join(faults))
        return self

    @model_validator(mode="after")
    def _priorities_exist(self) -> Self:
        if unknown := sorted(set(self.dedup.survivor.source_priority) - self.sources.keys()):
            raise ValueError(f"dedup.survivor.source_priority: no such sources: {', '.join(unknown)}")
        return self

    def _faults(self, name: str, source: SourceSettings) -> Iterator[str]:
        if source.rule_set not in RuleSets.model_fields:
            sets = ", ".join(RuleSets.model_fields)
            yield f"sources.{name}.rule_set: rule_sets has no {source.rule_set!r}, only {sets}"
            return
        known = getattr(self.rule_sets, source.rule_set).limits()
        for key, given in (("rules", () if source.rules == "all" else source.rules), ("limits", source.limits)):
            if unknown := sorted(set(given) - known.keys()):
                yield f"sources.{name}.{key}: no such rules: {', '.join(unknown)}; known are {', '.join(known)}"
        applies = source.rules == "all" or "quality" in source.rules
        if applies and (known | source.limits)["quality"] and not (self.references and self.references.quality_model):
            yield f"sources.{name}: the rule quality needs references.quality_model; give one or set quality to null"


class ChineseSection(_LineSection):
    """The Chinese line."""

    unify_symbols: bool = Field(True, description="Translate the 34 full-width symbols to ASCII.")
    remove_links: bool = Field(True, description="Delete URLs and host names from the text.")
    rules: ChineseRules = ChineseRules()
    document_limits: dict[str, Range | None] = Field(
        {"characters": between(50, 5_000_000), "han": at_least(0.1)},
        description="Ranges that differ for converted documents, whole, by the rule's name; null switches a rule off. "
        "A book is longer than a page, and a manual quotes more of other languages.",
    )
    stop_words_file: str = Field("lists/stopwords.zh.json", description="Terms; a path inside the seed folder, or any.")
    bad_words_files: tuple[str, ...] = Field(
        ("lists/ldnoobw.zh.json",), description="Obscene terms; paths inside the seed folder, or any."
    )
    dedup: ChineseDedup = ChineseDedup()

    @model_validator(mode="after")
    def _quality_has_a_model(self) -> Self:
        if self.rules.quality and not (self.references and self.references.quality_model):
            raise ValueError("rules.quality needs references.quality_model; give one or set quality to null")
        return self

    @model_validator(mode="after")
    def _limits_exist(self) -> Self:
        if unknown := sorted(self.document_limits.keys() - self.rules.limits().keys()):
            known = ", ".join(self.rules.limits())
            raise ValueError(f"document_limits: no such rules: {', '.join(unknown)}; known are {known}")
        return self

    @model_validator(mode="after")
    def _days_are_no_sources(self) -> Self:
        if self.dedup.survivor.policy == "source":
            raise ValueError("dedup.survivor.policy: source orders the sources of the English line; Chinese has days")
        return self
