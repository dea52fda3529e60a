"""All compared pairs of near deduplication by similarity: how many verification merged, and how many it refused.

MAP-Neo as released merges every pair that shares a band, without looking at the texts. So the refused pairs are what it
would have merged wrongly, and a document with any compared earlier document is one that it would have removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.cluster_audit import INTERVAL, Drawn, Lowest, refused_stratum, with_bands
from neo_assets.dedup.cluster_chains import Floats, Ints
from neo_assets.dedup.survivors import PRECEDENCE, ids_of
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import ClusterReportSettings, NearSettings

EDGES: Floats = np.round(np.arange(round(1 / INTERVAL) + 1) * INTERVAL, 9)

REFUSED_SCHEMA = pa.schema(
    [
        *(pa.field(name, pa.float64()) for name in ("lower", "upper")),
        *(pa.field(name, pa.int64()) for name in ("pairs", "merged", "refused")),
        pa.field("chance_to_meet", pa.float64()),
    ]
)
"""Compared pairs with a similarity in [lower, upper), the last up to 1. `chance_to_meet`: the theory's probability that
two documents whose Jaccard similarity is the middle of the interval share a band, 1 - (1 - J^rows)^bands; null where
containment is measured, for which there is no such law."""


@dataclass(frozen=True)
class Pairs:
    """What one pass over the compared pairs gave."""

    histogram: pa.Table
    """`REFUSED_SCHEMA`."""
    audit: list[Drawn]
    """The documents drawn, with their bands, then the refused pairs drawn."""
    compared: int
    refused: int
    unmeasured: int
    """Pairs without a similarity, in no interval of the histogram."""
    later: int
    """Documents compared with any earlier one: what merging every pair would remove."""


def chance_to_meet(similarity: Floats, near: NearSettings) -> Floats:
    """The probability that two documents of that Jaccard similarity share a band."""
    chance: Floats = 1 - (1 - similarity**near.rows) ** near.bands
    return chance


def read_pairs(pairs: Dataset, drawn: Sequence[Drawn], near: NearSettings, settings: ClusterReportSettings) -> Pairs:
    """One pass over the pairs (precedence, other, band, similarity), a batch at a time.

    Memory: a batch, and the ids of the documents that were compared with an earlier one.
    """
    lowest = Lowest(refused_stratum(near.threshold), settings.audit_documents, settings.audit_seed)
    wanted = pa.array(sorted({one.doc_id for one in drawn}), pa.string())
    bands: dict[tuple[str, str], int] = {}
    later = _Distinct()
    counts = np.zeros((2, len(EDGES) - 1), np.int64)
    unmeasured = refused_pairs = compared = 0
    for batch in pairs.batches([PRECEDENCE, "other", "band", "similarity"]):
        ids, others = ids_of(batch[PRECEDENCE]), ids_of(batch["other"])
        later.add(ids)
        compared += batch.num_rows
        for row in pc.indices_nonzero(pc.is_in(ids, wanted)).to_pylist():
            bands[ids[row].as_py(), others[row].as_py()] = batch["band"][row].as_py()
        similarity = batch["similarity"].to_numpy(zero_copy_only=False).astype(np.float64)
        refused = np.zeros(len(similarity), np.bool_)
        if near.verify != "nothing":
            refused = ~(similarity >= near.threshold)
        refused_pairs += int(refused.sum())
        unmeasured += int(np.isnan(similarity).sum())
        for place, chosen in enumerate((~refused, refused)):
            counts[place] += _binned(similarity[chosen])
        close = np.flatnonzero(refused & lowest.stratum.holds(similarity))
        columns = (ids, others, batch["similarity"], batch["band"])
        lowest.add(zip(*(column.take(pa.array(close)).to_pylist() for column in columns), strict=True))
    return Pairs(
        histogram=_table(counts, near),
        audit=[*with_bands(drawn, bands), *lowest.drawn()],
        compared=compared,
        refused=refused_pairs,
        unmeasured=unmeasured,
        later=later.count(),
    )


def _binned(similarity: Floats) -> Ints:
    measured = similarity[~np.isnan(similarity)]
    places = np.clip(np.searchsorted(EDGES, measured, side="right") - 1, 0, len(EDGES) - 2)
    return np.bincount(places, minlength=len(EDGES) - 1).astype(np.int64)


def _table(counts: Ints, near: NearSettings) -> pa.Table:
    lower, upper = EDGES[:-1], EDGES[1:]
    merged, refused = counts
    middles = (lower + upper) / 2
    chance = pa.nulls(len(middles), pa.float64()) if near.verify == "containment" else chance_to_meet(middles, near)
    columns = [lower, upper, merged + refused, merged, refused, chance]
    return pa.table([pa.array(column) for column in columns], schema=REFUSED_SCHEMA)


class _Distinct:
    """Counts distinct strings; holds each at most twice."""

    def __init__(self) -> None:
        self._chunks: list[pa.Array] = []
        self._held = 0
        self._limit = 1_000_000

    def add(self, values: pa.Array) -> None:
        """Take in strings."""
        self._chunks.append(pc.unique(values).cast(pa.large_string()))
        self._held += len(self._chunks[-1])
        if self._held > self._limit:
            self._limit = max(2 * self.count(), self._limit)

    def count(self) -> int:
        """How many there were."""
        self._chunks = [pc.unique(pa.chunked_array(self._chunks, pa.large_string()))]
        self._held = len(self._chunks[0])
        return self._held
