"""An n-gram language model over 64-bit hashes of words or characters, and the perplexity it gives to a document.

Interpolated modified Kneser-Ney smoothing (Chen and Goodman 1999) as KenLM estimates it: the discounts come from the
counts of counts; lower orders count distinct left neighbours; the unigrams are interpolated with the uniform
distribution over the vocabulary and one unknown unit.

A document is running text: unlike in ccnet, whose units are lines, neither its start nor its end is an event, for where
our documents are cut says nothing about how well they read. Perplexity is exp(-mean log p) over all units, unknown ones
included, which is ccnet's definition but for its one end mark a line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, EMPTY, ONE, key64, slot_of
from neo_assets.recipe.references import LanguageModelSettings
from neo_assets.text.classes import WORD, class_of, lower_of
from neo_assets.text.units import Points, Units

UInt64s = npt.NDArray[np.uint64]
UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

FALLBACK_DISCOUNTS = (0.5, 1.0, 1.5)
"""KenLM's, for text too small or too odd to estimate them."""
_UNDERSCORE = 95
_TWO, _THREE = np.uint64(2), np.uint64(3)


@dataclass(frozen=True)
class LanguageModel:
    """What `train` gives: the n-grams, and the natural logarithm of an unknown unit's probability.

    `entries` is an open-addressing table uint64[slots, 2]: the key of an n-gram, and as two float32 the logarithms of
    its probability and of its weight as a context (that of what is left to shorter n-grams).
    """

    order: int
    log_unknown: float
    entries: UInt64s


class _NGrams(NamedTuple):
    """The distinct n-grams of one order: key, number of the context, of the shorter n-gram; raw and adjusted counts."""

    keys: UInt64s
    contexts: Int64s
    suffixes: Int64s
    raw: Int64s
    adjusted: Int64s


def characters(text: Points) -> Units:
    """The letters and digits of texts, lower-cased: the units of Chinese."""
    return Units(*_characters(text.points, text.offsets, class_of(), lower_of()))


def train(text: Units, settings: LanguageModelSettings) -> LanguageModel:
    """The model of these documents; O(order x n log n) time, some 100 bytes a unit of memory.

    Raises:
        ValueError: the documents hold no unit.
    """
    if not text.hashes.size:
        raise ValueError("no word to learn from: give the set `wikipedia` files with text")
    orders = list(_count(text, settings.order))
    probability: Float64s = np.zeros(0)
    unknown = 0.0
    logs: list[Float64s] = []
    kept: list[npt.NDArray[np.bool_]] = []
    context_weights: list[Float64s] = []
    for k, grams in enumerate(orders, start=1):
        keep = grams.raw >= (settings.min_count if k > 2 else 1)
        own, left = _discounted(grams, keep, orders[k - 2].keys.size if k > 1 else 1)
        if k == 1:
            uniform = left[0] / (grams.keys.size + 1)
            probability, unknown = own + uniform, uniform
        else:
            probability = own + left[grams.contexts] * probability[grams.suffixes]
            context_weights.append(left)
        kept.append(keep)
        logs.append(np.log(probability))
    context_weights.append(np.ones(orders[-1].keys.size))
    return LanguageModel(settings.order, float(np.log(unknown)), _table(orders, kept, logs, context_weights))


def perplexity(text: Units, model: LanguageModel) -> Float64s:
    """The perplexity of each document, NaN where it has no unit; 30 to 45 ns a unit on one core."""
    total = log_probabilities(text, model)
    n = np.diff(text.offsets)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.exp(-total / n)


def log_probabilities(text: Units, model: LanguageModel) -> Float64s:
    """The natural logarithm of each document's probability."""
    entries = model.entries.reshape(-1)
    return _score(text.hashes, text.offsets, entries, entries.view(np.float32), model.order, model.log_unknown)


def bucket_limits(perplexities: Float64s, settings: LanguageModelSettings) -> Float64s:
    """The largest perplexities of the head and of the middle bucket: quantiles of the web pool's documents.

    Raises:
        ValueError: no document has a perplexity.
    """
    known = perplexities[~np.isnan(perplexities)]
    if not known.size:
        raise ValueError("the web pool has no document with text: crawl the first day before training models")
    limits: Float64s = np.quantile(known, settings.bucket_quantiles, method="inverted_cdf")
    return limits


def ccnet_bucket(perplexities: Float64s, limits: Float64s) -> Float64s:
    """0 for the head, 1 for the middle, 2 for the tail; NaN without a perplexity."""
    return np.where(np.isnan(perplexities), np.nan, np.searchsorted(limits, perplexities, side="left"))


def _count(text: Units, order: int) -> list[_NGrams]:
    """The n-grams of each order, numbered by ascending number of the n-gram less its last unit, then of that unit."""
    hashes, words = np.unique(text.hashes, return_inverse=True)
    n = text.hashes.size
    rest = np.repeat(text.offsets[1:], np.diff(text.offsets)) - np.arange(n)
    is_first = np.zeros(n, np.bool_)
    is_first[text.offsets[:-1][np.diff(text.offsets) > 0]] = True
    ids = words.astype(np.int64)  # of the n-gram that starts at each position, -1 where the document ends before
    grams = [
        _NGrams(hashes, np.zeros(hashes.size, np.int64), np.zeros(0, np.int64), np.bincount(ids), np.bincount(ids))
    ]
    for k in range(2, order + 1):
        starts = np.flatnonzero(rest >= k)
        pairs = ids[starts].astype(np.uint64) * np.uint64(hashes.size) + words[starts + k - 1].astype(np.uint64)
        _, at, number, raw = np.unique(pairs, return_index=True, return_inverse=True, return_counts=True)
        at = starts[at]
        suffixes = ids[at + 1]
        # A document's first n-gram has a left neighbour too, the same for all documents: its start.
        begin = np.unique(ids[is_first & (ids >= 0)])
        adjusted = np.bincount(suffixes, minlength=grams[-1].keys.size)
        adjusted[begin] += 1
        grams[-1] = grams[-1]._replace(adjusted=adjusted)
        contexts = ids[at]
        ids = np.full(n, -1, np.int64)
        ids[starts] = number
        grams.append(_NGrams(_keys(text.hashes, at, k), contexts, suffixes, raw, raw))
    return grams


def _discounts(adjusted: Int64s) -> Float64s:
    """What is taken from n-grams counted 0, 1, 2 and 3 or more times."""
    n1, n2, n3, n4 = (int(np.count_nonzero(adjusted == count)) for count in range(1, 5))
    if n1 and n2 and n3:
        y = n1 / (n1 + 2 * n2)
        found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
        if all(0 < discount <= count for count, discount in enumerate(found, start=1)):
            return np.array([0.0, *found])
    return np.array([0.0, *FALLBACK_DISCOUNTS])


def _discounted(grams: _NGrams, keep: npt.NDArray[np.bool_], n_contexts: int) -> tuple[Float64s, Float64s]:
    """The discounted probability of each n-gram in its context, 0 if left out; what each context leaves over."""
    discount = np.where(keep, _discounts(grams.adjusted)[np.minimum(grams.adjusted, 3)], grams.adjusted)
    total = np.bincount(grams.contexts, grams.adjusted, n_contexts)
    left = np.bincount(grams.contexts, discount, n_contexts)
    never = total == 0
    total[never] = left[never] = 1
    return (grams.adjusted - discount) / total[grams.contexts], left / total


def _table(
    orders: list[_NGrams], kept: list[npt.NDArray[np.bool_]], logs: list[Float64s], weights: list[Float64s]
) -> UInt64s:
    columns = zip(orders, kept, logs, weights, strict=True)
    chosen = [(grams.keys[keep], log[keep], np.log(weight)[keep]) for grams, keep, log, weight in columns]
    keys, probabilities, contexts = (np.concatenate(column) for column in zip(*chosen, strict=True))
    return _filled(keys, probabilities.astype(np.float32), contexts.astype(np.float32))


@compiled()
def _filled(keys: UInt64s, probabilities: Float32s, contexts: Float32s) -> UInt64s:
    n_slots = 8
    while 2 * n_slots < 3 * keys.size:  # at most two thirds full: a smaller table misses the cache less
        n_slots *= 2
    taken = np.zeros(n_slots, np.uint64)
    entries = np.zeros((n_slots, 2), np.uint64)
    values = entries.view(np.float32)
    for i in range(keys.size):
        slot = slot_of(taken, keys[i])
        taken[slot] = keys[i]
        entries[slot, 0] = keys[i]
        values[slot, 2] = probabilities[i]
        values[slot, 3] = contexts[i]
    return entries


@compiled(inline="always")
def _longer(key: np.uint64, before: np.uint64) -> np.uint64:
    """The key of an n-gram from that of its last units and the one before them; the key of one unit is its hash."""
    return key64(key * BASE + before)


@compiled()
def _keys(hashes: UInt64s, at: Int64s, k: int) -> UInt64s:
    keys = np.empty(at.size, np.uint64)
    for i in range(at.size):
        key = hashes[at[i] + k - 1]
        for j in range(k - 2, -1, -1):
            key = _longer(key, hashes[at[i] + j])
        keys[i] = key
    return keys


@compiled()
def _score(
    hashes: UInt64s, offsets: Int64s, entries: UInt64s, values: Float32s, order: int, log_unknown: float
) -> Float64s:
    totals = np.zeros(offsets.size - 1, np.float64)
    mask = np.uint64(entries.size // 2 - 1)
    before = np.zeros(order + 1, np.float64)  # logarithms of the weights of the contexts that end before this unit
    after = np.zeros(order + 1, np.float64)
    for text in range(offsets.size - 1):
        total = 0.0
        n_before = 0
        for i in range(offsets[text], offsets[text + 1]):
            key = hashes[i]
            log_p = log_unknown
            found = 0
            while True:
                slot = key & mask
                while entries[slot << ONE] != key and entries[slot << ONE] != EMPTY:
                    slot = (slot + ONE) & mask
                if entries[slot << ONE] != key:
                    break
                found += 1
                log_p = values[(slot << _TWO) + _TWO]
                after[found] = values[(slot << _TWO) + _THREE]
                if found > n_before:
                    break
                key = _longer(key, hashes[i - found])
            total += log_p
            for length in range(max(found, 1), n_before + 1):
                total += before[length]
            before, after = after, before
            n_before = min(found, order - 1)
        totals[text] = total
    return totals


@compiled()
def _characters(points: UInt32s, offsets: Int64s, classes: UInt32s, lower: UInt32s) -> tuple[UInt64s, Int64s]:
    hashes = np.empty(points.size, np.uint64)
    ends = np.zeros(offsets.size, np.int64)
    n = 0
    for text in range(offsets.size - 1):
        for i in range(offsets[text], offsets[text + 1]):
            if classes[points[i]] & WORD and points[i] != _UNDERSCORE:
                hashes[n] = key64(np.uint64(lower[points[i]]) + ONE)
                n += 1
        ends[text + 1] = n
    return hashes[:n].copy(), ends
