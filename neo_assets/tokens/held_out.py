"""Documents that no training reads: a share of every subset, chosen by a keyed hash of the document's id.

A document's fate depends on its id, the share and the seed alone: not on what else is in the corpus. A larger share
holds out what a smaller one does, and more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.corpus import HeldOutSettings
from neo_assets.tokens.exact import exact
from neo_assets.tokens.keyed import WORD, key, uniform


def _held_out(batch: pa.RecordBatch, settings: HeldOutSettings, seed: int) -> pa.Array:
    key_bytes, limit = key("held out", seed), exact(settings.share) * WORD
    return pa.array([uniform(doc_id, key_bytes) < limit for doc_id in batch.column("doc_id").to_pylist()], pa.bool_())


@dataclass(frozen=True)
class TakeHeldOut:
    """Kernel: the held-out documents of a batch, order kept. Needs `doc_id`."""

    settings: HeldOutSettings
    seed: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(_held_out(batch, self.settings, self.seed))


@dataclass(frozen=True)
class LeaveHeldOut:
    """Kernel: the documents of a batch that are not held out, order kept. Needs `doc_id`."""

    settings: HeldOutSettings
    seed: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.invert(_held_out(batch, self.settings, self.seed)))


def without_held_out(
    batches: Iterable[pa.RecordBatch], settings: HeldOutSettings, seed: int
) -> Iterator[pa.RecordBatch]:
    """The documents of batches that are trained on."""
    return map(LeaveHeldOut(settings, seed), batches)
