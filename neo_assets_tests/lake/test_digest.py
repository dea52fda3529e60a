"""Content digests: equal for equal rows however they are laid out, different for any difference."""

from __future__ import annotations

import hashlib
import struct
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.lake.digest import BASE, PRIME, RowDigest, canonical_schema, digest_table, finish
from neo_assets.lake.records import volatile

SCHEMA = pa.schema(
    [
        ("text", pa.string()),
        ("raw", pa.binary()),
        ("number", pa.int64()),
        ("small", pa.uint8()),
        ("score", pa.float64()),
        ("flag", pa.bool_()),
        ("words", pa.list_(pa.string())),
        ("tokens", pa.list_(pa.int32())),
        ("place", pa.struct([("x", pa.int32()), ("name", pa.string())])),
    ]
)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
rows = st.fixed_dictionaries(
    {
        "text": optional(text),
        "raw": optional(st.binary(max_size=9)),
        "number": optional(st.integers(-(2**63), 2**63 - 1)),
        "small": optional(st.integers(0, 255)),
        "score": optional(st.floats()),
        "flag": optional(st.booleans()),
        "words": optional(st.lists(optional(text), max_size=4)),
        "tokens": optional(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=4)),
        "place": optional(st.fixed_dictionaries({"x": optional(st.integers(0, 9)), "name": optional(text)})),
    }
)
tables = st.lists(rows, max_size=12).map(lambda found: pa.Table.from_pylist(found, schema=SCHEMA))


def encoded(value: Any, kind: pa.DataType) -> bytes:
    """The canonical bytes of a value, written as plainly as possible."""
    if pa.types.is_string(kind):
        return str(value).encode()
    if pa.types.is_binary(kind):
        return bytes(value)
    if pa.types.is_boolean(kind):
        return struct.pack("<b", value)
    if pa.types.is_floating(kind):
        return struct.pack("<d", float("nan") if value != value else value + 0.0)
    if pa.types.is_integer(kind):
        return int(value).to_bytes(kind.bit_width // 8, "little", signed=value < 0)
    if pa.types.is_struct(kind):
        return b"".join(framed(value[kind.field(i).name], kind.field(i).type) for i in range(kind.num_fields))
    return b"".join(framed(item, kind.value_type) for item in value)


def framed(value: Any, kind: pa.DataType) -> bytes:
    if value is None:
        return b"\xff" * 8
    data = encoded(value, kind)
    return len(data).to_bytes(8, "little") + data


def naive(table: pa.Table) -> RowDigest:
    """The definition: a polynomial whose coefficients are the SHA-256 of the rows."""
    value = 0
    for row in table.to_pylist():
        data = b"".join(framed(row[field.name], field.type) for field in table.schema)
        value = (value * BASE + int.from_bytes(hashlib.sha256(data).digest(), "big")) % PRIME
    return RowDigest(table.num_rows, value)


@given(tables)
def test_equals_the_naive_definition(table: pa.Table) -> None:
    assert digest_table(table) == naive(table)


@given(tables, st.lists(st.integers(0, 12), max_size=5))
def test_does_not_depend_on_part_layout(table: pa.Table, cuts: list[int]) -> None:
    edges = [0, *sorted(min(cut, table.num_rows) for cut in cuts), table.num_rows]
    parts = [table.slice(a, b - a) for a, b in pairwise(edges)]
    assert sum((digest_table(part) for part in parts), RowDigest()) == digest_table(table)


@given(tables, st.randoms(use_true_random=False))
def test_depends_on_order(table: pa.Table, random: Any) -> None:
    order = list(range(table.num_rows))
    random.shuffle(order)
    shuffled = table.take(pa.array(order, pa.int64()))
    same = naive(shuffled) == naive(table)
    assert (digest_table(shuffled) == digest_table(table)) == same


def test_physical_variants_of_a_type_are_one() -> None:
    plain = pa.table({"a": ["x", None, "文"], "l": pa.array([["p"], None, []], pa.list_(pa.string()))})
    other = pa.table(
        {
            "a": pa.array(["x", None, "文"]).dictionary_encode(),
            "l": pa.array([["p"], None, []], pa.large_list(pa.large_string())),
        }
    )
    assert digest_table(plain) == digest_table(other)
    assert canonical_schema(plain.schema) == canonical_schema(other.schema)


def test_values_cannot_run_into_each_other() -> None:
    tables = [
        {"a": ["ab"], "b": ["c"]},
        {"a": ["a"], "b": ["bc"]},
        {"a": ["abc"], "b": [""]},
        {"a": ["abc"], "b": [None]},
    ]
    found = {digest_table(pa.table(t, schema=pa.schema({"a": pa.string(), "b": pa.string()}))) for t in tables}
    assert len(found) == len(tables)


def test_one_nan_and_one_zero() -> None:
    other_nan = struct.unpack("<d", b"\x01\x00\x00\x00\x00\x00\xf8\x7f")[0]
    assert digest_table(pa.table({"x": [float("nan"), 0.0]})) == digest_table(pa.table({"x": [other_nan, -0.0]}))


def test_volatile_columns_are_left_out() -> None:
    schema = pa.schema([pa.field("url", pa.string()), volatile(pa.field("seconds", pa.float64()))])
    first = pa.table({"url": ["a"], "seconds": [0.1]}, schema=schema)
    second = pa.table({"url": ["a"], "seconds": [0.2]}, schema=schema)
    assert finish(schema, digest_table(first)) == finish(schema, digest_table(second))
    assert digest_table(first) != digest_table(pa.table({"url": ["b"], "seconds": [0.1]}, schema=schema))


def test_golden() -> None:
    # sha256(8-byte length of "neo" + "neo" + 8-byte length 8 + 7 as int64).
    row = b"\x03\0\0\0\0\0\0\0neo" + b"\x08\0\0\0\0\0\0\0" + b"\x07\0\0\0\0\0\0\0"
    expected = int(hashlib.sha256(row).hexdigest(), 16) % PRIME
    assert digest_table(pa.table({"a": ["neo"], "b": [7]})) == RowDigest(1, expected)
    assert RowDigest.parse(RowDigest(1, expected).hex()) == RowDigest(1, expected)


def test_large_text_and_many_rows() -> None:
    table = pa.table({"text": ["龙" * 1_000_000, "", "x"] * 3, "n": range(9)})
    assert digest_table(table) == naive(table)
