"""The truth itself is checked: exhaustive pairs against a double loop, compiled similarity against strings."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets_tests.dedup.truth import brute, edits, labels
from neo_assets_tests.dedup.truth.adapter import layout, met, proposed_pairs, verdicts
from neo_assets_tests.dedup.truth.edits import Language
from neo_assets_tests.dedup.truth.evaluate import expected_survivors


@given(st.lists(st.frozensets(st.sampled_from("abcdefgh")), max_size=8), st.sampled_from([0.1, 0.5, 0.8, 1.0]))
def test_all_pairs_are_those_of_a_double_loop(sets: list[frozenset[str]], minimum: float) -> None:
    expected = {
        (i, j): brute.jaccard(sets[i], sets[j])
        for i, j in combinations(range(len(sets)), 2)
        if brute.jaccard(sets[i], sets[j]) >= minimum
    }
    assert brute.all_pairs(sets, minimum) == pytest.approx(expected)


@pytest.mark.parametrize("language", ["english", "chinese"])
@pytest.mark.parametrize("width", [3, 5, 13])
def test_compiled_similarity_is_that_of_strings(language: Language, width: int) -> None:
    texts = edits.passages(language, 6, 300)
    texts += [copy.text for copy in edits.copies(texts, language, edits.KINDS, seed=1)]
    sets = [brute.shingles(text, language, width) for text in texts]
    judged = verdicts(texts, layout(language, width, bands=128, rows=1, threshold=0.1))
    compared = [(i, row["survivor"], row["similarity"]) for i, row in enumerate(judged) if row["survivor"] is not None]
    assert len(compared) > len(texts) / 2
    assert [brute.jaccard(sets[i], sets[j]) for i, j, _ in compared] == [similarity for *_, similarity in compared]


@given(st.lists(st.sampled_from(["", "。", "春眠不覺曉", "春眠不觉晓", "春眠，不覺曉", "處處聞啼鳥"]), max_size=8))
def test_proposed_pairs_are_those_that_meet(texts: list[str]) -> None:
    settings = layout("chinese", 2)
    pairs = list(combinations(range(len(texts)), 2))
    left, right = ([texts[pair[side]] for pair in pairs] for side in (0, 1))
    assert proposed_pairs(texts, settings) == {
        pair for pair, meet in zip(pairs, met(left, right, settings), strict=True) if meet
    }


def test_the_first_earlier_partner_survives() -> None:
    assert expected_survivors(5, {(0, 3), (2, 3), (3, 4)}) == [None, None, None, 0, 3]


def test_known_detection_probabilities() -> None:
    # MAP-Neo Matrix's 9 x 13 as the module minhash states them, rounded
    assert [round(brute.detection(value, 9, 13), 3) for value in (0.8, 0.9, 1.0)] == [0.399, 0.929, 1.0]


def test_deviations_count_standard_deviations() -> None:
    assert brute.deviations(60, [0.5] * 100) == pytest.approx(2)
    assert brute.deviations(4, [1.0] * 5) == pytest.approx(-2)


@pytest.mark.parametrize(
    ("left", "right", "share"),
    [("山高月小", "山高，月小。", 1), ("山高月小", "山高水落石出", 0.5), ("山", "", 0), ("abcd", "axbxcxdx", 1)],
)
def test_common_share_ignores_what_is_left_out(left: str, right: str, share: float) -> None:
    assert labels.common_share(left, right) == labels.common_share(right, left) == share


def test_page_text_leaves_out_scripts_and_styles() -> None:
    assert labels.page_text("<p>一 <b>二</b></p><script>x</script><style>y</style><p> 三") == "一\n二\n三"


def test_articles_lose_their_numbers() -> None:
    law = "第一条\u3000甲。\n（一）乙\n第十二条之一\u3000丙，依照第三条。"
    assert labels.articles(law) == ["甲。\n（一）乙", "丙，依照第三条。"]
