"""Generated near-duplicates of known similarity: what must be found how often, and what must never be merged."""

from __future__ import annotations

import pytest

from neo_assets_tests.dedup.truth import brute, edits
from neo_assets_tests.dedup.truth.adapter import layout, met, verdicts
from neo_assets_tests.dedup.truth.edits import Language
from neo_assets_tests.dedup.truth.evaluate import expected_survivors, found_pairs

LANGUAGES: list[Language] = ["english", "chinese"]
EDGES = [0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0]
N_PASSAGES, PERMUTATION_SEEDS = 490, range(1, 33)
PASSAGE_CHARS: dict[Language, int] = {"english": 600, "chinese": 300}


def detected(language: Language) -> tuple[list[float], list[int]]:
    """Measured similarity of pairs (each passage twice: scattered edits, one run of them), and detections by seed."""
    texts = edits.passages(language, N_PASSAGES, PASSAGE_CHARS[language])
    kinds = (edits.SCATTERED, edits.RUNS)
    copies = [copy for chosen in kinds for copy in edits.one_copy_each(texts, language, chosen, seed=1)]
    sides = [texts[copy.origin] for copy in copies], [copy.text for copy in copies]
    sets = [[brute.shingles(text, language, 13) for text in side] for side in sides]
    found = [met(*sides, layout(language, permutation_seed=seed)) for seed in PERMUTATION_SEEDS]
    counts = [sum(times) for times in zip(*(row.tolist() for row in found), strict=True)]
    return [brute.jaccard(*pair) for pair in zip(*sets, strict=True)], counts


@pytest.mark.parametrize("language", LANGUAGES)
def test_detection_follows_the_formula_of_bands(language: Language) -> None:
    similarities, counts = detected(language)

    def distance(bands: int, rows: int) -> float:
        """The squared standard deviations between found and expected, summed over the bins (chi-square)."""
        squares = []
        for places in brute.bins(similarities, EDGES):
            chances = [brute.detection(similarities[i], bands, rows) for i in places] * len(PERMUTATION_SEEDS)
            squares.append(brute.deviations(sum(counts[i] for i in places), chances) ** 2)
        return sum(squares)

    # Of eight bins: chance exceeds 26 once in a thousand times (chi-square, 8 degrees of freedom).
    assert distance(9, 13) < 26
    # The test would notice one band or one row more or less.
    assert min(distance(*other) for other in ((8, 13), (10, 13), (9, 12), (9, 14))) > 26
    assert all(len(places) >= 30 for places in brute.bins(similarities, EDGES))
    assert all(count == len(PERMUTATION_SEEDS) for i, count in enumerate(counts) if similarities[i] == 1)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("bands_rows_chars", [(9, 13, 13), (32, 4, 5)])
def test_only_what_is_similar_is_merged(language: Language, bands_rows_chars: tuple[int, int, int]) -> None:
    bands, rows, shingle_chars = bands_rows_chars
    settings = layout(language, shingle_chars, bands, rows)
    originals = edits.passages(language, 25, PASSAGE_CHARS[language])
    copies = edits.copies(originals, language, edits.KINDS, seed=2)
    texts = originals + [copy.text for copy in copies]
    origins = list(range(len(originals))) + [copy.origin for copy in copies]
    found = found_pairs(texts, settings)
    judged = verdicts(texts, settings)
    assert [row["survivor"] for row in judged] == expected_survivors(len(texts), found.merged)
    for i, row in enumerate(judged):
        if row["verdict"] == "rejected":
            assert origins[row["survivor"]] == origins[i], "unrelated passages were merged"
            assert row["similarity"] == found.true[row["survivor"], i] >= 0.8
    assert not any(row["verdict"] == "rejected" for row in judged[: len(originals)])
    assert all(row["verdict"] == "rejected" for row, copy in zip(judged[len(originals) :], copies, strict=True)
               if copy.kind == "exact")  # fmt: skip
    kept_similar = len(found.true) - len(found.merged)
    assert kept_similar > 0 if bands == 9 else kept_similar == 0  # 1 - (1 - 0.8^4)^32 misses one pair of ten million


@pytest.mark.parametrize("language", LANGUAGES)
def test_edits_depend_on_nothing_but_their_seed(language: Language) -> None:
    texts = edits.passages(language, 4, PASSAGE_CHARS[language])
    first = edits.copies(texts, language, edits.KINDS, seed=3)
    assert first == edits.copies(texts, language, edits.KINDS, seed=3)
    last = edits.copies(texts[:1], language, edits.KINDS, seed=3)
    assert last == first[: len(last)]
    changed = [copy.kind for copy in first if copy.origin == 0 and copy.text == texts[0]]
    assert changed == ["exact"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_more_edits_leave_less_similarity(language: Language) -> None:
    texts = edits.passages(language, 40, PASSAGE_CHARS[language])
    sets = [brute.shingles(text, language, 13) for text in texts]
    for kinds in (edits.SCATTERED, edits.RUNS):
        means = []
        for kind, edit in kinds.items():
            copies = edits.copies(texts, language, {kind: edit}, seed=4)
            measured = [brute.jaccard(sets[c.origin], brute.shingles(c.text, language, 13)) for c in copies]
            means.append(sum(measured) / len(measured))
        assert means == sorted(means, reverse=True)
