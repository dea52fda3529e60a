"""Why is this document here, or not: one document's way through every stage, from the lake alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import DECISIONS, Dataset, input_name
from neo_assets.lake.lake import Lake

SPANS = "spans"
"""Tables that say which tokens belong to which document."""


@dataclass(frozen=True)
class Step:
    """What one stage did with the document."""

    asset: str
    partition: str | None
    verdict: str
    explanation: str


def trace(lake: Lake, url_or_id: str) -> list[Step]:
    """Every stage that saw the document, in pipeline order; empty if none did.

    Args:
        url_or_id: a URL as in `crawl/pages`, or a `doc_id`.

    Cost: one scan of the id and URL columns of every committed table that has them.
    """
    ids = _ids(lake, url_or_id)
    urls = {url_or_id} | {url for _, url in ids if url}
    wanted = {url_or_id} | {doc_id for doc_id, _ in ids}
    steps: list[Step] = []
    for dataset in _in_order(lake):
        steps += _verdicts(lake, dataset, wanted, urls)
    return steps


def _in_order(lake: Lake) -> list[Dataset]:
    """A handle per committed partition, upstream before downstream, as the manifests record it."""
    found = {
        input_name(asset, partition): lake.dataset(asset, [partition])
        for asset in lake.assets()
        for partition in lake.partitions(asset)
    }
    graph = {name: [i for i in d.manifest.provenance.inputs if i in found] for name, d in found.items()}
    return [found[name] for name in TopologicalSorter({k: graph[k] for k in sorted(graph)}).static_order()]


def _ids(lake: Lake, url_or_id: str) -> set[tuple[str, str | None]]:
    """The (doc_id, url) pairs that the name stands for."""
    found: set[tuple[str, str | None]] = set()
    for dataset in _in_order(lake):
        for table in ("rows", DECISIONS):
            for row in _matching(dataset.named(table), {url_or_id}, {url_or_id}):
                if row.get("doc_id"):
                    found.add((row["doc_id"], row.get("url")))
    return found


def _verdicts(lake: Lake, dataset: Dataset, ids: set[str], urls: set[str]) -> Iterator[Step]:
    manifest = dataset.manifest
    for row in _matching(dataset, ids, urls):
        yield Step(manifest.asset, manifest.partition, "kept", _describe(row))
    for row in _matching(dataset.named(DECISIONS), ids, urls):
        yield Step(manifest.asset, manifest.partition, row["verdict"], _reason(lake, row))
    spans = list(_matching(dataset.named(SPANS), ids, urls))
    if spans:
        yield Step(manifest.asset, manifest.partition, "tokens", _describe_spans(spans))


def _matching(dataset: Dataset, ids: set[str], urls: set[str]) -> Iterator[dict[str, Any]]:
    """Rows of the table that name the document, long text left out."""
    if not dataset.parts:
        return
    schema = dataset.schema
    keys = [(name, values) for name, values in (("doc_id", ids), ("url", urls)) if name in schema.names]
    if not keys:
        return
    columns = [f.name for f in schema if f.name not in {"text", "signature"} and not pa.types.is_nested(f.type)]
    for batch in dataset.batches(columns):
        # An id is exact where there is one: the same URL may be another document on another day.
        name, values = keys[0]
        mask = pc.is_in(batch[name], pa.array(sorted(values), pa.string()))
        yield from batch.filter(mask).to_pylist()


def _describe(row: dict[str, Any]) -> str:
    shown = (
        *("outcome", "status", "redirect_to", "warc_file", "warc_offset", "title", "language", "language_score"),
        *("charset", "n_chars", "source", "licence", "subset"),
    )
    return ", ".join(f"{name} {_short(row[name])}" for name in shown if row.get(name) not in (None, ""))


def _reason(lake: Lake, row: dict[str, Any]) -> str:
    parts = [str(row["rule"] or "")]
    if row["value"] is not None:
        parts.append(f"value {row['value']:.4g}")
    if row["threshold"] is not None:
        parts.append(f"threshold {row['threshold']:.4g}")
    if row["survivor"]:
        parts.append(f"duplicate of {_url_of(lake, row['survivor'])} ({row['survivor']})")
    if row["similarity"] is not None:
        parts.append(f"similarity {row['similarity']:.3f}")
    if row["reason"]:
        parts.append(row["reason"])
    return ", ".join(part for part in parts if part)


def _url_of(lake: Lake, doc_id: str) -> str:
    """The URL of a surviving document, from the first table that holds it."""
    for dataset in _in_order(lake):
        for row in _matching(dataset, {doc_id}, set()):
            if row.get("url"):
                return str(row["url"])
    return doc_id


def _describe_spans(spans: Iterable[dict[str, Any]]) -> str:
    rows = list(spans)
    tokens = sum(row.get("length") or (row.get("token_end", 0) - row.get("token_start", 0)) for row in rows)
    positions = sorted({row["position"] for row in rows if row.get("position") is not None})
    where = f", order positions {positions[0]}–{positions[-1]}" if positions else ""
    return f"{tokens} tokens in {len(rows)} spans{where}"


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 100 else text[:100] + "…"
