"""What the UI shows of a version: counts, a table of sample rows, reasons of rejection, schema, plots.

Plain values, so that a job needs no Dagster to report them: the IO manager and the job frame each turn them into
what their side speaks.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from neo_assets.lake.dataset import DECISIONS, ROWS, Dataset

RECIPE_KEY = "neo/recipe"
"""Metadata key of an asset definition: the recipe paths it reads, with their values."""
OBSERVED = "neo/observed"
"""Metadata key of an asset that records the outside world: no later code or recipe can make its past anew. Its value
may name a method of the recipe, which says what a partition is told to look at: that may change."""
TOLD = "told"
"""Metadata key of such a version: what it was told."""
SAMPLE_ROWS = 5
SHOWN_FILES = 30
"""Files of a version, the first ones, whose pictures and texts are shown; none that lie in folders."""
SAMPLE_COLUMNS = 12
SAMPLE_DOCUMENTS = 3
EXCERPT_CHARS = 160
# Crawled text may hold links, images and HTML, which the browser that shows a table must not load.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;"} | {character: f"\\{character}" for character in "\\|[`"})


@dataclass(frozen=True)
class Markdown:
    """Text to be rendered."""

    text: str


@dataclass(frozen=True)
class Json:
    """Data to be shown as a tree."""

    data: Any


@dataclass(frozen=True)
class Columns:
    """The columns of a table."""

    schema: pa.Schema


def describe(dataset: Dataset) -> dict[str, Any]:
    """Metadata of a handle over one partition."""
    manifest = dataset.manifest
    found: dict[str, Any] = {
        "digest": manifest.digest,
        "dagster/uri": dataset.store.uri(manifest.asset),
        "bytes": manifest.bytes,
        "cpu seconds": manifest.resources.cpu_seconds,
        "wall seconds": manifest.resources.wall_seconds,
        "peak memory MiB": round(manifest.resources.peak_memory_bytes / 2**20, 1),
        **{f"engine: {name.replace('_', ' ')}": value for name, value in manifest.resources.engine_metrics.items()},
    }
    if ROWS in manifest.tables:
        key = "dagster/row_count" if manifest.partition is None else "dagster/partition_row_count"
        found[key] = manifest.rows
        found["rows"] = manifest.rows
        found["dagster/column_schema"] = Columns(dataset.schema)
        found["sample"] = Markdown(_sample(dataset))
    if manifest.counts is not None:
        found |= {"rows in": manifest.counts.rows_in, "rejected": manifest.counts.rejected}
        found["quarantined"] = manifest.counts.quarantined
        found["reasons"] = Markdown(_reasons(dataset.named(DECISIONS)))
    if manifest.files:
        found["files"] = Markdown(
            markdown_table(
                [{"file": n, "bytes": f.bytes, "sha256": f.sha256[:16]} for n, f in manifest.files.items()][:50]
            )
        )
        shown = [name for name in manifest.files if "/" not in name][:SHOWN_FILES]
        for name, record in ((name, manifest.files[name]) for name in shown):
            if name.endswith(".png") and record.bytes < 500_000:
                found[name.removesuffix(".png")] = Markdown(_image(dataset, name))
            elif name.endswith(".md") and record.bytes < 1_000_000:
                found[name.removesuffix(".md")] = Markdown(dataset.store.read(record.path).decode())
    return found | {key: _shown(value) for key, value in manifest.metadata.items()}


def _sample(dataset: Dataset) -> str:
    """The first rows: documents as name and beginning of the text, short enough to be shown in place; else a table."""
    if "text" not in dataset.schema.names:
        first, others = dataset.schema.names[:SAMPLE_COLUMNS], len(dataset.schema.names[SAMPLE_COLUMNS:])
        rows = [{name: row[name] for name in first} for row in head(dataset, SAMPLE_ROWS)]
        return markdown_table(rows) + (f"\n\n*and {others} more columns*" if others and rows else "")
    documents = head(dataset, SAMPLE_DOCUMENTS)
    names = (row.get("url") or row.get("doc_id") or "" for row in documents)
    shown = [f"**{_cell(name)}**\n\n> {_cell(row['text'])}" for name, row in zip(names, documents, strict=True)]
    return "\n\n".join(shown) or "*no rows*"


def head(dataset: Dataset, rows: int) -> list[dict[str, Any]]:
    """The first rows, as Python values."""
    found: list[dict[str, Any]] = []
    for batch in dataset.batches():
        found += batch.slice(0, rows - len(found)).to_pylist()
        if len(found) >= rows:
            break
    return found


def markdown_table(rows: list[Mapping[str, Any]] | list[dict[str, Any]]) -> str:
    """Rows as a Markdown table, long values cut to an excerpt; no value can break the table or act as markup."""
    if not rows:
        return "*no rows*"
    columns = list(rows[0])
    lines = [f"| {' | '.join(map(_cell, columns))} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(_cell(row.get(column)) for column in columns)} |" for row in rows]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    text = " ".join(text.split())
    text = text if len(text) <= EXCERPT_CHARS else text[:EXCERPT_CHARS] + "…"
    return text.translate(_ESCAPES)


def _reasons(decisions: Dataset) -> str:
    """How often each rule rejected, with one example of each: the before and after of a filter."""
    counts: dict[tuple[str, str], int] = {}
    examples: dict[tuple[str, str], dict[str, Any]] = {}
    for batch in decisions.batches():
        for row in batch.to_pylist():
            key = (row["verdict"], row["rule"] or "")
            counts[key] = counts.get(key, 0) + 1
            examples.setdefault(key, row)
    ranked = sorted(counts, key=lambda key: (-counts[key], key))
    return markdown_table(
        [
            {
                "verdict": verdict, "rule": rule, "documents": counts[verdict, rule],
                "example": examples[verdict, rule]["url"] or examples[verdict, rule]["doc_id"],
                "value": examples[verdict, rule]["value"], "threshold": examples[verdict, rule]["threshold"],
            }
            for verdict, rule in ranked
        ]
    )  # fmt: skip


def _image(dataset: Dataset, name: str) -> str:
    data = base64.b64encode(dataset.store.read(dataset.manifest.files[name].path)).decode()
    return f"![{name}](data:image/png;base64,{data})"


def _shown(value: Any) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return Markdown(markdown_table(value))
    if isinstance(value, dict | list):
        return Json(value)
    return value
