"""What the UI shows of a batch: Markdown with counts, the slowest and the worst pages, and a few small pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.documents.report.choice import certainty, worst_pages
from neo_assets.documents.report.facts import STAGES
from neo_assets.documents.report.gallery import data_uri

N_ROWS = 8
"""Of each list of pages."""
MAX_URI_BYTES = 150_000
"""A picture that would be longer as an address is left out."""
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", "\n": " ", "\r": " "} | {character: f"\\{character}" for character in "\\|[]`*_!"}
)


def summary(
    facts: pa.Table,
    decisions: Sequence[Mapping[str, Any]],
    pictures: Sequence[tuple[str, bytes, str]],
) -> str:
    """The Markdown.

    Args:
        facts: a row a page, of `FACT_SCHEMA`.
        decisions: counts of files and pages that were not kept, with stage, rule and n.
        pictures: title, data and media type of each; too large ones are left out.
    """
    rows = facts.to_pylist()
    parts = [
        _overview(facts),
        *(_picture(*picture) for picture in pictures if len(data_uri(*picture[1:])) <= MAX_URI_BYTES),
        "### Slowest pages\n\n" + _slowest(rows),
        "### Pages with the least certain text\n\n" + _worst(rows),
        "### Not kept\n\n" + _table(("stage", "rule", "n"), [(d["stage"], d["rule"], d["n"]) for d in decisions]),
    ]
    return "\n\n".join(parts) + "\n"


def escaped(value: object) -> str:
    """Text for a cell of a Markdown table: no links, pictures, markup or HTML of a document come through."""
    return str(value).translate(_ESCAPES)


def _overview(facts: pa.Table) -> str:
    documents = pc.count_distinct(facts["doc_id"]).as_py()
    kinds = ", ".join(f"{kind} {n}" for kind, n in _counted(facts["kind"]))
    layers = ", ".join(f"{layer} {n}" for layer, n in _counted(facts["layer"]))
    head = f"**{facts.num_rows:,} pages of {documents:,} documents.** "
    head += f"Pages: {kinds or 'none'}. Text layers: {layers or 'none'}."
    means = [(stage, _number(pc.mean(facts[f"seconds_{stage}"]).as_py(), 3)) for stage in STAGES]
    return (
        head
        + "\n\n"
        + _table(("stage", "CPU-s a page"), [*means, ("all", _number(pc.mean(facts["seconds"]).as_py(), 3))])
    )


def _counted(column: pa.ChunkedArray) -> list[tuple[str, int]]:
    counts = {one["values"]: one["counts"] for one in column.value_counts().to_pylist() if one["values"] is not None}
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))


def _slowest(rows: Sequence[Mapping[str, Any]]) -> str:
    slowest = sorted(rows, key=lambda row: (-row["seconds"], row["doc_id"], row["page"]))[:N_ROWS]
    costs = [
        (row["url"], *(_number(row[f"seconds_{stage}"], 2) for stage in STAGES), _number(row["seconds"], 2))
        for row in slowest
    ]
    return _table(("page", *STAGES, "CPU-s"), costs)


def _worst(rows: Sequence[Mapping[str, Any]]) -> str:
    worst = worst_pages(rows, N_ROWS)
    return _table(
        ("page", "certainty", "kind", "text layer"),
        [(row["url"], _number(certainty(row), 3), row["kind"], row["layer"]) for row in worst],
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "none"
    lines = [head, ["---"] * len(head), *([escaped(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _picture(title: str, data: bytes, media: str) -> str:
    return f"![{escaped(title)}]({data_uri(data, media)})"
