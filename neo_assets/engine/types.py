"""Arrow types on their way through SQL: what a statement sees of a column, and of which types its result is.

Engines must agree on types, so there is one rule: DuckDB's. A statement's columns are what DuckDB reads from Parquet
(`plain`), and its result has the types that DuckDB gives the same statement over empty tables (`result_schema`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa

from neo_assets.lake.digest import digest_table

IN_UTC = "SET TimeZone = 'UTC'"
"""What every connection to DuckDB is told: else the type of a moment would name the machine's time zone."""


class ConversionError(ValueError):
    """A value or type that one engine knows and the other does not: names the column, and says what to do."""


def plain(schema: pa.Schema) -> pa.Schema:
    """The columns as a statement sees them: variants of a type made one, marks of volatile columns gone."""
    return pa.schema([pa.field(field.name, plain_type(field.type)) for field in schema])


def plain_type(kind: pa.DataType) -> pa.DataType:
    """The type that DuckDB reads from a Parquet file of this one."""
    if pa.types.is_dictionary(kind):
        return plain_type(kind.value_type)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind) and kind.unit in ("s", "ms"):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time32(kind):
        return pa.time64("us")
    simple = {pa.float16(): pa.float32(), pa.date64(): pa.date32()}
    return simple.get(kind) or (pa.int64() if pa.types.is_duration(kind) else _rebuilt(kind, plain_type))


def spark_type(kind: pa.DataType) -> pa.DataType:
    """A type of Spark's that holds all values of a plain one; moments are counted in microseconds there."""
    wider = {pa.uint8(): pa.int16(), pa.uint16(): pa.int32(), pa.uint32(): pa.int64(), pa.uint64(): pa.decimal128(20)}
    if kind in wider:
        return wider[kind]
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", "UTC" if kind.tz else None)
    return _rebuilt(kind, spark_type)


def _rebuilt(kind: pa.DataType, of: Callable[[pa.DataType], pa.DataType]) -> pa.DataType:
    """The nested type with its elements' types replaced."""
    if pa.types.is_map(kind):
        return pa.map_(of(kind.key_type), of(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(child.name, of(child.type)) for child in kind.fields])
    return pa.list_(of(kind.value_type)) if _is_list(kind) else kind


def _is_list(kind: pa.DataType) -> bool:
    return any(
        test(kind)
        for test in (
            pa.types.is_list,
            pa.types.is_large_list,
            pa.types.is_fixed_size_list,
            pa.types.is_list_view,
            pa.types.is_large_list_view,
        )
    )


def result_schema(sql: str, relations: Mapping[str, pa.Schema]) -> pa.Schema:
    """The columns of a statement's result, as DuckDB gives it over empty tables of these columns.

    Raises:
        duckdb.Error: the statement is not one of DuckDB's.
    """
    import duckdb

    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute(IN_UTC)
        for name, schema in relations.items():
            connection.register(name, plain(schema).empty_table())
        return connection.sql(sql).to_arrow_reader().schema


def converted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The columns with the types of `schema`, none of the values changed.

    Raises:
        ConversionError: the columns are others, of another kind, or hold a value that the wanted type has not.
    """
    if batch.schema.names != schema.names:
        raise ConversionError(f"the statement gives the columns {batch.schema.names}, and DuckDB {schema.names}")
    columns = [_converted(column, field) for column, field in zip(batch.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _converted(column: pa.Array, field: pa.Field) -> pa.Array:
    if column.type == field.type:
        return column
    if column.null_count == len(column):
        return pa.nulls(len(column), field.type)
    if _kind(column.type) != _kind(field.type):
        raise ConversionError(
            f"column {field.name!r} is {column.type} here and {field.type} in DuckDB; write a CAST into the statement"
        )
    try:
        found = column.cast(field.type)
        if pa.types.is_nested(field.type) or _changes_silently(column.type) or _changes_silently(field.type):
            same = digest_table(pa.table([column], ["it"])) == digest_table(pa.table([found.cast(column.type)], ["it"]))
        else:
            same = True
    except pa.ArrowInvalid as error:
        raise ConversionError(f"column {field.name!r}: {str(error).splitlines()[0]} (as {field.type})") from error
    if not same:
        raise ConversionError(f"column {field.name!r}: {column.type} does not fit into {field.type} without loss")
    return found


def _changes_silently(kind: pa.DataType) -> bool:
    """Whether Arrow rounds when it casts from or to the type."""
    return bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def _kind(kind: pa.DataType) -> str:
    """What sort of values a type holds, whatever their width."""
    kind = plain_type(kind)
    if pa.types.is_map(kind):
        return f"map<{_kind(kind.key_type)}, {_kind(kind.item_type)}>"
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'{child.name}: {_kind(child.type)}' for child in kind.fields)}>"
    if _is_list(kind):
        return f"list<{_kind(kind.value_type)}>"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_timestamp(kind):
        return "moment" if kind.tz else "timestamp"
    return "time" if pa.types.is_time(kind) else str(kind)
