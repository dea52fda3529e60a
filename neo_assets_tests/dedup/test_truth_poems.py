"""Two editions of the Complete Tang Poems: 1,000 poems of each, 517 titles that both have once."""

from __future__ import annotations

from functools import lru_cache

import pytest

from neo_assets_tests.dedup.truth import brute
from neo_assets_tests.dedup.truth.adapter import Pair, layout, verdicts
from neo_assets_tests.dedup.truth.evaluate import Found, expected_survivors, found_pairs, share
from neo_assets_tests.dedup.truth.labels import Document, common_share, seed_poems, title_pairs

MATRIX = (13, 9, 13)
SHORT = (3, 32, 4)
"""Characters in a shingle, bands, rows: as published, and for texts of 20 to 60 characters."""


@lru_cache(maxsize=1)
def poems() -> list[Document]:
    return seed_poems()


def texts() -> list[str]:
    return [poem.text for poem in poems()]


@lru_cache(maxsize=8)
def found(shingle_chars: int, bands: int, rows: int, permutation_seed: int = 1) -> Found:
    return found_pairs(texts(), layout("chinese", shingle_chars, bands, rows, permutation_seed=permutation_seed))


@lru_cache(maxsize=1)
def labelled() -> list[Pair]:
    return title_pairs(poems())


def test_same_titles_are_the_same_poems() -> None:
    assert len(labelled()) == 517
    assert all(poems()[i].edition != poems()[j].edition for i, j in labelled())
    # By an independent measure: of the shorter text at least seven in eight characters follow in the longer one.
    assert min(common_share(poems()[i].text, poems()[j].text) for i, j in labelled()) >= 7 / 8


def test_bands_for_short_texts_miss_nothing() -> None:
    result = found(*SHORT)
    assert len(result.true) > 500
    assert result.merged == set(result.true)  # chance of a miss: 1e-7 a pair at 0.8


@pytest.mark.parametrize("shingle_chars", [3, 5, 13])
def test_published_bands_find_what_the_formula_says(shingle_chars: int) -> None:
    results = [found(shingle_chars, 9, 13, seed) for seed in range(1, 9)]
    chances = [chance for result in results for chance in result.chances]
    assert abs(brute.deviations(sum(len(result.merged) for result in results), chances)) < 4
    equal = {pair for pair, similarity in results[0].true.items() if similarity == 1}
    assert len(equal) == 281
    assert all(equal <= result.merged < set(result.true) for result in results)


@pytest.mark.parametrize("chars_bands_rows", [MATRIX, SHORT])
def test_verdicts_are_the_true_pairs_that_met(chars_bands_rows: tuple[int, int, int]) -> None:
    result = found(*chars_bands_rows)
    judged = verdicts(texts(), layout("chinese", *chars_bands_rows))
    assert [row["survivor"] for row in judged] == expected_survivors(len(judged), result.merged)
    for i, row in enumerate(judged):
        assert (row["verdict"] == "rejected") == (row["survivor"] is not None)
        if row["survivor"] is not None:
            assert row["similarity"] == result.true[row["survivor"], i] >= 0.8


@pytest.mark.parametrize("chars_bands_rows", [MATRIX, SHORT])
def test_only_the_same_poem_is_merged(chars_bands_rows: tuple[int, int, int]) -> None:
    merged = found(*chars_bands_rows).merged
    assert min(common_share(poems()[i].text, poems()[j].text) for i, j in merged) >= 7 / 8


def test_unverified_candidates_of_short_texts_are_mostly_wrong() -> None:
    """Why candidates are verified: three characters in common are no rarity in poems."""
    proposed = found(*SHORT).proposed
    right = [pair for pair in proposed if common_share(poems()[pair[0]].text, poems()[pair[1]].text) >= 7 / 8]
    assert len(right) < len(proposed)


def test_recall_of_titles_is_bounded_by_exhaustive_similarity() -> None:
    """Of the labelled pairs just those can be found whose texts are similar enough: 13 characters are too long here."""
    recall = {layout_: share(found(*layout_).merged, labelled()) for layout_ in (MATRIX, SHORT)}
    reachable = {layout_: share(found(*layout_).true, labelled()) for layout_ in (MATRIX, SHORT)}
    assert recall[SHORT] == reachable[SHORT]
    assert recall[MATRIX] <= reachable[MATRIX] < reachable[SHORT] < 1
    chances = [brute.detection(found(*MATRIX).true[pair], 9, 13) for pair in labelled() if pair in found(*MATRIX).true]
    assert abs(brute.deviations(round(recall[MATRIX] * len(labelled())), chances)) < 4
