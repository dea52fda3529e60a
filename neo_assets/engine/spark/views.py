"""Relations as temporary views: parts are read inside tasks, through the lake's own store and Arrow.

No file system of Spark's takes part, so whatever store the lake is on, the route is the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from neo_assets.engine.spark.failure import marked
from neo_assets.engine.spark.tasks import Reader
from neo_assets.engine.types import ConversionError, plain, spark_type
from neo_assets.lake.store import DamagedError, Store

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

BATCH_ROWS = 1_000
MARK = "parts_of_view_"
"""Begins the name of the column of part numbers below a view, by which its place in a plan is found."""


@dataclass(frozen=True)
class View:
    """Parquet parts that a statement knows by a name."""

    name: str
    store: Store
    paths: tuple[str, ...]
    schema: pa.Schema

    @property
    def spark_schema(self) -> pa.Schema:
        """The columns in types that Spark has."""
        return pa.schema([pa.field(field.name, spark_type(field.type)) for field in plain(self.schema)])


def register(session: SparkSession, views: Sequence[View], read: Sequence[frozenset[str]] | None = None) -> None:
    """Make the views known to the session.

    Args:
        read: for each view the columns whose values matter; the others are null. All, unless given.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    for index, view in enumerate(views):
        columns = frozenset(view.schema.names) if read is None else read[index]
        numbers = _one_each(session, len(view.paths), f"{MARK}{index}")
        frame = numbers.mapInArrow(_reader(view, columns), from_arrow_schema(view.spark_schema))
        frame.createOrReplaceTempView(view.name)


def _one_each(session: SparkSession, n: int, column: str) -> DataFrame:
    """The numbers below `n`, one a partition.

    Spark takes what comes of them for large. Of a plain range it would know the few bytes it has, take the rows read
    in its place for as few, and send a whole corpus to every machine to join it.
    """
    from pyspark.sql import DataFrame

    numbers = session.range(0, n, 1, n).toDF(column)._jdf.toDF()
    java: Any = session._jsparkSession
    return DataFrame(java.createDataFrame(numbers.javaRDD(), numbers.schema()), session)


def _reader(view: View, columns: frozenset[str]) -> Reader:
    def read(numbers: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in numbers:
            for number in batch.column(0).to_pylist():
                path = view.paths[number]
                with marked(f"relation {view.name!r}, {path}"):
                    yield from _read(view, path, columns)

    return read


def _read(view: View, path: str, columns: frozenset[str]) -> Iterator[pa.RecordBatch]:
    """The part's rows as Spark is to see them; memory of one row group's columns."""
    schema, plain_schema = view.spark_schema, plain(view.schema)
    wanted = [name for name in schema.names if name in columns]
    try:
        stream = view.store.open(path)
    except FileNotFoundError:
        raise DamagedError(path, "missing") from None
    with stream:
        file = pq.ParquetFile(stream, pre_buffer=not view.store.is_local)
        batches = file.iter_batches(BATCH_ROWS, columns=wanted) if wanted else _uncounted(file)
        for batch in batches:
            arrays = [
                _cast(batch.column(field.name), plain_schema.field(field.name).type, field)
                if field.name in columns
                else pa.nulls(batch.num_rows, field.type)
                for field in schema
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _uncounted(file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """Batches without columns, with as many rows as the file has."""
    rows = file.metadata.num_rows
    for start in range(0, rows, BATCH_ROWS):
        nothing = pa.nulls(min(BATCH_ROWS, rows - start))
        yield pa.RecordBatch.from_arrays([nothing], ["nothing"])


def _cast(column: pa.Array, plain_type: pa.DataType, field: pa.Field) -> pa.Array:
    try:
        return column.cast(plain_type).cast(field.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ConversionError(f"column {field.name!r}: Spark cannot hold it ({str(error).splitlines()[0]})") from error
