"""Quality signals of Chinese documents: jieba's cuts, then one compiled pass over characters, words and n-grams."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import key64, table_of
from neo_assets.text.classes import SPACE, class_of, lower_of
from neo_assets.text.counts import COUNT, LINE, by_name
from neo_assets.text.measure_english import MORE, measure_words
from neo_assets.text.mojibake import mojibake_chars, mojibake_table, script_counts, script_table
from neo_assets.text.repetition import N_SHARES, number_units, repetition_shares
from neo_assets.text.scan import CHINESE, scan_characters
from neo_assets.text.signals import Measured, line_signals, repetition_signals, share, shared_signals
from neo_assets.text.terms import Terms, build_terms, count_terms
from neo_assets.text.units import Units, cut_points, unit_hash, unit_hashes
from neo_assets.text.words import chinese_words, count_words

_JAVASCRIPT_HASH = np.uint64(unit_hash("javascript"))
_WINDOW = 1_000
"""Characters in a stretch of `frac_chars_unique`: long texts must repeat characters, so they are not judged whole."""


class ChineseLists(NamedTuple):
    """Lists and tables as the scan reads them."""

    stop_words: npt.NDArray[np.uint64]
    bad_words: Terms


@lru_cache(maxsize=8)
def chinese_lists(stop_words: tuple[str, ...], bad_words: tuple[str, ...]) -> ChineseLists:
    """The lists, hashed and compiled."""
    return ChineseLists(table_of(unit_hashes(word.lower() for word in stop_words)), build_terms(bad_words, "zh"))


def measure_chinese(texts: Sequence[str], lists: ChineseLists) -> tuple[Measured, Units]:
    """The signals of texts that need no model, and their words; linear in the characters."""
    (points, offsets), cuts, cut_offsets = cut_points(texts)
    n_texts = len(texts)
    counts = np.zeros((n_texts, len(COUNT)), np.int64)
    more = np.zeros((n_texts, len(MORE)), np.float64)
    shares = np.zeros((n_texts, 2, N_SHARES), np.float64)
    lines = np.empty((int(np.count_nonzero(points == ord("\n"))) + n_texts, len(LINE)), np.float32)
    line_offsets = np.zeros(n_texts + 1, np.int64)
    hashes = np.empty(cuts.size, np.uint64)
    word_offsets = np.zeros(n_texts + 1, np.int64)
    characters = np.zeros((n_texts, len(_CHARACTERS)), np.float64)
    _measure(
        points, offsets, cuts, cut_offsets, class_of(), lower_of(), lists, mojibake_table(), script_table(), counts,
        more, shares, characters, lines, line_offsets, hashes, word_offsets,
    )  # fmt: skip
    c, m, ch = by_name(COUNT, counts), by_name(MORE, more), by_name(_CHARACTERS, characters)
    measured = shared_signals(counts) | line_signals(lines[: line_offsets[-1]], line_offsets)
    measured |= repetition_signals(shares[:, 0], "rps_doc_frac_chars_top_{n}gram", "rps_doc_frac_chars_dupe_{n}grams")
    measured |= repetition_signals(shares[:, 1], "frac_chars_top_{n}chars", "frac_chars_dupe_{n}chars")
    measured |= {
        "rps_doc_lorem_ipsum": share(c.lorem_ipsum, c.chars),
        "rps_doc_num_sentences": c.sentences,
        "rps_doc_frac_unique_words": share(m.distinct_words, c.words),
        "rps_doc_unigram_entropy": m.entropy,
        "rps_doc_ldnoobw_words": m.bad_words,
        "bad_words_per_word": share(m.bad_words, c.words),
        "n_stop_words": m.stop_words,
        "n_chars": c.chars,
        "frac_brackets": share(c.bracketed, c.chars),
        "frac_digits": share(c.digits, c.letters + c.digits),
        "char_entropy": ch.entropy,
        "frac_chars_unique": ch.unique,
        "frac_han": share(c.han, c.letters),
        "frac_foreign_letters": share(c.letters - c.han - c.ascii_letters, c.letters),
        "frac_traditional": share(ch.traditional, ch.traditional + ch.simplified),
        "frac_mojibake": share(ch.mojibake, c.chars),
    }
    return measured, Units(hashes[: word_offsets[-1]], word_offsets)


class _Characters(NamedTuple):
    """Columns of what is measured on characters beside the counts."""

    entropy: int
    unique: int
    traditional: int
    simplified: int
    mojibake: int


_CHARACTERS = _Characters(*range(len(_Characters._fields)))


@compiled()
def _measure(
    points: Any, offsets: Any, cuts: Any, cut_offsets: Any, classes: Any, lower: Any, lists: Any, mojibake: Any,
    scripts: Any, counts: Any, more: Any, shares: Any, characters: Any, lines: Any, line_offsets: Any, hashes: Any,
    word_offsets: Any,
) -> None:  # fmt: skip
    line_ends = np.empty(lines.shape[0], np.int64)
    for text in range(offsets.size - 1):
        start, end = offsets[text], offsets[text + 1]
        own = points[start:end]
        own_cuts = cuts[cut_offsets[text] : cut_offsets[text + 1] + 1] - start
        count = counts[text]
        row = line_offsets[text]
        n_lines = scan_characters(own, CHINESE, classes, lower, count, lines[row:], line_ends)
        line_offsets[text + 1] = row + n_lines
        words, n_words = chinese_words(own, own_cuts, classes, lower, lists.stop_words, count)
        count_words(words, n_words, _JAVASCRIPT_HASH, 0, line_ends[:n_lines], count, lines[row:])
        found = words.hashes[:n_words]
        hashes[word_offsets[text] : word_offsets[text] + n_words] = found
        word_offsets[text + 1] = word_offsets[text] + n_words
        measure_words(found, words.lengths[:n_words], lists.stop_words, shares[text, 0], more[text])
        _measure_characters(own, classes, shares[text, 1], characters[text])
        borders = np.zeros(own.size + 1, np.uint8)
        for cut in own_cuts:
            borders[cut] = 1
        more[text, MORE.bad_words] = count_terms(own, 0, own.size, borders, lists.bad_words)
        traditional, simplified = script_counts(own, 0, own.size, scripts)
        characters[text, _CHARACTERS.traditional] = traditional
        characters[text, _CHARACTERS.simplified] = simplified
        characters[text, _CHARACTERS.mojibake] = mojibake_chars(own, 0, own.size, mojibake)


@compiled()
def _measure_characters(points: Any, classes: Any, shares: Any, characters: Any) -> None:
    """Writes repetition shares, entropy in nats and the mean share of different characters, whitespace left out."""
    keys = np.empty(points.size, np.uint64)
    n = 0
    for point in points:
        if not classes[point] & SPACE:
            keys[n] = key64(np.uint64(point))
            n += 1
    ids = np.empty(n, np.int32)
    counts = np.empty(n, np.int32)
    n_distinct = number_units(keys[:n], ids, counts)
    entropy = 0.0
    for number in range(n_distinct):
        part = counts[number] / n
        entropy -= part * np.log(part)
    characters[_CHARACTERS.entropy] = entropy
    characters[_CHARACTERS.unique] = _mean_share_of_distinct(ids, n_distinct)
    repetition_shares(ids, counts[:n_distinct], np.arange(n + 1), shares)


@compiled()
def _mean_share_of_distinct(ids: Any, n_distinct: int) -> float:
    """Different numbers per number, averaged over consecutive stretches of `_WINDOW` weighted by their length."""
    last_stretch = np.full(n_distinct, -1, np.int32)
    total = 0
    for i in range(ids.size):
        if last_stretch[ids[i]] != i // _WINDOW:
            last_stretch[ids[i]] = i // _WINDOW
            total += 1
    return total / ids.size if ids.size else 0.0
