"""The published order: every training position of a run as data, drawn from the recipe's seed and stable ids only.

A phase reads each subset as often as its repeat factor says; the fractional part takes the sequences with the
smallest hashes. One reading of all of it is an *epoch*, permuted by 128-bit hashes; a phase that needs more goes on
with the next epoch, which has a permutation of its own. Neither shards nor workers have an influence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from neo_assets.tokens.keyed import key
from neo_assets.tokens.order.permutation import Reading, permuted
from neo_assets.tokens.order.plan import ORDER_SCHEMA, PhaseDemand, PhasePlan, plan_phase

MEMORY_ROWS = 1 << 22
BATCH_ROWS = 1 << 18
"""Rows of a batch, and so of a part of the published table. A constant, so that parts are the same everywhere."""


def order_batches(
    tokens: Mapping[str, int],
    demands: Sequence[PhaseDemand],
    seq_length: int,
    seed: int,
    *,
    memory_rows: int = MEMORY_ROWS,
    batch_rows: int = BATCH_ROWS,
) -> Iterator[pa.RecordBatch]:
    """The order of a whole run (`ORDER_SCHEMA`), phase after phase, each cut at the rows it needs.

    Args:
        tokens: tokens in each subset's stream.
        memory_rows: rows in memory at a time, of about 100 bytes each. It changes the time, never the rows.
        batch_rows: rows of every batch but the last.

    Raises:
        OrderError: a factor for an unknown subset, or a phase without any sequence.

    An epoch of n rows takes n / memory_rows passes over n hashes, about 10 ns each.
    """
    plans = [plan_phase(tokens, demand, seq_length) for demand in demands]
    return _same_size(_rows_of_plans(plans, seq_length, seed, memory_rows), batch_rows)


def build_order(tokens: Mapping[str, int], demands: Sequence[PhaseDemand], seq_length: int, seed: int) -> pa.Table:
    """`order_batches` as one table."""
    return pa.Table.from_batches(order_batches(tokens, demands, seq_length, seed), ORDER_SCHEMA)


def _rows_of_plans(
    plans: Sequence[PhasePlan], seq_length: int, seed: int, memory_rows: int
) -> Iterator[pa.RecordBatch]:
    position = 0
    for plan in plans:
        end, names = position + plan.wanted, pa.array(list(plan.counts), pa.string())
        for epoch in range(-(-plan.wanted // plan.per_epoch)):
            for portion in permuted(_readings(plan, seed, epoch), memory_rows):
                subset, sequence, repeat = (column[: end - position] for column in portion)
                rows = len(sequence)
                columns = [
                    pa.array(np.arange(position, position + rows)),
                    pa.repeat(pa.scalar(plan.phase, pa.string()), rows),
                    pa.repeat(pa.scalar(epoch, pa.int32()), rows),
                    names.take(pa.array(subset)),
                    pa.array(sequence),
                    pa.array(repeat, pa.int32()),
                    pa.array(sequence * seq_length),
                    pa.array((sequence + 1) * seq_length + 1),
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=ORDER_SCHEMA)
                position += rows
                if position == end:
                    break


def _readings(plan: PhasePlan, seed: int, epoch: int) -> list[Reading]:
    """The readings of every subset in one epoch: as many whole ones as its factor says, and the rest."""
    readings = []
    for number, (name, n) in enumerate(plan.counts.items()):
        for repeat in range(-(-plan.allowed[name] // n) if n else 0):
            draw = (seed, plan.phase, epoch, name, repeat)
            rows = min(n, plan.allowed[name] - repeat * n)
            readings.append(Reading(number, repeat, n, rows, key("order", *draw), key("fraction", *draw)))
    return readings


def _same_size(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    """The same rows in batches of `rows`, but for the last."""
    pending = ORDER_SCHEMA.empty_table()
    for batch in batches:
        pending = pa.concat_tables([pending, pa.Table.from_batches([batch])])
        whole = pending.num_rows // rows * rows
        for start in range(0, whole, rows):
            [found] = pending.slice(start, rows).combine_chunks().to_batches()
            yield found
        pending = pending.slice(whole)
    yield from pending.combine_chunks().to_batches()
