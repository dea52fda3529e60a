"""Quality signals of English documents, with the denominators their papers intend.

Units: a *token* is a run between whitespace; a *word* is a run of letters and digits, inner apostrophes and hyphens
included, lower-cased. N-grams are n-grams of words; characters are those inside words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from neo_assets.text.badwords import count_english
from neo_assets.text.signals import (
    ELLIPSIS,
    Measured,
    Signal,
    append_signals,
    entropy_nats,
    measure_repetition,
    repetition_signals,
    share,
    share_of_bullet_lines,
    text_lines,
)

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LETTER = re.compile(r"[^\W\d_]")
_SENTENCE_END = re.compile(r"[.!?]+(?=[\s\"'”’)\]]|$)")
_BAD_CHARACTER = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ufffd]")

ENGLISH_SIGNALS: tuple[Signal, ...] = (
    Signal("n_chars", pa.int64(), "characters that are not whitespace"),
    Signal("n_words", pa.int64(), "words"),
    Signal("n_lines", pa.int64(), "lines with text"),
    Signal("n_sentences", pa.int64(), "stretches with a word, ended by . ! ? or by the end"),
    Signal("mean_word_length", pa.float64(), "characters per word"),
    Signal("frac_lines_ellipsis", pa.float64(), "share of lines ending in an ellipsis"),
    Signal("frac_lines_bullet", pa.float64(), "share of lines starting with a bullet"),
    Signal("frac_tokens_no_letter", pa.float64(), "share of tokens without a letter"),
    Signal("n_stop_words", pa.int64(), "different stop words"),
    Signal("symbols_per_word", pa.float64(), "hash signs and ellipses per word"),
    Signal("frac_chars_curly", pa.float64(), "curly braces per character"),
    Signal("lorem_ipsum_per_char", pa.float64(), "'lorem ipsum' per character"),
    Signal("frac_words_unique", pa.float64(), "different words per word"),
    Signal("unigram_entropy", pa.float64(), "entropy of the word distribution, nats"),
    Signal("bad_words_per_word", pa.float64(), "listed obscene terms per word"),
    Signal("frac_chars_bad", pa.float64(), "control and replacement characters per character"),
    *repetition_signals(),
)


@dataclass(frozen=True)
class AnnotateEnglish:
    """Kernel: appends one column per signal of `ENGLISH_SIGNALS`."""

    stop_words: tuple[str, ...]
    bad_words: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return append_signals(
            batch, ENGLISH_SIGNALS, lambda text: measure_english(text, self.stop_words, self.bad_words)
        )


def measure_english(text: str, stop_words: tuple[str, ...], bad_words: tuple[str, ...]) -> Measured:
    """All signals of one document; linear in its length."""
    lowered = text.lower()
    words = _WORD.findall(lowered)
    tokens = text.split()
    lines = text_lines(text)
    number_of: dict[str, int] = {}
    ids = np.fromiter((number_of.setdefault(word, len(number_of)) for word in words), np.int64, len(words))
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    n_words, n_chars = len(words), sum(map(len, tokens))
    return {
        "n_chars": n_chars,
        "n_words": n_words,
        "n_lines": len(lines),
        "n_sentences": count_sentences(text),
        "mean_word_length": share(int(lengths.sum()), n_words),
        "frac_lines_ellipsis": share(sum(line.endswith(("...", "…")) for line in lines), len(lines)),
        "frac_lines_bullet": share_of_bullet_lines(lines),
        "frac_tokens_no_letter": share(sum(not _LETTER.search(token) for token in tokens), len(tokens)),
        "n_stop_words": sum(word in number_of for word in set(stop_words)),
        "symbols_per_word": share(text.count("#") + len(ELLIPSIS.findall(text)), n_words),
        "frac_chars_curly": share(text.count("{") + text.count("}"), len(text)),
        "lorem_ipsum_per_char": share(lowered.count("lorem ipsum"), len(text)),
        "frac_words_unique": share(len(number_of), n_words),
        "unigram_entropy": entropy_nats(np.bincount(ids)),
        "bad_words_per_word": share(count_english(lowered, words, bad_words), n_words),
        "frac_chars_bad": share(len(_BAD_CHARACTER.findall(text)), len(text)),
        **measure_repetition(ids, lengths),
    }


def count_sentences(text: str) -> int:
    """Stretches that hold a word and end at . ! ? before a space or quote, or at the end of the text."""
    return sum(_WORD.search(stretch) is not None for stretch in _SENTENCE_END.split(text))
