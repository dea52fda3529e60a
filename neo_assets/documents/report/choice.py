"""Which pages of a batch are shown: the same ones for the same facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import pyarrow as pa

from neo_assets.documents.report.facts import Key

Some = TypeVar("Some")


def chosen(facts: pa.Table, n_pages: int) -> list[Key]:
    """At most so many pages in order: first pages of documents (half), the worst (a quarter), others spread evenly."""
    rows = facts.select(["doc_id", "page", "mean_score", "layout_score"]).to_pylist()
    keys = [(row["doc_id"], row["page"]) for row in rows]
    firsts = [key for place, key in enumerate(keys) if not place or keys[place - 1][0] != key[0]]
    found = set(spread(firsts, min(n_pages, max(1, n_pages // 2))))
    others = [row for row in rows if (row["doc_id"], row["page"]) not in found]
    found |= {(row["doc_id"], row["page"]) for row in worst_pages(others, n_pages // 4)}
    left = [key for key in keys if key not in found]
    found |= set(spread(left, n_pages - len(found)))
    return sorted(found)


def worst_pages(rows: Sequence[Mapping[str, Any]], n_pages: int) -> list[Mapping[str, Any]]:
    """The pages of which the models were least certain: of their text, or of the layout where none was recognised."""
    known = [row for row in rows if certainty(row) is not None]
    return sorted(known, key=lambda row: (certainty(row), row["doc_id"], row["page"]))[:n_pages]


def certainty(row: Mapping[str, Any]) -> float | None:
    """How certain the models were of a page, 0 to 1; null for a page without anything."""
    score = row["mean_score"] if row["mean_score"] is not None else row["layout_score"]
    return None if score is None else float(score)


def spread(values: Sequence[Some], n: int) -> list[Some]:
    """At most n of the values, at even distances, with the first one."""
    if n <= 0:
        return []
    if len(values) <= n:
        return list(values)
    return [values[place * len(values) // n] for place in range(n)]
