"""The quality rules as data, and the kernel that judges documents by them.

A rule compares one signal with a range from the recipe. Adding a rule is one row here and one field of the same name
in `neo_assets.recipe.lines`. Origins name the paper that has the rule first and its number in MAP-Neo's Matrix
(B: generic English set, C: Chinese set).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.records import KEPT, QUARANTINED, REJECTED, with_verdicts
from neo_assets.recipe.lines import ChineseRules, EnglishRules, SourceSettings
from neo_assets.text.signals import DUPLICATE_NGRAMS, TOP_NGRAMS

Profile = Literal["corrected", "faithful"]


@dataclass(frozen=True)
class Rule:
    """Keeps a document whose signal lies in a range; an exclusive rule fails on its bounds too."""

    name: str
    signal: str
    unit: str
    origin: str
    bounds: Literal["inclusive", "exclusive"] = "inclusive"
    profile: Profile = "corrected"
    minimum: float | None = None
    maximum: float | None = None

    def failures(self, values: npt.NDArray[np.float64]) -> Iterator[tuple[int, float]]:
        """(row, violated bound) of the values that fail; NaN fails nothing."""
        strict = self.bounds == "exclusive"
        if self.minimum is not None:
            failed = values <= self.minimum if strict else values < self.minimum
            yield from ((row, self.minimum) for row in np.flatnonzero(failed).tolist())
        if self.maximum is not None:
            failed = values >= self.maximum if strict else values > self.maximum
            yield from ((row, self.maximum) for row in np.flatnonzero(failed).tolist())


def _repetition_rules(unit: str, published: Sequence[str]) -> tuple[Rule, ...]:
    """The rules on commonest and repeated n-grams; `published` are their numbers in Matrix."""
    top = [(f"top_{n}gram", f"frac_chars_top_{n}gram") for n in TOP_NGRAMS]
    duplicate = [(f"duplicate_{n}gram", f"frac_chars_duplicate_{n}gram") for n in DUPLICATE_NGRAMS]
    return tuple(
        Rule(name, signal, f"share of characters, n-grams of {unit}", f"Gopher; MAP-Neo {number}")
        for (name, signal), number in zip(top + duplicate, published, strict=True)
    )


ENGLISH_RULES: tuple[Rule, ...] = (
    Rule("language", "language_score", "confidence 0..1", "CCNet; MAP-Neo B9"),
    Rule("bad_characters", "frac_chars_bad", "share of characters", "own"),
    Rule("words", "n_words", "words", "Gopher; MAP-Neo B8"),
    Rule("characters", "n_chars", "characters but whitespace", "CCNet; MAP-Neo B10"),
    Rule("lines", "n_lines", "lines", "CCNet; MAP-Neo B11"),
    Rule("sentences", "n_sentences", "sentences", "C4; MAP-Neo B14, B17"),
    Rule("mean_word_length", "mean_word_length", "characters per word", "Gopher; MAP-Neo B1"),
    Rule("ellipsis_lines", "frac_lines_ellipsis", "share of lines", "Gopher; MAP-Neo B2", "exclusive"),
    Rule("bullet_lines", "frac_lines_bullet", "share of lines", "Gopher; MAP-Neo B3"),
    Rule("no_letter_words", "frac_tokens_no_letter", "share of tokens", "Gopher; MAP-Neo B4", "exclusive"),
    Rule("stop_words", "n_stop_words", "different stop words", "Gopher; MAP-Neo B6"),
    Rule("symbols", "symbols_per_word", "symbols per word", "Gopher; MAP-Neo B7", "exclusive"),
    Rule("curly_braces", "frac_chars_curly", "share of characters", "C4; MAP-Neo B12", "exclusive"),
    Rule("lorem_ipsum", "lorem_ipsum_per_char", "occurrences per character", "C4; MAP-Neo B13", "exclusive"),
    Rule("unique_words", "frac_words_unique", "share of words", "pretrainer's guide; MAP-Neo B16"),
    Rule("unigram_entropy", "unigram_entropy", "nats", "RefinedWeb; MAP-Neo B25"),
    Rule("bad_words", "bad_words_per_word", "terms per word", "C4 list; MAP-Neo B24"),
    *_repetition_rules("words", [f"B{number}" for number in range(26, 35)]),
)

CHINESE_RULES: tuple[Rule, ...] = (
    Rule("language", "language_score", "confidence 0..1", "CCNet; MAP-Neo C15"),
    Rule("brackets", "frac_brackets", "share of characters", "MAP-Neo C1"),
    Rule("sentences", "n_sentences", "sentences", "MAP-Neo C4"),
    Rule("characters", "n_chars", "characters", "MAP-Neo C5"),
    Rule("mean_word_length", "mean_word_length", "characters per jieba word", "Gopher; MAP-Neo C6"),
    Rule("hashtags", "hashtags_per_word", "runs per jieba word", "Gopher; MAP-Neo C7"),
    Rule("ellipses", "ellipses_per_word", "ellipses per jieba word", "Gopher; MAP-Neo C8"),
    Rule("digits", "frac_digits", "share of letters and digits", "MAP-Neo C9"),
    Rule("read_more_lines", "frac_lines_read_more", "share of lines", "MAP-Neo C10"),
    Rule("bullet_lines", "frac_lines_bullet", "share of lines", "Gopher; MAP-Neo C11"),
    Rule("punctuation", "frac_punctuation", "share of characters", "MAP-Neo C12", "exclusive"),
    Rule("unigram_entropy", "unigram_entropy", "nats", "RefinedWeb; MAP-Neo C14"),
    Rule("bad_words", "bad_words_per_word", "terms per jieba word", "LDNOOBW list; MAP-Neo 4.6"),
    *_repetition_rules("characters", [f"C{number}" for number in range(16, 25)]),
)


def chinese_rules(limits: ChineseRules) -> tuple[Rule, ...]:
    """The Chinese rules with the recipe's ranges, without those switched off."""
    return _bound(CHINESE_RULES, limits)


def english_rules(source: SourceSettings, rule_sets: Mapping[str, EnglishRules]) -> tuple[Rule, ...]:
    """The rules that judge one English source, with the ranges of its rule set.

    Raises:
        KeyError: the source's rule set is not among `rule_sets`.
    """
    rules = _bound(ENGLISH_RULES, rule_sets[source.rule_set])
    return rules if source.rules == "all" else tuple(rule for rule in rules if rule.name in source.rules)


def _bound(catalogue: tuple[Rule, ...], limits: EnglishRules | ChineseRules) -> tuple[Rule, ...]:
    """The rules whose range is given, with it."""
    ranges = {rule.name: getattr(limits, rule.name) for rule in catalogue}
    return tuple(
        replace(rule, minimum=kept.minimum, maximum=kept.maximum)
        for rule in catalogue
        if (kept := ranges[rule.name]) is not None
    )


@dataclass(frozen=True)
class JudgeByRules:
    """Kernel: appends the verdict columns.

    A rejected row names its first failing rule with value and violated bound; `reason` lists all failing rules as JSON
    `[{"rule": …, "value": …, "threshold": …}, …]`. A row without a signal that a rule needs goes to quarantine.
    """

    rules: tuple[Rule, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        n_rows = batch.num_rows
        missing = np.zeros(n_rows, np.bool_)
        failures: list[list[tuple[str, float, float]]] = [[] for _ in range(n_rows)]
        for rule in self.rules:
            column = batch.column(rule.signal).cast(pa.float64())
            values = column.to_numpy(zero_copy_only=False)  # a null becomes NaN
            missing |= np.isnan(values)
            for row, bound in rule.failures(values):
                failures[row].append((rule.name, float(values[row]), bound))
        rows = [_verdict(bool(missing[row]), failures[row]) for row in range(n_rows)]
        verdict, name, value, threshold, reason = (
            (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 5
        )
        return with_verdicts(batch, verdict=verdict, rule=name, value=value, threshold=threshold, reason=reason)


def _verdict(
    missing: bool, failures: Sequence[tuple[str, float, float]]
) -> tuple[str, str | None, float | None, float | None, str | None]:
    if missing:
        return QUARANTINED, "rules", None, None, "a signal that a rule needs is missing"
    if not failures:
        return KEPT, None, None, None, None
    listed = [{"rule": rule, "value": value, "threshold": threshold} for rule, value, threshold in failures]
    return REJECTED, *failures[0], json.dumps(listed, ensure_ascii=False)
