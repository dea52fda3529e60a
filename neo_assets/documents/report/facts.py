"""What is known of each page of a batch once all stages are done: kind, layer, confidence, cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.lake.records import volatile

Row = Mapping[str, Any]
Rows = Callable[[], Iterable[Row]]
"""Gives the rows of a table from the beginning, each time it is called."""
Key = tuple[str, int]
"""A page: document and number."""

STAGES = ("pages", "layout", "elements")
"""Stages whose rows say what they cost."""
BINS = 50
"""Of a histogram of confidences from 0 to 1."""
FACT_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()), ("url", pa.string()), ("page", pa.int32()), ("kind", pa.string()),
        ("layer", pa.string()), ("n_regions", pa.int32()), ("n_elements", pa.int32()), ("n_characters", pa.int64()),
        ("share_ocr", pa.float64()), ("mean_score", pa.float64()), ("layout_score", pa.float64()),
        *(volatile(pa.field(f"seconds_{stage}", pa.float64())) for stage in STAGES),
        volatile(pa.field("seconds", pa.float64())),
    ]
)  # fmt: skip
"""A page. `mean_score` is the mean confidence of the recognised characters, null where there are none; `layout_score`
the mean confidence of the regions. Seconds are of CPU."""


@dataclass(frozen=True)
class Stages:
    """The rows of a batch, stage by stage, each ordered by document and page."""

    pages: Rows
    layout: Rows
    elements: Rows
    ordered: Rows
    markdown: Rows
    """One row a document."""


@dataclass
class Facts:
    """Facts of every page in order, and histograms of all confidences."""

    table: pa.Table
    line_scores: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    region_scores: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)


def facts_of(stages: Stages) -> Facts:
    """The facts of every page that was rendered. Memory: some hundred bytes a page."""
    found: dict[Key, dict[str, Any]] = {}
    facts = Facts(FACT_SCHEMA.empty_table())
    for row in stages.pages():
        found[_key(row)] = {name: row[name] for name in ("doc_id", "url", "page", "kind", "layer")} | _cost(
            row, "pages"
        )
    for row in stages.layout():
        if page := found.get(_key(row)):
            page |= _cost(row, "layout") | _regions(row, facts)
    for row in stages.elements():
        if page := found.get(_key(row)):
            page |= _cost(row, "elements") | _elements(row, facts)
    for page in found.values():
        page["seconds"] = sum(page.get(f"seconds_{stage}") or 0.0 for stage in STAGES)
    rows = [found[key] for key in sorted(found)]
    facts.table = pa.Table.from_pylist(rows, FACT_SCHEMA)
    return facts


def by_page(rows: Iterable[Row], wanted: frozenset[Key]) -> Iterator[tuple[Key, Row]]:
    """The rows of these pages."""
    return ((_key(row), row) for row in rows if _key(row) in wanted)


def _key(row: Row) -> Key:
    return row["doc_id"], row["page"]


def _cost(row: Row, stage: str) -> dict[str, Any]:
    return {f"seconds_{stage}": row.get("seconds")}


def _regions(row: Row, facts: Facts) -> dict[str, Any]:
    scores = [region["score"] for region in row["regions"]]
    for region in row["regions"]:
        facts.region_scores.setdefault(region["kind"], np.zeros(BINS, np.int64))[_bin(region["score"])] += 1
    return {"n_regions": len(scores), "layout_score": _mean(scores, [1] * len(scores))}


def _elements(row: Row, facts: Facts) -> dict[str, Any]:
    lines = [(element["source"], line) for element in row["elements"] for line in element["lines"]]
    read = [line for source, line in lines if source == "ocr"]
    for line in read:
        facts.line_scores[_bin(line["score"])] += 1
    n_characters = sum(len(line["text"]) for _, line in lines)
    n_read = sum(len(line["text"]) for line in read)
    return {
        "n_elements": len(row["elements"]),
        "n_characters": n_characters,
        "share_ocr": round(n_read / n_characters, 4) if n_characters else 0.0,
        "mean_score": _mean([line["score"] for line in read], [len(line["text"]) for line in read]),
    }


def _bin(score: float) -> int:
    return min(BINS - 1, max(0, int(score * BINS)))


def _mean(values: list[float], weights: list[int]) -> float | None:
    total = sum(weights)
    return round(sum(v * w for v, w in zip(values, weights, strict=True)) / total, 4) if total else None
