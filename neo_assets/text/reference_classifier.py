"""The classifier of web and reference sets: what fastText's classifier is, without its factor of low rank.

A document's logits are the mean, over its words and word pairs, of one weight per hash bucket and class; softmax gives
probabilities. There is nothing between features and classes, so classifying costs one table row a feature and the
result depends on nothing but the words: 10 to 20 ns a word, where fastText's `predict` with word pairs and 100
dimensions took 430 (Chinese) to 1,200 ns (English) on the same texts and core. Scores of a reference set against the
web renormalise that pair, as if a classifier of the two had been trained (RedPajama-V2 trains one for each).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.recipe.references import ClassifierSettings
from neo_assets.text.importance import bucket_of, feature_sums, pair_of
from neo_assets.text.units import Units

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

CLASSES = ("web", "wikiref", "wikipedia", "books", "openwebtext")
SCORES = {"wikiref": ("wikiref",), "palm": ("wikipedia", "books", "openwebtext"), "wikipedia": ("wikipedia",)}
"""The classes that each score sets against the web; palm's three are the sets of the PaLM filter."""
_WEB = CLASSES.index("web")


class TrainedClassifier(NamedTuple):
    """Weights float32[buckets, 8], a column per class and 3 unused; the confusion [true, predicted] held out."""

    weights: Float32s
    confusion: Int64s

    @property
    def accuracy(self) -> float:
        """Share of held-out documents classified rightly; NaN if none was held out."""
        total = int(self.confusion.sum())
        return float(np.trace(self.confusion) / total) if total else float("nan")


def train_classifier(documents: dict[str, Units], settings: ClassifierSettings) -> TrainedClassifier:
    """Stochastic gradient descent on the documents of each of `CLASSES`, every class visited equally often.

    The order of documents comes from the seed alone, and one thread makes all steps: equal input gives equal bytes.

    Raises:
        ValueError: a class has no document.
    """
    random = np.random.Generator(np.random.PCG64(settings.seed))
    words = joined([documents[name] for name in CLASSES])
    numbers = np.repeat(np.arange(len(CLASSES)), [documents[name].offsets.size - 1 for name in CLASSES])
    learned, held_out = [], []
    for label, name in enumerate(CLASSES):
        shuffled = random.permutation(np.flatnonzero(numbers == label))
        if not shuffled.size:
            raise ValueError(f"no document of the class {name!r} to learn from")
        n_held_out = min(int(settings.held_out * shuffled.size), shuffled.size - 1)
        held_out.append(shuffled[:n_held_out])
        learned.append(shuffled[n_held_out:])
    visits = _visits(learned, settings.epochs, random)
    weights = _descend(words.hashes, words.offsets, visits, numbers, settings.buckets, settings.learning_rate)
    measured = np.concatenate(held_out)
    predicted = np.argmax(probabilities(words, weights)[measured], axis=1)
    confusion = np.zeros((len(CLASSES), len(CLASSES)), np.int64)
    np.add.at(confusion, (numbers[measured], predicted), 1)
    return TrainedClassifier(weights, confusion)


def probabilities(words: Units, weights: Float32s) -> Float64s:
    """The probability of each of `CLASSES` for each document: [documents, 5]."""
    sums = feature_sums(words, np.zeros((1, 4), np.float32), weights)
    return softmax(sums.weights, sums.n_features)


def softmax(sums: Float64s, n_features: Int64s) -> Float64s:
    """Probabilities from the summed weights; equal ones for a document without features."""
    logits = sums / np.maximum(n_features, 1)[:, None]
    odds: Float64s = np.exp(logits - logits.max(axis=1, keepdims=True))
    odds /= odds.sum(axis=1, keepdims=True)
    return odds


def scores(chances: Float64s) -> dict[str, Float64s]:
    """Each of `SCORES` from the class probabilities: the chance of its classes among those and the web."""
    found = {}
    for name, classes in SCORES.items():
        wanted = chances[:, [CLASSES.index(one) for one in classes]].sum(axis=1)
        found[name] = wanted / (wanted + chances[:, _WEB])
    return found


def joined(parts: list[Units]) -> Units:
    """The documents of all parts, one part after the other."""
    starts = np.cumsum([0, *(part.hashes.size for part in parts)])
    offsets = [part.offsets[1:] + start for part, start in zip(parts, starts, strict=False)]
    return Units(np.concatenate([part.hashes for part in parts]), np.concatenate([np.zeros(1, np.int64), *offsets]))


def _visits(learned: list[Int64s], epochs: int, random: np.random.Generator) -> Int64s:
    """The documents in the order in which they are visited: the classes in turn, smaller ones repeated."""
    longest = max(part.size for part in learned)
    rounds = [
        np.stack([np.resize(random.permutation(part), longest) for part in learned], axis=1).reshape(-1)
        for _ in range(epochs)
    ]
    return np.concatenate(rounds)


@compiled()
def _descend(
    hashes: UInt64s, offsets: Int64s, visits: Int64s, labels: Int64s, n_buckets: int, learning_rate: float
) -> Float32s:
    """The weights after one step per visit, each of which moves the document's own logits by rate x error."""
    weights = np.zeros((n_buckets, 8), np.float32)
    counts = np.zeros(n_buckets, np.int64)
    size = np.uint64(n_buckets)
    buckets = np.zeros(0, np.uint64)
    logits = np.zeros(5, np.float64)
    for step in range(visits.size):
        start, end = offsets[visits[step]], offsets[visits[step] + 1]
        if end == start:
            continue
        n = 2 * (end - start) - 1
        if buckets.size < n:
            buckets = np.zeros(n, np.uint64)
        buckets[0] = bucket_of(hashes[start], size)
        for i in range(start + 1, end):
            at = 2 * (i - start)
            buckets[at - 1] = bucket_of(pair_of(hashes[i - 1], hashes[i]), size)
            buckets[at] = bucket_of(hashes[i], size)
        logits.fill(0.0)
        n_squared = 0  # sum of the squared counts of the buckets
        for i in range(n):
            for label in range(5):
                logits[label] += weights[buckets[i], label]
            n_squared += 2 * counts[buckets[i]] + 1
            counts[buckets[i]] += 1
        errors = np.exp(logits / n - logits.max() / n)
        errors = -errors / errors.sum()
        errors[labels[visits[step]]] += 1.0
        errors *= learning_rate * (1.0 - step / visits.size) * n / n_squared
        for i in range(n):
            counts[buckets[i]] = 0
            for label in range(5):
                weights[buckets[i], label] += np.float32(errors[label])
    return weights
