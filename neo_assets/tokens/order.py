"""The published order: every training position of a run as data, drawn from the recipe's seed and stable ids only.

A *sequence* is `seq_length + 1` consecutive tokens of a subset's stream: sequence i holds tokens
i × seq_length to (i + 1) × seq_length inclusive. Neighbours share one token, which is the last target of one and the
first input of the next; so every token of the stream but the first is a target exactly once per pass. Three
counters follow, and are never mixed (spelled out because published token counts often are):

* rows: sequences;
* stored tokens: rows × (seq_length + 1);
* target positions: rows × seq_length, the number that is usually called "tokens trained".

A phase reads each subset as often as its repeat factor says; the fractional part takes the sequences with the
smallest hashes. One reading of all of it is an *epoch*, permuted by 128-bit hashes; a phase that needs more goes on
with the next epoch, which has a permutation of its own. Neither shards nor workers have an influence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.keyed import counter_hashes, key
from neo_assets.tokens.mix import exact_factor

ORDER_SCHEMA = pa.schema(
    [
        pa.field("position", pa.int64()),
        pa.field("phase", pa.string()),
        pa.field("epoch", pa.int32()),
        pa.field("subset", pa.string()),
        pa.field("sequence", pa.int64()),
        pa.field("repeat", pa.int32()),
        pa.field("token_start", pa.int64()),
        pa.field("token_end", pa.int64()),
    ]
)
"""`position` counts over all phases of a run; `sequence` and the token range are of the subset's stream."""

Ints = npt.NDArray[np.int64]


class OrderError(ValueError):
    """An order that cannot be made, or is none."""


@dataclass(frozen=True)
class PhaseDemand:
    """What a phase of training reads: the repeat factor of each subset, and rows in all (None: one epoch)."""

    phase: str
    factors: Mapping[str, float]
    n_rows: int | None = None


def n_sequences(n_tokens: int, seq_length: int) -> int:
    """Whole sequences in a stream. The tokens after the last (`n_tail_tokens`) are never trained on."""
    return max(0, (n_tokens - 1) // seq_length)


def n_tail_tokens(n_tokens: int, seq_length: int) -> int:
    """Tokens of a stream that are in no sequence."""
    rows = n_sequences(n_tokens, seq_length)
    return n_tokens - (rows * seq_length + 1) if rows else n_tokens


def rows_of_subset(n: int, factor: float) -> int:
    """Rows of one epoch for a subset of n sequences: the whole part of n × factor."""
    return int(n * exact_factor(factor))


def build_order(tokens: Mapping[str, int], demands: list[PhaseDemand], seq_length: int, seed: int) -> pa.Table:
    """The order of a whole run (`ORDER_SCHEMA`), phase after phase, each cut at the rows it needs.

    Args:
        tokens: tokens in each subset's stream.

    Raises:
        OrderError: a factor for an unknown subset, or a phase without any sequence.

    O(n log n); about 60 bytes and 1 µs a row.
    """
    tables, first = [], 0
    for demand in demands:
        table = _phase_order(tokens, demand, seq_length, seed, first)
        tables.append(table)
        first += table.num_rows
    return pa.concat_tables(tables) if tables else ORDER_SCHEMA.empty_table()


def _phase_order(tokens: Mapping[str, int], demand: PhaseDemand, seq_length: int, seed: int, first: int) -> pa.Table:
    if unknown := sorted(set(demand.factors) - set(tokens)):
        raise OrderError(f"phase {demand.phase} has factors for subsets without a stream: {', '.join(unknown)}")
    counts = {name: n_sequences(tokens[name], seq_length) for name in sorted(demand.factors)}
    per_epoch = sum(rows_of_subset(n, demand.factors[name]) for name, n in counts.items())
    if per_epoch == 0:
        raise OrderError(f"phase {demand.phase} has no sequence of {seq_length + 1} tokens; shorten seq_length")
    wanted = per_epoch if demand.n_rows is None else demand.n_rows
    names = pa.array(list(counts), pa.string())
    parts = []
    for epoch in range(-(-wanted // per_epoch)):
        subset, sequence, repeat = _epoch(counts, demand, seed, epoch)
        rows = min(per_epoch, wanted - epoch * per_epoch)
        parts.append((np.full(rows, epoch), subset[:rows], sequence[:rows], repeat[:rows]))
    if not parts:
        return ORDER_SCHEMA.empty_table()
    epochs, subsets, sequences, repeats = (np.concatenate(column) for column in zip(*parts, strict=True))
    columns = [
        pa.array(np.arange(first, first + wanted)),
        pa.array([demand.phase] * wanted, pa.string()),
        pa.array(epochs, pa.int32()),
        names.take(pa.array(subsets)),
        pa.array(sequences),
        pa.array(repeats, pa.int32()),
        pa.array(sequences * seq_length),
        pa.array((sequences + 1) * seq_length + 1),
    ]
    return pa.table(columns, schema=ORDER_SCHEMA)


def _epoch(counts: Mapping[str, int], demand: PhaseDemand, seed: int, epoch: int) -> tuple[Ints, Ints, Ints]:
    """Subset number, sequence and repeat of every row of one epoch, permuted."""
    columns: list[tuple[Ints, Ints, Ints, npt.NDArray[np.uint64]]] = []
    for number, (name, n) in enumerate(counts.items()):
        rows, repeat = rows_of_subset(n, demand.factors[name]), 0
        while rows:
            draw = (seed, demand.phase, epoch, name, repeat)
            sequences = np.arange(n)
            if rows < n:
                sequences = np.sort(_by_hash(counter_hashes(key("fraction", *draw), n))[:rows])
            taken = len(sequences)
            hashes = counter_hashes(key("order", *draw), n)[sequences]
            columns.append((np.full(taken, number), sequences, np.full(taken, repeat), hashes))
            rows, repeat = rows - taken, repeat + 1
    permutation = _by_hash(np.concatenate([column[3] for column in columns]))
    subsets, sequences, repeats = (np.concatenate([column[i] for column in columns])[permutation] for i in range(3))
    return subsets, sequences, repeats


def _by_hash(hashes: npt.NDArray[np.uint64]) -> Ints:
    """Row numbers in the order of their 128-bit hashes; equal hashes keep their order."""
    return np.asarray(np.lexsort((hashes[:, 1], hashes[:, 0])), np.int64)


def check_order(order: pa.Table, tokens: Mapping[str, int], demands: list[PhaseDemand], seq_length: int) -> None:
    """Verifies a published order from its rows alone, without drawing it again.

    Raises:
        OrderError: positions are not 0, 1, 2 …; a row lies outside its stream; an epoch holds a row twice; a complete
            epoch lacks one; or a phase has another number of rows than asked.
    """
    if not order.column("position").equals(pa.chunked_array([pa.array(np.arange(order.num_rows))])):
        raise OrderError("positions are not 0, 1, 2 …")
    if order.column("phase").unique().to_pylist() != [d.phase for d in demands if d.n_rows != 0]:
        raise OrderError("phases are missing, unknown or out of order")
    for demand in demands:
        rows = order.filter(pc.equal(order.column("phase"), demand.phase))
        counts = {name: n_sequences(tokens[name], seq_length) for name in demand.factors}
        per_epoch = sum(rows_of_subset(n, demand.factors[name]) for name, n in counts.items())
        if rows.num_rows != (per_epoch if demand.n_rows is None else demand.n_rows):
            raise OrderError(f"phase {demand.phase} has {rows.num_rows} rows, not as many as asked")
        for name in rows.column("subset").unique().to_pylist():
            of_subset = rows.filter(pc.equal(rows.column("subset"), name))
            allowed = rows_of_subset(counts.get(name, 0), demand.factors.get(name, 0.0))
            _check_subset(of_subset, name, tokens.get(name, 0), allowed, rows.num_rows // per_epoch, seq_length)


def _check_subset(rows: pa.Table, name: str, n_tokens: int, per_epoch: int, full_epochs: int, seq_length: int) -> None:
    epoch, sequence, repeat, start, end = (
        rows.column(column).to_numpy().astype(np.int64)
        for column in ("epoch", "sequence", "repeat", "token_start", "token_end")
    )
    n = n_sequences(n_tokens, seq_length)
    if (start != sequence * seq_length).any() or (end != start + seq_length + 1).any():
        raise OrderError(f"token ranges of {name} do not follow from their sequences")
    if (sequence < 0).any() or (sequence >= n).any() or (repeat < 0).any():
        raise OrderError(f"a sequence of {name} lies outside its stream of {n} sequences")
    cells, times = np.unique(np.stack([epoch, sequence, repeat]), axis=1, return_counts=True)
    if (times > 1).any():
        where = cells[:, np.argmax(times)].tolist()
        raise OrderError(f"epoch {where[0]} holds sequence {where[1]}, repeat {where[2]} of {name} more than once")
    for number, size in zip(*np.unique(epoch, return_counts=True), strict=True):
        if size > per_epoch or (number < full_epochs and size != per_epoch):
            raise OrderError(f"epoch {number} holds {size} rows of {name} instead of {per_epoch}")
    if n and (repeat >= -(-per_epoch // n)).any():
        raise OrderError(f"a repeat of {name} goes beyond its factor")


def order_sha256(order: pa.Table) -> str:
    """The SHA-256 of an order (or of a window of one): its rows as text, tab-separated, a line each."""
    hasher = hashlib.sha256()
    for batch in order.select(ORDER_SCHEMA.names).to_batches(max_chunksize=1 << 16):
        columns = [column.cast(pa.string()) for column in batch.columns]
        lines = pc.binary_join_element_wise(*columns, "\t")
        hasher.update("".join(f"{line}\n" for line in lines.to_pylist()).encode())
    return hasher.hexdigest()
