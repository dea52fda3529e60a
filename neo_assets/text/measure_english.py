"""Quality signals of English documents: one compiled pass over characters, words and n-grams."""

from __future__ import annotations

import string
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import holds, table_of
from neo_assets.text.classes import class_of, decomposed_length_of, lower_of
from neo_assets.text.counts import COUNT, LINE, by_name
from neo_assets.text.repetition import N_SHARES, number_units, repetition_shares
from neo_assets.text.scan import ENGLISH, scan_characters
from neo_assets.text.signals import Measured, line_signals, repetition_signals, share, shared_signals
from neo_assets.text.terms import WordTerms, build_word_terms, count_word_terms
from neo_assets.text.units import Units, code_points, unit_hash, unit_hashes
from neo_assets.text.words import count_english_tokens, count_words, english_words

_WITHOUT_MARKS = str.maketrans("", "", string.punctuation)
_JAVASCRIPT_HASH = np.uint64(unit_hash("javascript"))


class EnglishLists(NamedTuple):
    """Lists as the scan reads them: stop words as tokens, stop words as words, obscene terms."""

    stop_tokens: npt.NDArray[np.uint64]
    stop_words: npt.NDArray[np.uint64]
    bad_words: WordTerms


@lru_cache(maxsize=8)
def english_lists(stop_words: tuple[str, ...], bad_words: tuple[str, ...]) -> EnglishLists:
    """The lists, hashed."""
    plain = [word.lower().translate(_WITHOUT_MARKS) for word in stop_words]
    return EnglishLists(
        table_of(unit_hashes(stop_words)), table_of(unit_hashes(filter(None, plain))), build_word_terms(bad_words)
    )


def measure_english(texts: Sequence[str], lists: EnglishLists) -> tuple[Measured, Units]:
    """The signals of texts that need no model, and their words; linear in the characters."""
    points, offsets = code_points(texts)
    n_texts = len(texts)
    counts = np.zeros((n_texts, len(COUNT)), np.int64)
    more = np.zeros((n_texts, len(MORE)), np.float64)
    shares = np.zeros((n_texts, N_SHARES), np.float64)
    lines = np.empty((int(np.count_nonzero(points == ord("\n"))) + n_texts, len(LINE)), np.float32)
    line_offsets = np.zeros(n_texts + 1, np.int64)
    hashes = np.empty(points.size // 2 + n_texts, np.uint64)
    word_offsets = np.zeros(n_texts + 1, np.int64)
    _measure(
        points, offsets, class_of(), lower_of(), decomposed_length_of(), lists, counts, more, shares, lines,
        line_offsets, hashes, word_offsets,
    )  # fmt: skip
    c, m = by_name(COUNT, counts), by_name(MORE, more)
    measured = shared_signals(counts) | line_signals(lines[: line_offsets[-1]], line_offsets)
    measured |= repetition_signals(shares, "rps_doc_frac_chars_top_{n}gram", "rps_doc_frac_chars_dupe_{n}grams")
    measured |= {
        "rps_doc_lorem_ipsum": share(c.lorem_ipsum, c.word_chars + np.maximum(c.words - 1, 0)),
        "rps_doc_num_sentences": c.published_sentences,
        "rps_doc_frac_unique_words": share(m.distinct_words, c.words),
        "rps_doc_unigram_entropy": m.entropy,
        "rps_doc_ldnoobw_words": m.bad_words,
        "bad_words_per_word": share(m.bad_words, c.words),
        "n_stop_words": m.stop_words,
        "n_chars": c.written_chars,
        "frac_runs_no_letter": share(c.runs_no_letter, c.runs),
    }
    return measured, Units(hashes[: word_offsets[-1]], word_offsets)


class More(NamedTuple):
    """Columns of what is measured on words beside the counts."""

    distinct_words: int
    entropy: int
    stop_words: int
    bad_words: int


MORE = More(*range(len(More._fields)))


@compiled()
def _measure(
    points: Any, offsets: Any, classes: Any, lower: Any, decomposed: Any, lists: Any, counts: Any, more: Any,
    shares: Any, lines: Any, line_offsets: Any, hashes: Any, word_offsets: Any,
) -> None:  # fmt: skip
    line_ends = np.empty(lines.shape[0], np.int64)
    for text in range(offsets.size - 1):
        own = points[offsets[text] : offsets[text + 1]]
        count = counts[text]
        row = line_offsets[text]
        n_lines = scan_characters(own, ENGLISH, classes, lower, count, lines[row:], line_ends)
        line_offsets[text + 1] = row + n_lines
        count_english_tokens(own, classes, lists.stop_tokens, count)
        words, n_words = english_words(own, classes, lower, decomposed)
        count_words(words, n_words, _JAVASCRIPT_HASH, 1, line_ends[:n_lines], count, lines[row:])
        found = words.hashes[:n_words]
        hashes[word_offsets[text] : word_offsets[text] + n_words] = found
        word_offsets[text + 1] = word_offsets[text] + n_words
        measure_words(found, words.lengths[:n_words], lists.stop_words, shares[text], more[text])
        more[text, MORE.bad_words] = count_word_terms(found, 0, n_words, lists.bad_words)


@compiled()
def measure_words(hashes: Any, lengths: Any, stop_words: Any, shares: Any, more: Any) -> None:
    """Writes a text's repetition shares, different words, entropy in nats, and different stop words."""
    n_words = hashes.size
    ids = np.empty(n_words, np.int32)
    counts = np.empty(n_words, np.int32)
    n_distinct = number_units(hashes, ids, counts)
    ends = np.zeros(n_words + 1, np.int64)
    entropy = 0.0
    n_stop_words = 0
    seen = -1
    for i in range(n_words):
        ends[i + 1] = ends[i] + lengths[i]
        if ids[i] > seen:  # the first occurrence
            seen = ids[i]
            part = counts[seen] / n_words
            entropy -= part * np.log(part)
            n_stop_words += holds(stop_words, hashes[i])
    more[MORE.distinct_words], more[MORE.stop_words] = n_distinct, n_stop_words
    more[MORE.entropy] = entropy
    repetition_shares(ids, counts[:n_distinct], ends, shares)
