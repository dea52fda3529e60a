"""Parts of rows: bounded by rows and bytes, the same however the rows came in batches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from neo_assets.jobs.page_parts import write_rows
from neo_assets.lake.dataset import DECISIONS, ROWS, Dataset
from neo_assets.lake.lake import Lake
from neo_assets.lake.manifest import Provenance
from neo_assets.lake.records import KEPT, QUARANTINED, VERDICT_COLUMNS

SCHEMA = pa.schema([("doc_id", pa.string()), ("image", pa.binary()), *VERDICT_COLUMNS])


def rows(*sizes: int) -> list[dict[str, Any]]:
    """Rows with pictures of these sizes; a negative one is that of a row that is quarantined."""
    return [
        {"doc_id": f"d{n}", "image": bytes(abs(size)), "verdict": KEPT if size >= 0 else QUARANTINED, "rule": "r"}
        for n, size in enumerate(sizes)
    ]


def written(base: Path, batches: list[list[dict[str, Any]]], **limits: Any) -> Dataset:
    writer = Lake(str(base / "lake")).writer("documents/pages", "x")
    write_rows(writer, (pa.RecordBatch.from_pylist(batch, SCHEMA) for batch in batches), SCHEMA, **limits)
    return writer.commit(Provenance())


def sizes(found: Dataset) -> list[int]:
    return [part.rows for part in found.manifest.tables[ROWS].parts]


@pytest.mark.parametrize(
    ("given", "limits", "expected"),
    [
        ([1] * 7, {"part_rows": 3}, [3, 3, 1]),
        ([1] * 6, {"part_rows": 3}, [3, 3]),
        ([1, -1, 1, -1], {"part_rows": 3}, [2, 0]),
        ([5000, 1, 1, 5000, 1], {"part_rows": 100, "part_bytes": 5000}, [1, 3, 1]),
        ([1] * 5, {"part_rows": 2, "part_bytes": 5000}, [2, 2, 1]),
        ([], {"part_rows": 3}, [0]),
    ],
)
def test_parts_are_bounded(tmp_path: Path, given: list[int], limits: dict[str, int], expected: list[int]) -> None:
    found = written(tmp_path / "one", [rows(*given)], **limits)
    assert sizes(found) == expected
    assert found.named(DECISIONS).rows == sum(size < 0 for size in given)
    other = written(tmp_path / "other", [[], *[[row] for row in rows(*given)], []], **limits)
    tables = [{name: [part.sha256 for part in table.parts] for name, table in one.manifest.tables.items()}
              for one in (found, other)]  # fmt: skip
    assert tables[0] == tables[1]


def test_every_row_is_seen_in_order(tmp_path: Path) -> None:
    seen: list[str] = []
    written(tmp_path, [rows(1, -1, 1)], part_rows=2, seen=lambda part: seen.extend(part["doc_id"].to_pylist()))
    assert seen == ["d0", "d1", "d2"]
