"""Blocks out of ranges of any size: the parts of one sequential pass, also where bytes close a part early."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from neo_assets.engine.layout import write_pieces
from neo_assets.engine.spark.blocks import BlockWork, Range, range_writer
from neo_assets.lake.store import Store

TABLE = pa.table({"n": range(50), "text": ["x" * 988] * 50})  # 1000 bytes a row


@pytest.mark.parametrize("sizes", [(50,), (0, 1, 0, 48, 1), (25, 25), (13, 37)])
def test_parts_are_those_of_one_pass(tmp_path: Path, sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neo_assets.engine.layout.PART_BYTES", 10_000)
    monkeypatch.setattr("neo_assets.engine.layout.GROUP_ROWS", 4)
    scratch, ranges, at = Store(str(tmp_path / "scratch")), [], 0
    for number, size in enumerate(sizes):
        write = range_writer(scratch, f"range-{number}", TABLE.schema, "rows")
        [found] = write(iter(TABLE.slice(at, size).to_batches(7)))
        [row] = found.to_pylist()
        ranges.append(Range(row["path"], row["rows"]))
        at += size
    assert [one.rows for one in ranges] == list(sizes)
    lakes = [Store(str(tmp_path / name)) for name in ("blocks", "pass")]
    work = BlockWork(scratch, tuple(ranges), TABLE.schema, 20, lakes[0], "v-1", "rows", False)
    done = [part for number in range(work.units) for part in work.run(number).parts]
    passed = [
        part for piece in write_pieces(TABLE.to_batches(), TABLE.schema, 20, lakes[1], "v-1", "rows") for part in piece
    ]
    assert done == passed
    names = [part.part.path.rsplit("/", 1)[1].removesuffix(".parquet") for part in done]
    assert names == ["part-00000", "part-00000-1", "part-00001", "part-00001-1", "part-00002"]
    assert pa.concat_tables([pq.read_table(lakes[0].open(part.part.path)) for part in done]).equals(TABLE)


def test_nothing_is_one_empty_part(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    work = BlockWork(store, (), TABLE.schema, 20, store, "v-1", "rows", False)
    [part] = work.run(0).parts
    assert (work.units, part.part.rows, part.schema) == (1, 0, TABLE.schema)
