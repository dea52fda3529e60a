"""Settings of the two cleaning lines: the English sources, the rules' limits, lists, reference sets, deduplication."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from neo_assets.recipe.base import Section
from neo_assets.recipe.limits import ChineseRules, RuleSets
from neo_assets.recipe.lists import LineFilterSettings, UrlListSettings
from neo_assets.recipe.references import ReferenceSettings
from neo_assets.recipe.sources import SourceSettings
from neo_assets.recipe.studies import StudySettings

Profile = Literal["corrected", "faithful"]
SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class DedupSettings(Section):
    """MinHash-LSH over character shingles, and the verification of what it proposes."""

    normalisation: Literal["english", "chinese"] = Field(description="How text is reduced before shingling.")
    num_permutations: int = Field(128, gt=0, le=4096, description="Values in a signature.")
    permutation_seed: int = Field(1, ge=0, lt=2**32, description="Seed of the permutations; 1 is datasketch's.")
    shingle_chars: int = Field(13, gt=0, le=64, description="Characters in a shingle.")
    bands: int = Field(9, gt=0, description="Bands; documents that agree on one whole band are compared.")
    rows: int = Field(13, gt=0, description="Signature values in a band.")
    verify_jaccard: float = Field(0.8, ge=0, le=1, description="A compared pair at or above this is a duplicate.")
    partners_per_bucket: int = Field(
        100, gt=0, description="A document is compared with this many of the earliest documents of each bucket."
    )

    @model_validator(mode="after")
    def _bands_fit(self) -> Self:
        if self.bands * self.rows > self.num_permutations:
            raise ValueError(
                f"bands x rows = {self.bands} x {self.rows} = {self.bands * self.rows} values, but a signature "
                f"has only {self.num_permutations}: lower bands or rows, or raise num_permutations"
            )
        return self


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
    dedup: DedupSettings = DedupSettings(normalisation="english")

    @model_validator(mode="after")
    def _rules_exist(self) -> Self:
        if faults := [fault for name, source in self.sources.items() for fault in self._faults(name, source)]:
            raise ValueError("\n".join(faults))
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
    stop_words_file: str = Field("lists/stopwords.zh.json", description="Terms; a path inside the seed folder, or any.")
    bad_words_files: tuple[str, ...] = Field(
        ("lists/ldnoobw.zh.json",), description="Obscene terms; paths inside the seed folder, or any."
    )
    dedup: DedupSettings = DedupSettings(normalisation="chinese")

    @model_validator(mode="after")
    def _quality_has_a_model(self) -> Self:
        if self.rules.quality and not (self.references and self.references.quality_model):
            raise ValueError("rules.quality needs references.quality_model; give one or set quality to null")
        return self
