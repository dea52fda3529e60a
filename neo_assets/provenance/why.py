"""Why is this document here, or not: one document's way through every stage, from the lake alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import DECISIONS, ROWS, Dataset, input_name
from neo_assets.lake.lake import Lake

PAGE = "page"
"""Column of tables with a row for each page of a document."""
SPANS, HITS = "spans", "hits"
"""Tables that say which tokens belong to which document, and which evaluation items were in it."""
CUTS = {"paragraph_cuts": "paragraphs", "substring_cuts": "passages", "line_cuts": "similar lines"}
"""Columns of what deduplication cut, each cut with the document that keeps the passage; and what they hold."""
LISTS = ("checkpoints", "pii", "cuts", *CUTS)
"""Columns of lists that are told of; other nested ones are too long."""
SHORT = "short_after_"
"""How the rules begin by which a document is dropped that cuts left too short. Its survivor holds a passage of it."""
LONGEST_CHAIN = 100
"""Steps that a chain of survivors is followed."""


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
    datasets = _in_order(lake)
    named = [
        (row["doc_id"], row.get("url"))
        for dataset in datasets
        for table in (ROWS, DECISIONS)
        for column in ("doc_id", "url")
        for row in _matching(dataset.named(table), column, {url_or_id})
        if row.get("doc_id")
    ]
    ids, urls = {doc_id for doc_id, _ in named}, {url_or_id, *(url for _, url in named if url)}
    told: dict[str, Any] = {}
    return [step for dataset in datasets for step in _steps(dataset, datasets, ids, urls, told)]


def _in_order(lake: Lake) -> list[Dataset]:
    """A handle per committed partition, upstream before downstream, as the manifests record it."""
    found = {
        input_name(asset, partition): lake.dataset(asset, [partition])
        for asset in lake.assets()
        for partition in lake.partitions(asset)
    }
    graph = {name: [i for i in d.manifest.provenance.inputs if i in found] for name, d in found.items()}
    return [found[name] for name in TopologicalSorter({k: graph[k] for k in sorted(graph)}).static_order()]


def _steps(
    dataset: Dataset, datasets: Sequence[Dataset], ids: set[str], urls: set[str], told: dict[str, Any]
) -> Iterator[Step]:
    """What one partition says of the document, facts that were `told` before left out."""
    asset, partition = dataset.manifest.asset, dataset.manifest.partition
    pages: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in _named(dataset, ids, urls):
        if PAGE in row:
            pages[row["doc_id"]].append(row)
        else:
            yield Step(asset, partition, row.get("outcome") or "kept", _describe(datasets, row, told))
    for rows in pages.values():
        yield Step(asset, partition, "kept", _describe_pages(rows))
    for row in _named(dataset.named(DECISIONS), ids, urls):
        yield Step(asset, partition, row["verdict"], _reason(datasets, row))
    hits = list(_named(dataset.named(HITS), ids, urls))
    if hits:
        yield Step(asset, partition, "held", _describe_hits(hits))
    spans = list(_named(dataset.named(SPANS), ids, urls))
    if spans:
        yield Step(asset, partition, "tokens", _describe_spans(spans))


def _describe_pages(rows: Sequence[dict[str, Any]]) -> str:
    """How many pages there are, and of what kinds."""
    kinds = Counter(row["kind"] for row in rows if row.get("kind"))
    told = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind, n in sorted(kinds.items()))
    return f"{len(rows)} page{'s' * (len(rows) != 1)}" + (f": {told}" if told else "")


def _named(dataset: Dataset, ids: set[str], urls: set[str]) -> Iterator[dict[str, Any]]:
    """Rows of the document: by id where the table has ids, since one URL may be another document on another day."""
    if dataset.parts:
        has_ids = "doc_id" in dataset.schema.names
        yield from _matching(dataset, "doc_id" if has_ids else "url", ids if has_ids else urls)


def _matching(dataset: Dataset, column: str, values: set[str]) -> Iterator[dict[str, Any]]:
    """Rows whose column has one of the values, long columns left out; none where there is no such column."""
    if not dataset.parts or column not in dataset.schema.names:
        return
    columns = [f.name for f in dataset.schema if f.name in LISTS or not _is_long(f)]
    for batch in dataset.batches(columns):
        yield from batch.filter(pc.is_in(batch[column], pa.array(sorted(values), pa.string()))).to_pylist()


def _is_long(field: pa.Field) -> bool:
    is_binary = pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type)
    return field.name in {"text", "markdown", "signature"} or is_binary or pa.types.is_nested(field.type)


def _describe(datasets: Sequence[Dataset], row: dict[str, Any], told: dict[str, Any]) -> str:
    shown = (
        *("status", "redirect_to", "reason", "warc_file", "warc_offset", "title", "language", "language_score"),
        *(
            "media",
            "n_pages",
            "n_pages_missing",
            "share_ocr",
            "mean_score",
            "charset",
            "n_chars",
            "source",
            "licence",
            "subset",
            "run",
            "sequences",
            "target_positions",
        ),
        *("skipped_positions", "applied_positions", "checkpoints"),
    )
    new = {name: row[name] for name in shown if row.get(name) not in (None, "") and told.get(name) != row[name]}
    told |= new
    return ", ".join([*(f"{name} {_short(value)}" for name, value in new.items()), *_taken_out(datasets, row, told)])


def _taken_out(datasets: Sequence[Dataset], row: dict[str, Any], told: dict[str, Any]) -> Iterator[str]:
    """Personal data by kind, and passages, that a stage took out of the text; each is told once."""
    if row.get("pii") and "pii" not in told:
        kinds = Counter(span["kind"] for span in row["pii"])
        yield "replaced " + ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
        told["pii"] = kinds
    if row.get("cuts") and "cuts" not in told:
        told["cuts"] = sum(cut["end"] - cut["start"] for cut in row["cuts"])
        yield f"cut {told['cuts']} characters with evaluation items"
    for column, what in CUTS.items():
        if row.get(column) and column not in told:
            told[column] = row[column]
            yield _cut_duplicates(datasets, row["doc_id"], row[column], what)


def _cut_duplicates(datasets: Sequence[Dataset], doc_id: str, cuts: Sequence[dict[str, Any]], what: str) -> str:
    """How many characters deduplication cut, and the documents that keep most of them."""
    kept: Counter[str] = Counter()
    for cut in cuts:
        kept[cut["survivor"]] += cut["end"] - cut["start"]
    shown = [
        f"{n} kept {'earlier in this document' if s == doc_id else f'in {_url_of(datasets, s)} ({s})'}"
        for s, n in sorted(kept.items(), key=lambda item: (-item[1], item[0]))[:3]
    ]
    more = f" and {len(kept) - 3} more documents" if len(kept) > 3 else ""
    return f"cut {kept.total()} characters in {len(cuts)} {what}: {', '.join(shown)}{more}"


def _reason(datasets: Sequence[Dataset], row: dict[str, Any]) -> str:
    parts = [str(row["rule"] or "")]
    is_short = parts[0].startswith(SHORT)
    if row["value"] is not None:
        parts.append(f"value {row['value']:.4g}")
    if row["threshold"] is not None:
        parts.append(f"threshold {row['threshold']:.4g}")
    if row["survivor"]:
        named = f"{_url_of(datasets, row['survivor'])} ({row['survivor']})"
        parts.append(f"first passage cut kept in {named}" if is_short else f"duplicate of {named}")
    if row["similarity"] is not None:
        parts.append(f"similarity {row['similarity']:.3f}")
    if row["survivor"] and not is_short and (further := _last_survivor(datasets, row["survivor"])):
        parts.append(further)
    if row["reason"]:
        parts.append(row["reason"])
    return ", ".join(part for part in parts if part)


def _last_survivor(datasets: Sequence[Dataset], doc_id: str) -> str | None:
    """For which document the one named was itself removed, and so on to the end of the chain; None if it was kept."""
    chain = [doc_id]
    while len(chain) < LONGEST_CHAIN and (further := _survivor_of(datasets, chain[-1])) and further not in chain:
        chain.append(further)
    if len(chain) == 1:
        return None
    between = f" over {len(chain) - 2} more" if len(chain) > 2 else ""
    return f"the former itself a duplicate{between} of {_url_of(datasets, chain[-1])} ({chain[-1]}), which stayed"


def _survivor_of(datasets: Sequence[Dataset], doc_id: str) -> str | None:
    """For which document another one was removed as a duplicate; None if it was not."""
    rows = (row for dataset in datasets for row in _matching(dataset.named(DECISIONS), "doc_id", {doc_id}))
    found = (row["survivor"] for row in rows if row["survivor"] and not (row["rule"] or "").startswith(SHORT))
    return next(found, None)


def _url_of(datasets: Sequence[Dataset], doc_id: str) -> str:
    """The URL of a surviving document, from the first table that holds it."""
    rows = (row for dataset in datasets for row in _matching(dataset, "doc_id", {doc_id}) if row.get("url"))
    return next((str(row["url"]) for row in rows), doc_id)


def _describe_hits(hits: Sequence[dict[str, Any]]) -> str:
    """The evaluation items that were in the document, with the share of each and its characters."""
    items: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in hits:
        items[row["task"], row["item"]].append(row)
    shown = [
        f"{task} {item} (share {rows[0]['share']:.2f}, {sum(row['matched_chars'] for row in rows)} characters)"
        for (task, item), rows in items.items()
    ]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")


def _describe_spans(spans: Sequence[dict[str, Any]]) -> str:
    """Tokens of the document and where they are: in a subset's stream, or at positions of the order."""
    if "position" not in spans[0]:
        starts, ends = [row["stream_start"] for row in spans], [row["stream_end"] for row in spans]
        tokens = sum(end - start for start, end in zip(starts, ends, strict=True))
        return f"{tokens} tokens, {min(starts)} to {max(ends)} of the subset's stream"
    positions = [row["position"] for row in spans]
    tokens = sum(row["length"] for row in spans)
    return f"{tokens} tokens at positions {min(positions)} to {max(positions)} of the order"


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 100 else text[:100] + "…"
