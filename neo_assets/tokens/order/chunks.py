"""Chunks: what the trainer reads between two checkpoints, as a token array and as the documents at every position."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import Dataset
from neo_assets.tokens.lookup import rows_at
from neo_assets.tokens.order.check import order_sha256
from neo_assets.tokens.streams.stream import TokenStream

CHUNK_SPAN_SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64()),
        pa.field("offset", pa.int32()),
        pa.field("length", pa.int32()),
        pa.field("document_offset", pa.int64()),
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("subset", pa.string()),
        pa.field("phase", pa.string()),
        pa.field("epoch", pa.int32()),
        pa.field("repeat", pa.int32()),
    ]
)
"""One row per piece of a document in a sequence, by (position, offset): tokens `offset` to `offset + length` of the
row are tokens `document_offset` and following of the document (its end-of-document token included). The spans of a
position cover all its seq_length + 1 stored tokens."""

MIX_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("stored_tokens", pa.int64()),
        pa.field("target_positions", pa.int64()),
        pa.field("documents", pa.int64()),
        pa.field("share", pa.float64()),
    ]
)


class ChunkError(ValueError):
    """A chunk that the order or the streams cannot give."""


@dataclass(frozen=True)
class Chunk:
    """What `write_chunk` wrote.

    Attributes:
        sha256: of the file.
        tokens_sha256: of the tokens alone, row by row, as they lie in the file.
        window_sha256: of the rows of the order that the chunk holds (`order_sha256`).
    """

    path: Path
    spans: pa.Table
    mix: pa.Table
    sha256: str
    tokens_sha256: str
    window_sha256: str
    n_rows: int
    n_stored_tokens: int
    n_target_positions: int

    @property
    def metadata(self) -> dict[str, int | str]:
        """What the manifest says of it."""
        return {
            "rows": self.n_rows,
            "target positions": self.n_target_positions,
            "tokens sha256": self.tokens_sha256,
            "order window sha256": self.window_sha256,
        }


def order_window(order: Dataset | pa.Table, first_position: int, n_rows: int) -> pa.Table:
    """The rows of the order at positions first_position to first_position + n_rows (exclusive).

    Positions are row numbers, so only the parts that hold them are read.

    Raises:
        ChunkError: the order does not hold all of them.
    """
    if isinstance(order, Dataset):
        window = rows_at(order, first_position, n_rows)
    else:
        window = order.slice(first_position, n_rows)
    wanted = np.arange(first_position, first_position + n_rows)
    if not np.array_equal(window.column("position").to_numpy(), wanted):
        raise ChunkError(f"the order lacks positions of {first_position} to {first_position + n_rows - 1}; rebuild it")
    return window


def write_chunk(window: pa.Table, streams: Mapping[str, TokenStream], path: Path) -> Chunk:
    """Writes the tokens of a window of the order as a `.npy` array of shape (rows, seq_length + 1), row by position.

    The array is of the streams' type and can be memory-mapped; its bytes depend on the tokens alone.

    Raises:
        ChunkError: the window is empty, its rows differ in length, or a stream is missing or too short.

    Memory is that of the window and its spans, however long the streams are.
    """
    if window.num_rows == 0:
        raise ChunkError("an empty window of the order makes no chunk")
    if missing := sorted(set(window.column("subset").unique().to_pylist()) - set(streams)):
        raise ChunkError(f"no token stream for {', '.join(missing)}")
    start, end = (window.column(name).to_numpy().astype(np.int64) for name in ("token_start", "token_end"))
    row_tokens = int(end[0] - start[0])
    if (end - start != row_tokens).any():
        raise ChunkError("sequences of one chunk must have one length")
    subsets = window.column("subset")
    dtype = np.result_type(*[stream.dtype for stream in streams.values()])
    array = _new_array(path, dtype, (window.num_rows, row_tokens))
    parts = []
    for name in sorted(subsets.unique().to_pylist()):
        rows = np.flatnonzero(pc.equal(subsets, name).to_numpy())
        rows = rows[np.argsort(start[rows], kind="stable")]
        if (last := int(end[rows].max())) > streams[name].n_tokens:
            raise ChunkError(
                f"the order reads {name} up to token {last}, its stream has {streams[name].n_tokens};"
                " rebuild training/order"
            )
        for row in rows:
            array[row] = streams[name].read(int(start[row]), int(end[row]))
        parts.append(_spans_of_subset(window.take(pa.array(rows)), streams[name]))
    # Closed before its digest: on some file systems a mapping is written only then.
    del array
    spans = pa.concat_tables(parts).sort_by([("position", "ascending"), ("offset", "ascending")])
    stored, targets = window.num_rows * row_tokens, window.num_rows * (row_tokens - 1)
    digests = _digests(path, stored * dtype.itemsize)
    return Chunk(path, spans, source_mix(spans), *digests, order_sha256(window), window.num_rows, stored, targets)


def _new_array(path: Path, dtype: np.dtype[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    opened = np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)  # type: ignore[no-untyped-call]
    return cast("npt.NDArray[Any]", opened)


def _spans_of_subset(rows: pa.Table, stream: TokenStream) -> pa.Table:
    """The spans of the rows of one subset, which ascend by `token_start`. O((rows + spans) log documents)."""
    row_start, row_end = (rows.column(name).to_numpy().astype(np.int64) for name in ("token_start", "token_end"))
    documents = stream.documents(row_start, row_end)
    starts, ends = (documents.column(name).to_numpy() for name in ("stream_start", "stream_end"))
    first = np.searchsorted(starts, row_start, side="right") - 1
    counts = np.searchsorted(starts, row_end, side="left") - first
    row = np.repeat(np.arange(len(counts)), counts)
    document = _ranges(first, counts)
    begin = np.maximum(starts[document], row_start[row])
    length = np.minimum(ends[document], row_end[row]) - begin
    of_document, of_row = documents.take(pa.array(document)), rows.take(pa.array(row))
    columns: dict[str, Any] = {
        "position": of_row.column("position"),
        "offset": pa.array((begin - row_start[row]).astype(np.int32)),
        "length": pa.array(length.astype(np.int32)),
        "document_offset": pa.array(begin - starts[document]),
        "doc_id": of_document.column("doc_id"),
        "url": of_document.column("url"),
        **{name: of_row.column(name) for name in ("subset", "phase", "epoch", "repeat")},
    }
    return pa.table([columns[name] for name in CHUNK_SPAN_SCHEMA.names], names=CHUNK_SPAN_SCHEMA.names).cast(
        CHUNK_SPAN_SCHEMA
    )


def _ranges(first: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The numbers first[i], first[i] + 1 … (counts[i] of them) for every i, in one array."""
    before = np.cumsum(counts) - counts
    return np.asarray(np.arange(int(counts.sum())) + np.repeat(first - before, counts), np.int64)


def target_positions(spans: pa.Table) -> pa.Array:
    """How many targets each span holds: its tokens, but for the first token of a row, which is only an input."""
    starts_row = pc.equal(spans.column("offset"), 0).cast(pa.int64())
    return pc.subtract(spans.column("length").cast(pa.int64()), starts_row)


def source_mix(spans: pa.Table) -> pa.Table:
    """Rows, tokens and documents per subset (`MIX_SCHEMA`), by name; `share` is of target positions."""
    table = spans.append_column("targets", target_positions(spans))
    grouped = table.group_by("subset", use_threads=False).aggregate(
        [("position", "count_distinct"), ("length", "sum"), ("targets", "sum"), ("doc_id", "count_distinct")]
    )
    columns = [grouped.column(f"{a}_{b}") for a, b in (("length", "sum"), ("targets", "sum"))]
    share = pc.divide(columns[1].cast(pa.float64()), float(pc.sum(columns[1]).as_py() or 1))
    mix = pa.table(
        [
            grouped.column("subset"),
            grouped.column("position_count_distinct"),
            *columns,
            grouped.column("doc_id_count_distinct"),
            share,
        ],
        names=MIX_SCHEMA.names,
    )
    return mix.cast(MIX_SCHEMA).sort_by("subset")


def open_tokens(path: Path) -> npt.NDArray[Any]:
    """The tokens of a chunk file, memory-mapped.

    Raises:
        ChunkError: the file is missing, truncated or no array of tokens.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise ChunkError(f"{path} is missing or damaged ({error}); rebuild this partition of training/chunk") from error
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ChunkError(f"{path} holds no rows of token ids; rebuild this partition of training/chunk")
    return cast("npt.NDArray[Any]", array)


def _digests(path: Path, n_token_bytes: int) -> tuple[str, str]:
    """SHA-256 of a chunk file, and of the tokens at its end."""
    with path.open("rb") as file:
        header = file.read(path.stat().st_size - n_token_bytes)
        whole, tokens = hashlib.sha256(header), hashlib.sha256()
        while block := file.read(1 << 20):
            whole.update(block)
            tokens.update(block)
    return whole.hexdigest(), tokens.hexdigest()
