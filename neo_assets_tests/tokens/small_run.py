"""A small run without a model: an order, its chunks in a lake, and the steps that a trainer would record of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import volatile
from neo_assets.tokens.order.chunks import Chunk, order_window, write_chunk
from neo_assets.tokens.order.order import build_order
from neo_assets.tokens.order.plan import PhaseDemand
from neo_assets.tokens.streams.shards import write_shards
from neo_assets.tokens.streams.stream import TokenStream, open_stream
from neo_assets.tokens.vocabulary.tokenizer import Tokenizer
from neo_assets_tests.tokens.helpers import SUBSETS

SEQ, BATCH, STEPS, N_CHUNKS = 128, 5, 18, 5
ROWS = BATCH * STEPS
FACTORS = {"novel_en": 1.0, "novel_zh": 0.5, "law_zh": 2.0, "poem_zh": 1.0, "empty": 1.0}
DEMANDS = [PhaseDemand("fundamental", FACTORS, 4 * ROWS), PhaseDemand("decay", FACTORS, ROWS)]

STEP_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.string()) for name in ("run", "checkpoint", "phase")),
        *(pa.field(name, pa.int64()) for name in ("step", "first_position", "n_sequences")),
        *(pa.field(name, pa.int64()) for name in ("tokens_read", "tokens_masked", "tokens_applied")),
        pa.field("skipped", pa.string()),
        pa.field("rolled_back", pa.int32()),
        volatile(pa.field("start", pa.int32())),
    ]
)


@dataclass(frozen=True)
class Run:
    """What the run read, and what it left: the order, the chunks (also as handles), and their arrays."""

    documents: pa.Table
    streams: dict[str, TokenStream]
    order: pa.Table
    order_dataset: Dataset
    chunks: list[Chunk]
    chunk_dataset: Dataset
    arrays: list[np.ndarray[Any, Any]]


def short_documents(documents: pa.Table) -> pa.Table:
    """A few documents of each subset, the longer ones cut: an epoch of them is less than a phase of the run."""
    parts = [documents.filter(pc.equal(documents["subset"], name)).slice(0, 25) for name in SUBSETS]
    table = pa.concat_tables(parts).sort_by("doc_id")
    return table.set_column(
        table.schema.get_field_index("text"), "text", pc.utf8_slice_codeunits(table["text"], 0, 600)
    )


def streams_of(documents: pa.Table, tokenizer: Tokenizer, folder: Path) -> dict[str, TokenStream]:
    """Their token streams, in shards of a few hundred tokens; one subset is empty."""
    opened = {}
    for name in (*SUBSETS, "empty"):
        chosen = documents.filter(pc.equal(documents["subset"], name))
        shards = write_shards(chosen.to_batches(), tokenizer, folder / name, name, tokens_per_shard=700)
        opened[name] = open_stream(folder / name, shards.spans)
    return opened


def committed(lake: Lake, asset: str, partition: str | None, part_rows: int, **tables: pa.Table) -> Dataset:
    """Tables of a partition in parts of a few rows."""
    writer = lake.writer(asset, partition)
    for name, table in tables.items():
        writer.table(table, name, part_rows)
    return writer.commit(Provenance())


def small_run(documents: pa.Table, tokenizer: Tokenizer, folder: Path) -> Run:
    """Five chunks over two phases."""
    documents = short_documents(documents)
    streams = streams_of(documents, tokenizer, folder)
    lake = Lake(str(folder / "lake"))
    order = build_order({name: stream.n_tokens for name, stream in streams.items()}, DEMANDS, SEQ, 42)
    order_dataset = committed(lake, "training/order", None, 37, rows=order)
    chunks, manifests, arrays = [], [], []
    for number in range(N_CHUNKS):
        window = order_window(order_dataset, number * ROWS, ROWS)
        chunk = write_chunk(window, streams, folder / f"{number}.npy")
        writer = lake.writer("training/chunk", f"chunk_{number + 1:03d}")
        writer.table(chunk.mix)
        writer.table(chunk.spans, "spans", 50)
        writer.file("chunk.npy", chunk.path)
        dataset = writer.commit(Provenance(), metadata={"first position": number * ROWS})
        chunks.append(chunk)
        manifests.append(dataset.manifest)
        arrays.append(np.load(chunk.path))
    chunk_dataset = Dataset(lake.store, "training/chunk", tuple(manifests))
    return Run(documents, streams, order, order_dataset, chunks, chunk_dataset, arrays)


def steps_of(
    run: Run,
    number: int,
    end_of_document_id: int,
    *,
    mask_after_eod: bool = True,
    skipped: Mapping[int, str] | None = None,
    rolled_back: Mapping[int, int] | None = None,
    starts: Mapping[int, int] | None = None,
    name: str = "0123456789ab",
) -> pa.Table:
    """The records of a chunk's steps. Masked tokens are counted in the token array, as the trainer does."""
    rows = []
    phase, before = ("decay", 4 * STEPS) if number == 4 else ("fundamental", 0)
    for index in range(STEPS):
        batch = run.arrays[number][index * BATCH : (index + 1) * BATCH]
        step = number * STEPS + index - before
        read = BATCH * SEQ
        masked = int((batch[:, :-1] == end_of_document_id).sum()) if mask_after_eod else 0
        reason = (skipped or {}).get(step)
        rows.append(
            {
                "run": name,
                "checkpoint": f"ckpt_{number + 1:03d}",
                "phase": phase,
                "step": step,
                "first_position": number * ROWS + index * BATCH,
                "n_sequences": BATCH,
                "tokens_read": read,
                "tokens_masked": masked,
                "tokens_applied": 0 if reason else read - masked,
                "skipped": reason,
                "rolled_back": (rolled_back or {}).get(step, 0),
                "start": (starts or {}).get(index, 1),
            }
        )
    return pa.Table.from_pylist(rows, schema=STEP_SCHEMA)
