"""The rules of the `faithful` profile: what the released code decides, in its order, and the defects behind it.

A row that states no bound takes the recipe's limit of its name, so one threshold serves both profiles; a row that
states one differs from the corrected rule in just that. Rules that the released code computes without acting on the
result (C16 to C24), or has switched off (B5), have no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from neo_assets.text.released import EXCEPTION
from neo_assets.text.rule import Bounds, Rule

_PER_CHARACTER = "per character instead of per word, so it hardly ever fires"
_TOKENS = "marks are words too"
_DISTINCT = "distinct characters instead of characters covered, n-grams of characters: long texts never fail"
_NGRAMS = tuple(range(2, 11))


def _row(
    number: str,
    name: str,
    unit: str,
    released: str,
    *,
    signal: str = "",
    bounds: Bounds = "inclusive",
    minimum: float | None = None,
    maximum: float | None = None,
) -> Rule:
    return Rule(
        name,
        signal or f"released_{number.lower()}",
        unit,
        "MAP-Neo's released code",
        number,
        bounds=bounds,
        profile="faithful",
        minimum=minimum,
        maximum=maximum,
        missing="passes",
        released=released,
    )


_EXCEPTION = _row("", "exception", "1 where a value cannot be computed", "drops it", signal=EXCEPTION, maximum=0)
"""Any exception drops the document; a value that could not be computed passes its own rule and fails this one."""

RELEASED_GENERIC_RULES: tuple[Rule, ...] = (
    _row("B0", "empty", "characters", "the same", minimum=1),
    _row("B1", "mean_word_length", "characters per token", _TOKENS),
    _row("B2", "ellipsis_lines", "ellipses per character", "ellipses anywhere, per character: never fires"),
    _row("B3", "bullet_lines", "share of lines", "empty lines count"),
    _row("B4", "no_letter_words", "words per character", _PER_CHARACTER, bounds="exclusive"),
    _row("B6", "stop_words", "different stop words", "marks inside words are cut out", minimum=2),
    _row("B7", "symbols", "symbols per token", _TOKENS, bounds="exclusive"),
    _row("B8", "words", "tokens", _TOKENS),
    _row("B9", "language", "confidence 0..1", "the label is never read", signal="language_score"),
    _row("B10", "characters", "characters but blanks", "other whitespace counts"),
    _row("B11", "lines", "lines", "fails below one line, and every text has one", minimum=1),
    _row("B12", "curly_braces", "share of characters", "the same", bounds="exclusive"),
    _row("B13", "lorem_ipsum", "occurrences per character", "one fails any text below 33 million", bounds="exclusive"),
    _row("B14", "sentences", "sentences", "the maximum itself fails", bounds="exclusive"),
    _row("B15", "all_caps_words", "share of words", "0.1 itself passes"),
    _row("B16", "unique_words", "share of words", "its maximum of 0.8 is not applied", minimum=0.1),
    _row("B17", "single_sentence", "NLTK sentences", "NLTK's sentences"),
    _row("B18", "read_more_sentences", "share of NLTK sentences", "'Read more.' with its full stop is not seen"),
    _row("B19", "hashtags", "runs of # per character", _PER_CHARACTER),
    _row("B20", "ellipses", "ellipses per character", _PER_CHARACTER),
    _row("B21", "punctuation", "ASCII marks", "ASCII marks only", bounds="exclusive"),
    _row("B22", "not_alphabetic_words", "tokens per character", _PER_CHARACTER),
    _row("B23", "numeric_words", "tokens per character", _PER_CHARACTER),
    _row("B24", "bad_words", "tokens", "any one token, case-sensitive, Chinese terms among the English", maximum=0),
    _row("B25", "unigram_entropy", "nats", "its maximum of 6 is not applied", minimum=3),
    *(
        _row(f"B{24 + n}", f"top_{n}gram", "share of characters", "n-grams of characters, the first is not counted")
        for n in _NGRAMS[:3]
    ),
    *(_row(f"B{24 + n}", f"duplicate_{n}gram", "characters per character", _DISTINCT) for n in _NGRAMS[3:]),
    _EXCEPTION,
)
"""Set B."""

_REDPAJAMA_OWN = {
    row.name: row
    for row in (
        _row("A6", "stop_words", "different stop words, at most 2", "NLTK's tokens", minimum=2),
        _row("A9", "perplexity_bucket", "0 head, 1 middle, 2 tail", "head only", signal="ccnet_bucket", maximum=0.9),
        _row("A34", "single_sentence", "NLTK sentences", "NLTK's sentences", signal="released_b17"),
        _row("A35", "read_more_sentences", "share of NLTK sentences", "as B18", signal="released_b18"),
        _row("A36", "hashtags", "# outside runs per token", "its numerator is always 0, so it never fires"),
        _row("A37", "ellipses", "ellipses outside runs per token", "…… counts twice, ... never"),
        _row("A38", "punctuation", "ASCII marks", "as B21", signal="released_b21", bounds="exclusive"),
        _row("A39", "not_alphabetic_words", "tokens per character", _PER_CHARACTER, signal="released_b22"),
        _row("A40", "numeric_words", "tokens per character", _PER_CHARACTER, signal="released_b23"),
        _row("A41", "bad_words", "tokens", "as B24", signal="released_b24", maximum=0),
    )
}


def released_redpajama_rules(corrected: Iterable[Rule]) -> tuple[Rule, ...]:
    """Set A as released: the corrected rules that it has, its own ones and A9 exchanged for what the code does.

    The signals of the others come with RedPajama-V2, so both profiles read the same columns.
    """
    same = tuple(
        _REDPAJAMA_OWN.get(rule.name) or replace(rule, profile="faithful") for rule in corrected if rule.number
    )
    return (*same, _EXCEPTION)


RELEASED_CHINESE_RULES: tuple[Rule, ...] = (
    _row("C1", "brackets", "share of characters", "the same"),
    _row("C2", "ut1", "1 listed, 0 not", "`urls` lists of all categories, as beginnings of addresses", maximum=0),
    _row("C4", "sentences", "stretches", "commas, semicolons and quotes end sentences"),
    _row("C5", "characters", "characters", "NFKC: … counts as three"),
    _row("C6", "mean_word_length", "characters per jieba word", "whitespace is a word"),
    _row("C7", "hashtags", "runs of # per character", _PER_CHARACTER),
    _row("C8", "ellipses", "ellipses per character", _PER_CHARACTER),
    _row("C9", "digits", "share of characters but marks", "whitespace counts as letters"),
    _row("C10", "read_more_lines", "share of lines", "。。。 is no longer there when it is looked for"),
    _row("C11", "bullet_lines", "share of lines", "empty lines count"),
    _row("C12", "punctuation", "share of characters", "ASCII marks and … only", bounds="exclusive"),
    _row(
        "C13", "unique_characters", "distinct per character", "over the whole text: long ones fail", bounds="exclusive"
    ),
    _row("C14", "unigram_entropy", "nats, over characters", "whitespace counts"),
    _row("C15", "language", "confidence 0..1", "the label is never read", signal="language_score"),
    _EXCEPTION,
)
"""Set C; its repetition stage tests a pair for truth, which is always true, so C16 to C24 never reject."""


@dataclass(frozen=True)
class Bug:
    """A defect of the released code, and the rules by which the profiles differ because of it."""

    key: str
    """Its place in the list of defects, or a name for what is not on it."""
    short: str
    """A few words for a plot."""
    title: str
    rules: tuple[str, ...]
    """Numbers, or names of rules without one."""


def _numbers(letter: str, *numbers: int) -> tuple[str, ...]:
    return tuple(f"{letter}{number}" for number in numbers)


BUGS: tuple[Bug, ...] = (
    Bug(
        "1",
        "Chinese repetition never acts",
        "Chinese repetition rules are computed and never act",
        _numbers("C", *range(16, 25)),
    ),
    Bug(
        "2",
        "n-grams of characters",
        "n-grams of characters, distinct characters counted",
        _numbers("B", *range(26, 35)),
    ),
    Bug("3", "inert rules", "wrong denominators make rules inert", (*_numbers("B", 2, 4, 11, 19, 20), "A36")),
    Bug(
        "4",
        "switched off",
        "rules and bounds switched off",
        ("B5", "duplicate_sentences", "duplicate_sentence_characters"),
    ),
    Bug("5", "label unchecked", "the language's label is not checked", ("language_label",)),
    Bug("6", "head bucket only", "RedPajama-V2: head bucket only", ("A9",)),
    Bug("7", "two sets of limits", "two English sets with different limits", ()),
    Bug("8", "bad words", "bad words: any token, case-sensitive, none in Chinese", ("B24", "A41", "bad_words")),
    Bug("9", "URL lists", "URL lists: not applied, or every list and beginnings only", ("C2", "A32", "ut1")),
    Bug(
        "units",
        "other units",
        "other units than the intended ones",
        (
            *_numbers("B", 1, 3, 6, 7, 8, 10, 12, 13, 14, 15, 16, 17, 18, 21, 22, 23, 25),
            *_numbers("A", 6, 34, 35, 37, 38, 39, 40),
            *_numbers("C", 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14),
        ),
    ),
    Bug("exceptions", "exceptions", "an exception drops the document", ("exception",)),
    Bug("added", "our own rules", "rules that the released code has not", ()),
    Bug("same", "text before and after", "the same rule, on the text before and after normalisation", ()),
)
"""The first nine are those of the specification's list; 7 is a choice and has no rule of its own."""


def bug_of(number: str, name: str) -> str:
    """The key of the defect by which a rule differs between the profiles.

    `same` where a numbered rule does not differ, `added` for a rule that only we have.
    """
    if name == "language_label" or not number:
        return _BUG_OF.get(name, "added")
    return _BUG_OF.get(number, "same")


_BUG_OF = {rule: bug.key for bug in BUGS for rule in bug.rules}
