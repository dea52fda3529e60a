from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.references import ClassifierSettings
from neo_assets.text.importance import feature_sums
from neo_assets.text.reference_classifier import (
    CLASSES,
    _descend,
    joined,
    probabilities,
    scores,
    train_classifier,
)
from neo_assets.text.units import Units, english_words

TOPICS = {
    "web": "click here buy now offer",
    "wikiref": "report cited source archive press",
    "wikipedia": "born river province species century",
    "books": "said she heart evening mother",
    "openwebtext": "senate game season police update",
}
COMMON = ("the", "of", "and", "to", "a", "in", "is", "it")
SETTINGS = ClassifierSettings(buckets=2**12, epochs=20, held_out=0.25)


def documents(n: int = 20) -> dict[str, Units]:
    """Documents of shuffled topic words among common ones."""
    random = np.random.default_rng(7)
    pool = {name: [*words.split(), *COMMON] for name, words in TOPICS.items()}
    return {name: english_words([" ".join(random.choice(pool[name], 40)) for _ in range(n)]) for name in CLASSES}


def naive_descend(
    features: list[list[int]], visits: list[int], labels: list[int], n_buckets: int, rate: float
) -> npt.NDArray[np.float64]:
    weights = np.zeros((n_buckets, 5))
    for step, document in enumerate(visits):
        counts = np.bincount(features[document], minlength=n_buckets) if features[document] else np.zeros(n_buckets)
        n = counts.sum()
        if not n:
            continue
        odds = np.exp(counts @ weights / n)
        errors = np.eye(5)[labels[document]] - odds / odds.sum()
        # the step in the weights that moves the document's own logits by rate x error
        weights += rate * (1 - step / len(visits)) * np.outer(counts, errors) * n / (counts @ counts)
    return weights


@settings(max_examples=30)
@given(st.lists(st.text(st.sampled_from("abc "), max_size=20), min_size=1, max_size=5), st.integers(2, 12))
def test_steps_are_the_naive_ones(texts: list[str], n_buckets: int) -> None:
    words = english_words(texts)
    labels, visits = np.arange(len(texts)) % 5, np.arange(3 * len(texts)) % len(texts)
    marks = np.zeros((n_buckets, 8), np.float32)
    features = []
    for start, end in pairwise(words.offsets):
        one = Units(words.hashes[start:end], np.array([0, end - start]))
        taken = []
        for bucket in range(n_buckets):
            marks[:] = 0
            marks[bucket] = 1
            times = feature_sums(one, np.zeros((1, 4), np.float32), marks).weights[0, 0]
            taken += [bucket] * round(times)
        features.append(taken)
    found = _descend(words.hashes, words.offsets, visits, labels, n_buckets, 0.3)
    expected = naive_descend(features, visits.tolist(), labels.tolist(), n_buckets, 0.3)
    np.testing.assert_allclose(found[:, :5], expected, rtol=1e-3, atol=1e-4)
    assert not found[:, 5:].any()


def test_it_learns_what_tells_the_sets_apart() -> None:
    trained = train_classifier(documents(), SETTINGS)
    assert trained.confusion.sum() == 25 and trained.accuracy > 0.9
    chances = probabilities(
        english_words(["buy now click here the offer", "she said to mother in the evening", ""]), trained.weights
    )
    assert CLASSES[chances[0].argmax()] == "web" and CLASSES[chances[1].argmax()] == "books"
    np.testing.assert_allclose(chances.sum(axis=1), 1)
    np.testing.assert_allclose(chances[2], 0.2)


def test_scores_renormalise_pairs_with_the_web() -> None:
    found = scores(np.array([[0.2, 0.3, 0.05, 0.15, 0.3], [0.2] * 5]))  # web, wikiref, wikipedia, books, openwebtext
    np.testing.assert_allclose(found["wikiref"], [0.3 / 0.5, 0.5])
    np.testing.assert_allclose(found["wikipedia"], [0.05 / 0.25, 0.5])
    np.testing.assert_allclose(found["palm"], [0.5 / 0.7, 0.75])


def test_equal_input_gives_equal_weights_and_another_seed_others() -> None:
    first, second = (train_classifier(documents(), SETTINGS).weights.tobytes() for _ in range(2))
    assert first == second
    assert first != train_classifier(documents(), SETTINGS.model_copy(update={"seed": 2})).weights.tobytes()


def test_held_out_documents_are_not_learned() -> None:
    # Every document is a word of its own: those held out, a quarter, have no weight.
    names = [[f"name{label}x{i}" for i in range(20)] for label in range(5)]
    own = {name: english_words(names[label]) for label, name in enumerate(CLASSES)}
    learned = train_classifier(own, SETTINGS.model_copy(update={"buckets": 2**20})).weights
    seen = feature_sums(joined(list(own.values())), np.zeros((1, 4), np.float32), np.abs(learned)).weights.any(axis=1)
    assert np.count_nonzero(~seen) == 25


def test_a_class_without_documents_is_named() -> None:
    with pytest.raises(ValueError, match="'books'"):
        train_classifier({**documents(2), "books": english_words([])}, SETTINGS)
    tiny = train_classifier(documents(1), SETTINGS)
    assert not tiny.confusion.any() and np.isnan(tiny.accuracy)
