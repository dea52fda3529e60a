"""Types on their way through SQL: none is lost, and what does not fit is said."""

from __future__ import annotations

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_assets.engine.types import ConversionError, converted, plain, plain_type, result_schema, spark_type

KINDS = [
    pa.uint8(), pa.int8(), pa.uint16(), pa.uint32(), pa.uint64(), pa.float32(), pa.float16(), pa.bool_(), pa.string(),
    pa.large_string(), pa.string_view(), pa.binary(), pa.large_binary(), pa.binary(4), pa.decimal128(20, 3),
    pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.uint64()), pa.list_(pa.float32(), 2), pa.large_list(pa.int64()),
    pa.struct([("a", pa.large_string()), ("b", pa.list_(pa.dictionary(pa.int8(), pa.string())))]),
    pa.map_(pa.string(), pa.int32()), pa.timestamp("s"), pa.timestamp("ms"), pa.timestamp("us"), pa.timestamp("ns"),
    pa.timestamp("us", "UTC"), pa.timestamp("ms", "Europe/Berlin"), pa.date32(), pa.date64(), pa.time32("ms"),
    pa.time64("us"), pa.duration("us"), pa.null(),
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_plain_types_are_those_that_duckdb_reads(kind: pa.DataType, tmp_path: Any) -> None:
    schema = pa.schema([pa.field("a", kind, metadata={b"volatile": b"1"})])
    pq.write_table(schema.empty_table(), tmp_path / "a.parquet")
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        read = connection.sql(f"SELECT * FROM read_parquet('{tmp_path}/a.parquet')").to_arrow_reader().schema  # noqa: S608
    assert result_schema("SELECT * FROM r", {"r": schema}) == read
    assert plain(plain(schema)) == plain(schema)
    spark_type(plain_type(kind))


@pytest.mark.parametrize(
    ("values", "given", "wanted"),
    [
        ([1, None, 255], pa.int16(), pa.uint8()),
        ([2**64 - 1], pa.decimal128(20), pa.uint64()),
        ([1.5, float("nan"), -0.0], pa.float64(), pa.float32()),
        ([3], pa.int64(), pa.decimal128(38)),
        ([None, None], pa.string(), pa.int64()),
        ([[1, 2], None], pa.list_(pa.int64()), pa.list_(pa.field("l", pa.uint32()))),
        ([{"a": 1}, None], pa.struct([("a", pa.int64())]), pa.struct([("a", pa.uint8())])),
    ],
)
def test_values_that_fit_are_kept(values: list[object], given: pa.DataType, wanted: pa.DataType) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array(values, given)], ["a"])
    found = converted(batch, pa.schema([("a", wanted)]))
    assert found.schema == pa.schema([("a", wanted)])
    assert repr(found["a"].to_pylist()) == repr(pa.array(values, wanted).to_pylist())


@pytest.mark.parametrize(
    ("value", "given", "wanted", "told"),
    [
        (256, pa.int16(), pa.uint8(), "uint8"),
        (-1, pa.int64(), pa.uint64(), "uint64"),
        (0.1, pa.float64(), pa.float32(), "without loss"),
        ("1", pa.string(), pa.int64(), "write a CAST"),
        (True, pa.bool_(), pa.int64(), "write a CAST"),
        ([0.1], pa.list_(pa.float64()), pa.list_(pa.float32()), "without loss"),
        ({"a": 1}, pa.struct([("a", pa.int64())]), pa.struct([("b", pa.int64())]), "write a CAST"),
    ],
)
def test_what_does_not_fit_is_refused(value: object, given: pa.DataType, wanted: pa.DataType, told: str) -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([value], given)], ["amount"])
    with pytest.raises(ConversionError, match=f"^column 'amount'.*{told}"):
        converted(batch, pa.schema([("amount", wanted)]))


def test_other_columns_are_refused() -> None:
    with pytest.raises(ConversionError, match=r"gives the columns \['a'\], and DuckDB \['b'\]"):
        converted(pa.RecordBatch.from_pydict({"a": [1]}), pa.schema([("b", pa.int64())]))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_type_can_be_read_into_both_engines(kind: pa.DataType) -> None:
    values = pa.concat_arrays([pa.nulls(2, kind), pa.array([], kind)])
    wanted = plain_type(kind)
    for found in (values.cast(wanted), pa.table([values], ["a"]).cast(pa.schema([("a", wanted)]))["a"]):
        assert found.type == wanted and found.null_count == 2
    back = converted(
        pa.RecordBatch.from_arrays([values.cast(wanted).cast(spark_type(wanted))], ["a"]),
        plain(pa.schema([("a", kind)])),
    )
    assert back.schema.field("a").type == wanted
