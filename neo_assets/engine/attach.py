"""The kernel behind `Engine.attach`: looks a batch's documents up in a side table that lies in Parquet files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.store import Store

if TYPE_CHECKING:
    import pyarrow.dataset as ds

KEY = "doc_id"


@dataclass(frozen=True)
class AttachRows:
    """Kernel: appends the columns of the side table's row with the same `doc_id`; nulls where there is none.

    Of the side table only the parts are read whose ids lie between the batch's smallest and greatest: a fraction,
    where both are in order of ids.
    """

    store: Store
    paths: tuple[str, ...]

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        side = _side(self.store, self.paths)
        names = [name for name in side.schema.names if name != KEY]
        first, last = (pc.min_max(batch.column(KEY)).as_py()[end] or "" for end in ("min", "max"))
        known = side.to_table(filter=(pc.field(KEY) >= first) & (pc.field(KEY) <= last))
        if pc.count_distinct(known[KEY]).as_py() != known.num_rows:
            raise ValueError("a side table has two rows of one document: which one to attach is not defined")
        places = pc.index_in(batch.column(KEY).cast(pa.string()), known[KEY].cast(pa.string()).combine_chunks())
        for name in names:
            column = pa.concat_arrays(known[name].chunks or [pa.array([], known[name].type)]).take(places)
            batch = batch.append_column(side.schema.field(name), column)
        return batch


@lru_cache(maxsize=4)
def _side(store: Store, paths: tuple[str, ...]) -> ds.Dataset:
    import pyarrow.dataset as ds  # brings pandas: half a second that loading the definitions does without

    return ds.dataset([store.absolute(path) for path in paths], filesystem=store.filesystem, format="parquet")
