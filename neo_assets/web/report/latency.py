"""Durations in a histogram whose bins grow by 19 %: any quantile, 9 % off at most, from 80 numbers a host."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.records import volatile

BINS_PER_OCTAVE = 4
BINS = 80
"""From below 1 ms to 17 minutes and more."""

LATENCY_SCHEMA = pa.schema(
    [
        pa.field("from_ms", pa.float64()),
        pa.field("to_ms", pa.float64()),
        volatile(pa.field("n_requests", pa.int64())),
    ]
)
"""All bins in order, however many requests are in them; the last one has no end."""


def bin_of(milliseconds: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The number of the bin of each duration; bin k begins at 2 ** (k / 4) ms, bin 0 at nothing."""
    octaves = np.log2(np.maximum(milliseconds, 1.0))
    bins: npt.NDArray[np.int64] = np.minimum(octaves * BINS_PER_OCTAVE, BINS - 1).astype(np.int64)
    return bins


def quantile_ms(histograms: npt.NDArray[np.uint32], share: float) -> npt.NDArray[np.float64]:
    """The middle (by ratio) of the bin that holds the quantile, per row of `histograms`; NaN for an empty one.

    The quantile of n durations is the one at place ceil(share * n) of them in order.
    """
    passed = np.cumsum(histograms, axis=1, dtype=np.int64)
    wanted = np.maximum(np.ceil(passed[:, -1:] * share), 1)
    bins = np.argmax(passed >= wanted, axis=1)
    middles: npt.NDArray[np.float64] = np.exp2((bins + 0.5) / BINS_PER_OCTAVE)
    return np.where(passed[:, -1] > 0, middles, np.nan)


def latency_table(histogram: npt.NDArray[np.integer]) -> pa.Table:
    """A histogram as rows of `LATENCY_SCHEMA`."""
    starts = [0.0, *np.exp2(np.arange(1, BINS) / BINS_PER_OCTAVE).tolist()]
    return pa.table([starts, [*starts[1:], float("inf")], histogram.astype(np.int64)], schema=LATENCY_SCHEMA)
