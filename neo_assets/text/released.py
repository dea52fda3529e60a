"""What the measurements of the released code have in common: character n-grams, and what an exception does.

The released filters drop a document when anything in them raises; dividing by a count of nothing is how a text brings
that about. Here such a value is null, and the column `released_exception` is 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, ONE, key64, slot_of, slots_for
from neo_assets.text.classes import BULLETS
from neo_assets.text.counts import DUPLICATE_NGRAMS, TOP_NGRAMS
from neo_assets.text.units import code_points

UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Values = dict[str, float | None]

EXCEPTION = "released_exception"


def ratio(part: float, whole: float) -> float | None:
    """The part of the whole, None where the released code would divide by zero."""
    return part / whole if whole else None


def share_of_bullet_lines(text: str) -> float:
    """Lines starting with a bullet, of all lines, empty ones included."""
    lines = text.split("\n")
    return sum(line.startswith(tuple(BULLETS)) for line in lines) / len(lines)


def with_exception(values: Values) -> Values:
    """The values, and whether any of them could not be computed."""
    return {**values, EXCEPTION: float(None in values.values())}


def ngram_values(text: str, column: Callable[[int], str]) -> Values:
    """The nine repetition values: three of commonest n-grams, six of repeated ones; `column` names the i-th.

    N-grams are of characters. The first three are (occurrences of the commonest - 1) x n / characters. For the others
    the numerator is not the characters covered but the distinct characters that occur in any repeated n-gram, so the
    value of a long text is next to nothing. Linear in the text; n-grams are compared by a 64-bit hash.
    """
    points = code_points([text]).points
    letters, ids = np.unique(points, return_inverse=True)
    counted = [repeated_ngrams(ids.astype(np.int64), letters.size, n) for n in (*TOP_NGRAMS, *DUPLICATE_NGRAMS)]
    parts = [max(top - 1, 0) * n for n, (top, _) in zip(TOP_NGRAMS, counted[:3], strict=True)]
    parts += [distinct for _, distinct in counted[3:]]
    return {column(i): ratio(part, points.size) for i, part in enumerate(parts)}


@compiled()
def repeated_ngrams(ids: Int64s, n_letters: int, n: int) -> tuple[int, int]:
    """(occurrences of the commonest n-gram, distinct letters in n-grams that occur twice or more).

    `ids` are the text's characters as numbers below `n_letters`.
    """
    n_grams = max(ids.size - n + 1, 0)
    slots = np.empty(n_grams, np.int64)
    size = slots_for(n_grams)
    table = np.zeros(size, np.uint64)
    counts = np.zeros(size, np.int64)
    leaving = ONE
    for _ in range(n):
        leaving *= BASE
    rolling = np.uint64(0)
    top = 0
    for i in range(ids.size):
        rolling = rolling * BASE + np.uint64(ids[i]) + ONE
        if i >= n:
            rolling -= leaving * (np.uint64(ids[i - n]) + ONE)
        if i >= n - 1:
            key = key64(rolling)
            slot = slot_of(table, key)
            table[slot] = key
            counts[slot] += 1
            slots[i - n + 1] = slot
            top = max(top, counts[slot])
    found = np.zeros(n_letters, np.bool_)
    reach = 0
    for i in range(n_grams):
        if counts[slots[i]] > 1:
            for place in range(max(i, reach), i + n):
                found[ids[place]] = True
            reach = i + n
    return top, found.sum()


def append_values(
    batch: pa.RecordBatch, meanings: Mapping[str, str], measured: Sequence[Values | None]
) -> pa.RecordBatch:
    """The batch with one float column for each meaning; a row without text is an exception and has no values."""
    for name, meaning in meanings.items():
        missing = 1.0 if name == EXCEPTION else None
        column = [missing if values is None else values[name] for values in measured]
        field = pa.field(name, pa.float64(), metadata={b"meaning": meaning.encode()})
        batch = batch.append_column(field, pa.array(column, pa.float64()))
    return batch
