from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.text.repetition import DUPLICATE_NGRAMS, N_SHARES, TOP_NGRAMS, number_units, repetition_shares
from neo_assets.text.units import unit_hash
from neo_assets_tests.text import naive

LENGTHS = (*TOP_NGRAMS, *DUPLICATE_NGRAMS)


def shares(words: list[str]) -> dict[int, float]:
    hashes = np.array([unit_hash(word) for word in words], np.uint64)
    ids, counts = np.empty(hashes.size, np.int32), np.empty(hashes.size, np.int32)
    n_distinct = number_units(hashes, ids, counts)
    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum([len(word) for word in words], dtype=np.int64)))
    found = np.full(N_SHARES, -1.0)
    repetition_shares(ids, counts[:n_distinct], ends, found)
    return dict(zip(LENGTHS, found.tolist(), strict=True))


@pytest.mark.parametrize("n_different", [1, 2, 3, 6])
@given(data=st.data())
def test_equals_the_naive_shares(n_different: int, data: st.DataObject) -> None:
    words = data.draw(st.lists(st.sampled_from(["a", "bb", "ccc", "dd", "e", "f"][:n_different]), max_size=80))
    assert shares(words) == pytest.approx(naive.ngram_shares(words, len))


def test_a_sentence_200_times_is_all_repetition() -> None:
    # MAP-Neo's released rule scores such a text 0.003 and keeps it; ten words, 200 times
    words = ["every", "sentence", "of", "this", "page", "is", "just", "like", "all", "others"]
    found = shares(words * 200)
    assert all(found[n] == 1.0 for n in DUPLICATE_NGRAMS)


def test_a_top_ngram_counts_once_where_it_overlaps_itself() -> None:
    assert shares(["ha"] * 10) == {n: 1.0 if n < 10 else 0.0 for n in LENGTHS}


def test_of_equally_common_ngrams_the_earliest_counts() -> None:
    assert shares(["a", "b", "long", "words", "x", "a", "b", "long", "words"])[2] == pytest.approx(4 / 23)


def test_units_are_numbered_in_order_of_first_occurrence() -> None:
    hashes = np.array([9, 7, 9, 8, 7, 9], np.uint64)
    ids, counts = np.empty(6, np.int32), np.empty(6, np.int32)
    assert number_units(hashes, ids, counts) == 3
    assert ids.tolist() == [0, 1, 0, 2, 1, 0]
    assert counts[:3].tolist() == [3, 2, 1]
