"""Finding thousands of listed terms in one pass over code points.

A term counts only between unit borders: of words in English, of jieba segments in Chinese, so that 成人 (adult) is not
found in 完成人员 (finish, staff). That makes a trie which is entered at borders alone better than an Aho-Corasick
automaton: most characters are never looked up, and what it finds is leftmost-longest without any more work.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, holds, key64, mix64, slot_of, slots_for, table_of
from neo_assets.text.classes import ALPHA, SPACE, WORD, class_of, lower_of
from neo_assets.text.units import unit_hash

UInt8s = npt.NDArray[np.uint8]
UInt32s = npt.NDArray[np.uint32]
UInt64s = npt.NDArray[np.uint64]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]

_POINT_BITS = np.uint64(21)
_BLANK = ord(" ")
_FILTER_CHARS = 4
_FILTER_SIZE = 1 << 16
_FILTER_SHIFT = np.uint64(64 - 16)
_BEGINS, _ENDS = 1, 2


class Terms(NamedTuple):
    """A trie of terms: the step from a node by a character is in an open-addressing table, node 0 is the root."""

    fold: UInt32s
    """Every code point as the terms have it: in lower case, whitespace as a blank."""
    filter: UInt8s
    """By a short hash of up to four characters, whether terms begin so: a table small enough for the processor's cache,
    which keeps most borders out of the trie."""
    steps: UInt64s
    targets: Int32s
    ends: UInt8s
    """Whether a term ends in the node."""


class WordTerms(NamedTuple):
    """Phrases as sequences of word hashes: the set of all beginnings, the set of whole ones, words in the longest."""

    beginnings: UInt64s
    phrases: UInt64s
    longest: int


def build_terms(terms: Sequence[str], language: str) -> Terms:
    """The trie of these terms; in lower case, blanks around them and doubled ones dropped.

    In Chinese (`zh`) terms without a letter are left out: "13." would be found in every numbered list.
    """
    folded = sorted({" ".join(term.split()) for term in terms} - {""})
    if language == "zh":
        folded = [term for term in folded if any(class_of()[ord(character)] & ALPHA for character in term)]
    points = [fold_of()[[ord(character) for character in term]] for term in folded]
    flat = np.concatenate(points) if points else np.zeros(0, np.uint32)
    offsets = np.zeros(len(points) + 1, np.int64)
    np.cumsum([term.size for term in points], out=offsets[1:])
    return Terms(fold_of(), *_trie(flat, offsets))


@lru_cache(maxsize=1)
def fold_of() -> UInt32s:
    """What each code point is compared as: its lower case, and a blank for any whitespace."""
    return np.where(class_of() & SPACE, np.uint32(_BLANK), lower_of()).astype(np.uint32)


def build_word_terms(terms: Sequence[str]) -> WordTerms:
    """The terms as phrases of words, for `count_word_terms`; each word as it stands, parted by single blanks.

    RedPajama-V2 looks its normalised words up in the list as it is, so a term with punctuation or capitals is never
    found; nor is it here.
    """
    phrases = [[unit_hash(word) for word in term.split(" ")] for term in terms if term and "" not in term.split(" ")]
    beginnings = {_sequence_key(phrase[: n + 1]) for phrase in phrases for n in range(len(phrase))}
    whole = {_sequence_key(phrase) for phrase in phrases}
    return WordTerms(
        table_of(np.array(sorted(beginnings), np.uint64)),
        table_of(np.array(sorted(whole), np.uint64)),
        max(map(len, phrases), default=0),
    )


def _sequence_key(hashes: Sequence[int]) -> int:
    h = 0
    for word in hashes:
        h = int(_extend(np.uint64(h), np.uint64(word)))
    return h


@compiled(inline="always")
def _extend(h: np.uint64, word: np.uint64) -> np.uint64:
    """The hash of a sequence of words from that of all but its last one; never 0."""
    return key64(mix64(h) * BASE + word)


@compiled()
def count_word_terms(words: UInt64s, start: int, end: int, terms: WordTerms) -> int:
    """How many stretches of `words[start:end]` are a phrase; overlapping ones all count.

    RedPajama-V2's `rps_doc_ldnoobw_words`. Linear in the words times the longest phrase that begins as the text does.
    """
    found = 0
    for i in range(start, end):
        h = np.uint64(0)
        for j in range(i, min(i + terms.longest, end)):
            h = _extend(h, words[j])
            if not holds(terms.beginnings, h):
                break
            if holds(terms.phrases, h):
                found += 1
    return found


@compiled()
def count_terms(points: UInt32s, start: int, end: int, borders: UInt8s, terms: Terms) -> int:
    """How many terms stand in `points[start:end]`, leftmost-longest and not overlapping.

    A term starts and ends where `borders` is 1, or at the start or end of the text; `borders[i]` is the place before
    `points[i]`. Linear in the characters; a border costs at most the length of the longest term.
    """
    fold, filter_, steps, targets, ends = terms
    found = 0
    i = start
    while i < end:
        if (borders[i] or i == start) and _may_start(points, i, end, fold, filter_):
            stop = _longest(points, i, end, borders, fold, steps, targets, ends)
            if stop:
                found += 1
                i = stop
                continue
        i += 1
    return found


@compiled()
def find_terms(points: UInt32s, start: int, end: int, borders: UInt8s, terms: Terms) -> Int64s:
    """Where the terms that `count_terms` counts begin and end: int64[n, 2]."""
    spans = np.empty((count_terms(points, start, end, borders, terms), 2), np.int64)
    n = 0
    i = start
    while i < end:
        stop = 0
        if borders[i] or i == start:
            stop = _longest(points, i, end, borders, terms.fold, terms.steps, terms.targets, terms.ends)
        if stop:
            spans[n, 0] = i
            spans[n, 1] = stop
            n += 1
        i = stop if stop else i + 1
    return spans


@compiled()
def _longest(
    points: UInt32s, start: int, end: int, borders: UInt8s, fold: UInt32s, steps: UInt64s, targets: Int32s, ends: UInt8s
) -> int:
    """Where the longest term that starts here ends, 0 if none does."""
    best = 0
    node = 0
    for i in range(start, end):
        step = _step(node, fold[points[i]])
        slot = slot_of(steps, step)
        if steps[slot] != step:
            break
        node = targets[slot]
        if ends[node] and (i + 1 == end or borders[i + 1]):
            best = i + 1
    return best


@compiled(inline="always")
def _may_start(points: UInt32s, start: int, end: int, fold: UInt32s, filter_: UInt8s) -> bool:
    """Whether a term may start here, by the filter: seldom wrongly true, never wrongly false.

    Past the first character four are looked up whatever they say: a branch that cannot be foreseen costs more.
    """
    if end - start < _FILTER_CHARS:
        return True
    h1 = (np.uint64(fold[points[start]]) + ONE) * BASE
    if not filter_[h1 >> _FILTER_SHIFT]:
        return False
    h2 = (h1 + np.uint64(fold[points[start + 1]]) + ONE) * BASE
    h3 = (h2 + np.uint64(fold[points[start + 2]]) + ONE) * BASE
    h4 = (h3 + np.uint64(fold[points[start + 3]]) + ONE) * BASE
    short = filter_[h1 >> _FILTER_SHIFT] | filter_[h2 >> _FILTER_SHIFT] | filter_[h3 >> _FILTER_SHIFT]
    return bool((short & _ENDS) | filter_[h4 >> _FILTER_SHIFT])


@compiled(inline="always")
def _step(node: int, point: np.uint32) -> np.uint64:
    """The key of a step; different for all steps of a trie, since `key64` is a bijection but for 0."""
    return key64((np.uint64(node) << _POINT_BITS) | np.uint64(point) + ONE)


@compiled()
def _trie(points: UInt32s, offsets: Int64s) -> tuple[UInt8s, UInt64s, Int32s, UInt8s]:
    size = slots_for(points.size)
    steps = np.zeros(size, np.uint64)
    targets = np.zeros(size, np.int32)
    ends = np.zeros(points.size + 1, np.uint8)
    filter_ = np.zeros(_FILTER_SIZE, np.uint8)
    n_nodes = 1
    for term in range(offsets.size - 1):
        node = 0
        h = np.uint64(0)
        for i in range(offsets[term], offsets[term + 1]):
            if i < offsets[term] + _FILTER_CHARS:
                h = (h + np.uint64(points[i]) + ONE) * BASE
                filter_[h >> _FILTER_SHIFT] |= _ENDS if i + 1 == offsets[term + 1] else _BEGINS
            step = _step(node, points[i])
            slot = slot_of(steps, step)
            if steps[slot] != step:
                steps[slot] = step
                targets[slot] = n_nodes
                n_nodes += 1
            node = targets[slot]
        ends[node] = 1
    return filter_, steps, targets, ends[:n_nodes].copy()


@compiled()
def mark_word_borders(points: UInt32s, start: int, end: int, classes: UInt32s, borders: UInt8s) -> None:
    """Sets `borders[start:end]`: 0 between two letters or digits of one word, else 1 (the borders of English)."""
    before = False
    for i in range(start, end):
        inside = (classes[points[i]] & WORD) != 0
        borders[i] = not (before and inside)
        before = inside


@compiled()
def mark_cuts(cuts: Int64s, borders: UInt8s) -> None:
    """Sets `borders` to 1 where a segment starts, else to 0 (the borders of Chinese)."""
    borders.fill(0)
    for cut in cuts:
        if cut < borders.size:
            borders[cut] = 1
