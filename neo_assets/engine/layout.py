"""How a query's result is cut into parts: one rule for every engine, so that parts are equal byte for byte.

The rows are numbered, and block k holds rows k·n up to (k+1)·n. Inside a block a piece is closed when its values reach
`PART_BYTES`, looked at after every `GROUP_ROWS` rows. Neither depends on batches, buffers, workers or machines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.store import Store
from neo_assets.lake.writer import WrittenPart, write_judged, write_scratch

PART_BYTES = 256 * 2**20
"""A piece of a block is closed at this size of its values: ten thousand books are more than a worker's memory."""
GROUP_ROWS = 1_000


class PartNumber(int):
    """The number of a block, written as its parts' files are named: `00003`, and `00003-1` for the second piece."""

    piece: int

    def __new__(cls, block: int, piece: int = 0) -> PartNumber:
        number = super().__new__(cls, block)
        number.piece = piece
        return number

    def __format__(self, spec: str) -> str:
        number = format(int(self), spec)
        return f"{number}-{self.piece}" if self.piece else number

    def __reduce__(self) -> tuple[type[PartNumber], tuple[int, int]]:
        return PartNumber, (int(self), self.piece)


def pieces(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    part_rows: int,
    first_block: int = 0,
    *,
    max_bytes: int | None = None,
    group_rows: int | None = None,
) -> Iterator[tuple[PartNumber, pa.Table]]:
    """The rows of the batches, which begin with a block, in numbered pieces of one chunk each; at least one piece.

    Memory: one piece and one batch. O(values).
    """
    limit = PART_BYTES if max_bytes is None else max_bytes
    group = min(part_rows, GROUP_ROWS if group_rows is None else group_rows)
    block, piece, filled, size = first_block, 0, 0, 0
    held: list[pa.RecordBatch] = []
    for rows in _groups(batches, part_rows, group):
        held += rows
        filled += sum(batch.num_rows for batch in rows)
        size += sum(content_bytes(column) for batch in rows for column in batch.columns)
        if filled < part_rows and size < limit:
            continue
        yield PartNumber(block, piece), _table(held, schema)
        held, size = [], 0
        block, piece, filled = (block + 1, 0, 0) if filled == part_rows else (block, piece + 1, filled)
    if held or (block, piece) == (first_block, 0):
        yield PartNumber(block, piece), _table(held, schema)


def _groups(batches: Iterable[pa.RecordBatch], part_rows: int, group: int) -> Iterator[list[pa.RecordBatch]]:
    """The rows in groups of so many, a block's last group having the rest of it, and the last one what there is."""
    held: list[pa.RecordBatch] = []
    filled, wanted = 0, group
    for batch in batches:
        while batch.num_rows:
            taken = batch.slice(0, wanted)
            held.append(taken)
            batch = batch.slice(taken.num_rows)
            filled, wanted = filled + taken.num_rows, wanted - taken.num_rows
            if not wanted:
                yield held
                held, filled = [], filled % part_rows
                wanted = min(group, part_rows - filled)
    if held:
        yield held


def _table(batches: list[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_batches(batches, schema).combine_chunks()


def content_bytes(values: pa.Array) -> int:
    """The size of the values, whatever buffers hold them: lengths of texts and lists, widths of everything else.

    A null counts as an empty value; a text or list counts four bytes more. Slices count what they show.
    """
    kind = values.type
    if pa.types.is_dictionary(kind):
        return content_bytes(values.dictionary_decode())
    if pa.types.is_null(kind):
        return 0
    if pa.types.is_struct(kind):
        return sum(content_bytes(child) for child in values.flatten())
    if pa.types.is_map(kind):
        return content_bytes(values.cast(pa.list_(pa.struct([kind.key_field, kind.item_field]))))
    if pa.types.is_fixed_size_list(kind):
        return content_bytes(values.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return 4 * len(values) + content_bytes(values.flatten())
    if pa.types.is_boolean(kind):
        return len(values)
    if pa.types.is_fixed_size_binary(kind):
        return len(values) * int(kind.byte_width)
    if pa.types.is_primitive(kind) or pa.types.is_decimal(kind):
        return len(values) * int(kind.bit_width) // 8
    return 4 * len(values) + int(pc.sum(pc.binary_length(values)).as_py() or 0)


def write_pieces(
    batches: Iterable[pa.RecordBatch],
    schema: pa.Schema,
    part_rows: int,
    target: Store,
    folder: str,
    table: str,
    *,
    first_block: int = 0,
    scratch: bool = False,
) -> Iterator[list[WrittenPart]]:
    """Write the rows piece by piece, rows routed by their verdict unless they are an intermediate result."""
    write: Callable[[Store, str, str, int, pa.Table], list[WrittenPart]] = write_scratch if scratch else write_judged
    for number, rows in pieces(batches, schema, part_rows, first_block):
        yield write(target, folder, table, number, rows)
