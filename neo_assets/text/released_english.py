"""What MAP-Neo's released English filters measure: set B (un-annotated data), and set A's own rules.

Written from a description of what that code computes, denominators and all, never from the code. Where the description
leaves something open, the choice is stated at the value. `released_b7` is the value of rule B7; rules of set A that
compute the same as one of set B share its column (A33 to A35 and A38 to A41 are B1, B17, B18 and B21 to B24).

Words are NLTK's tokens of the NFKC text, marks included, or the stretches between whitespace of the text as it is.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from neo_assets.text.counts import DUPLICATE_NGRAMS, TOP_NGRAMS
from neo_assets.text.released import (
    EXCEPTION,
    Values,
    append_values,
    ngram_values,
    ratio,
    share_of_bullet_lines,
    with_exception,
)

if TYPE_CHECKING:
    from nltk.tokenize.destructive import NLTKWordTokenizer
    from nltk.tokenize.punkt import PunktSentenceTokenizer

_ELLIPSIS = re.compile(r"…+|\.{2,}")
_ELLIPSIS_RUN = re.compile("…{2,}")
_HASHES = re.compile("#+")
_SENTENCE = re.compile(r"\b[^.!?]+[.!?]*")
_BLANK = re.compile("[ \n\t]")
_MARK = re.compile(r"[^\w\s]")
_MARK_BUT_APOSTROPHE = re.compile(r"[^\w\s'\\]")
_ASCII_MARK = re.compile(r"[!-/:-@\[-`{-~]")

ENGLISH_MEANINGS: dict[str, str] = {
    "released_b0": "characters",
    "released_b1": "characters per NLTK token, marks are tokens",
    "released_b2": "ellipses per character",
    "released_b3": "lines starting with a bullet, of all lines",
    "released_b4": "words without a letter per character",
    "released_b6": "different stop words among the words",
    "released_b7": "#, ... and … per NLTK token",
    "released_b8": "NLTK tokens, marks included",
    "released_b10": "characters but blanks, tabs and line ends",
    "released_b11": "lines, empty ones included",
    "released_b12": "curly braces per character",
    "released_b13": "'lorem ipsum' per character",
    "released_b14": "runs without . ! ? that start at a word",
    "released_b15": "words of capital letters only, per word",
    "released_b16": "different words per word",
    "released_b17": "NLTK sentences",
    "released_b18": "NLTK sentences that end in 'read more', a full stop behind it hides it",
    "released_b19": "runs of # per character",
    "released_b20": "ellipses per character",
    "released_b21": "ASCII punctuation marks",
    "released_b22": "NLTK tokens that are not all letters, per character that is no mark",
    "released_b23": "NLTK tokens that are numbers, per character that is no mark",
    "released_b24": "NLTK tokens equal to a listed term, in its case",
    "released_b25": "entropy of the words, nats",
    **{f"released_b{26 + i}": f"(commonest {n} characters - 1) x {n} per character" for i, n in enumerate(TOP_NGRAMS)},
    **{
        f"released_b{29 + i}": f"distinct characters in repeated {n} characters, per character"
        for i, n in enumerate(DUPLICATE_NGRAMS)
    },
    "released_a6": "different stop words among the NLTK tokens, at most 2 are counted",
    "released_a36": "# outside runs of #, per NLTK token: there are none",
    "released_a37": "… and …… outside runs, per NLTK token",
    EXCEPTION: "1 where a value would be a division by zero",
}  # fmt: skip


@dataclass(frozen=True)
class AnnotateReleasedEnglish:
    """Kernel: appends one column per value of `ENGLISH_MEANINGS`.

    Attributes:
        stop_words: lower-cased.
        bad_words: the lists of both languages, as in the released filter.
    """

    stop_words: tuple[str, ...]
    bad_words: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        measured = [None if text is None else measure(text, self.stop_words, self.bad_words) for text in texts]
        return append_values(batch, ENGLISH_MEANINGS, measured)


def measure(text: str, stop_words: tuple[str, ...], bad_words: tuple[str, ...]) -> Values:
    """All values of one document; about linear in its length."""
    n_chars = len(text)
    normal = unicodedata.normalize("NFKC", text)
    found = sentences(normal)
    tokens = words_of(found)
    words = text.split()
    n_unmarked = len(_MARK.sub("", normal))
    n_ellipses = len(_ELLIPSIS.findall(text))
    symbols = text.count("#") + text.count("...") + text.count("…")
    listed_terms, stops = _set(bad_words), _set(stop_words)
    return with_exception(
        {
            "released_b0": n_chars,
            "released_b1": ratio(sum(map(len, tokens)), len(tokens)),
            "released_b2": ratio(n_ellipses, n_chars),
            "released_b3": share_of_bullet_lines(text),
            "released_b4": ratio(sum(not any(map(str.isalpha, word)) for word in words), n_chars),
            "released_b6": len(stops.intersection(_MARK_BUT_APOSTROPHE.sub("", text).lower().split())),
            "released_b7": ratio(symbols, len(tokens)),
            "released_b8": len(tokens),
            "released_b10": len(_BLANK.sub("", text)),
            "released_b11": len(text.split("\n")),
            "released_b12": ratio(text.count("{") + text.count("}"), n_chars),
            "released_b13": ratio(text.lower().count("lorem ipsum"), n_chars),
            "released_b14": len(_SENTENCE.findall(text)),
            "released_b15": ratio(sum(word.isalpha() and word.isupper() for word in words), len(words)),
            "released_b16": ratio(len(set(words)), len(words)),
            "released_b17": len(found),
            "released_b18": ratio(sum(sentence.lower().endswith("read more") for sentence in found), len(found)),
            "released_b19": ratio(len(_HASHES.findall(text)), n_chars),
            "released_b20": ratio(n_ellipses, n_chars),
            "released_b21": len(_ASCII_MARK.findall(text)),
            "released_b22": ratio(sum(not token.isalpha() for token in tokens), n_unmarked),
            "released_b23": ratio(sum(map(str.isdigit, tokens)), n_unmarked),
            "released_b24": sum(token in listed_terms for token in tokens),
            "released_b25": _entropy(words),
            **ngram_values(text, lambda i: f"released_b{26 + i}"),
            "released_a6": min(2, len(stops.intersection(_clean_tokens(normal)))),
            "released_a36": ratio(text.count("#") - sum(map(len, _HASHES.findall(text))), len(tokens)),
            "released_a37": ratio(_lone_ellipses(text), len(tokens)),
        }
    )


def sentences(text: str) -> list[str]:
    """NLTK's sentences: its Punkt tokeniser with its English model."""
    found: list[str] = _punkt().tokenize(text)
    return found


def words_of(found: Sequence[str]) -> list[str]:
    """NLTK's tokens of the sentences: what its `word_tokenize` gives for the text they are of."""
    tokenize = _treebank().tokenize
    return [token for sentence in found for token in tokenize(sentence)]


def _clean_tokens(text: str) -> list[str]:
    return words_of(sentences(_MARK_BUT_APOSTROPHE.sub("", text).lower()))


def _lone_ellipses(text: str) -> int:
    """Both … and …… are counted, so a …… counts as three; those in a run are taken off.

    How the released code finds the run is not described; here each … with another one beside it is in one. Its third
    form, three dots, is looked for as the text of a regular expression, so it is never found.
    """
    counted = text.count("……") + text.count("…") + text.count(r"\.\.\.")
    return counted - sum(map(len, _ELLIPSIS_RUN.findall(text)))


def _entropy(words: Sequence[str]) -> float | None:
    counts = Counter(words).values()
    return -sum(count / len(words) * math.log(count / len(words)) for count in counts) if words else None


@lru_cache(maxsize=8)
def _set(terms: tuple[str, ...]) -> frozenset[str]:
    return frozenset(terms)


@lru_cache(maxsize=1)
def _treebank() -> NLTKWordTokenizer:
    from nltk.tokenize.destructive import NLTKWordTokenizer

    _without_time_limit()
    return NLTKWordTokenizer()


@lru_cache(maxsize=1)
def _punkt() -> PunktSentenceTokenizer:
    """NLTK's own tokeniser, given the model from a package: NLTK would download it."""
    import punkt
    from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer

    _without_time_limit()
    model = punkt.load_model("english")
    parameters = PunktParameters()
    parameters.abbrev_types = set(model.abbrev_types)
    parameters.collocations = set(model.collocations)
    parameters.sent_starters = set(model.sent_starters)
    parameters.ortho_context.update(model.ortho_context)
    return PunktSentenceTokenizer(parameters)


def _without_time_limit() -> None:
    """NLTK gives up on a text after five seconds of wall clock, so a busy machine would get other values."""
    from nltk import redos

    redos.DEFAULT_TIMEOUT = None
