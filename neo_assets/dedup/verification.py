"""How similar the documents that met in a band really are: distinct shingles counted, shared and in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.shingles import shingled, slices
from neo_assets.dedup.survivors import PRECEDENCE
from neo_assets.recipe.dedup import NearSettings

PAIR_SCHEMA = pa.schema(
    [(PRECEDENCE, pa.string()), ("other", pa.string()), ("band", pa.int32()), ("similarity", pa.float64())]
)
"""Compared pairs: `other` is the smaller precedence, `band` the first band they share, `similarity` null if pairs are
not verified."""

SLICE_BYTES = 4 * 2**20
"""Text of the pairs that are compared together: it bounds the memory of the kernel."""


@dataclass(frozen=True)
class VerifyPairs:
    """Kernel: (precedence, other, band, text, other_text) → `PAIR_SCHEMA`, similarity as `settings.verify` names it.

    Exact but for collisions of 64-bit hashes: below 1e-8 for two texts of 300,000 characters each. Linear in the
    texts; one that stands in several pairs of a batch is reduced once for each `SLICE_BYTES`.
    """

    settings: NearSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        sizes = pc.add(pc.binary_length(batch.column("text")), pc.binary_length(batch.column("other_text")))
        ranges = slices(sizes, SLICE_BYTES)
        parts = [self._similarity(batch.slice(rows.start, rows.stop - rows.start)) for rows in ranges]
        similarity = np.concatenate([*parts, np.empty(0)])
        kept = [batch.column(field.name).cast(field.type) for field in list(PAIR_SCHEMA)[:3]]
        return pa.RecordBatch.from_arrays([*kept, pa.array(similarity, pa.float64())], schema=PAIR_SCHEMA)

    def _similarity(self, pairs: pa.RecordBatch) -> npt.NDArray[np.float64]:
        from neo_assets.dedup.hashing import pair_counts

        names = pa.concat_arrays([pairs.column(name).cast(pa.string()) for name in (PRECEDENCE, "other")])
        _, first, place = np.unique(names.dictionary_encode().indices, return_index=True, return_inverse=True)
        both = pa.concat_arrays([pairs.column(name).cast(pa.large_string()) for name in ("text", "other_text")])
        left, right = place[: pairs.num_rows].astype(np.int64), place[pairs.num_rows :].astype(np.int64)
        return self._share(pair_counts(shingled(both.take(pa.array(first)), self.settings), left, right))

    def _share(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Shared distinct shingles by those of either or of the smaller text; of two texts without any, see below."""
        n_left, n_right, n_shared = counts.T
        jaccard = self.settings.verify != "containment"
        whole = n_left + n_right - n_shared if jaccard else np.minimum(n_left, n_right)
        share = n_shared / np.maximum(whole, 1)
        # Texts have no shingles if they are empty or, if so wished, too short: then they count as equal.
        neither = (n_left + n_right == 0) & self.settings.short_texts_alike
        return np.where(neither, 1.0, share)
