from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.packed import packed
from neo_assets.dedup.shared_windows import LISTED_SCHEMA, ListedRows, SharedWindows
from neo_assets.recipe.dedup import SubstringSettings

SMALL = SubstringSettings(window_chars=8, anchor_chars=4)
CONTENTS = st.lists(
    st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1), st.text("ab界👩", min_size=8, max_size=14)),
    max_size=6,
    unique_by=lambda content: content[:2],
)


def indexed(contents: list[tuple[int, int, str]]) -> pa.RecordBatch:
    """An index of windows with a document for each content."""
    each = np.arange(len(contents) + 1, dtype=np.int64)
    texts = [content[2].encode() for content in contents]
    starts = packed(np.array([content[1] for content in contents], np.uint32), each)
    lengths = packed(np.array([len(text) for text in texts], np.uint32), each)
    anchors = packed(np.full(len(contents), 7, np.int64), each)
    columns = {"starts": starts, "lengths": lengths, "anchors": anchors, "texts": pa.array(texts, pa.binary())}
    numbers = pa.array([content[0] for content in contents], pa.int64())
    return pa.RecordBatch.from_pydict({**columns, "number": numbers})


@settings(max_examples=60)
@given(CONTENTS)
def test_windows_have_the_number_of_their_first_content(contents: list[tuple[int, int, str]]) -> None:
    rows = ListedRows()(indexed(contents))
    assert rows.schema == LISTED_SCHEMA
    listed = rows.column("listed").to_pylist()
    groups = pa.RecordBatch.from_pydict(
        {"anchor": pa.array([7], pa.int64()), "lists": pa.array([listed[::-1]], pa.list_(pa.binary()))}
    )
    found: dict[tuple[int, int], int] = {}
    begun: dict[int, tuple[int, int]] = {}
    for row in SharedWindows(SMALL)(groups).to_pylist():
        window, ends, origin = row["edge"] >> 32, row["edge"] >> 31 & 1, row["edge"] & (2**31 - 1)
        if ends:
            first, number = begun.pop(row["content"])
            assert number == origin
            found |= {(row["content"], i): origin for i in range(first, window)}
        else:
            begun[row["content"]] = (window, origin)
    assert not begun
    firsts: dict[str, tuple[int, int]] = {}
    expected: dict[tuple[int, int], int] = {}
    for number, start, text in sorted(contents):
        for i in range(len(text) - 7):
            first = firsts.setdefault(text[i : i + 8], (number, start))
            if first < (number, start):
                expected[(number << 32) + start, i] = first[0]
    assert found == expected
