"""A bounded, repeatable sample of measured values, and what is read off it: quantiles and histograms.

The sample is the documents whose ids hash lowest. It depends on which documents there are, not on their order, and
the samples of two sets give that of their union.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
UInt64s = npt.NDArray[np.uint64]

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
_SMALLEST_SHARE = 1e-9
"""A threshold of "above nothing" is next to zero: it makes no scale logarithmic."""
LOGARITHMIC_FROM = 30.0
"""A range of positive values is cut into bins of equal ratio where its ends differ by more than this factor."""


def document_hashes(doc_ids: Iterable[str]) -> UInt64s:
    """64 bits of the SHA-256 of each id, about 1 µs each."""
    digests = b"".join(hashlib.sha256(doc_id.encode("utf-8", "surrogatepass")).digest()[:8] for doc_id in doc_ids)
    return np.frombuffer(digests, np.dtype("<u8")).astype(np.uint64)


@dataclass
class Sample:
    """The rows with the smallest hashes, at most `size` of them: one row a document, one column a signal.

    Memory: at most 4 x `size` rows of 8 bytes a column.
    """

    size: int
    n_columns: int
    _hashes: list[UInt64s] = field(default_factory=list)
    _values: list[Floats] = field(default_factory=list)
    _limit: np.uint64 | None = None

    def add(self, hashes: UInt64s, values: Floats) -> None:
        """Offer rows, `values` by document and signal. Linear in the rows offered."""
        if self._limit is not None:
            low = hashes < self._limit
            hashes, values = hashes[low], values[low]
        for start in range(0, len(hashes), self.size):
            self._hashes.append(hashes[start : start + self.size])
            self._values.append(values[start : start + self.size])
            if sum(map(len, self._hashes)) >= 2 * self.size:
                self.rows()

    def rows(self) -> tuple[UInt64s, Floats]:
        """The hashes of the sampled documents and their values."""
        hashes = np.concatenate([np.empty(0, np.uint64), *self._hashes])
        values = np.concatenate([np.empty((0, self.n_columns)), *self._values])
        if len(hashes) > self.size:
            chosen = np.argpartition(hashes, self.size - 1)[: self.size]
            hashes, values = hashes[chosen], values[chosen]
            self._limit = hashes.max()
        self._hashes, self._values = [hashes], [values]
        return hashes, values

    def column(self, position: int) -> Floats:
        """The sampled values of a signal in ascending order, without missing ones."""
        values = self.rows()[1][:, position]
        return np.sort(values[~np.isnan(values)])


def quantiles(ascending: Floats) -> list[float | None]:
    """The values at `QUANTILES`, each one that occurs (the smallest with at least that share at or below it)."""
    if not len(ascending):
        return [None] * len(QUANTILES)
    return [float(v) for v in np.quantile(ascending, QUANTILES, method="inverted_cdf")]


def bin_edges(ascending: Floats, cuts: Sequence[float], bins: int) -> tuple[Floats, bool]:
    """About `bins` bins from the 1st to the 99th percentile, widened to show the cuts; and if they are logarithmic.

    No bin holds values from both sides of a cut, and every cut has a bin on each side. The other bins have equal
    widths, or equal ratios where the range is positive and wide (`LOGARITHMIC_FROM`).
    """
    finite = ascending[np.isfinite(ascending)]
    ends = [*cuts, *(np.quantile(finite, (0.01, 0.99), method="inverted_cdf").tolist() if len(finite) else ())]
    low, high = (min(ends), max(ends)) if ends else (0.0, 1.0)
    if high - low <= 1e-9 * abs(high):
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    logarithmic = low > high * _SMALLEST_SHARE and high / low > LOGARITHMIC_FROM
    scaled, back = (np.log, np.exp) if logarithmic else (np.asarray, np.asarray)
    start, end = float(scaled(low)), float(scaled(high))
    width = (end - start) / bins
    marks = scaled(np.array(cuts, np.float64))
    before, after = (width if (np.abs(marks - edge) < 0.4 * width).any() else 0.0 for edge in (start, end))
    regular = np.linspace(start - before, end + after, bins + 1)
    far = (np.abs(regular[:, None] - marks) > 0.4 * width).all(axis=1)
    return np.unique(np.concatenate((back(regular[far]), np.array(cuts, np.float64)))), logarithmic


def histogram(ascending: Floats, edges: Floats) -> npt.NDArray[np.int64]:
    """Values per bin [edge, next edge); what lies outside counts in the first or last bin."""
    places = np.searchsorted(edges, ascending, side="right") - 1
    counts = np.bincount(np.clip(places, 0, len(edges) - 2), minlength=len(edges) - 1)
    return counts.astype(np.int64)
