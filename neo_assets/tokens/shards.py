"""Token shards: a subset's documents as one stream of tokens, in Megatron's format, with a span per document.

The *stream* of a subset is the concatenation of its documents in the order of their ids, each followed by the
end-of-document token. It is stored in shards cut at document ends; where it is cut changes nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.tokens.indexed import index_bytes, token_dtype
from neo_assets.tokens.tokenizer import Tokenizer

STREAM_FILE = "stream.json"
BATCH_DOCUMENTS = 512

SPAN_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        pa.field("shard", pa.int32()),
        pa.field("shard_start", pa.int64()),
        pa.field("shard_end", pa.int64()),
        pa.field("stream_start", pa.int64()),
        pa.field("stream_end", pa.int64()),
        pa.field("doc_id", pa.string()),
        pa.field("url", pa.string()),
    ]
)
"""One row per document, in stream order; ends are exclusive and the end-of-document token is inside the span."""

DIGEST_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        pa.field("block", pa.int64()),
        pa.field("stream_start", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("sha256", pa.string()),
    ]
)
"""SHA-256 of fixed blocks of the stream (little-endian tokens), whatever the shards."""


class ShardError(ValueError):
    """Documents that cannot be made a token stream, or a damaged stream."""


@dataclass(frozen=True)
class ShardFile:
    """One `.bin` and `.idx` pair."""

    name: str
    first_token: int
    tokens: int
    documents: int
    bin_sha256: str
    idx_sha256: str


@dataclass(frozen=True)
class TokenShards:
    """What `write_shards` wrote."""

    files: tuple[ShardFile, ...]
    spans: pa.Table
    digests: pa.Table
    n_tokens: int
    n_documents: int


class BlockDigests:
    """SHA-256 over each block of a token stream, fed in any portions."""

    def __init__(self, block_tokens: int, itemsize: int) -> None:
        self._size, self._itemsize = block_tokens * itemsize, itemsize
        self._hasher, self._filled = hashlib.sha256(), 0
        self._done: list[tuple[int, str]] = []

    def update(self, tokens: npt.NDArray[Any]) -> None:
        """Takes the next tokens of the stream."""
        data = memoryview(tokens.tobytes())
        while len(data):
            part = data[: self._size - self._filled]
            self._hasher.update(part)
            self._filled += len(part)
            data = data[len(part) :]
            if self._filled == self._size:
                self._close()

    def _close(self) -> None:
        self._done.append((self._filled // self._itemsize, self._hasher.hexdigest()))
        self._hasher, self._filled = hashlib.sha256(), 0

    def finish(self, subset: str) -> pa.Table:
        """The digests (`DIGEST_SCHEMA`); the last block may be shorter."""
        if self._filled:
            self._close()
        counts = [tokens for tokens, _ in self._done]
        starts = [counts[0] * i for i in range(len(counts))]
        columns = [[subset] * len(counts), range(len(counts)), starts, counts, [digest for _, digest in self._done]]
        return pa.table(
            [pa.array(c, f.type) for c, f in zip(columns, DIGEST_SCHEMA, strict=True)], schema=DIGEST_SCHEMA
        )


class _ShardWriter:
    """Writes documents into shards, beginning a new one once the last is full; closed by its `with` block."""

    def __init__(self, folder: Path, dtype: np.dtype[Any], tokens_per_shard: int) -> None:
        self._folder, self._dtype, self._full = folder, dtype, tokens_per_shard
        self._file: BinaryIO | None = None
        self._hasher = hashlib.sha256()
        self._lengths: list[int] = []
        self._first = 0
        self.stream_end = 0
        self.files: list[ShardFile] = []

    def __enter__(self) -> _ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._file is not None:
            self._file.close()

    def add(self, tokens: npt.NDArray[Any]) -> tuple[int, int, int]:
        """Writes a document; gives its shard's number and first stream position, and the document's."""
        if self._file is None:
            self._file = (self._folder / f"{self._name}.bin").open("wb")
            self._first = self.stream_end
        data, start, place = tokens.tobytes(), self.stream_end, (len(self.files), self._first)
        self._file.write(data)
        self._hasher.update(data)
        self._lengths.append(len(tokens))
        self.stream_end += len(tokens)
        if self.stream_end - self._first >= self._full:
            self._finish()
        return (*place, start)

    @property
    def _name(self) -> str:
        return f"shard_{len(self.files):05d}"

    def _finish(self) -> None:
        if self._file is None:
            return
        self._file.close()
        index = index_bytes(np.array(self._lengths, np.int64), self._dtype)
        (self._folder / f"{self._name}.idx").write_bytes(index)
        digests = self._hasher.hexdigest(), hashlib.sha256(index).hexdigest()
        tokens = self.stream_end - self._first
        self.files.append(ShardFile(self._name, self._first, tokens, len(self._lengths), *digests))
        self._file, self._hasher, self._lengths = None, hashlib.sha256(), []


def write_shards(
    documents: Iterable[pa.RecordBatch],
    tokenizer: Tokenizer,
    folder: Path,
    subset: str,
    *,
    tokens_per_shard: int = 1 << 28,
    tokens_per_digest: int = 1 << 20,
) -> TokenShards:
    """Writes a subset's token stream into a folder: `shard_NNNNN.bin`, `.idx` and `stream.json`.

    Args:
        documents: batches with `doc_id`, `url` and `text`, in strictly ascending order of `doc_id` over all batches.
        folder: a new or empty folder.
        tokens_per_shard: a shard is closed by the document that reaches this size.

    Raises:
        ShardError: ids not ascending, or a null text.

    Memory: one batch of texts, and about 100 bytes a document. About 1.5 M tokens per CPU-second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dtype = token_dtype(tokenizer.settings.n_ids)
    digests = BlockDigests(tokens_per_digest, dtype.itemsize)
    spans: list[pa.RecordBatch] = []
    with _ShardWriter(folder, dtype, tokens_per_shard) as writer:
        for batch in _small_batches(documents):
            places = []
            for tokens in _encode(batch, tokenizer, dtype):
                places.append((*writer.add(tokens), len(tokens)))
                digests.update(tokens)
            spans.append(_spans(batch, subset, np.array(places, np.int64)))
    n_tokens, files = writer.stream_end, writer.files
    header = {"subset": subset, "dtype": dtype.str, "n_tokens": n_tokens, "shards": [asdict(file) for file in files]}
    (folder / STREAM_FILE).write_text(json.dumps(header, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    table = pa.Table.from_batches(spans, schema=SPAN_SCHEMA)
    return TokenShards(tuple(files), table, digests.finish(subset), n_tokens, table.num_rows)


def _small_batches(documents: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in smaller batches, once their ids are seen to ascend."""
    previous: str | None = None
    for batch in documents:
        for start in range(0, batch.num_rows, BATCH_DOCUMENTS):
            part = batch.slice(start, BATCH_DOCUMENTS)
            if part.column("text").null_count:
                raise ShardError("a document has no text; such records must be quarantined before this stage")
            for doc_id in part.column("doc_id").to_pylist():
                if previous is not None and doc_id <= previous:
                    raise ShardError(f"documents must come in ascending doc_id, once each: {doc_id} after {previous}")
                previous = doc_id
            yield part


def _encode(batch: pa.RecordBatch, tokenizer: Tokenizer, dtype: np.dtype[Any]) -> Iterator[npt.NDArray[Any]]:
    for ids in tokenizer.encode_batch(batch.column("text").to_pylist()):
        yield np.append(ids, tokenizer.end_of_document_id).astype(dtype)


def _spans(batch: pa.RecordBatch, subset: str, places: npt.NDArray[np.int64]) -> pa.RecordBatch:
    """Span rows of a batch, from its documents' (shard, first position of the shard, stream start, tokens)."""
    shard, shard_first, start, length = places.T
    columns = [
        pa.array([subset] * len(places), pa.string()),
        pa.array(shard, pa.int32()),
        pa.array(start - shard_first),
        pa.array(start - shard_first + length),
        pa.array(start),
        pa.array(start + length),
        batch.column("doc_id").cast(pa.string()),
        batch.column("url").cast(pa.string()),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SPAN_SCHEMA)
