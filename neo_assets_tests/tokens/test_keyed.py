from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.tokens.keyed import WORD, counter_hashes, key, uniform


def test_key_separates_lists_of_parts() -> None:
    assert len({key("a", "bc"), key("ab", "c"), key("abc"), key("abc", ""), key("", "abc")}) == 5
    assert key("order", 42) == key("order", "42")


@given(st.integers(0, 300), st.integers(0, 300))
def test_counter_hashes_do_not_depend_on_how_many_are_drawn(n: int, more: int) -> None:
    key_bytes = key("test")
    np.testing.assert_array_equal(counter_hashes(key_bytes, n), counter_hashes(key_bytes, n + more)[:n])


@given(st.integers(0, 300), st.integers(0, 300))
def test_a_range_of_counter_hashes_is_part_of_the_whole(first: int, n: int) -> None:
    np.testing.assert_array_equal(counter_hashes(key("test"), n, first), counter_hashes(key("test"), first + n)[first:])


def test_counter_hashes_differ_by_key_and_number() -> None:
    one, other = counter_hashes(key("a"), 5000), counter_hashes(key("b"), 5000)
    assert len({row.tobytes() for row in np.concatenate([one, other])}) == 10_000


def test_philox_stream_is_the_published_one() -> None:
    # Known answer of Philox4x64-10 with key and counter zero; NumPy's first block has counter 1. Source: Random123
    # kat_vectors gives 16554d9eca36314c db20fe9d672d0fdc … for counter 0.
    bits = np.random.Philox(key=np.zeros(2, np.uint64), counter=np.array([2**64 - 1] * 4, np.uint64))
    assert [f"{word:016x}" for word in bits.random_raw(4)] == [
        "16554d9eca36314c",
        "db20fe9d672d0fdc",
        "d7e772cee186176b",
        "7e68b68aec7ba23b",
    ]


def test_uniform_is_uniform_and_keyed() -> None:
    draws = np.array([uniform(f"doc {i}", key("x")) for i in range(4000)], np.float64) / WORD
    assert abs(draws.mean() - 0.5) < 0.02
    assert abs(draws.var() - 1 / 12) < 0.01
    assert uniform("doc", key("x")) != uniform("doc", key("y"))
