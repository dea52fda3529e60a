"""Reading a few rows of a large ordered table: only the row groups that hold them, found by their statistics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.manifest import Part

Ints = npt.NDArray[np.int64]


def rows_at(dataset: Dataset, first: int, n: int, columns: Sequence[str] | None = None) -> pa.Table:
    """Rows `first` to `first + n - 1` of the table, counted over all its parts; fewer where it ends before.

    Reads the row groups that hold them and the footers of their parts.
    """
    tables, before = [_empty(dataset, columns)], 0
    for part in dataset.parts:
        begin, end = max(first, before), min(first + n, before + part.rows)
        if begin < end:
            tables.append(_slice(dataset, part, begin - before, end - before, columns))
        before += part.rows
    return pa.concat_tables(tables)


def _slice(dataset: Dataset, part: Part, begin: int, end: int, columns: Sequence[str] | None) -> pa.Table:
    with dataset.store.open(part.path) as stream:
        file = pq.ParquetFile(stream)
        groups: list[int] = []
        start = skipped = 0
        for number in range(file.num_row_groups):
            rows = file.metadata.row_group(number).num_rows
            if start < end and begin < start + rows:
                skipped = skipped if groups else start
                groups.append(number)
            start += rows
        table = file.read_row_groups(groups, columns=None if columns is None else list(columns))
    return table.slice(begin - skipped, end - begin)


def rows_with(dataset: Dataset, column: str, value: str | int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows whose `column` is `value`, of a table that ascends by that column within each partition.

    Reads the footers of log2(parts) parts a partition, and the row groups that may hold the value.
    """
    tables = [_empty(dataset, columns)]
    for manifest in dataset.manifests:
        parts = dataset.partition(manifest.partition).parts
        tables += _found(dataset, [part for part in parts if part.rows], column, value, columns)
    return pa.concat_tables(tables)


def _found(
    dataset: Dataset, parts: Sequence[Part], column: str, value: Any, columns: Sequence[str] | None
) -> Iterator[pa.Table]:
    """Of the parts of one partition, from the first whose last value is not before the one looked for."""
    low, high = 0, len(parts)
    while low < high:
        middle = (low + high) // 2
        if _last(dataset, parts[middle], column) < value:
            low = middle + 1
        else:
            high = middle
    for part in parts[low:]:
        with dataset.store.open(part.path) as stream:
            file = pq.ParquetFile(stream)
            if _range(file, 0, column)[0] > value:
                return
            groups = [i for i in range(file.num_row_groups) if _may_hold(file, i, column, value)]
            table = file.read_row_groups(groups)
        found = table.filter(pc.equal(table[column], pa.scalar(value, table.schema.field(column).type)))
        yield found if columns is None else found.select(list(columns))


def rows_over(table: Dataset | pa.Table, begin: str, end: str, starts: Ints, ends: Ints) -> pa.Table:
    """The rows whose stretch, from column `begin` to column `end` (exclusive), meets one of the given stretches.

    Args:
        table: stretches that ascend, in one partition.
        starts: where the given stretches begin, ascending.
        ends: where they end, exclusive, ascending.

    Reads the footers of at most log2(parts) parts a stretch, and the parts that hold one. Memory: what is found, and a
    row group.
    """
    if isinstance(table, pa.Table):
        return _meeting(table, begin, end, starts, ends)
    found = [_empty(table, None)]
    for part in _parts_over(table, [part for part in table.parts if part.rows], end, starts, ends):
        with table.store.open(part.path) as stream:
            for batch in pq.ParquetFile(stream).iter_batches():
                found.append(_meeting(pa.Table.from_batches([batch]), begin, end, starts, ends))
    return pa.concat_tables(found)


def _parts_over(dataset: Dataset, parts: Sequence[Part], end: str, starts: Ints, ends: Ints) -> Iterator[Part]:
    """The parts that may hold a row that meets a stretch, in order: halves are followed as far as stretches lie there.

    A stretch before the first row or after the last leads to the first or last part.
    """
    if not len(starts) or len(parts) < 2:
        yield from parts if len(starts) else ()
        return
    middle = len(parts) // 2
    border = _last(dataset, parts[middle - 1], end)
    before, after = int(np.searchsorted(starts, border)), int(np.searchsorted(ends, border, side="right"))
    yield from _parts_over(dataset, parts[:middle], end, starts[:before], ends[:before])
    yield from _parts_over(dataset, parts[middle:], end, starts[after:], ends[after:])


def _meeting(table: pa.Table, begin: str, end: str, starts: Ints, ends: Ints) -> pa.Table:
    """The rows that more stretches begin before the end of than end before the beginning of."""
    begun = np.searchsorted(starts, table.column(end).to_numpy())
    ended = np.searchsorted(ends, table.column(begin).to_numpy(), side="right")
    return table.filter(pa.array(begun > ended))


def last_value(table: Dataset | pa.Table, column: str, default: int) -> int:
    """The last row's value of a column that ascends, in one partition; `default` if there is no row."""
    if isinstance(table, pa.Table):
        return int(table.column(column)[-1].as_py()) if table.num_rows else default
    parts = [part for part in table.parts if part.rows]
    return int(_last(table, parts[-1], column)) if parts else default


def _last(dataset: Dataset, part: Part, column: str) -> Any:
    with dataset.store.open(part.path) as stream:
        file = pq.ParquetFile(stream)
        return _range(file, file.num_row_groups - 1, column)[1]


def _may_hold(file: pq.ParquetFile, group: int, column: str, value: Any) -> bool:
    low, high = _range(file, group, column)
    return bool(low <= value <= high)


def _range(file: pq.ParquetFile, group: int, column: str) -> tuple[Any, Any]:
    """The smallest and largest value of a row group, from its statistics, or read where these were left out."""
    index = file.schema_arrow.names.index(column)
    found = file.metadata.row_group(group).column(_leaf(file, index))
    if found.statistics is not None and found.statistics.has_min_max:
        return found.statistics.min, found.statistics.max
    values = pc.min_max(file.read_row_group(group, columns=[column])[column]).as_py()
    return values["min"], values["max"]


def _leaf(file: pq.ParquetFile, index: int) -> int:
    """The number of a flat column among Parquet's columns, which lists divide further."""
    name = file.schema_arrow.names[index]
    return next(i for i in range(len(file.schema)) if file.schema.column(i).path == name)


def _empty(dataset: Dataset, columns: Sequence[str] | None) -> pa.Table:
    schema = dataset.schema
    return (schema if columns is None else pa.schema([schema.field(name) for name in columns])).empty_table()
