"""Reading a subset's token stream: random access over its shards, documents by position, verification."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.dataset import Dataset
from neo_assets.tokens.lookup import Ints, last_value, rows_over
from neo_assets.tokens.streams.shard_files import STREAM_FILE, BlockDigests, ShardError

READ_TOKENS = 1 << 22


@dataclass(frozen=True)
class TokenStream:
    """A subset's tokens as if in one array, memory-mapped.

    Attributes:
        spans: its documents (`SPAN_SCHEMA`) in order, in memory or in the lake, where only what is asked for is read.
        tokenizer_sha256: of the tokenizer's model file; None where the shards do not say.
    """

    subset: str
    dtype: np.dtype[Any]
    n_tokens: int
    spans: Dataset | pa.Table
    shards: tuple[npt.NDArray[Any], ...]
    firsts: Ints
    tokenizer_sha256: str | None = None

    def read(self, start: int, end: int) -> npt.NDArray[Any]:
        """Tokens start to end (exclusive) of the stream, as a new array.

        Raises:
            IndexError: the range is not inside the stream (a silent wrap-around would corrupt training).
        """
        if not 0 <= start <= end <= self.n_tokens:
            raise IndexError(f"tokens {start} to {end} are not inside {self.subset}'s stream of {self.n_tokens}")
        shard = int(np.searchsorted(self.firsts, start, side="right")) - 1
        parts = []
        while start < end:
            local = start - int(self.firsts[shard])
            part = self.shards[shard][local : local + end - start]
            parts.append(part)
            start, shard = start + len(part), shard + 1
        return np.concatenate(parts) if parts else np.empty(0, self.dtype)

    def portions(self, size: int = READ_TOKENS) -> Iterator[npt.NDArray[Any]]:
        """The whole stream in portions of at most `size` tokens."""
        for start in range(0, self.n_tokens, size):
            yield self.read(start, min(start + size, self.n_tokens))

    @property
    def n_documents(self) -> int:
        """Documents in the stream."""
        return self.spans.rows if isinstance(self.spans, Dataset) else int(self.spans.num_rows)

    def documents(self, starts: Ints, ends: Ints) -> pa.Table:
        """The documents (`SPAN_SCHEMA`) that have a token in one of the ranges, which ascend by both ends (exclusive).

        Cost and memory are those of the ranges, not of the stream (`lookup.rows_over`).
        """
        return rows_over(self.spans, "stream_start", "stream_end", starts, ends)


def open_stream(folder: Path, spans: Dataset | pa.Table) -> TokenStream:
    """The stream that `write_shards` wrote into a folder, with its span table.

    Raises:
        ShardError: files missing, of the wrong size, or not those of the span table.
    """
    try:
        header = json.loads((folder / STREAM_FILE).read_text(encoding="utf-8"))
        dtype = np.dtype(header["dtype"])
        arrays = tuple(_map(folder / f"{shard['name']}.bin", dtype, shard["tokens"]) for shard in header["shards"])
    except (OSError, KeyError, json.JSONDecodeError) as error:
        raise ShardError(f"no complete token shards in {folder} ({error}); rebuild them") from error
    n_tokens = int(header["n_tokens"])
    covered = last_value(spans, "stream_end", 0)
    if covered != n_tokens:
        raise ShardError(f"the spans cover {covered} tokens, the shards in {folder} hold {n_tokens}; rebuild both")
    firsts = np.array([shard["first_token"] for shard in header["shards"]], np.int64)
    return TokenStream(str(header["subset"]), dtype, n_tokens, spans, arrays, firsts, header.get("tokenizer_sha256"))


def check_tokenizers(streams: Mapping[str, TokenStream], tokenizer_sha256: str | None = None) -> None:
    """That all streams hold ids of one tokenizer: of the given one, or of that which most of them have.

    Raises:
        ShardError: some do not; it names their subsets.
    """
    if not streams:
        return
    found = {name: stream.tokenizer_sha256 for name, stream in sorted(streams.items())}
    wanted = tokenizer_sha256 or Counter(found.values()).most_common(1)[0][0]
    if wrong := [name for name, sha256 in found.items() if sha256 != wanted]:
        made = (found[wrong[0]] or "not recorded")[:12]
        raise ShardError(
            f"the shards of {', '.join(wrong)} were made with another tokenizer ({made} instead of {str(wanted)[:12]});"
            " rebuild training/token_shards of them"
        )


def _map(path: Path, dtype: np.dtype[Any], tokens: int) -> npt.NDArray[Any]:
    if path.stat().st_size != tokens * dtype.itemsize:
        raise ShardError(f"{path} has {path.stat().st_size} bytes instead of {tokens * dtype.itemsize}; rebuild it")
    return np.memmap(path, dtype, mode="r", shape=(tokens,))


def damaged_blocks(stream: TokenStream, digests: pa.Table) -> list[int]:
    """The numbers of blocks whose tokens no longer have the recorded SHA-256; empty for a sound stream."""
    recorded = digests.to_pylist()
    if not recorded:
        return []
    found = BlockDigests(recorded[0]["tokens"], stream.dtype.itemsize)
    for portion in stream.portions():
        found.update(portion)
    now = {row["block"]: row["sha256"] for row in found.finish(stream.subset).to_pylist()}
    return sorted({row["block"] for row in recorded if now.pop(row["block"], None) != row["sha256"]} | set(now))
