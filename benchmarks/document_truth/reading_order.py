"""The order in which a document's blocks stand in an output, beside the true one."""

from __future__ import annotations

from collections.abc import Sequence

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

FOUND = 0.6
"""Similarity to the best place in the output from which on a truth block counts as found there."""
SAME = 0.85
"""The same for texts below `SHORT` characters, and for a part of the output that is one truth block."""
SHORT = 12


def order_score(found: Sequence[str], wanted: Sequence[str]) -> float:
    """1 - normalized edit distance between the order of truth blocks in the output and the true order.

    >>> order_score(["first block", "second one", "the third"], ["first block", "second one", "the third"])
    1.0
    >>> round(order_score(["the third", "first block", "second one"], ["first block", "second one", "the third"]), 2)
    0.33
    """
    numbers = matched_order(found, wanted)
    return Levenshtein.normalized_similarity(numbers, list(range(len(wanted))))


def matched_order(found: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Numbers of the truth blocks in the order of the output, neighbours that are the same but once.

    A part of the output that is no longer than a truth block stands for the block in which it is best found; a longer
    one for all blocks that are found in it. Equal blocks stand for each other in turn.
    """
    order: list[int] = []
    for text in found:
        following = order[-1] + 1 if order else 0
        order += _alike(text, wanted, following) or _within(text, wanted, following) or _contained(text, wanted)
    return [number for place, number in enumerate(order) if not place or order[place - 1] != number]


def _alike(text: str, wanted: Sequence[str], following: int) -> list[int]:
    """The truth block that the text is, nearly; of equal ones that next to the block before."""
    alike = (
        (Levenshtein.normalized_similarity(text, block, score_cutoff=SAME), -abs(number - following), number)
        for number, block in enumerate(wanted)
    )
    similarity, _, number = max(alike, default=(0.0, 0, 0))
    return [number] if similarity >= SAME else []


def _within(text: str, wanted: Sequence[str], following: int) -> list[int]:
    """The truth block of which the text is a part."""
    cutoff = 100 * (FOUND if len(text) >= SHORT else SAME)
    inside = (
        (fuzz.partial_ratio(text, block, score_cutoff=cutoff), -abs(number - following), number)
        for number, block in enumerate(wanted) if len(block) > len(text)
    )  # fmt: skip
    similarity, _, number = max(inside, default=(0.0, 0, 0))
    return [number] if similarity else []


def _contained(text: str, wanted: Sequence[str]) -> list[int]:
    """The truth blocks that are parts of the text, in its order."""
    here = []
    for number, block in enumerate(wanted):
        if len(block) <= 1.1 * len(text):
            similarity, start, _ = best_place(block, text)
            if similarity >= (FOUND if len(block) >= SHORT else SAME):
                here.append((start, number, similarity * len(block)))
    return [number for _, number, _ in _disjoint(here, wanted)]


def _disjoint(here: Sequence[tuple[int, int, float]], wanted: Sequence[str]) -> list[tuple[int, int, float]]:
    """Of blocks found in a text those that do not overlap, the heaviest first, by where they start."""
    kept: list[tuple[int, int, float]] = []
    for start, number, weight in sorted(here, key=lambda one: -one[2]):
        end = start + len(wanted[number])
        if all(
            end <= other + 0.2 * len(wanted[one]) or start >= other + 0.8 * len(wanted[one]) for other, one, _ in kept
        ):
            kept.append((start, number, weight))
    return sorted(kept)


def best_place(text: str, whole: str) -> tuple[float, int, int]:
    """(similarity, start, end) of the part of `whole` most like the text."""
    if not text or not whole:
        return 0.0, 0, 0
    if len(whole) <= len(text):
        return Levenshtein.normalized_similarity(text, whole), 0, len(whole)
    if (place := whole.find(text)) >= 0:
        return 1.0, place, place + len(text)
    found = fuzz.partial_ratio_alignment(text, whole)
    start, end = found.dest_start, found.dest_end
    return Levenshtein.normalized_similarity(text, whole[start:end]), start, end
