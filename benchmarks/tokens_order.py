"""Parts of `benchmarks.tokens` after packing: what is read when, by our order and chunks and by Megatron's indexes.

Megatron-core gives each subset a `GPTDataset` with three indexes (documents permuted, where in them every sample
begins, samples permuted) and a `BlendedDataset` over them (which subset, which of its samples), all kept as `.npy`
files; samples are cut from the token files when they are read.
"""

from __future__ import annotations

import logging
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.peers.dedup_protocol import Clock
from neo_assets.tokens.keyed import counter_hashes, key
from neo_assets.tokens.order.check import checked_order
from neo_assets.tokens.order.chunks import write_chunk
from neo_assets.tokens.order.order import build_order, order_batches
from neo_assets.tokens.order.plan import ORDER_SCHEMA, PhaseDemand, n_sequences
from neo_assets.tokens.streams.indexed import index_bytes, token_dtype
from neo_assets.tokens.streams.shards import TokenShards
from neo_assets.tokens.streams.stream import open_stream

SEQ_LENGTH = 4096
N_IDS = 64_005
MEAN_DOCUMENT = 1000
SUBSETS = {"a": 0.5, "b": 0.3, "c": 0.2}


def our_chunk(folder: Path, shards: TokenShards, work: Path) -> tuple[Clock, int]:
    """The order of one epoch of a stream, then all of it in one chunk with its spans; gives the tokens written."""
    with Clock() as clock:
        stream = open_stream(folder, shards.spans)
        rows = build_order({"corpus": stream.n_tokens}, [PhaseDemand("one", {"corpus": 1.0})], SEQ_LENGTH, 1)
        chunk = write_chunk(rows, {"corpus": stream}, work / "chunk.npy")
    return clock, chunk.n_stored_tokens


def megatron_samples(folder: Path, work: Path) -> tuple[Clock, int]:
    """The indexes of one epoch of a stream, then every sample read in its order; gives the tokens read."""
    from megatron.core.datasets.gpt_dataset import GPTDataset
    from megatron.core.datasets.indexed_dataset import IndexedDataset
    from megatron.core.datasets.utils import Split

    tokens = 0
    shutil.rmtree(work / "cache", ignore_errors=True)  # Megatron names its files by the path alone: another corpus' too
    with Clock() as clock:
        documents = IndexedDataset(str(folder / "shard_00000"))
        all_of_them = np.arange(len(documents), dtype=np.int32)
        config = _config(work / "cache", None)
        samples = GPTDataset(documents, str(folder / "shard_00000"), all_of_them, None, Split.train, config)
        for i in range(len(samples)):
            found = samples[i]
            tokens += len(found["tokens"]) + 1
    return clock, tokens


def our_order(n_samples: int, work: Path) -> dict[str, Any]:
    """The order of so many samples of three subsets, verified while it is drawn, as Parquet."""
    tokens = {name: _n_tokens(n_samples, share) for name, share in SUBSETS.items()}
    demands = [PhaseDemand("one", dict.fromkeys(SUBSETS, 1.0), n_samples)]
    file = work / "order.parquet"
    with Clock() as clock, pq.ParquetWriter(file, ORDER_SCHEMA, compression="zstd", compression_level=3) as writer:
        for batch in checked_order(order_batches(tokens, demands, SEQ_LENGTH, 1), tokens, demands, SEQ_LENGTH):
            writer.write_table(pa.Table.from_batches([batch]))
    return _answer(clock, n_samples, [file])


def megatron_order(n_samples: int, work: Path) -> dict[str, Any]:
    """The indexes of so many samples of three subsets of the same sizes, as `BlendedMegatronDatasetBuilder` does."""
    from megatron.core.datasets.blended_megatron_dataset_builder import BlendedMegatronDatasetBuilder
    from megatron.core.datasets.gpt_dataset import GPTDataset
    from torch.distributed import init_process_group

    init_process_group("gloo", init_method=f"file://{work / 'group'}", rank=0, world_size=1)
    prefixes = [_empty_shard(work / name, _n_tokens(n_samples, share)) for name, share in SUBSETS.items()]
    logging.disable()
    with Clock() as clock:
        config = _config(work / "cache", (prefixes, list(SUBSETS.values())))
        builder = BlendedMegatronDatasetBuilder(GPTDataset, [n_samples, 0, 0], lambda: True, config)
        blended, _, _ = builder.build()
    assert len(blended) == n_samples  # noqa: S101
    return _answer(clock, n_samples, (work / "cache").rglob("*.npy"))


def _answer(clock: Clock, n_samples: int, files: Any) -> dict[str, Any]:
    written = sum(file.stat().st_size for file in files)
    return {"cpu": clock.cpu, "wall": clock.wall, "samples": n_samples, "written": written}


def _n_tokens(n_samples: int, share: float) -> int:
    """Tokens of a subset that has its share of the samples in one epoch, and some over for Megatron's surplus."""
    n_tokens = round(n_samples * share * 1.02) * SEQ_LENGTH + 1
    assert n_sequences(n_tokens, SEQ_LENGTH) >= n_samples * share  # noqa: S101
    return n_tokens


def _empty_shard(prefix: Path, n_tokens: int) -> str:
    """Megatron's files for documents of 1 to 2,000 tokens; the tokens themselves, never looked at, are a hole."""
    prefix.parent.mkdir(parents=True, exist_ok=True)
    dtype, hashes = token_dtype(N_IDS), counter_hashes(key(prefix.name), 2 * n_tokens // MEAN_DOCUMENT + 10_000)
    ends = np.cumsum(hashes[:, 0] % np.uint64(2 * MEAN_DOCUMENT - 1) + np.uint64(1)).astype(np.int64)
    ends = np.append(ends[ends < n_tokens], n_tokens)
    prefix.with_suffix(".idx").write_bytes(index_bytes(np.diff(ends, prepend=0), dtype))
    with prefix.with_suffix(".bin").open("wb") as file:
        file.truncate(n_tokens * dtype.itemsize)
    return str(prefix)


class _Vocabulary:
    """What `GPTDatasetConfig` asks of a tokenizer."""

    vocab_size = N_IDS
    eod = N_IDS - 3
    pad = N_IDS - 1
    unique_identifiers: dict[str, str] = {}  # noqa: RUF012


def _config(cache: Path, blend: tuple[list[str], list[float]] | None) -> Any:
    from megatron.core.datasets.gpt_dataset import GPTDatasetConfig

    return GPTDatasetConfig(
        random_seed=1, sequence_length=SEQ_LENGTH, blend=blend, split="1,0,0", path_to_cache=str(cache),
        tokenizer=_Vocabulary(), reset_position_ids=False, reset_attention_mask=False, eod_mask_loss=False,
        create_attention_mask=False,
    )  # fmt: skip
