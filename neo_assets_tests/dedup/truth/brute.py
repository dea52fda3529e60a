"""Similarity by brute force, from Python strings alone: the truth that the compiled code is measured against."""

from __future__ import annotations

import math
import string
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_FULL_WIDTH_SYMBOLS = "＄＋＜＝＞＾｀｜～"


def reduced(text: str, normalisation: str) -> str:
    """The text as it is compared; English: no ASCII punctuation; Chinese: no punctuation and no whitespace."""
    text = unicodedata.normalize("NFC", text).lower()
    if normalisation == "english":
        return " ".join(text.translate(str.maketrans("", "", string.punctuation)).split())
    return text.translate({ord(c): None for c in set(text) if _is_dropped(c)})


def _is_dropped(character: str) -> bool:
    """Whether Chinese is compared without this character."""
    symbols = string.punctuation + _FULL_WIDTH_SYMBOLS
    return character.isspace() or character in symbols or unicodedata.category(character).startswith("P")


def shingles(text: str, normalisation: str, width: int) -> frozenset[str]:
    """The distinct shingles; a shorter text is its own only shingle, one with nothing left has none."""
    text = reduced(text, normalisation)
    return frozenset(text[i : i + width] for i in range(max(len(text) - width + 1, 1))) - {""}


def jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    """Shared by all; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def all_pairs(sets: Sequence[Iterable[str]], minimum: float) -> dict[tuple[int, int], float]:
    """Every pair i < j of Jaccard similarity at or above `minimum` (above 0), exhaustively.

    Counts, for each document, how often every other one stands in the lists of its shingles: n² comparisons in effect,
    without the pairs that share nothing. Memory grows with the shingles.
    """
    numbers: dict[str, int] = {}
    members = [np.array([numbers.setdefault(s, len(numbers)) for s in found], np.int64) for found in sets]
    sizes = np.array([len(found) for found in members], np.int64)
    shingle = np.concatenate([*members, np.empty(0, np.int64)])
    order = np.argsort(shingle, kind="stable")
    documents = np.repeat(np.arange(len(members)), sizes)[order]
    ends = np.searchsorted(shingle[order], np.arange(len(numbers) + 1))
    pairs: dict[tuple[int, int], float] = {}
    for i, found in enumerate(members):
        if found.size:
            pairs.update(_partners(i, [documents[ends[s] : ends[s + 1]] for s in found.tolist()], sizes, minimum))
    return pairs


def _partners(
    i: int, lists: list[npt.NDArray[np.int64]], sizes: npt.NDArray[np.int64], minimum: float
) -> dict[tuple[int, int], float]:
    others, shared = np.unique(np.concatenate(lists), return_counts=True)
    similarity = shared / (sizes[i] + sizes[others] - shared)
    wanted = (others > i) & (similarity >= minimum)
    return {(i, j): value for j, value in zip(others[wanted].tolist(), similarity[wanted].tolist(), strict=True)}


def detection(similarity: float, bands: int, rows: int) -> float:
    """Probability that two documents of this Jaccard similarity share a band: 1 − (1 − J^rows)^bands."""
    return 1 - (1 - similarity**rows) ** bands


def deviations(found: int, probabilities: Sequence[float]) -> float:
    """How many standard deviations `found` lies from what independent events of these probabilities give.

    The deviation has at least that of one half of an event, so that a bin without doubt must be met almost exactly.
    """
    expected = math.fsum(probabilities)
    variance = math.fsum(p * (1 - p) for p in probabilities)
    return (found - expected) / math.sqrt(max(variance, 0.25))


def bins(similarities: Sequence[float], edges: Sequence[float]) -> list[list[int]]:
    """Positions of the similarities that lie in each half-open bin between two edges."""
    found: list[list[int]] = []
    for low, high in pairwise(edges):
        found.append([i for i, value in enumerate(similarities) if low <= value < high])
    return found
