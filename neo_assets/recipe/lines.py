"""Settings of the two cleaning lines: the rules' limits, the English sources, and deduplication.

Defaults are the published figures of MAP-Neo's Matrix (the generic English rule set and the Chinese one). A rule set
to null is off. What each rule measures, in which unit and from which paper, stands in `neo_assets.text.rules`.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from neo_assets.recipe.base import Section


class Range(Section):
    """The values a rule keeps; a missing bound does not bind."""

    minimum: float | None = Field(None, description="Smallest value kept, in the rule's unit.")
    maximum: float | None = Field(None, description="Largest value kept, in the rule's unit.")

    @model_validator(mode="after")
    def _some_value_passes(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("give minimum, maximum or both; to switch the rule off, set it to null")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"minimum {self.minimum:g} is above maximum {self.maximum:g}: no document could pass")
        return self


def at_least(minimum: float) -> Range:
    """The range without an upper bound."""
    return Range(minimum=minimum, maximum=None)


def at_most(maximum: float) -> Range:
    """The range without a lower bound."""
    return Range(minimum=None, maximum=maximum)


class EnglishRules(Section):
    """Limits of the English rules, one field per row of `neo_assets.text.rules.ENGLISH_RULES`."""

    language: Range | None = Field(at_least(0.4), description="Confidence of the language identifier, 0..1.")
    bad_characters: Range | None = Field(
        at_most(0.001), description="Undecodable and control characters per character."
    )
    words: Range | None = Field(Range(minimum=50, maximum=10_000), description="Words.")
    characters: Range | None = Field(at_least(200), description="Characters that are not whitespace.")
    lines: Range | None = Field(at_least(2), description="Lines with text.")
    sentences: Range | None = Field(Range(minimum=2, maximum=7_500), description="Sentences.")
    mean_word_length: Range | None = Field(Range(minimum=3, maximum=10), description="Characters per word.")
    ellipsis_lines: Range | None = Field(at_most(0.2), description="Share of lines ending in an ellipsis.")
    bullet_lines: Range | None = Field(at_most(0.9), description="Share of lines starting with a bullet.")
    no_letter_words: Range | None = Field(at_most(0.4), description="Share of tokens without any letter.")
    stop_words: Range | None = Field(at_least(2), description="Different stop words found.")
    symbols: Range | None = Field(at_most(0.5), description="Hash signs and ellipses per word.")
    curly_braces: Range | None = Field(at_most(0.025), description="Curly braces per character.")
    lorem_ipsum: Range | None = Field(at_most(3e-8), description="'lorem ipsum' per character.")
    unique_words: Range | None = Field(at_least(0.1), description="Different words per word.")
    unigram_entropy: Range | None = Field(at_least(3), description="Entropy of the word distribution, nats.")
    bad_words: Range | None = Field(at_most(0), description="Listed obscene words per word.")
    top_2gram: Range | None = Field(at_most(0.20), description="Share of characters in the commonest word 2-gram.")
    top_3gram: Range | None = Field(at_most(0.18), description="Share of characters in the commonest word 3-gram.")
    top_4gram: Range | None = Field(at_most(0.16), description="Share of characters in the commonest word 4-gram.")
    duplicate_5gram: Range | None = Field(at_most(0.15), description="Share of characters in repeated word 5-grams.")
    duplicate_6gram: Range | None = Field(at_most(0.14), description="Share of characters in repeated word 6-grams.")
    duplicate_7gram: Range | None = Field(at_most(0.13), description="Share of characters in repeated word 7-grams.")
    duplicate_8gram: Range | None = Field(at_most(0.12), description="Share of characters in repeated word 8-grams.")
    duplicate_9gram: Range | None = Field(at_most(0.11), description="Share of characters in repeated word 9-grams.")
    duplicate_10gram: Range | None = Field(at_most(0.10), description="Share of characters in repeated word 10-grams.")


class ChineseRules(Section):
    """Limits of the Chinese rules, one field per row of `neo_assets.text.rules.CHINESE_RULES`."""

    language: Range | None = Field(at_least(0.4), description="Confidence of the language identifier, 0..1.")
    brackets: Range | None = Field(at_most(0.1), description="Share of characters inside 【】.")
    sentences: Range | None = Field(at_least(2), description="Sentences.")
    characters: Range | None = Field(Range(minimum=50, maximum=10_000), description="Characters.")
    mean_word_length: Range | None = Field(Range(minimum=1.3, maximum=10), description="Characters per jieba word.")
    hashtags: Range | None = Field(at_most(0.1), description="Runs of # per word.")
    ellipses: Range | None = Field(at_most(0.1), description="Ellipses per word.")
    digits: Range | None = Field(at_most(0.3), description="Share of digits among letters and digits.")
    read_more_lines: Range | None = Field(
        at_most(0.3), description="Share of lines ending in 展开, 更多 or 'read more'."
    )
    bullet_lines: Range | None = Field(at_most(0.9), description="Share of lines starting with a bullet.")
    punctuation: Range | None = Field(at_least(0), description="Punctuation per character; the bound itself fails.")
    unigram_entropy: Range | None = Field(at_least(3), description="Entropy of the character distribution, nats.")
    bad_words: Range | None = Field(at_most(0), description="Listed obscene terms per word.")
    top_2gram: Range | None = Field(at_most(0.20), description="Share of characters in the commonest 2-gram.")
    top_3gram: Range | None = Field(at_most(0.18), description="Share of characters in the commonest 3-gram.")
    top_4gram: Range | None = Field(at_most(0.16), description="Share of characters in the commonest 4-gram.")
    duplicate_5gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 5-grams.")
    duplicate_6gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 6-grams.")
    duplicate_7gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 7-grams.")
    duplicate_8gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 8-grams.")
    duplicate_9gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 9-grams.")
    duplicate_10gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 10-grams.")


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


class SourceSettings(Section):
    """One English source: where its documents come from, how they are cut, and which rules judge them."""

    kind: Literal["crawl", "text", "code", "jsonl"] = Field(
        description="crawl: what our crawl found; text: plain files; code: kept verbatim; jsonl: an object a line."
    )
    path: str | None = Field(None, description="Glob of the files, relative to the seed folder; none for a crawl.")
    split_at: str | None = Field(None, description="Regular expression of a heading line; each starts a new document.")
    group_chars: int = Field(0, ge=0, description="Consecutive pieces are joined until they have this many characters.")
    language: str = Field("en", min_length=1, description="The label of its documents; others are rejected.")
    licence: str = Field(pattern=r"^[^'\\\n]+$", description="Licence of the texts, for the data card; no quotes.")
    rule_set: str = Field("generic", description="The set of limits that judges it.")
    rules: Literal["all"] | tuple[str, ...] = Field("all", description="The rules that judge it, or all.")

    @model_validator(mode="after")
    def _kind_agrees(self) -> Self:
        if (self.path is None) != (self.kind == "crawl"):
            raise ValueError("a crawl source has no path" if self.path else f"a {self.kind} source needs a path")
        if self.kind != "text" and (self.split_at or self.group_chars):
            raise ValueError("split_at and group_chars are for kind: text only")
        if self.group_chars and not self.split_at:
            raise ValueError("group_chars joins the pieces made by split_at: give split_at too")
        return self

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str | None) -> str | None:
        if path is not None and (path.startswith("/") or ".." in path.split("/")):
            raise ValueError("must be relative to the seed folder and stay inside it")
        return path

    @field_validator("split_at")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            return pattern if pattern is None else re.compile(pattern).pattern
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error

    @field_validator("rules")
    @classmethod
    def _known(cls, rules: Literal["all"] | tuple[str, ...]) -> Literal["all"] | tuple[str, ...]:
        unknown = [] if rules == "all" else sorted(set(rules) - EnglishRules.model_fields.keys())
        if unknown:
            raise ValueError(f"no such rules: {', '.join(unknown)}; known are {', '.join(EnglishRules.model_fields)}")
        return rules


SourceName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]


class EnglishSection(Section):
    """The English line."""

    sources: dict[SourceName, SourceSettings] = Field(
        min_length=1, description="Sources by name; the partitions of the line."
    )
    rule_sets: dict[str, EnglishRules] = Field(
        default_factory=lambda: {"generic": EnglishRules()}, description="Sets of limits by name."
    )
    stop_words: tuple[str, ...] = Field(
        ("the", "be", "to", "of", "and", "that", "have", "with"), min_length=1, description="Gopher's stop words."
    )
    bad_words_file: str = Field("lists/ldnoobw.en.json", description="JSON list of terms, inside the seed folder.")
    dedup: DedupSettings = DedupSettings(normalisation="english")

    @model_validator(mode="after")
    def _rule_sets_exist(self) -> Self:
        for name, source in self.sources.items():
            if source.rule_set not in self.rule_sets:
                raise ValueError(
                    f"sources.{name}.rule_set is {source.rule_set!r}, but rule_sets has only {sorted(self.rule_sets)}"
                )
        return self


class ChineseSection(Section):
    """The Chinese line."""

    unify_symbols: bool = Field(True, description="Translate the 34 full-width symbols to ASCII.")
    remove_links: bool = Field(True, description="Delete URLs and host names from the text.")
    rules: ChineseRules = ChineseRules()
    bad_words_file: str = Field("lists/ldnoobw.zh.json", description="JSON list of terms, inside the seed folder.")
    dedup: DedupSettings = DedupSettings(normalisation="chinese")
