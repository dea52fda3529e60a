from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import log

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.hashing import BASE, key64
from neo_assets.text.importance import SMOOTHING, TARGETS, feature_sums, importance, log_ratios
from neo_assets.text.units import Units, english_words

TEXTS = st.lists(st.text(st.sampled_from("abé ab  .\n"), max_size=60), max_size=5)
MASK = 2**64 - 1


def naive_buckets(words: list[int], n_buckets: int) -> list[int]:
    pairs = [int(key64(np.uint64((a * int(BASE) + b) & MASK))) for a, b in pairwise(words)]
    return [((feature >> 32) * n_buckets) >> 32 for feature in words + pairs]


def documents_of(words: Units) -> list[list[int]]:
    return [words.hashes[start:end].tolist() for start, end in pairwise(words.offsets)]


@given(TEXTS, TEXTS, TEXTS, st.integers(2, 50))
def test_importance_is_redpajamas_definition(
    target: list[str], web: list[str], read: list[str], n_buckets: int
) -> None:
    # togethercomputer/RedPajama-Data, importance_weights.py: inner product of the document's bucket counts with
    # log(target share + 1e-8) - log(source share + 1e-8)
    counts = []
    for texts in (target, web):
        taken = Counter(b for words in documents_of(english_words(texts)) for b in naive_buckets(words, n_buckets))
        counts.append([taken[b] / max(taken.total(), 1) for b in range(n_buckets)])
    differences = [log(p + SMOOTHING) - log(q + SMOOTHING) for p, q in zip(*counts, strict=True)]
    words = english_words(read)
    expected = [sum(differences[b] for b in naive_buckets(one, n_buckets)) for one in documents_of(words)]
    ratios = log_ratios(dict.fromkeys(TARGETS, english_words(target)), english_words(web), n_buckets)
    np.testing.assert_allclose(
        importance(words, ratios), np.array([expected] * 3).T.reshape(-1, 3), rtol=1e-5, atol=1e-4
    )


@given(TEXTS, st.integers(1, 40), st.integers(1, 40))
def test_one_pass_sums_both_tables(texts: list[str], n_ratios: int, n_weights: int) -> None:
    random = np.random.default_rng(1)
    ratios = random.random((n_ratios, 4), np.float32)
    weights = random.random((n_weights, 8), np.float32)
    words = english_words(texts)
    sums = feature_sums(words, ratios, weights)
    for i, one in enumerate(documents_of(words)):
        np.testing.assert_allclose(sums.ratios[i], ratios[naive_buckets(one, n_ratios), :3].sum(axis=0), rtol=1e-5)
        np.testing.assert_allclose(sums.weights[i], weights[naive_buckets(one, n_weights), :5].sum(axis=0), rtol=1e-5)
        assert sums.n_features[i] == len(naive_buckets(one, n_ratios))


def test_a_text_like_the_target_weighs_more() -> None:
    targets = {name: english_words(["calm seas and fair winds"]) for name in TARGETS}
    ratios = log_ratios(targets, english_words(["click here to buy now"]), 10_000)
    found = importance(english_words(["fair winds and calm seas", "buy here now", ""]), ratios)
    assert (found[0] > 0).all() and (found[1] < 0).all() and (found[2] == 0).all()
