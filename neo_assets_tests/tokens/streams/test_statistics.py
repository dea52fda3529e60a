from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.tokens.entropy import unigram_entropy
from neo_assets.tokens.streams.statistics import count_tokens, stream_statistics
from neo_assets.tokens.streams.stream import TokenStream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer


@given(st.lists(st.lists(st.integers(0, 9), max_size=20), max_size=5))
def test_counts_and_entropy_are_the_definition(lists: list[list[int]]) -> None:
    counts = count_tokens([np.array(tokens, np.uint16) for tokens in lists], 10)
    flat = [token for tokens in lists for token in tokens]
    assert counts.tolist() == [flat.count(i) for i in range(10)]
    shares = [flat.count(i) / len(flat) for i in set(flat)]
    assert unigram_entropy(counts) == pytest.approx(sum(-p * math.log(p) for p in shares), abs=1e-12)


def test_known_entropies() -> None:
    assert unigram_entropy(np.array([5, 5, 5, 5])) == pytest.approx(math.log(4))
    assert unigram_entropy(np.array([0, 9, 0])) == 0
    assert unigram_entropy(np.array([0, 0])) == 0
    with pytest.raises(ValueError, match="token id 7 is outside the 5 ids"):
        count_tokens([np.array([[1, 7]])], 5)


def test_statistics_add_up(streams: dict[str, TokenStream], tokenizer: Tokenizer) -> None:
    *rows, total = stream_statistics(streams, 128, tokenizer.settings.n_ids).to_pylist()
    assert [row["subset"] for row in rows] == sorted(streams)
    for column in ("documents", "tokens", "sequences", "tail_tokens"):
        assert total[column] == sum(row[column] for row in rows)
    assert sum(row["share"] for row in rows) == pytest.approx(1)
    for row in rows:
        stored = row["sequences"] * 128 + 1 if row["sequences"] else 0
        assert row["tokens"] == stored + row["tail_tokens"]
    assert 3 < total["unigram_entropy_nats"] < math.log(tokenizer.settings.n_ids)
