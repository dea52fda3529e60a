"""What an order is made of: sequences of the subsets' streams, and how many of them each phase reads.

A *sequence* is `seq_length + 1` consecutive tokens of a subset's stream: sequence i holds tokens
i × seq_length to (i + 1) × seq_length inclusive. Neighbours share one token, which is the last target of one and the
first input of the next; so every token of the stream but the first is a target exactly once per pass. Three
counters follow, and are never mixed (spelled out because published token counts often are):

* rows: sequences;
* stored tokens: rows × (seq_length + 1);
* target positions: rows × seq_length, the number that is usually called "tokens trained".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from neo_assets.tokens.exact import exact

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
    return int(n * exact(factor))


@dataclass(frozen=True)
class PhasePlan:
    """A phase with the sequences there are: by subset, in all of one epoch, and in the whole phase."""

    phase: str
    counts: Mapping[str, int]
    allowed: Mapping[str, int]
    per_epoch: int
    wanted: int


def plan_phase(tokens: Mapping[str, int], demand: PhaseDemand, seq_length: int) -> PhasePlan:
    """What a demand comes to.

    Raises:
        OrderError: a factor for an unknown subset, or a phase without any sequence.
    """
    if unknown := sorted(set(demand.factors) - set(tokens)):
        raise OrderError(f"phase {demand.phase} has factors for subsets without a stream: {', '.join(unknown)}")
    counts = {name: n_sequences(tokens[name], seq_length) for name in sorted(demand.factors)}
    allowed = {name: rows_of_subset(n, demand.factors[name]) for name, n in counts.items()}
    per_epoch = sum(allowed.values())
    if per_epoch == 0:
        raise OrderError(f"phase {demand.phase} has no sequence of {seq_length + 1} tokens; shorten seq_length")
    return PhasePlan(demand.phase, counts, allowed, per_epoch, per_epoch if demand.n_rows is None else demand.n_rows)
