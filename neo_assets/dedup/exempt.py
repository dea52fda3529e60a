"""Sources whose texts stay whole: code would not run with lines cut out of it that stand in other files too."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from neo_assets.engine.protocol import Engine
from neo_assets.engine.relation import Relation
from neo_assets.recipe.sources import SourceSettings


def indexed(engine: Engine, documents: Relation, source: SourceSettings) -> Relation:
    """The source's documents whose passages enter an index: all, or none where its texts stay whole.

    What is in no index is neither cut nor a reason to cut others.
    """
    cut = source.kind != "code" if source.cut_passages is None else source.cut_passages
    return documents if cut else engine.map(documents, NoRows())


@dataclass(frozen=True)
class NoRows:
    """Kernel: none of the rows."""

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.slice(0, 0)
