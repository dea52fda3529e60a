"""What the token assets have in common: opening committed shards and chunks, phases' demands, files of a folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from neo_assets.engine.relation import Streamed
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.corpus import MixtureSettings, SubsetSettings
from neo_assets.recipe.training import PhaseSettings
from neo_assets.tokens.lineage.replay import OpenChunk
from neo_assets.tokens.order.check import checked_order
from neo_assets.tokens.order.chunks import open_tokens
from neo_assets.tokens.order.mix import repeat_factors
from neo_assets.tokens.order.order import order_batches
from neo_assets.tokens.order.plan import ORDER_SCHEMA, PhaseDemand
from neo_assets.tokens.streams.stream import TokenStream, check_tokenizers, open_stream


def open_streams(token_shards: Dataset, tokenizer_sha256: str | None = None) -> dict[str, TokenStream]:
    """The token stream of every subset (partition) of the handle; an empty subset has an empty stream.

    Nothing is read of a stream or of its spans before it is asked for.

    Raises:
        ShardError: files are missing or truncated, or not all are of one tokenizer (of the given one, if any).
    """
    streams = {}
    for manifest in token_shards.manifests:
        shard = token_shards.partition(manifest.partition)
        streams[str(manifest.partition)] = open_stream(shard.folder(), shard.named("spans"))
    check_tokenizers(streams, tokenizer_sha256)
    return streams


def open_chunks(chunk: Dataset) -> list[OpenChunk]:
    """Every chunk (partition) of the handle, its tokens memory-mapped, in order of training.

    Raises:
        ChunkError: a chunk's file is missing or truncated.
    """
    opened = []
    for manifest in chunk.manifests:
        one = chunk.partition(manifest.partition)
        tokens = open_tokens(one.file("chunk.npy"))
        opened.append(
            OpenChunk(str(manifest.partition), int(manifest.metadata["first position"]), tokens, one.named("spans"))
        )
    return sorted(opened, key=lambda found: found.first_position)


def tokens_by_subset(token_shards: Dataset) -> dict[str, int]:
    """Tokens in each subset's stream, from the manifests alone."""
    return {str(m.partition): int(m.metadata["tokens"]) for m in token_shards.manifests}


def demands_of(
    phases: Iterable[PhaseSettings],
    mixes: Mapping[str, MixtureSettings],
    subsets: Mapping[str, SubsetSettings],
    tokens: Mapping[str, int],
) -> list[PhaseDemand]:
    """What each phase of training reads: how often every subset, and as many rows as its steps need."""
    return [
        PhaseDemand(p.name, repeat_factors(tokens, subsets, mixes[p.name]), p.n_steps * p.batch_sequences)
        for p in phases
    ]


def drawn_order(tokens: Mapping[str, int], demands: Sequence[PhaseDemand], seq_length: int, seed: int) -> Streamed:
    """The published order as rows to be written, verified while they are drawn."""

    def rows() -> Iterator[pa.RecordBatch]:
        return checked_order(order_batches(tokens, demands, seq_length, seed), tokens, demands, seq_length)

    return Streamed(ORDER_SCHEMA, rows)


def files_below(folder: str) -> dict[str, Path]:
    """Every file below a folder, by its relative name."""
    root = Path(folder)
    return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
