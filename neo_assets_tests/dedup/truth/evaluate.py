"""How well a layout finds the true pairs, and what near deduplication must therefore decide."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from neo_assets.recipe.dedup import NearSettings
from neo_assets_tests.dedup.truth import brute
from neo_assets_tests.dedup.truth.adapter import Pair, proposed_pairs


class Found(NamedTuple):
    """The pairs at or above the threshold (`true`), those of them that share a band, and all that share one."""

    true: dict[Pair, float]
    merged: set[Pair]
    proposed: set[Pair]
    chances: list[float]

    @property
    def expected(self) -> float:
        """How many true pairs the formula lets expect."""
        return math.fsum(self.chances)

    @property
    def deviations(self) -> float:
        """Standard deviations between the pairs found and those expected."""
        return brute.deviations(len(self.merged), self.chances)


def found_pairs(texts: Sequence[str], settings: NearSettings) -> Found:
    """Exhaustive truth and what the layout proposes of it."""
    sets = [brute.shingles(text, settings.normalisation, settings.shingle_chars) for text in texts]
    return compared(brute.all_pairs(sets, settings.threshold), texts, settings)


def compared(similar: Mapping[Pair, float], texts: Sequence[str], settings: NearSettings) -> Found:
    """The same with the truth given: all pairs at or above some similarity not above the threshold."""
    true = {pair: value for pair, value in similar.items() if value >= settings.threshold}
    proposed = proposed_pairs(texts, settings)
    chances = [brute.detection(value, settings.bands, settings.rows) for value in true.values()]
    return Found(true, proposed & true.keys(), proposed, chances)


def expected_survivors(n_texts: int, merged: Collection[Pair]) -> list[int | None]:
    """For each text the first earlier one that it is merged with; None where it stays (the rule `earlier`)."""
    survivors: list[int | None] = [None] * n_texts
    for first, second in sorted(merged, reverse=True):
        survivors[second] = first
    return survivors


def share(part: Collection[Pair], whole: Collection[Pair]) -> float:
    """Which share of `whole` is in `part`; 1 when there is nothing to find."""
    return len(set(part) & set(whole)) / len(whole) if whole else 1.0
