"""Importance weights: how much likelier a document's words are in a reference set than on the web.

RedPajama-V2's form of DSIR (Xie et al. 2023): words and pairs of neighbouring words fall into hash buckets; for each
occurrence ln(p + 1e-8) - ln(q + 1e-8) is added, p and q being the bucket's shares in the reference set and in the web
pool. Two things differ from upstream: the words are the normalised ones that all our signals share, and their hashes
are the same in every process, where upstream's are Python's salted ones.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, key64
from neo_assets.text.units import Units

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

TARGETS = ("wikipedia", "books", "openwebtext")
"""The reference sets that have an importance: the columns of the ratios."""
SMOOTHING = 1e-8
"""RedPajama-V2's."""
_HALF = np.uint64(32)


class Sums(NamedTuple):
    """Per document, the sums over its features of the first table's 3 columns and of the second's 5; its features."""

    ratios: Float64s
    weights: Float64s
    n_features: Int64s


@compiled(inline="always")
def pair_of(first: np.uint64, second: np.uint64) -> np.uint64:
    """The hash of two neighbouring words."""
    return key64(first * BASE + second)


@compiled(inline="always")
def bucket_of(feature: np.uint64, n_buckets: np.uint64) -> np.uint64:
    """The bucket of a feature, by the upper half of its hash; at most 2^32 buckets."""
    return ((feature >> _HALF) * n_buckets) >> _HALF


def log_ratios(targets: dict[str, Units], web: Units, n_buckets: int) -> Float32s:
    """What one occurrence of a feature adds to each importance: [n_buckets, 4], a column per target and an unused one.

    Args:
        targets: the documents of each of `TARGETS`.
        web: the documents of the web pool.
    """
    ratios = np.zeros((n_buckets, 4), np.float32)
    source = _log_shares(web, n_buckets)
    for column, name in enumerate(TARGETS):
        ratios[:, column] = _log_shares(targets[name], n_buckets) - source
    return ratios


def importance(words: Units, ratios: Float32s) -> Float64s:
    """The importances of each document: [documents, 3]; 0 for one without words."""
    return feature_sums(words, ratios, np.zeros((1, 8), np.float32)).ratios


def feature_sums(words: Units, ratios: Float32s, weights: Float32s) -> Sums:
    """One pass over the documents' words and word pairs, for importance and for a classifier of 5 classes.

    Args:
        ratios: [buckets, 4] of which 3 columns count; weights: [buckets, 8] of which 5 count. Rows are padded so that
            none lies across two cache lines.
    """
    return Sums(*_feature_sums(words.hashes, words.offsets, ratios, weights))


def _log_shares(words: Units, n_buckets: int) -> Float64s:
    counts = _feature_counts(words.hashes, words.offsets, n_buckets)
    shares: Float64s = counts / max(int(counts.sum()), 1)
    return np.log(shares + SMOOTHING)


@compiled()
def _feature_counts(hashes: UInt64s, offsets: Int64s, n_buckets: int) -> Int64s:
    counts = np.zeros(n_buckets, np.int64)
    size = np.uint64(n_buckets)
    for text in range(offsets.size - 1):
        for i in range(offsets[text], offsets[text + 1]):
            counts[bucket_of(hashes[i], size)] += 1
            if i > offsets[text]:
                counts[bucket_of(pair_of(hashes[i - 1], hashes[i]), size)] += 1
    return counts


@compiled()
def _feature_sums(
    hashes: UInt64s, offsets: Int64s, ratios: Float32s, weights: Float32s
) -> tuple[Float64s, Float64s, Int64s]:
    n_texts = offsets.size - 1
    ratio_sums, weight_sums = np.zeros((n_texts, 3)), np.zeros((n_texts, 5))
    n_features = np.zeros(n_texts, np.int64)
    n_ratios, n_weights = np.uint64(ratios.shape[0]), np.uint64(weights.shape[0])
    for text in range(n_texts):
        r0 = r1 = r2 = w0 = w1 = w2 = w3 = w4 = 0.0
        start, end = offsets[text], offsets[text + 1]
        for feature in range(2 * start, 2 * end):  # a word, then the pair that it ends
            i = feature // 2
            if feature % 2 == 0:
                key = hashes[i]
            elif i > start:
                key = pair_of(hashes[i - 1], hashes[i])
            else:
                continue
            at, line = bucket_of(key, n_ratios), bucket_of(key, n_weights)
            r0 += ratios[at, 0]
            r1 += ratios[at, 1]
            r2 += ratios[at, 2]
            w0 += weights[line, 0]
            w1 += weights[line, 1]
            w2 += weights[line, 2]
            w3 += weights[line, 3]
            w4 += weights[line, 4]
        ratio_sums[text, 0], ratio_sums[text, 1], ratio_sums[text, 2] = r0, r1, r2
        sums = weight_sums[text]
        sums[0], sums[1], sums[2], sums[3], sums[4] = w0, w1, w2, w3, w4
        n_features[text] = 2 * (end - start) - 1 if end > start else 0
    return ratio_sums, weight_sums, n_features
