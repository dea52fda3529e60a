"""The words and tokens of a text, as compiled loops find them, and what is counted over them.

English: a *word* is a stretch between whitespace without its ASCII punctuation, lower-cased and in NFD; a *token* is a
run of word characters or a run of other characters but whitespace (RedPajama-V2's normalised and raw words).
Chinese: a *token* is what jieba cuts, but whitespace; a *word* is a token with a letter or digit, lower-cased.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, holds, key64
from neo_assets.text.classes import (
    ALPHA,
    ASCII_ALPHA,
    ASCII_PUNCTUATION,
    DIGIT,
    LOWER,
    NUMERIC,
    PUNCTUATION,
    SPACE,
    UPPER,
    WORD,
)
from neo_assets.text.counts import COUNT, LINE
from neo_assets.text.scan import Float32s, Int32s, Int64s, UInt32s, UInt64s

_ZERO = np.uint64(0)
_UNDERSCORE = 95


class Words(NamedTuple):
    """Words in their order: hash, place of the first character, length, numerals, classes that all but marks have."""

    hashes: UInt64s
    starts: Int32s
    lengths: Int32s
    numerals: Int32s
    classes: UInt32s


@compiled()
def _room_for(n: int) -> Words:
    return Words(
        np.empty(n, np.uint64), np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32),
        np.empty(n, np.uint32),
    )  # fmt: skip


@compiled()
def english_words(
    points: UInt32s, classes: UInt32s, lower: UInt32s, decomposed: npt.NDArray[np.uint8]
) -> tuple[Words, int]:
    """(words, their number) of one text; the arrays are longer than that."""
    words = _room_for(points.size // 2 + 1)
    n = 0
    word, start, n_chars, size, numerals, common, any_of = _ZERO, 0, 0, 0, 0, ALPHA | NUMERIC, 0
    for i in range(points.size + 1):
        kind = classes[points[i]] if i < points.size else np.uint32(SPACE)
        if kind & SPACE:
            if n_chars:
                words.hashes[n], words.starts[n], words.lengths[n] = key64(word), start, size
                words.numerals[n], words.classes[n] = numerals, common if any_of & WORD else 0
                n += 1
            word, start, n_chars, size, numerals, common, any_of = _ZERO, i + 1, 0, 0, 0, ALPHA | NUMERIC, 0
        elif not kind & ASCII_PUNCTUATION:
            word = word * BASE + np.uint64(lower[points[i]]) + ONE
            n_chars += 1
            size += decomposed[points[i]]
            numerals += (kind & NUMERIC) != 0
            any_of |= int(kind)
            if not kind & PUNCTUATION:
                common &= int(kind)
    return words, n


@compiled()
def chinese_words(
    points: UInt32s, cuts: Int64s, classes: UInt32s, lower: UInt32s, stop_words: UInt64s, counts: Int64s
) -> tuple[Words, int]:
    """(words, their number) of one text cut at `cuts`, the last one its end; counts its tokens."""
    words = _room_for(cuts.size)
    n = 0
    for token in range(cuts.size - 1):
        start, end = cuts[token], cuts[token + 1]
        word, numerals, common, any_of, is_word, is_token = _ZERO, 0, ALPHA | NUMERIC, 0, False, False
        for i in range(start, end):
            kind = classes[points[i]]
            word = word * BASE + np.uint64(lower[points[i]]) + ONE
            numerals += (kind & DIGIT) != 0
            if not kind & PUNCTUATION:
                common &= int(kind)
            any_of |= int(kind)
            is_token |= not kind & SPACE
            is_word |= (kind & WORD) != 0 and points[i] != _UNDERSCORE
        key = key64(word)
        if is_word:
            words.hashes[n], words.starts[n], words.lengths[n] = key, start, end - start
            words.numerals[n], words.classes[n] = numerals, common
            n += 1
        if is_token:
            _count_token(any_of, ALPHA, holds(stop_words, key), counts)
    return words, n


@compiled()
def count_english_tokens(points: UInt32s, classes: UInt32s, stop_words: UInt64s, counts: Int64s) -> None:
    """Counts the tokens; stop words are compared as they stand, as RedPajama-V2 does."""
    token, any_of, current = _ZERO, 0, 0  # 0 outside, 1 in word characters, 2 in others
    for i in range(points.size + 1):
        kind = classes[points[i]] if i < points.size else np.uint32(SPACE)
        wanted = 0 if kind & SPACE else (1 if kind & WORD else 2)
        if wanted != current:
            if current != 0:
                _count_token(any_of, ASCII_ALPHA, current == 1 and holds(stop_words, key64(token)), counts)
            token, any_of, current = _ZERO, 0, wanted
        if wanted == 1:
            token = token * BASE + np.uint64(points[i]) + ONE
        any_of |= int(kind)


@compiled(inline="always")
def _count_token(any_of: int, letter: int, is_stop_word: bool, counts: Int64s) -> None:
    counts[COUNT.tokens] += 1
    counts[COUNT.tokens_no_letter] += (any_of & letter) == 0
    counts[COUNT.tokens_capitals] += (any_of & UPPER) != 0 and (any_of & LOWER) == 0
    counts[COUNT.tokens_stop_word] += is_stop_word


@compiled()
def count_words(
    words: Words, n_words: int, javascript: np.uint64, gap: int, ends: Int64s, counts: Int64s, lines: Float32s
) -> None:
    """Counts over words, and their line values.

    Args:
        javascript: hash of that word.
        gap: characters between two words of normalised text: 1 in English, 0 in Chinese.
        ends: where each line ends.
    """
    k = 0
    for line in range(ends.size):
        first, n_chars, numerals, scripts = k, 0, 0, 0
        while k < n_words and words.starts[k] < ends[line]:
            n_chars += words.lengths[k]
            numerals += words.numerals[k]
            scripts += words.hashes[k] == javascript
            counts[COUNT.words_not_alphabetic] += not words.classes[k] & ALPHA
            counts[COUNT.words_numeric] += (words.classes[k] & NUMERIC) != 0
            k += 1
        counts[COUNT.word_chars] += n_chars
        lines[line, LINE.words] = k - first
        lines[line, LINE.javascript] = scripts
        if k > first:
            lines[line, LINE.numerical] = numerals / (n_chars + gap * (k - first - 1))
    counts[COUNT.words] = n_words


@compiled()
def english_units(
    points: UInt32s, offsets: Int64s, classes: UInt32s, lower: UInt32s, decomposed: npt.NDArray[np.uint8]
) -> tuple[UInt64s, Int64s]:
    """(hashes of the words of all texts, where each text's begin): text i is `points[offsets[i]:offsets[i + 1]]`."""
    hashes = np.empty(points.size // 2 + offsets.size, np.uint64)
    ends = np.zeros(offsets.size, np.int64)
    for text in range(offsets.size - 1):
        words, n = english_words(points[offsets[text] : offsets[text + 1]], classes, lower, decomposed)
        hashes[ends[text] : ends[text] + n] = words.hashes[:n]
        ends[text + 1] = ends[text] + n
    return hashes[: ends[-1]], ends


@compiled()
def chinese_units(
    points: UInt32s, offsets: Int64s, cuts: Int64s, cut_offsets: Int64s, classes: UInt32s, lower: UInt32s
) -> tuple[UInt64s, Int64s]:
    """As `english_units`, for texts cut at `cuts[cut_offsets[i]:cut_offsets[i + 1] + 1]`."""
    hashes = np.empty(cuts.size, np.uint64)
    ends = np.zeros(offsets.size, np.int64)
    no_stop_words, counts = np.zeros(8, np.uint64), np.zeros(len(COUNT), np.int64)
    for text in range(offsets.size - 1):
        own = cuts[cut_offsets[text] : cut_offsets[text + 1] + 1] - offsets[text]
        words, n = chinese_words(points[offsets[text] : offsets[text + 1]], own, classes, lower, no_stop_words, counts)
        hashes[ends[text] : ends[text] + n] = words.hashes[:n]
        ends[text + 1] = ends[text] + n
    return hashes[: ends[-1]], ends
