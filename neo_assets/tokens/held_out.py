"""Documents that no training reads: a share of every subset, chosen by a keyed hash of the document's id.

Whether a document is held out depends on its id, the share and the seed. Only where the share gives a subset fewer than
it should have, those with its next smallest hashes join: then it depends on the subset too.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.corpus import HeldOutSettings
from neo_assets.tokens.exact import exact
from neo_assets.tokens.keyed import WORD, key, uniform

LARGEST_PART = 4
"""A subset gives at most one document in so many to reach its least number."""


def held_out_ids(doc_ids: Iterable[str], settings: HeldOutSettings, seed: int) -> frozenset[str]:
    """The documents of a subset that are kept out of all training, the tokenizer's included.

    Those whose hash is below the share; at least `min_documents`, but then no more than a quarter of the subset.
    O(n log min_documents); memory: what is held out.
    """
    key_bytes, limit = key("held out", seed), exact(settings.share) * WORD
    found: set[str] = set()
    smallest: list[tuple[int, str]] = []  # a heap of negated hashes: its first is the largest of those kept
    n = 0
    for doc_id in doc_ids:
        n += 1
        drawn = uniform(doc_id, key_bytes)
        if drawn < limit:
            found.add(doc_id)
        heapq.heappush(smallest, (-drawn, doc_id))
        if len(smallest) > settings.min_documents:
            heapq.heappop(smallest)
    least = min(settings.min_documents, n // LARGEST_PART)
    return frozenset(found.union(doc_id for _, doc_id in heapq.nlargest(least, smallest)))


def ids_of(batches: Iterable[pa.RecordBatch]) -> Iterator[str]:
    """The ids of documents."""
    for batch in batches:
        yield from batch.column("doc_id").to_pylist()


def _is_one_of(batch: pa.RecordBatch, doc_ids: Set[str]) -> pa.Array:
    return pa.array([doc_id in doc_ids for doc_id in batch.column("doc_id").to_pylist()], pa.bool_())


@dataclass(frozen=True)
class TakeDocuments:
    """Kernel: these documents of a batch, order kept. Needs `doc_id`."""

    doc_ids: frozenset[str]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(_is_one_of(batch, self.doc_ids))


@dataclass(frozen=True)
class LeaveDocuments:
    """Kernel: the documents of a batch but these, order kept. Needs `doc_id`."""

    doc_ids: frozenset[str]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.invert(_is_one_of(batch, self.doc_ids)))
