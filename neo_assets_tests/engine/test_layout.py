"""The rule by which results are cut: independent of batches and buffers, exact in rows, bounded in bytes."""

from __future__ import annotations

import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.engine.layout import PartNumber, content_bytes, pieces

WIDE = pa.table({"n": range(50), "text": ["x" * 988] * 50})  # 8 + 4 + 988 bytes a row


def layout(table: pa.Table, batch: int, part_rows: int, max_bytes: int, group: int) -> list[tuple[int, int, int]]:
    found = list(pieces(table.to_batches(batch), table.schema, part_rows, max_bytes=max_bytes, group_rows=group))
    assert pa.concat_tables([part for _, part in found]).equals(table)
    assert all(column.num_chunks <= 1 for _, part in found for column in part.columns)
    return [(int(number), number.piece, part.num_rows) for number, part in found]


@pytest.mark.parametrize("batch", [1, 7, 50])
def test_parts_are_bounded_in_bytes_whatever_the_batches(batch: int) -> None:
    expected = [(0, 0, 12), (0, 1, 8), (1, 0, 12), (1, 1, 8), (2, 0, 10)]
    assert layout(WIDE, batch, 20, 10_000, 4) == expected


@given(
    rows=st.integers(0, 50),
    batch=st.integers(1, 61),
    part_rows=st.integers(1, 30),
    max_bytes=st.integers(1, 20_000),
    group=st.integers(1, 12),
)
def test_a_block_by_itself_is_cut_as_in_the_whole(
    rows: int, batch: int, part_rows: int, max_bytes: int, group: int
) -> None:
    table = WIDE.slice(0, rows)
    whole = layout(table, batch, part_rows, max_bytes, group)
    apart = []
    for block in range(max(1, -(-rows // part_rows))):
        own = table.slice(block * part_rows, part_rows).to_batches(batch)
        cut = pieces(own, table.schema, part_rows, block, max_bytes=max_bytes, group_rows=group)
        apart += [(int(number), number.piece, part.num_rows) for number, part in cut]
    assert apart == whole
    assert sum(n for *_, n in whole) == rows
    for block in {block for block, *_ in whole}:
        assert sum(n for of, _, n in whole if of == block) == min(part_rows, rows - block * part_rows)


def test_part_numbers_are_written_as_files_are_named() -> None:
    assert f"part-{PartNumber(3):05d}.parquet" == "part-00003.parquet"
    second = pickle.loads(pickle.dumps(PartNumber(3, 1)))  # noqa: S301
    assert f"part-{second:05d}.parquet" == "part-00003-1.parquet"


@pytest.mark.parametrize(
    ("values", "kind", "size"),
    [
        ([1, None], pa.int64(), 16),
        ([True, False, None], pa.bool_(), 3),
        (["ab", None, "ü"], pa.string(), 3 * 4 + 4),
        (["ab", None, "ü"], pa.large_string(), 3 * 4 + 4),
        (["ab", "ab"], pa.dictionary(pa.int32(), pa.string()), 12),
        ([b"ab"], pa.binary(2), 2),
        ([[1, 2], None, []], pa.list_(pa.int32()), 3 * 4 + 8),
        ([[1, 2], [3, 4]], pa.list_(pa.int16(), 2), 8),
        ([{"a": 1, "b": "xy"}, None], pa.struct([("a", pa.int8()), ("b", pa.string())]), 2 * 1 + 8 + 2),
        ([[("k", 1)], None], pa.map_(pa.string(), pa.int32()), 2 * 4 + 5 + 4),
        ([None, None], pa.null(), 0),
        ([1], pa.decimal128(20), 16),
    ],
)
def test_sizes_are_those_of_values(values: list[object], kind: pa.DataType, size: int) -> None:
    array = pa.array(values, kind)
    assert content_bytes(array) == size
    if not pa.types.is_dictionary(kind):
        padded = pa.concat_arrays([array, array, array]).slice(len(array), len(array))
        assert content_bytes(padded) == size
