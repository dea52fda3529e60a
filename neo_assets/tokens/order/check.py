"""Verifying a published order from its rows alone, and its digest: a pass over its batches, a bit of memory a row."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.tokens.order.plan import ORDER_SCHEMA, OrderError, PhaseDemand, PhasePlan, plan_phase

Ints = npt.NDArray[np.int64]


def check_order(
    order: pa.Table | Iterable[pa.RecordBatch],
    tokens: Mapping[str, int],
    demands: Sequence[PhaseDemand],
    seq_length: int,
) -> None:
    """`checked_order` of a published order, its rows thrown away."""
    batches = order.to_batches() if isinstance(order, pa.Table) else order
    deque(checked_order(batches, tokens, demands, seq_length), maxlen=0)


def checked_order(
    batches: Iterable[pa.RecordBatch], tokens: Mapping[str, int], demands: Sequence[PhaseDemand], seq_length: int
) -> Iterator[pa.RecordBatch]:
    """The same batches, while they are verified from their rows alone, without drawing them again.

    Raises:
        OrderError: positions are not 0, 1, 2 …; a row lies outside its stream, its phase or its epoch; an epoch holds a
            row twice, or more of a subset than its factor allows; or a phase has another number of rows than asked.

    A complete epoch then lacks no row: it has as many as all factors together allow, and none too many of any.
    Memory: a batch, and a bit for each row of an epoch.
    """
    plans = [plan_phase(tokens, demand, seq_length) for demand in demands]
    position, number, done = 0, 0, 0
    seen: dict[str, _Seen] = {}
    for batch in batches:
        if not np.array_equal(batch.column("position"), np.arange(position, position + batch.num_rows)):
            raise OrderError(f"positions are not 0, 1, 2 … between {position} and {position + batch.num_rows - 1}")
        rest, position = batch, position + batch.num_rows
        while rest.num_rows:
            while number < len(plans) and done == plans[number].wanted:
                number, done = number + 1, 0
            if number == len(plans):
                raise OrderError(
                    f"the order has rows after position {position - rest.num_rows - 1}, not as many as asked"
                )
            plan = plans[number]
            epoch, inside = divmod(done, plan.per_epoch)
            if inside == 0:
                seen = {name: _Seen(name, n, plan.allowed[name]) for name, n in plan.counts.items()}
            rows = rest.slice(0, min(plan.wanted - done, plan.per_epoch - inside))
            _check_rows(rows, plan, epoch, seen, seq_length)
            done, rest = done + rows.num_rows, rest.slice(rows.num_rows)
        yield batch
    wanted = sum(plan.wanted for plan in plans)
    if wanted != position:
        raise OrderError(f"the order has {position} rows, not as many as asked: {wanted}")


def _check_rows(rows: pa.RecordBatch, plan: PhasePlan, epoch: int, seen: Mapping[str, _Seen], seq_length: int) -> None:
    """Rows of one epoch of one phase."""
    first = rows.column("position")[0].as_py()
    if rows.column("phase").unique().to_pylist() != [plan.phase]:
        raise OrderError(f"phases are missing, unknown or out of order after position {first}: {plan.phase} is due")
    for found in rows.column("epoch").unique().to_pylist():
        if found != epoch:
            raise OrderError(f"after position {first} there are rows of epoch {found} instead of {epoch}")
    for name in rows.column("subset").unique().to_pylist():
        of_subset = rows.filter(pc.equal(rows.column("subset"), name))
        sequence, repeat, start, end = (
            of_subset.column(column).to_numpy().astype(np.int64)
            for column in ("sequence", "repeat", "token_start", "token_end")
        )
        if (start != sequence * seq_length).any() or (end != start + seq_length + 1).any():
            raise OrderError(f"token ranges of {name} do not follow from their sequences")
        if name not in seen:
            raise OrderError(f"phase {plan.phase} does not read {name}: its rows lie outside every stream")
        seen[name].take(epoch, sequence, repeat)


class _Seen:
    """Which sequences of a subset an epoch has held so far, a bit for each and repeat."""

    def __init__(self, name: str, n: int, allowed: int) -> None:
        self._name, self._n = name, n
        n_repeats = -(-allowed // n) if n else 0
        self._limits = np.array([min(n, allowed - repeat * n) for repeat in range(n_repeats)], np.int64)
        self._counts = np.zeros(n_repeats, np.int64)
        self._bits = np.zeros(-(-n * n_repeats // 8), np.uint8)

    def take(self, epoch: int, sequence: Ints, repeat: Ints) -> None:
        """Notes rows.

        Raises:
            OrderError: a row outside the stream or the factor, or one that was there before.
        """
        if (sequence < 0).any() or (sequence >= self._n).any() or (repeat < 0).any():
            raise OrderError(f"a sequence of {self._name} lies outside its stream of {self._n} sequences")
        if (repeat >= len(self._limits)).any():
            raise OrderError(f"a repeat of {self._name} goes beyond its factor")
        cells = np.sort(repeat * self._n + sequence)
        bits = (1 << (cells & 7)).astype(np.uint8)
        twice = (self._bits[cells >> 3] & bits) > 0
        twice[1:] |= cells[1:] == cells[:-1]
        if twice.any():
            again, which = divmod(int(cells[np.argmax(twice)]), self._n)
            raise OrderError(f"epoch {epoch} holds sequence {which}, repeat {again} of {self._name} more than once")
        np.bitwise_or.at(self._bits, cells >> 3, bits)
        self._counts += np.bincount(repeat, minlength=len(self._limits))
        if (self._counts > self._limits).any():
            raise OrderError(f"epoch {epoch} holds more rows of {self._name} than its factor allows")


def order_sha256(order: pa.Table | Iterable[pa.RecordBatch]) -> str:
    """The SHA-256 of an order (or of a window of one): its rows as text, tab-separated, a line each."""
    hasher = hashlib.sha256()
    for given in order.to_batches() if isinstance(order, pa.Table) else order:
        for start in range(0, given.num_rows, 1 << 16):
            batch = given.slice(start, 1 << 16).select(ORDER_SCHEMA.names)
            columns = [column.cast(pa.string()) for column in batch.columns]
            lines = pc.binary_join_element_wise(*columns, "\t")
            hasher.update("".join(f"{line}\n" for line in lines.to_pylist()).encode())
    return hasher.hexdigest()
