"""An engine that carries out every verb at once and in memory, in batches of a given size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from neo_assets.engine.local import LocalEngine
from neo_assets.engine.relation import Kernel
from neo_assets_tests.dedup.relations import attached, query


@dataclass(frozen=True)
class InMemory(LocalEngine):
    batch_rows: int = 1_000

    def __init__(self, batch_rows: int = 1_000) -> None:
        object.__setattr__(self, "batch_rows", batch_rows)

    def map(self, relation: Any, *kernels: Kernel) -> Any:
        for kernel in kernels:
            batches = relation.combine_chunks().to_batches(max_chunksize=self.batch_rows)
            batches = batches or [pa.RecordBatch.from_pylist([], schema=relation.schema)]
            relation = pa.Table.from_batches([kernel(batch) for batch in batches])
        return relation

    def query(self, sql: str, *, judges: str | None = None, **relations: Any) -> Any:
        assert "ORDER BY" in sql
        return query(sql, **relations)

    def attach(self, relation: Any, side: Any) -> Any:
        return attached(relation, side)
