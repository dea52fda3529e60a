"""The limits of the quality rules: what each rule keeps.

Defaults are the published figures of MAP-Neo's Matrix: `GenericRules` its generic English set (B), `RedPajamaRules`
the set for RedPajama-V2 (A), `ChineseRules` the Chinese one (C). Rules that its released code has and switches off are
off here too, and a bound that it declares without applying is left open. A rule set to null is off. What each
rule measures, in which unit, and what the released code does, stands in `neo_assets.text.rules` and `docs/rules.md`.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

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


def between(minimum: float, maximum: float) -> Range:
    """The range with both bounds."""
    return Range(minimum=minimum, maximum=maximum)


class _Limits(Section):
    """What the rules of both languages share."""

    language_label: bool = Field(
        True, description="Whether the identified language must be that of the line or source."
    )
    bad_characters: Range | None = Field(at_most(0.001), description="Undecodable and control characters, a share.")
    ut1: bool = Field(True, description="Whether an address in a listed category is refused.")
    language: Range | None = Field(at_least(0.4), description="Confidence of the language identifier, 0..1.")
    hashtags: Range | None = Field(at_most(0.1), description="Runs of # per word.")
    ellipses: Range | None = Field(at_most(0.1), description="Ellipses per word.")
    bullet_lines: Range | None = Field(at_most(0.9), description="Share of lines starting with a bullet.")
    punctuation: Range | None = Field(at_least(0), description="Punctuation per character; the bound itself fails.")
    bad_words: Range | None = Field(at_most(0), description="Listed obscene terms per word.")
    top_2gram: Range | None = Field(at_most(0.20), description="Share of characters in the commonest 2-gram.")
    top_3gram: Range | None = Field(at_most(0.18), description="Share of characters in the commonest 3-gram.")
    top_4gram: Range | None = Field(at_most(0.16), description="Share of characters in the commonest 4-gram.")
    perplexity: Range | None = Field(None, description="Perplexity of the reference model; the maximum itself fails.")
    perplexity_bucket: Range | None = Field(None, description="0 head, 1 middle, 2 tail of the perplexities.")
    javascript_lines: Range | None = Field(None, description="Share of lines that mention JavaScript.")
    lorem_ipsum_lines: Range | None = Field(None, description="Share of lines with 'lorem ipsum'.")
    quality: Range | None = Field(None, description="Score of the optional quality classifier, 0..1.")

    def limits(self) -> dict[str, Range | bool | None]:
        """The limit of each rule, by its name."""
        return {name: getattr(self, name) for name in type(self).model_fields}


class EnglishRules(_Limits):
    """Limits of the English rules that the sets A and B share."""

    mean_word_length: Range | None = Field(between(3, 10), description="Characters per word.")
    ellipsis_lines: Range | None = Field(at_most(0.2), description="Share of lines ending in an ellipsis; exclusive.")
    no_letter_words: Range | None = Field(at_most(0.4), description="Share of words without any letter; exclusive.")
    stop_word_share: Range | None = Field(None, description="Stop words per word.")
    stop_words: Range | None = Field(at_least(2), description="Different stop words found.")
    symbols: Range | None = Field(at_most(0.5), description="Hash signs and ellipses per word; exclusive.")
    words: Range | None = Field(between(50, 10_000), description="Words.")
    characters: Range | None = Field(at_least(200), description="Characters; in set B those that are not whitespace.")
    lines: Range | None = Field(at_least(2), description="Lines, empty ones included.")
    curly_braces: Range | None = Field(at_most(0.025), description="Curly braces per character; exclusive.")
    lorem_ipsum: Range | None = Field(at_most(3e-8), description="'lorem ipsum' per character; exclusive.")
    sentences: Range | None = Field(at_most(7_500), description="Runs of text between sentence marks.")
    all_caps_words: Range | None = Field(at_most(0.1), description="Share of words in capitals; exclusive.")
    unique_words: Range | None = Field(at_least(0.1), description="Different words per word.")
    single_sentence: Range | None = Field(at_least(2), description="Sentences; one alone is no document.")
    read_more_sentences: Range | None = Field(at_most(0.1), description="Share of sentences ending in 'read more'.")
    not_alphabetic_words: Range | None = Field(at_most(0.2), description="Share of words that are not all letters.")
    numeric_words: Range | None = Field(at_most(0.3), description="Share of words that are numbers.")
    unigram_entropy: Range | None = Field(at_least(3), description="Entropy of the word distribution, nats.")
    duplicate_5gram: Range | None = Field(at_most(0.15), description="Share of characters in repeated word 5-grams.")
    duplicate_6gram: Range | None = Field(at_most(0.14), description="Share of characters in repeated word 6-grams.")
    duplicate_7gram: Range | None = Field(at_most(0.13), description="Share of characters in repeated word 7-grams.")
    duplicate_8gram: Range | None = Field(at_most(0.12), description="Share of characters in repeated word 8-grams.")
    duplicate_9gram: Range | None = Field(at_most(0.11), description="Share of characters in repeated word 9-grams.")
    duplicate_10gram: Range | None = Field(at_most(0.10), description="Share of characters in repeated word 10-grams.")
    duplicate_sentences: Range | None = Field(None, description="Share of sentences that stand more than once.")
    duplicate_sentence_characters: Range | None = Field(None, description="Share of characters in such sentences.")


class GenericRules(EnglishRules):
    """Set B: data without annotations. Its own rule 0 refuses empty text."""

    empty: Range | None = Field(at_least(1), description="Characters.")


class RedPajamaRules(EnglishRules):
    """Set A: RedPajama-V2, with the rules that need its reference models."""

    language: Range | None = Field(at_least(0.8), description="Confidence of the language identifier, 0..1.")
    stop_word_share: Range | None = Field(at_least(0.06), description="Stop words per word.")
    characters: Range | None = Field(at_least(1000), description="Characters.")
    lines: Range | None = Field(at_least(10), description="Lines.")
    perplexity: Range | None = Field(
        at_most(487.5), description="Perplexity; published for CCNet's model, so refit it to your own. Exclusive."
    )
    perplexity_bucket: Range | None = Field(at_most(1), description="0 head, 1 middle, 2 tail of the perplexities.")
    books_importance: Range | None = Field(
        between(-25_000, 25_000), description="Log ratio to books; the minimum itself fails."
    )
    openwebtext_importance: Range | None = Field(at_least(-1000), description="Log ratio to OpenWebText.")
    wikipedia_importance: Range | None = Field(None, description="Log ratio to Wikipedia.")
    wikiref_score: Range | None = Field(at_least(0.025), description="Likeness to pages that Wikipedia cites, 0..1.")
    palm_score: Range | None = Field(None, description="Likeness to Wikipedia, books and OpenWebText, 0..1.")
    unique_words: Range | None = Field(between(0.2, 0.8), description="Different words per word.")
    unigram_entropy: Range | None = Field(between(3, 6), description="Entropy of the word distribution, nats.")


class RuleSets(Section):
    """The English sets of limits; a source names the one that judges it."""

    generic: GenericRules = GenericRules()
    redpajama: RedPajamaRules = RedPajamaRules()


class ChineseRules(_Limits):
    """Limits of the Chinese rules."""

    mojibake: Range | None = Field(at_most(0.02), description="Share of characters decoded by a wrong character set.")
    han: Range | None = Field(
        at_least(0.15), description="Share of Han characters among letters; manuals with listings have a fifth."
    )
    foreign_letters: Range | None = Field(at_most(0.4), description="Share of letters neither Han nor ASCII.")
    brackets: Range | None = Field(at_most(0.1), description="Share of characters inside 【】.")
    sentences: Range | None = Field(at_least(2), description="Sentences.")
    characters: Range | None = Field(between(50, 10_000), description="Characters.")
    mean_word_length: Range | None = Field(between(1.3, 10), description="Characters per jieba word.")
    digits: Range | None = Field(at_most(0.3), description="Share of digits among letters and digits.")
    read_more_lines: Range | None = Field(
        at_most(0.3), description="Share of lines ending in 展开, 更多 or 'read more'."
    )
    unique_characters: Range | None = Field(
        at_least(0.1), description="Different characters per character, in windows of 1,000; the bound itself fails."
    )
    unigram_entropy: Range | None = Field(at_least(3), description="Entropy of the character distribution, nats.")
    duplicate_5gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 5-grams.")
    duplicate_6gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 6-grams.")
    duplicate_7gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 7-grams.")
    duplicate_8gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 8-grams.")
    duplicate_9gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 9-grams.")
    duplicate_10gram: Range | None = Field(at_most(0.60), description="Share of characters in repeated 10-grams.")
    duplicate_sentences: Range | None = Field(
        at_most(0.30), description="Share of sentences that stand more than once."
    )
    duplicate_sentence_characters: Range | None = Field(
        at_most(0.20), description="Share of characters in such sentences."
    )
