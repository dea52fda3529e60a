"""Batches of documents for the tests of this folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

import neo_assets
from neo_assets.lake.records import DECISION_SCHEMA, VERDICT_COLUMNS

SEED = Path(neo_assets.__file__).parent / "seed"

SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("url", pa.string()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("language_score", pa.float64()),
        ("extra", pa.int64()),
    ]
)


def batch_of(*texts: str | None, language: str = "zh", score: float = 0.9) -> pa.RecordBatch:
    rows = [
        {"doc_id": f"d{i:04}", "url": f"u{i}", "text": text, "language": language, "language_score": score, "extra": i}
        for i, text in enumerate(texts)
    ]
    return pa.RecordBatch.from_pylist(rows, SCHEMA)


def through(batch: pa.RecordBatch, *kernels: Any) -> list[dict[str, Any]]:
    """All rows as judged by the first kernel that does not keep them, else by the last; in the order of the batch.

    Stands in for the platform's writer, which hands only kept rows to the next stage.
    """
    ended: list[dict[str, Any]] = []
    for kernel in kernels:
        batch = kernel(batch)
        if "verdict" not in batch.schema.names:
            continue
        kept = batch.filter(pa.array([verdict == "kept" for verdict in batch["verdict"].to_pylist()], pa.bool_()))
        ended += [row for row in batch.to_pylist() if row["verdict"] != "kept"]
        last = kept
        batch = kept.select([name for name in kept.schema.names if name not in {f.name for f in VERDICT_COLUMNS}])
    return sorted([*ended, *last.to_pylist()], key=lambda row: str(row["doc_id"]))


def check_account(before: pa.RecordBatch, after: pa.RecordBatch) -> None:
    """The contract of every judging kernel: all rows, in order, with verdict columns of the agreed types."""
    assert after.column("doc_id").to_pylist() == before.column("doc_id").to_pylist()
    for field in VERDICT_COLUMNS:
        assert after.schema.field(field.name).type == field.type
    assert set(after.column("verdict").to_pylist()) <= {"kept", "rejected", "quarantined"}
    assert {field.name for field in DECISION_SCHEMA} <= set(after.schema.names)


def chinese_paragraphs() -> list[str]:
    """Distinct real paragraphs of Chinese statutes, of at least 60 characters."""
    lines = (SEED / "text" / "laws.zh.jsonl").read_text(encoding="utf-8").splitlines()
    paragraphs = [part for line in lines[:6] for part in json.loads(line)["text"].split("\n")]
    return [part for part in dict.fromkeys(paragraphs) if len(part) >= 60]


def english_paragraphs() -> list[str]:
    """Distinct real paragraphs of an English novel, of at least 200 characters."""
    text = (SEED / "text" / "prideprejudice.en.txt").read_text(encoding="utf-8")
    return [part for part in dict.fromkeys(text.split("\n\n")) if len(part) >= 200]
