"""The quality rules as data: MAP-Neo's three sets in their published order, between our own rules.

A rule is what is measured (`_ENGLISH`, `_CHINESE`) and its place in a set, with its number there. Limits come from the
recipe (`neo_assets.recipe.limits`, fields of the same names), so a new rule is a row here and a field there. Numbers
count the conditions of Matrix's released filters in their order: A for RedPajama-V2, B for other English data, C for
Chinese. C3 deletes links and judges nothing, so no rule has it. What the released code does instead stands in
`neo_assets.text.released_rules`; here only why it has no such rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from neo_assets.recipe.limits import ChineseRules, Range, RuleSets
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.released_rules import RELEASED_CHINESE_RULES, RELEASED_GENERIC_RULES, released_redpajama_rules
from neo_assets.text.rule import Profile, Rule

_OURS, _MATRIX, _GUIDE = "ours", "MAP-Neo", "pretrainer's guide"
_SAME, _OFF, _ABSENT, _UNREAD = "the same", "there, switched off", "not there", "the label is never read"
_UNUSED, _UNCALLED = "computed, and by a slip never acted on", "in a line filter that is never called"


def _measures(*rules: Rule) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules}


def _repetition(prefix: str, top: str, duplicate: str, of: str) -> tuple[Rule, ...]:
    """The shares of the commonest 2-, 3- and 4-grams and of repeated 5- to 10-grams."""
    signals = [(f"top_{n}gram", f"{prefix}frac_chars_top_{n}{top}") for n in (2, 3, 4)]
    signals += [(f"duplicate_{n}gram", f"{prefix}frac_chars_dupe_{n}{duplicate}") for n in range(5, 11)]
    return tuple(Rule(name, signal, f"share of characters, n-grams of {of}", "Gopher") for name, signal in signals)


_BOTH = (
    Rule("language_label", "language", "label", _OURS, comparison="equals"),
    Rule("bad_characters", "frac_chars_bad", "share of characters", _OURS),
    Rule("ut1", "rps_doc_ut1_blacklist", "category of the address", "RefinedWeb", comparison="absent"),
    Rule("language", "ccnet_language_score", "confidence 0..1", "CCNet"),
    Rule("bullet_lines", "frac_lines_bullet", "share of lines", "Gopher"),
    Rule("punctuation", "frac_punctuation", "share of characters", _MATRIX, bounds="exclusive"),
    Rule("hashtags", "hash_runs_per_word", "runs of # per word", _MATRIX),
    Rule("ellipses", "ellipses_per_word", "ellipses per word", _MATRIX),
    Rule("bad_words", "bad_words_per_word", "listed terms per word", "C4"),
    Rule("duplicate_sentences", "frac_sentences_duplicate", "share of sentences", "Gopher"),
    Rule("duplicate_sentence_characters", "frac_chars_duplicate_sentences", "share of characters", "Gopher"),
    Rule("javascript_lines", "frac_lines_javascript", "share of lines", "C4"),
    Rule("lorem_ipsum_lines", "frac_lines_lorem_ipsum", "share of lines", "C4"),
    Rule("perplexity", "ccnet_perplexity", "perplexity", "CCNet", bounds="exclusive", missing="passes"),
    Rule("perplexity_bucket", "ccnet_bucket", "0 head, 1 middle, 2 tail", "CCNet", missing="passes"),
    Rule("quality", "quality_score", "score 0..1", _OURS),
)

_ENGLISH = _measures(
    *_BOTH,
    Rule("empty", "ccnet_length", "characters", _MATRIX),
    Rule("mean_word_length", "rps_doc_mean_word_length", "characters per word", "Gopher"),
    Rule("ellipsis_lines", "rps_doc_frac_lines_end_with_ellipsis", "share of lines", "Gopher", bounds="exclusive"),
    Rule("no_letter_words", "rps_doc_frac_no_alph_words", "share of words", "Gopher", bounds="exclusive"),
    Rule("stop_word_share", "rps_doc_stop_word_fraction", "stop words per word", "Gopher"),
    Rule("stop_words", "n_stop_words", "different stop words", "Gopher"),
    Rule("symbols", "rps_doc_symbol_to_word_ratio", "symbols per word", "Gopher", bounds="exclusive"),
    Rule("words", "rps_doc_word_count", "words", "Gopher"),
    Rule("characters", "ccnet_length", "characters", "CCNet"),
    Rule("lines", "ccnet_nlines", "lines", "CCNet"),
    Rule("curly_braces", "rps_doc_curly_bracket", "share of characters", "C4", bounds="exclusive"),
    Rule("lorem_ipsum", "rps_doc_lorem_ipsum", "occurrences per character", "C4", bounds="exclusive"),
    Rule("sentences", "rps_doc_num_sentences", "sentences", "C4"),
    Rule("books_importance", "rps_doc_books_importance", "nats", "DSIR", bounds="exclusive_minimum", missing="passes"),
    Rule("openwebtext_importance", "rps_doc_openwebtext_importance", "nats", "DSIR", missing="passes"),
    Rule("wikipedia_importance", "rps_doc_wikipedia_importance", "nats", "DSIR", missing="passes"),
    Rule("wikiref_score", "rps_doc_ml_wikiref_score", "score 0..1", "RedPajama", missing="passes"),
    Rule("palm_score", "rps_doc_ml_palm_score", "score 0..1", "RedPajama", missing="passes"),
    Rule("all_caps_words", "rps_doc_frac_all_caps_words", "share of words", _GUIDE, bounds="exclusive"),
    Rule("unique_words", "rps_doc_frac_unique_words", "share of words", _GUIDE),
    Rule("unigram_entropy", "rps_doc_unigram_entropy", "nats", "RefinedWeb"),
    Rule("single_sentence", "n_sentences", "sentences", _MATRIX),
    Rule("read_more_sentences", "frac_sentences_read_more", "share of sentences", _MATRIX),
    Rule("not_alphabetic_words", "frac_words_not_alphabetic", "share of words", _MATRIX),
    Rule("numeric_words", "frac_words_numeric", "share of words", _MATRIX),
    *_repetition("rps_doc_", "gram", "grams", "words"),
)

_CHINESE = _measures(
    *_BOTH,
    Rule("mojibake", "frac_mojibake", "share of characters", _OURS),
    Rule("han", "frac_han", "share of letters", _OURS),
    Rule("foreign_letters", "frac_foreign_letters", "share of letters", _OURS),
    Rule("brackets", "frac_brackets", "share of characters", _MATRIX),
    Rule("sentences", "n_sentences", "sentences", _MATRIX),
    Rule("characters", "n_chars", "characters", _MATRIX),
    Rule("mean_word_length", "rps_doc_mean_word_length", "characters per jieba word", "Gopher"),
    Rule("digits", "frac_digits", "share of letters and digits", _MATRIX),
    Rule("read_more_lines", "frac_lines_read_more", "share of lines", _MATRIX),
    Rule(
        "unique_characters", "frac_chars_unique", "mean share in windows of 1,000 characters", _MATRIX,
        bounds="exclusive",
    ),
    Rule("unigram_entropy", "char_entropy", "nats, over characters", "RefinedWeb"),
    *_repetition("", "chars", "chars", "characters"),
)  # fmt: skip


def _english(number: str, name: str, released: str = _SAME, **changes: Any) -> Rule:
    return replace(_ENGLISH[name], number=number, released=released, **changes)


def _chinese(number: str, name: str, released: str = _SAME) -> Rule:
    return replace(_CHINESE[name], number=number, released=released)


_NGRAMS = [*(f"top_{n}gram" for n in (2, 3, 4)), *(f"duplicate_{n}gram" for n in range(5, 11))]
_SENTENCES_OFF = (_english("", "duplicate_sentences", _OFF), _english("", "duplicate_sentence_characters", _OFF))
_OPTIONAL = tuple(_english("", name, _ABSENT) for name in ("javascript_lines", "lorem_ipsum_lines", "quality"))

REDPAJAMA_RULES: tuple[Rule, ...] = (
    _english("", "language_label", _UNREAD),
    _english("", "bad_characters", _ABSENT),
    _english("A1+A33", "mean_word_length"),
    _english("A2", "ellipsis_lines"),
    _english("A3", "bullet_lines"),
    _english("A4", "no_letter_words"),
    _english("A5", "stop_word_share"),
    _english("A6", "stop_words"),
    _english("A7", "symbols"),
    _english("A8", "words"),
    _english("A9", "perplexity_bucket"),
    _english("A10", "language"),
    _english("A11", "characters"),
    _english("A12", "lines"),
    _english("A13", "perplexity"),
    _english("A14", "curly_braces"),
    _english("A15", "lorem_ipsum"),
    _english("A16", "sentences"),
    _english("A17", "books_importance"),
    _english("A18", "openwebtext_importance"),
    _english("", "wikipedia_importance", _OFF),
    _english("A19", "wikiref_score"),
    _english("", "palm_score", _OFF),
    _english("A20", "all_caps_words"),
    _english("A21", "unique_words"),
    _english("A22", "unigram_entropy"),
    *(_english(f"A{number}", name) for number, name in enumerate(_NGRAMS, 23)),
    _english("A32", "ut1"),
    *_SENTENCES_OFF,
    _english("A34", "single_sentence"),
    _english("A35", "read_more_sentences"),
    _english("A36", "hashtags"),
    _english("A37", "ellipses"),
    _english("A38", "punctuation"),
    _english("A39", "not_alphabetic_words"),
    _english("A40", "numeric_words"),
    _english("A41", "bad_words"),
    *_OPTIONAL,
)
"""Set A, for data that came with RedPajama-V2's annotations or has ours."""

GENERIC_RULES: tuple[Rule, ...] = (
    _english("", "language_label", _UNREAD),
    _english("", "bad_characters", _ABSENT),
    _english("", "ut1", _OFF),
    _english("B0", "empty"),
    _english("B1", "mean_word_length"),
    _english("B2", "ellipsis_lines"),
    _english("B3", "bullet_lines"),
    _english("B4", "no_letter_words", signal="frac_runs_no_letter"),
    _english("B5", "stop_word_share", _OFF),
    _english("B6", "stop_words"),
    _english("B7", "symbols"),
    _english("B8", "words"),
    _english("B9", "language"),
    _english("B10", "characters", signal="n_chars", unit="characters but whitespace"),
    _english("B11", "lines"),
    _english("B12", "curly_braces"),
    _english("B13", "lorem_ipsum"),
    _english("B14", "sentences"),
    _english("B15", "all_caps_words"),
    _english("B16", "unique_words"),
    _english("B17", "single_sentence"),
    _english("B18", "read_more_sentences"),
    _english("B19", "hashtags"),
    _english("B20", "ellipses"),
    _english("B21", "punctuation"),
    _english("B22", "not_alphabetic_words"),
    _english("B23", "numeric_words"),
    _english("B24", "bad_words"),
    _english("B25", "unigram_entropy"),
    *(_english(f"B{number}", name) for number, name in enumerate(_NGRAMS, 26)),
    *_SENTENCES_OFF,
    _english("", "perplexity", _ABSENT),
    _english("", "perplexity_bucket", _ABSENT),
    *_OPTIONAL,
)
"""Set B, for English data without annotations, our crawl among it."""

CHINESE_RULES: tuple[Rule, ...] = (
    _chinese("", "bad_characters", _ABSENT),
    _chinese("", "mojibake", _ABSENT),
    _chinese("", "han", _ABSENT),
    _chinese("", "foreign_letters", _ABSENT),
    _chinese("C1", "brackets"),
    _chinese("C2", "ut1"),
    _chinese("C4", "sentences"),
    _chinese("C5", "characters"),
    _chinese("C6", "mean_word_length"),
    _chinese("C7", "hashtags"),
    _chinese("C8", "ellipses"),
    _chinese("C9", "digits"),
    _chinese("C10", "read_more_lines"),
    _chinese("C11", "bullet_lines"),
    _chinese("C12", "punctuation"),
    _chinese("C13", "unique_characters"),
    _chinese("C14", "unigram_entropy"),
    _chinese("C15", "language"),
    _chinese("C15", "language_label", _UNREAD),
    *(_chinese(f"C{number}", name, _UNUSED) for number, name in enumerate(_NGRAMS, 16)),
    _chinese("", "duplicate_sentences", _OFF),
    _chinese("", "duplicate_sentence_characters", _OFF),
    *(_chinese("", name, _UNCALLED) for name in ("bad_words", "javascript_lines", "lorem_ipsum_lines")),
    _chinese("", "perplexity", _ABSENT),
    _chinese("", "perplexity_bucket", _ABSENT),
    _chinese("", "quality", _ABSENT),
)
"""Set C."""

_ENGLISH_SETS = {
    ("corrected", "generic"): GENERIC_RULES,
    ("corrected", "redpajama"): REDPAJAMA_RULES,
    ("faithful", "generic"): RELEASED_GENERIC_RULES,
    ("faithful", "redpajama"): released_redpajama_rules(REDPAJAMA_RULES),
}


def english_rules(source: SourceSettings, rule_sets: RuleSets, profile: Profile = "corrected") -> tuple[Rule, ...]:
    """The rules that judge one English source: those it names of its rule set, with that set's limits or its own."""
    catalogue = _ENGLISH_SETS[profile, source.rule_set]
    limits = getattr(rule_sets, source.rule_set).limits() | source.limits
    rules = _bound(catalogue, limits, source.language)
    return rules if source.rules == "all" else tuple(rule for rule in rules if rule.name in source.rules)


def chinese_rules(
    limits: ChineseRules, profile: Profile = "corrected", differing: Mapping[str, Range | None] | None = None
) -> tuple[Rule, ...]:
    """The Chinese rules with the recipe's limits, without those switched off; `differing` ranges replace the limits."""
    catalogue = CHINESE_RULES if profile == "corrected" else RELEASED_CHINESE_RULES
    return _bound(catalogue, limits.limits() | dict(differing or {}), "zh")


def _bound(catalogue: tuple[Rule, ...], limits: Mapping[str, Range | bool | None], label: str) -> tuple[Rule, ...]:
    """The rules that are on, each with its limit; bounds that a row states itself stay, as does a rule unknown here."""
    return tuple(_with(rule, limits.get(rule.name), label) for rule in catalogue if limits.get(rule.name, True))


def _with(rule: Rule, limit: Range | bool | None, label: str) -> Rule:
    if rule.comparison == "equals":
        return replace(rule, label=label)
    if isinstance(limit, Range) and rule.minimum is None and rule.maximum is None:
        return replace(rule, minimum=limit.minimum, maximum=limit.maximum)
    return rule
