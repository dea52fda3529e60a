"""Measurements that both languages share, each a share or a count of one document.

Shares with an empty denominator are 0, so a signal is always a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TOP_NGRAMS = (2, 3, 4)
DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)

BULLETS = tuple("•●○■□▪▫※·➢‣▶◀◦–")
"""Bullet characters (MAP-Neo Matrix, English rule B3, without its repetitions)."""

ELLIPSIS = re.compile(r"\.{2,}|…+")
"""One ellipsis, however long."""

Measured = dict[str, int | float]


class Signal(NamedTuple):
    """A measured column: its name, Arrow type and meaning with unit."""

    name: str
    type: pa.DataType
    meaning: str


def share(part: float, whole: float) -> float:
    """The part of the whole, 0 where there is no whole."""
    return part / whole if whole else 0.0


def text_lines(text: str) -> list[str]:
    """The trimmed lines that hold anything."""
    return [stripped for line in text.split("\n") if (stripped := line.strip())]


def share_of_bullet_lines(lines: Sequence[str]) -> float:
    """Share of lines starting with a bullet."""
    return share(sum(line.startswith(BULLETS) for line in lines), len(lines))


def entropy_nats(counts: npt.NDArray[np.int64]) -> float:
    """Shannon entropy of the distribution with these counts, natural logarithm."""
    counts = counts[counts > 0]
    if counts.size < 2:
        return 0.0
    shares = counts / counts.sum()
    return float(-(shares * np.log(shares)).sum())


def repetition_signals() -> tuple[Signal, ...]:
    """The columns that `measure_repetition` gives."""
    top = (
        Signal(f"frac_chars_top_{n}gram", pa.float64(), f"share of characters in the commonest {n}-gram")
        for n in TOP_NGRAMS
    )
    duplicate = (
        Signal(f"frac_chars_duplicate_{n}gram", pa.float64(), f"share of characters in repeated {n}-grams")
        for n in DUPLICATE_NGRAMS
    )
    return (*top, *duplicate)


def measure_repetition(ids: npt.NDArray[np.int64], lengths: npt.NDArray[np.int64]) -> Measured:
    """Repetition signals of the units with these ids and lengths in characters; linear in the units."""
    from neo_assets.text.repetition import duplicate_ngram_chars, top_ngram_chars

    ends = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths, dtype=np.int64)))
    n_chars = int(ends[-1])
    measured: Measured = {}
    for n in TOP_NGRAMS:
        measured[f"frac_chars_top_{n}gram"] = share(top_ngram_chars(ids, ends, n), n_chars)
    for n in DUPLICATE_NGRAMS:
        measured[f"frac_chars_duplicate_{n}gram"] = share(duplicate_ngram_chars(ids, ends, n), n_chars)
    return measured


def append_signals(
    batch: pa.RecordBatch, signals: Sequence[Signal], measure: Callable[[str], Measured]
) -> pa.RecordBatch:
    """The batch with one column per signal, null where the text is null.

    A column that already has a signal's name, such as the length of a page as extracted, gives way to it.
    """
    names = {signal.name for signal in signals}
    batch = batch.select([name for name in batch.schema.names if name not in names])
    measured = [None if text is None else measure(text) for text in batch.column("text").to_pylist()]
    for signal in signals:
        column = [None if row is None else row[signal.name] for row in measured]
        field = pa.field(signal.name, signal.type, metadata={b"meaning": signal.meaning.encode()})
        batch = batch.append_column(field, pa.array(column, signal.type))
    return batch
