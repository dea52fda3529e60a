"""Verdicts that stand beside documents only where there is something to say."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.records import KEPT


@dataclass(frozen=True)
class KeepOthers:
    """Kernel: documents to which no verdict was attached are kept."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        place = batch.schema.get_field_index("verdict")
        verdicts = pc.fill_null(batch.column(place).cast(pa.string()), KEPT)
        return batch.set_column(place, batch.schema.field(place), verdicts)
