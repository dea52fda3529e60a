from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.packed import packed, unpacked, utf8_of

ROWS = st.lists(st.lists(st.integers(0, 2**16 - 1), max_size=5), max_size=6)


@given(ROWS, st.sampled_from([np.uint16, np.uint32, np.int64, np.uint64]), st.integers(0, 6))
def test_numbers_come_back_from_any_slice(rows: list[list[int]], kind: type[np.generic], first: int) -> None:
    numbers = np.array([number for row in rows for number in row], kind)
    column = packed(numbers, np.append(0, np.cumsum([len(row) for row in rows], dtype=np.int64)))
    assert column.type == pa.binary()
    found, bounds = unpacked(column.slice(first), kind)
    assert [found[a:b].tolist() for a, b in pairwise(bounds)] == rows[first:]


def test_bytes_are_little_endian_and_a_null_holds_nothing() -> None:
    assert packed(np.array([1, 258], np.uint16), np.array([0, 2])).to_pylist() == [b"\x01\x00\x02\x01"]
    found, bounds = unpacked(pa.array([None, b"\x01\x00", None], pa.binary()), np.uint16)
    assert (found.tolist(), bounds.tolist()) == ([1], [0, 0, 1, 1])


@given(st.lists(st.one_of(st.none(), st.text(max_size=9)), max_size=6), st.integers(0, 6))
def test_texts_are_their_utf8(texts: list[str | None], first: int) -> None:
    data, offsets = utf8_of(pa.array(texts, pa.string()).slice(first))
    found = [data[a:b].tobytes().decode() for a, b in pairwise(offsets)]
    assert found == [text or "" for text in texts[first:]]
