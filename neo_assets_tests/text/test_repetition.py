from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.text.repetition import duplicate_ngram_chars, top_ngram_chars
from neo_assets.text.signals import measure_repetition

WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "dddd"]), max_size=60)


def encoded(words: list[str]) -> tuple[np.ndarray, np.ndarray]:
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    ids = np.array([numbers[word] for word in words], np.int64)
    return ids, np.concatenate(([0], np.cumsum([len(word) for word in words], dtype=np.int64))).astype(np.int64)


def naive_top(words: list[str], n: int) -> int:
    """Marks every word of every occurrence; the best marking among the commonest n-grams."""
    places: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i in range(len(words) - n + 1):
        places[tuple(words[i : i + n])].append(i)
    most = max(map(len, places.values()), default=0)
    if most < 2:
        return 0
    candidates = (starts for starts in places.values() if len(starts) == most)
    return max(sum(len(words[j]) for j in {i + k for i in starts for k in range(n)}) for starts in candidates)


def naive_duplicate(words: list[str], n: int) -> int:
    """Marks the words of every n-gram that stood somewhere before."""
    seen: set[tuple[str, ...]] = set()
    marked: set[int] = set()
    for i in range(len(words) - n + 1):
        gram = tuple(words[i : i + n])
        if gram in seen:
            marked |= set(range(i, i + n))
        seen.add(gram)
    return sum(len(words[i]) for i in marked)


@given(WORDS, st.integers(1, 12))
def test_equal_to_the_naive_counts(words: list[str], n: int) -> None:
    ids, ends = encoded(words)
    assert top_ngram_chars(ids, ends, n) == naive_top(words, n)
    assert duplicate_ngram_chars(ids, ends, n) == naive_duplicate(words, n)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_large_documents_equal_the_naive_counts(n: int) -> None:
    draw = np.random.default_rng(7)
    words = [f"w{number}" for number in draw.integers(0, 40, 20_000)]
    ids, ends = encoded(words)
    assert top_ngram_chars(ids, ends, n) == naive_top(words, n)
    assert duplicate_ngram_chars(ids, ends, n) == naive_duplicate(words, n)


def test_one_sentence_two_hundred_times() -> None:
    # MAP-Neo's released code gives 0.003 for such a document; nearly all of it repeats
    sentence = [f"word{i}" for i in range(9)]
    ids, ends = encoded(sentence * 200)
    measured = measure_repetition(ids, np.diff(ends))
    assert measured["frac_chars_duplicate_5gram"] == pytest.approx(199 / 200)
    assert measured["frac_chars_duplicate_10gram"] == pytest.approx(199 / 200)


def test_nothing_to_measure_gives_zeros() -> None:
    measured = measure_repetition(np.empty(0, np.int64), np.empty(0, np.int64))
    assert set(measured.values()) == {0.0}
