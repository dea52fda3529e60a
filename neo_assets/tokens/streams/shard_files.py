"""The files of a token stream: what they are called and hold, shards cut at document ends, digests of fixed blocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.tokens.streams.indexed import index_bytes

STREAM_FILE = "stream.json"

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


class BlockDigests:
    """SHA-256 over each block of a token stream, fed in any portions."""

    def __init__(self, block_tokens: int, itemsize: int) -> None:
        self._size, self._itemsize = block_tokens * itemsize, itemsize
        self._hasher, self._filled = hashlib.sha256(), 0
        self._done: list[tuple[int, str]] = []

    def update(self, tokens: npt.NDArray[Any]) -> None:
        """Takes the next tokens of the stream."""
        data = np.ascontiguousarray(tokens).view(np.uint8).data
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


class ShardWriter:
    """Writes documents into shards, beginning a new one once the last is full; closed by its `with` block."""

    def __init__(self, folder: Path, dtype: np.dtype[Any], tokens_per_shard: int) -> None:
        self._folder, self._dtype, self._full = folder, dtype, tokens_per_shard
        self._file: BinaryIO | None = None
        self._hasher = hashlib.sha256()
        self._lengths: list[int] = []
        self._first = 0
        self.stream_end = 0
        self.files: list[ShardFile] = []

    def __enter__(self) -> ShardWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._finish()
        elif self._file is not None:
            self._file.close()

    def add(self, tokens: npt.NDArray[Any], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Writes documents that end at `ends` of `tokens`; gives an array of shape (documents, 4).

        A row is a document's shard, the shard's first stream position, the document's first, and its tokens.
        """
        starts = np.concatenate([[0], ends[:-1]])
        base, done = self.stream_end, 0
        places = np.empty((len(ends), 4), np.int64)
        while done < len(ends):
            if self._file is None:
                self._file = (self._folder / f"{self._name}.bin").open("wb")
                self._first = self.stream_end
            # The document that fills the shard is its last.
            filling = int(np.searchsorted(ends, self._first + self._full - base))
            chosen = slice(done, min(filling + 1, len(ends)))
            data = tokens[starts[done] : ends[chosen.stop - 1]].data
            self._file.write(data)
            self._hasher.update(data)
            lengths = ends[chosen] - starts[chosen]
            self._lengths += lengths.tolist()
            places[chosen] = np.stack(
                [
                    np.full_like(lengths, len(self.files)),
                    np.full_like(lengths, self._first),
                    base + starts[chosen],
                    lengths,
                ],
                axis=1,
            )
            self.stream_end, done = base + int(ends[chosen.stop - 1]), chosen.stop
            if self.stream_end - self._first >= self._full:
                self._finish()
        return places

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
