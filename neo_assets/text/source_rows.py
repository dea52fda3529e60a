"""Data sets of rows, one document each: JSON lines and Parquet. A broken row is quarantined, the others are read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.recipe.sources import FieldNames, SourceSettings
from neo_assets.text.source_files import (
    Fault,
    Line,
    Record,
    UnusableFileError,
    decoded,
    decoded_line,
    lines_of,
    opened,
    too_long,
)

PARQUET_BATCH_ROWS = 256
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def json_objects(file: Path, max_bytes: int) -> Iterator[tuple[Line, dict[str, Any] | Fault]]:
    """Each line of a JSON lines file that is not blank, as an object or as what is wrong with it."""
    with opened(file) as stream:
        for line in lines_of(stream, max_bytes):
            if line.data is None or line.data.strip():
                text = decoded_line(line, max_bytes)
                yield line, text if isinstance(text, Fault) else _parsed(text)


def json_records(file: Path, settings: SourceSettings) -> Iterator[Record]:
    """The objects of a JSON lines file as documents."""
    for line, found in json_objects(file, settings.max_record_bytes):
        if isinstance(found, Fault):
            yield Record(line.place, fault=found)
        else:
            yield record_of(found, settings.fields, line.place, line.number)


def parquet_records(file: Path, settings: SourceSettings, shipped: Mapping[str, pa.DataType]) -> Iterator[Record]:
    """The rows of a Parquet file as documents; columns named in `shipped` are their annotations.

    Memory: a batch of rows, and the pages they stand on.

    Raises:
        UnusableFileError: the file has no text column, or one of another type.
    """
    table = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False, page_checksum_verification=True)
    names = table.schema_arrow.names
    wanted = [name for name in dict.fromkeys(settings.fields.model_dump().values()) if name in names]
    annotations = [name for name in shipped if name in names]
    _check(table.schema_arrow, settings.fields.text, [*wanted, *annotations])
    number = 0
    for batch in table.iter_batches(PARQUET_BATCH_ROWS, columns=[*wanted, *annotations]):
        columns = {name: _cells(batch.column(name), settings.max_record_bytes) for name in wanted}
        values = {name: _plain(batch.column(name)) for name in annotations}
        for row in range(batch.num_rows):
            number += 1
            cells = {name: cell[row] for name, cell in columns.items()}
            fault = next((cell for cell in cells.values() if isinstance(cell, Fault)), None)
            if fault is not None:
                yield Record(f"row {number}", fault=fault)
                continue
            record = record_of(cells, settings.fields, f"row {number}", number)
            yield record._replace(shipped={name: values[name][row] for name in annotations})


def record_of(found: Mapping[str, Any], fields: FieldNames, place: str, number: int) -> Record:
    """The document that an object or row gives, or the first thing wrong with it."""
    text, identity, url = found.get(fields.text), found.get(fields.id), found.get(fields.url)
    if not isinstance(text, str):
        what = "it has no text" if text is None else f"its text is {_kind(text)}"
        return Record(place, fault=Fault("text", f"{what} (field {fields.text!r})"))
    if identity is not None and (isinstance(identity, bool) or not isinstance(identity, str | int)):
        return Record(place, fault=Fault("id", f"its id is {_kind(identity)} (field {fields.id!r})"))
    if url is not None and not isinstance(url, str):
        return Record(place, fault=Fault("url", f"its url is {_kind(url)} (field {fields.url!r})"))
    title = found.get(fields.title)
    return Record(
        place,
        identity=str(number) if identity in (None, "") else str(identity),
        text=text,
        title=title if isinstance(title, str) else "",
        url=url or None,
        day=day_of(found.get(fields.date)),
    )


def day_of(value: object) -> str | None:
    """The day of a date, a time stamp or a text that begins with one; None for anything else."""
    match = _DAY.match(value.isoformat() if isinstance(value, date) else str(value))
    return match[0] if match else None


def _parsed(text: str) -> dict[str, Any] | Fault:
    try:
        found = json.loads(text.rstrip("\r\n"))
    except json.JSONDecodeError as error:
        return Fault("json", f"not JSON: {error.msg} at character {error.pos + 1} of the line")
    except (ValueError, RecursionError):
        return Fault("json", "not JSON that can be read: nested too deeply, or a number of thousands of digits")
    return found if isinstance(found, dict) else Fault("json", f"the line is {_kind(found)}, not an object")


def _check(schema: pa.Schema, name: str, wanted: list[str]) -> None:
    if name not in schema.names:
        raise UnusableFileError(f"has no column {name!r} (it has {', '.join(schema.names)}); set fields.text")
    if twice := [column for column in wanted if schema.names.count(column) > 1]:
        raise UnusableFileError(f"has the column {twice[0]!r} more than once; rename one of them")
    if not _is_text(schema.field(name).type):
        raise UnusableFileError(f"has a column {name!r} of type {schema.field(name).type}, not text; set fields.text")


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    types = pa.types
    return bool(
        types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
        or types.is_binary(kind) or types.is_large_binary(kind) or types.is_binary_view(kind) or types.is_null(kind)
    )  # fmt: skip


def _cells(column: pa.Array, max_bytes: int) -> list[Any]:
    """The values; texts are decoded here, because Parquet promises UTF-8 but nobody checks it."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not _is_text(column.type) or pa.types.is_null(column.type):
        return _plain(column)
    cells: list[Any] = []
    for cell in column.cast(pa.large_binary()):
        data = cell.as_buffer()
        if data is None:
            cells.append(None)
        elif data.size > max_bytes:
            cells.append(too_long(data.size, max_bytes))
        else:
            cells.append(decoded(data.to_pybytes()))
    return cells


def _plain(column: pa.Array) -> list[Any]:
    """The values; null for one that Python has no room for, such as a date beyond the year 9999."""
    try:
        return list(column.to_pylist())
    except (ValueError, OverflowError):
        return [_plain_cell(cell) for cell in column]


def _plain_cell(cell: pa.Scalar) -> Any:
    try:
        return cell.as_py()
    except (ValueError, OverflowError):
        return None


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")
