"""Quality signals of Chinese documents, with denominators that mean something for Chinese.

Units: a *character* is a code point; a *word* is what jieba cuts, if it holds a letter or digit. N-grams are n-grams of
characters that are not whitespace.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.text.badwords import count_chinese
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

_LETTER, _DIGIT, _PUNCTUATION, _SPACE, _OTHER = range(5)
_TABLE_SIZE = 0x20000  # beyond it there are only rare ideographs, which are letters
_SENTENCE_END = re.compile(r"(?:[!?;…\"。！？；”]|\.(?!\d))+")
_HOLDS_WORD = re.compile(r"[^\W_]")
_READ_MORE = re.compile(r"(?:read ?more|展开|展开全文|更多)[\s.…>»]*$", re.IGNORECASE)
_HASHTAGS = re.compile(r"#+")
_BRACKETED = re.compile(r"【([^【】]*)】")

CHINESE_SIGNALS: tuple[Signal, ...] = (
    Signal("n_chars", pa.int64(), "characters"),
    Signal("n_words", pa.int64(), "jieba words"),
    Signal("n_sentences", pa.int64(), "stretches with a word, ended by a sentence mark or by the end"),
    Signal("mean_word_length", pa.float64(), "characters per word"),
    Signal("hashtags_per_word", pa.float64(), "runs of # per word"),
    Signal("ellipses_per_word", pa.float64(), "ellipses per word"),
    Signal("frac_digits", pa.float64(), "share of digits among letters and digits"),
    Signal("frac_lines_read_more", pa.float64(), "share of lines ending in 展开, 更多 or 'read more'"),
    Signal("frac_lines_bullet", pa.float64(), "share of lines starting with a bullet"),
    Signal("frac_punctuation", pa.float64(), "punctuation per character"),
    Signal("unigram_entropy", pa.float64(), "entropy of the distribution of characters but whitespace, nats"),
    Signal("bad_words_per_word", pa.float64(), "listed obscene terms per word"),
    Signal("frac_brackets", pa.float64(), "share of characters inside 【】"),
    *repetition_signals(),
)


@dataclass(frozen=True)
class AnnotateChinese:
    """Kernel: appends one column per signal of `CHINESE_SIGNALS`."""

    bad_words: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return append_signals(batch, CHINESE_SIGNALS, lambda text: measure_chinese(text, self.bad_words))


def measure_chinese(text: str, bad_words: tuple[str, ...]) -> Measured:
    """All signals of one document; linear in its length."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    classes = _classes()[np.minimum(points, _TABLE_SIZE)]
    n_letters, n_digits, n_punctuation, _, _ = np.bincount(classes, minlength=5).tolist()
    written = points[classes != _SPACE].astype(np.int64)
    segments = _segment(text)
    words = [word for word in segments if _HOLDS_WORD.search(word)]
    lines = text_lines(text)
    n_chars, n_words = len(text), len(words)
    return {
        "n_chars": n_chars,
        "n_words": n_words,
        "n_sentences": count_sentences(text),
        "mean_word_length": share(sum(map(len, words)), n_words),
        "hashtags_per_word": share(len(_HASHTAGS.findall(text)), n_words),
        "ellipses_per_word": share(len(ELLIPSIS.findall(text)), n_words),
        "frac_digits": share(n_digits, n_letters + n_digits),
        "frac_lines_read_more": share(sum(_READ_MORE.search(line) is not None for line in lines), len(lines)),
        "frac_lines_bullet": share_of_bullet_lines(lines),
        "frac_punctuation": share(n_punctuation, n_chars),
        "unigram_entropy": entropy_nats(np.unique(written, return_counts=True)[1]),
        "bad_words_per_word": share(count_chinese(text, segments, bad_words), n_words),
        "frac_brackets": share(sum(map(len, _BRACKETED.findall(text))), n_chars),
        **measure_repetition(written, np.ones(written.size, np.int64)),
    }


def count_sentences(text: str) -> int:
    """Stretches that hold a letter or digit, between sentence marks of either width; a dot before a digit is none."""
    return sum(_HOLDS_WORD.search(stretch) is not None for stretch in _SENTENCE_END.split(text))


def _segment(text: str) -> list[str]:
    """The jieba words of the text, which together are the text: whitespace and punctuation are among them."""
    import rjieba

    words: list[str] = rjieba.cut(text)
    return words


@lru_cache(maxsize=1)
def _classes() -> npt.NDArray[np.uint8]:
    """The class of each code point below `_TABLE_SIZE`, and one entry for all others."""
    table = np.full(_TABLE_SIZE + 1, _LETTER, np.uint8)
    for point in range(_TABLE_SIZE):
        table[point] = _class_of(chr(point))
    return table


def _class_of(character: str) -> int:
    category = unicodedata.category(character)
    if character.isspace():
        return _SPACE
    if category == "Nd":
        return _DIGIT
    if category[0] == "P" or (character.isascii() and category[0] == "S"):
        return _PUNCTUATION
    return _LETTER if category[0] in "LMN" else _OTHER
