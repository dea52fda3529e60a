"""Token shards: a subset's documents as one stream of tokens, in Megatron's format, with a span per document.

The *stream* of a subset is the concatenation of its documents in the order of their ids, each followed by the
end-of-document token. It is stored in shards cut at document ends; where it is cut changes nothing else.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.streams.indexed import token_dtype
from neo_assets.tokens.streams.shard_files import (
    SPAN_SCHEMA,
    STREAM_FILE,
    BlockDigests,
    ShardError,
    ShardFile,
    ShardWriter,
)
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer

BATCH_DOCUMENTS = 512
BATCH_BYTES = 1 << 22

Encoded = tuple[pa.RecordBatch, npt.NDArray[Any], npt.NDArray[np.int64]]


@dataclass(frozen=True)
class TokenShards:
    """What `write_shards` wrote."""

    files: tuple[ShardFile, ...]
    spans: pa.Table
    digests: pa.Table
    n_tokens: int
    n_documents: int

    @property
    def metadata(self) -> dict[str, int]:
        """What the manifest says of them."""
        return {"tokens": self.n_tokens, "documents": self.n_documents}


def write_shards(
    documents: Iterable[pa.RecordBatch],
    tokenizer: Tokenizer,
    folder: Path,
    subset: str,
    *,
    tokens_per_shard: int = 1 << 28,
    tokens_per_digest: int = 1 << 20,
    n_workers: int | None = None,
) -> TokenShards:
    """Writes a subset's token stream into a folder: `shard_NNNNN.bin`, `.idx` and `stream.json`.

    Args:
        documents: batches with `doc_id`, `url` and `text`, in strictly ascending order of `doc_id` over all batches.
        folder: a new or empty folder.
        tokens_per_shard: a shard is closed by the document that reaches this size.
        n_workers: threads that encode, by default as many as there are cores; the files are the same.

    Raises:
        ShardError: ids not ascending, or a null text.

    Memory: two batches of texts a thread, and about 100 bytes a document. About 15 M tokens per CPU-second.
    """
    folder.mkdir(parents=True, exist_ok=True)
    dtype = token_dtype(tokenizer.settings.n_ids)
    digests = BlockDigests(tokens_per_digest, dtype.itemsize)
    spans: list[pa.RecordBatch] = []
    with ShardWriter(folder, dtype, tokens_per_shard) as writer:
        for batch, tokens, ends in _encoded(_small_batches(documents), tokenizer, dtype, n_workers):
            spans.append(_spans(batch, subset, writer.add(tokens, ends)))
            digests.update(tokens)
    n_tokens, files = writer.stream_end, writer.files
    header = {
        "subset": subset,
        "dtype": dtype.str,
        "n_tokens": n_tokens,
        "shards": [asdict(file) for file in files],
        "tokenizer_sha256": tokenizer.sha256,
    }
    (folder / STREAM_FILE).write_text(json.dumps(header, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    table = pa.Table.from_batches(spans, schema=SPAN_SCHEMA)
    return TokenShards(tuple(files), table, digests.finish(subset), n_tokens, table.num_rows)


def _small_batches(documents: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in smaller batches, once their ids are seen to ascend."""
    previous: str | None = None
    for batch in documents:
        for part in _cut(batch):
            if part.column("text").null_count:
                raise ShardError("a document has no text; such records must be quarantined before this stage")
            for doc_id in part.column("doc_id").to_pylist():
                if previous is not None and doc_id <= previous:
                    raise ShardError(f"documents must come in ascending doc_id, once each: {doc_id} after {previous}")
                previous = doc_id
            yield part


def _cut(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The rows in batches of at most `BATCH_DOCUMENTS`, and of no more than `BATCH_BYTES` of text if of several."""
    sizes = pc.fill_null(pc.binary_length(batch.column("text")), 0).to_numpy(zero_copy_only=False)
    ends = np.cumsum(sizes, dtype=np.int64)
    start = 0
    while start < batch.num_rows:
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + BATCH_BYTES, side="right")) - start
        length = min(max(fitting, 1), BATCH_DOCUMENTS)
        yield batch.slice(start, length)
        start += length


def _encoded(
    batches: Iterator[pa.RecordBatch], tokenizer: Tokenizer, dtype: np.dtype[Any], n_workers: int | None
) -> Iterator[Encoded]:
    """Each batch in its order, with the tokens of all its documents and where each ends."""

    def encode(batch: pa.RecordBatch) -> Encoded:
        ids, offsets = tokenizer.encode_arrow(batch.column("text"), tokenizer.end_of_document_id)
        return batch, ids.astype(dtype), offsets[1:]

    n_workers = n_workers or len(os.sched_getaffinity(0))
    with ThreadPoolExecutor(n_workers, "encode") as pool:
        waiting: deque[Future[Encoded]] = deque()
        try:
            for batch in batches:
                waiting.append(pool.submit(encode, batch))
                if len(waiting) > n_workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


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
