from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.hashing import key64
from neo_assets.recipe.references import LanguageModelSettings
from neo_assets.text.language_model import (
    FALLBACK_DISCOUNTS,
    bucket_limits,
    ccnet_bucket,
    characters,
    log_probabilities,
    perplexity,
    train,
)
from neo_assets.text.units import Units, code_points, english_words

Gram = tuple[int, ...]
UNKNOWN = 999


def units(documents: Sequence[Sequence[int]]) -> Units:
    """Documents of small numbers as documents of hashes."""
    hashes = [int(key64(np.uint64(number + 1))) for document in documents for number in document]
    return Units(np.array(hashes, np.uint64), np.cumsum([0, *map(len, documents)]))


class NaiveModel:
    """Interpolated modified Kneser-Ney by its definition, n-grams in dictionaries."""

    def __init__(self, documents: Sequence[Sequence[int]], order: int, min_count: int) -> None:
        self.order, self.min_count = order, min_count
        self.raw: dict[int, Counter[Gram]] = {k: Counter() for k in range(1, order + 1)}
        lefts: dict[Gram, set[int]] = defaultdict(set)
        for document in documents:
            for k in range(1, order + 1):
                for i in range(len(document) - k + 1):
                    gram = tuple(document[i : i + k])
                    self.raw[k][gram] += 1
                    lefts[gram].add(document[i - 1] if i else -1)
        self.counts = {k: {g: len(lefts[g]) if k < order else n for g, n in self.raw[k].items()} for k in self.raw}
        self.vocabulary = sorted(gram[0] for gram in self.raw[1])
        self.discounts = {k: self.discounts_of(list(counts.values())) for k, counts in self.counts.items()}

    @staticmethod
    def discounts_of(counts: list[int]) -> tuple[float, ...]:
        n = [counts.count(i) for i in range(5)]
        if n[1] and n[2] and n[3]:
            y = n[1] / (n[1] + 2 * n[2])
            found = tuple(i - (i + 1) * y * n[i + 1] / n[i] for i in (1, 2, 3))
            if all(0 < d <= i for i, d in enumerate(found, 1)):
                return found
        return FALLBACK_DISCOUNTS

    @cache  # noqa: B019
    def followers(self, context: Gram) -> dict[Gram, int]:
        return {g: n for g, n in self.counts[len(context) + 1].items() if g[:-1] == context}

    @cache  # noqa: B019
    def p(self, context: Gram, word: int) -> float:
        k, followers = len(context) + 1, self.followers(context)
        total = sum(followers.values())
        lower = self.p(context[1:], word) if context else 1 / (len(self.vocabulary) + 1)
        if not total:
            return lower
        kept = {g: n for g, n in followers.items() if k < 3 or self.raw[k][g] >= self.min_count}
        taken = {g: n - (self.discounts[k][min(n, 3) - 1] if g in kept else n) for g, n in followers.items()}
        left = total - sum(taken.values())
        return (taken.get((*context, word), 0.0) + left * lower) / total

    def log_p(self, document: Sequence[int]) -> float:
        contexts = (tuple(document[max(0, i - self.order + 1) : i]) for i in range(len(document)))
        return sum(log(self.p(context, word)) for context, word in zip(contexts, document, strict=True))


DOCUMENTS = st.lists(st.lists(st.integers(0, 6), max_size=30), min_size=1, max_size=6).filter(any)
SETTINGS = st.builds(LanguageModelSettings, order=st.integers(2, 5), min_count=st.integers(1, 3))


@settings(max_examples=60)
@given(DOCUMENTS, st.lists(st.lists(st.integers(0, 8), max_size=20), max_size=4), SETTINGS)
def test_probabilities_are_those_of_the_naive_model(
    learned: list[list[int]], read: list[list[int]], chosen: LanguageModelSettings
) -> None:
    naive = NaiveModel(learned, chosen.order, chosen.min_count)
    found = log_probabilities(units(learned + read), train(units(learned), chosen))
    np.testing.assert_allclose(found, [naive.log_p(one) for one in learned + read], rtol=1e-5, atol=1e-5)


@settings(max_examples=30)
@given(DOCUMENTS, st.lists(st.lists(st.integers(0, 8), max_size=5), min_size=1, max_size=8), SETTINGS)
def test_probabilities_of_what_may_follow_sum_to_one(
    learned: list[list[int]], contexts: list[list[int]], chosen: LanguageModelSettings
) -> None:
    model = train(units(learned), chosen)
    vocabulary = [*sorted({word for document in learned for word in document}), UNKNOWN]
    for context in contexts + learned:
        before = log_probabilities(units([context]), model)
        after = log_probabilities(units([[*context, word] for word in vocabulary]), model)
        assert np.exp(after - before).sum() == pytest.approx(1, abs=1e-5)


def test_a_model_worked_out_by_hand() -> None:
    # Document 0 1 0 1 0 2, order 2. No bigram is seen three times: the discounts are 0.5, 1, 1.5.
    # Left neighbours: 0 has the start and 1, so 2; 1 has 0, so 1; 2 has 0, so 1. Their sum is 4, |V| with unknown is 4.
    # Discounts 1 + 0.5 + 0.5 = 2 are left over: p(0) = (2 - 1)/4 + 2/4/4 = 0.375, p(1) = p(2) = 0.5/4 + 0.125 = 0.25.
    # After 0, seen 3 times (1 twice, 2 once), 1.5 of 3 is left: p(1|0) = (2 - 1)/3 + 0.5 x 0.25 = 0.458333…,
    # p(2|0) = 0.5/3 + 0.125, p(0|0) = 0.5 x 0.375, p(unknown|0) = 0.5 x 0.125. After 1 there was 0 twice: p(0|1) =
    # (2 - 1)/2 + 0.5 x 0.375.
    model = train(units([[0, 1, 0, 1, 0, 2]]), LanguageModelSettings(order=2))
    read = [[0], [1], [2], [UNKNOWN], [0, 1], [0, 2], [0, 0], [0, UNKNOWN], [1, 0]]
    p = [0.375, 0.25, 0.25, 0.125]
    p += [0.375 * (1 / 3 + 0.125), 0.375 * (0.5 / 3 + 0.125), 0.375 * 0.1875, 0.375 * 0.0625, 0.25 * 0.6875]
    np.testing.assert_allclose(np.exp(log_probabilities(units(read), model)), p, rtol=1e-6)
    assert perplexity(units([[0, 1]]), model)[0] == pytest.approx(exp(-log(0.375 * (1 / 3 + 0.125)) / 2))


def test_perplexity_tells_familiar_from_foreign_text() -> None:
    text = "the cat sat on the mat and the dog sat on the log " * 5
    model = train(english_words([text]), LanguageModelSettings(order=3))
    read = english_words(["The cat sat on the log.", "on on cat dog mat the the", "Vogon poetry recital", "", "!!"])
    found = perplexity(read, model)
    assert found[0] < found[1] < found[2]
    assert np.isnan(found[3:]).all()


def test_equal_input_gives_equal_entries() -> None:
    text = english_words(["to be or not to be", "that is the question"])
    first, second = (train(text, LanguageModelSettings(order=4)) for _ in range(2))
    assert first.entries.tobytes() == second.entries.tobytes() and first.log_unknown == second.log_unknown


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(ValueError, match="no word to learn from"):
        train(english_words(["", " ..."]), LanguageModelSettings())


@given(st.lists(st.text(st.one_of(st.characters(), st.sampled_from("a中１Ａ_，。 é")), max_size=40)))
def test_characters_are_letters_and_digits_lower_cased(texts: list[str]) -> None:
    found = characters(code_points(texts))
    expected = []
    for text in texts:
        lowered = [c.lower() if len(c.lower()) == 1 else c for c in text if c.isalnum()]
        expected.append([int(key64(np.uint64(ord(c) + 1))) for c in lowered])
    assert found.hashes.tolist() == [key for keys in expected for key in keys]
    assert np.diff(found.offsets).tolist() == list(map(len, expected))


def test_buckets_are_thirds_of_the_web_pool() -> None:
    pool = np.array([9.0, 1, 8, 2, 7, 3, 6, 4, 5, np.nan])
    limits = bucket_limits(pool, LanguageModelSettings())
    assert limits.tolist() == [3, 6]
    buckets = ccnet_bucket(pool, limits)
    assert buckets[:-1].tolist() == [2, 0, 2, 0, 2, 0, 1, 1, 1]
    assert np.isnan(buckets[-1])
    with pytest.raises(ValueError, match="crawl the first day"):
        bucket_limits(np.array([np.nan]), LanguageModelSettings())
