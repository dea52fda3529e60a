"""What deduplication merged: clusters by size, the largest ones, pairs for a person to judge, and passages cut.

A cluster is a document that exact and near deduplication kept and all whose chains of survivors end at it. The report
is made from the decisions and the compared pairs of all partitions, streamed; of the texts only those are held that
are shown. At scale: memory is that of the removed documents' ids (500 bytes a document at the peak, so a million in
0.5 GiB; 5 s), of the ids of compared documents and of those that keep passages of others (100 bytes each). Time is
one pass over the decisions, the pairs, the cuts, and one over the texts that exact deduplication kept and each stage
but the last that cuts left. Nothing depends on the order of rows or the layout of parts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.dedup.cluster_audit import audit_table, draw_removed
from neo_assets.dedup.cluster_chains import Chains, Ints, Removed, follow, read_removed
from neo_assets.dedup.cluster_cuts import count_cuts, passages_table
from neo_assets.dedup.cluster_pairs import read_pairs
from neo_assets.dedup.cluster_texts import Documents, fetch
from neo_assets.lake.dataset import Dataset
from neo_assets.recipe.dedup import ClusterReportSettings, NearSettings

METHODS = ("exact", "near")
ALL = "all"

SIZE_SCHEMA = pa.schema(
    [
        pa.field("method", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("size", "clusters", "documents", "removed")),
    ]
)
"""How many clusters have that many documents, the kept one counted: by the decisions of one method alone, and of all
(`ALL`), where copies of a document that is similar to a third belong to that one's cluster."""

CLUSTER_SCHEMA = pa.schema(
    [
        pa.field("survivor", pa.string()),
        pa.field("url", pa.string()),
        *(pa.field(name, pa.int64()) for name in ("size", "exact", "near", "longest_chain")),
        *(pa.field(f"similarity_{name}", pa.float64()) for name in ("min", "median", "max")),
        pa.field("members", pa.list_(pa.string())),
        pa.field("member_urls", pa.list_(pa.string())),
        pa.field("sample", pa.string()),
        pa.field("least_similar", pa.string()),
        pa.field("least_similar_sample", pa.string()),
    ]
)
"""The largest clusters, ties by the survivor's id. Similarities are those of the members with the survivors that their
decisions name, which may be other members: `longest_chain` steps away from the one kept. Members: the least similar
first. Samples: the beginning of the texts, that of an exact copy being its survivor's."""


@dataclass(frozen=True)
class ClusterReport:
    """The tables of the report and its totals."""

    rows: pa.Table
    clusters: pa.Table
    audit: pa.Table
    refused: pa.Table
    cuts: pa.Table
    passages: pa.Table
    totals: dict[str, Any]
    near: NearSettings

    @property
    def tables(self) -> dict[str, pa.Table]:
        """The tables by the names they have in the lake."""
        names = ("rows", "clusters", "audit", "refused", "cuts", "passages")
        return {name: getattr(self, name) for name in names}


def report_clusters(
    exact: Dataset,
    near: Dataset,
    pairs: Dataset,
    cutting: Sequence[Dataset],
    near_settings: NearSettings,
    settings: ClusterReportSettings,
) -> ClusterReport:
    """The report over all partitions of these handles.

    Args:
        exact: the stage of exact deduplication; its rows are what near deduplication compared.
        near: the stage of near deduplication.
        pairs: the pairs it compared (precedence, other, band, similarity).
        cutting: the stages that cut passages after it, in their order; each is named `X_unique` and its rows have
            the column `X_cuts`, whose offsets are into the text as the stage before left it.

    Raises:
        BrokenChainError: a document was removed twice, or survivors name each other in a circle.
    """
    removed = read_removed((exact, near))
    chains = follow(removed)
    sizes = [row for stage, name in enumerate(METHODS) for row in _sizes(name, follow(removed, removed.only(stage)))]
    sizes += _sizes(ALL, chains)
    largest = _largest(removed, chains, settings)
    drawn = draw_removed(removed, removed.only(METHODS.index("near")), near_settings, settings)
    found = read_pairs(pairs, drawn, near_settings, settings)
    cuts = count_cuts(cutting, settings.largest_clusters)
    shown = {name for row in largest for name in (row["survivor"], *row["members"], row["least_similar"])}
    shown |= {name for one in found.audit for name in (one.doc_id, one.survivor)} | cuts.shown
    documents = fetch(exact, shown, _copies(removed, shown))
    return ClusterReport(
        rows=pa.Table.from_pylist(sizes, schema=SIZE_SCHEMA),
        clusters=_with_samples(largest, documents, settings.sample_chars),
        audit=audit_table(found.audit, documents, settings.sample_chars),
        refused=found.histogram,
        cuts=cuts.table,
        passages=passages_table(cuts, cutting, documents, settings.sample_chars),
        totals=_totals(removed, chains, sizes) | {
            "pairs compared": found.compared,
            "pairs refused": found.refused,
            "pairs not measured": found.unmeasured,
            "removed if every compared pair were merged": found.later,
        },
        near=near_settings,
    )  # fmt: skip


def _sizes(method: str, chains: Chains) -> Iterable[dict[str, Any]]:
    members = np.unique(chains.final, return_counts=True)[1]
    for removed, clusters in zip(*(found.tolist() for found in np.unique(members, return_counts=True)), strict=True):
        size = removed + 1
        yield {
            "method": method, "size": size, "clusters": clusters, "documents": size * clusters,
            "removed": removed * clusters,
        }  # fmt: skip


def _totals(removed: Removed, chains: Chains, sizes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    by_method = {f"removed as {name}": int(removed.only(stage).sum()) for stage, name in enumerate(METHODS)}
    return {
        "clusters of duplicates": sum(row["clusters"] for row in sizes if row["method"] == ALL),
        "documents in the largest cluster": max((row["size"] for row in sizes if row["method"] == ALL), default=0),
        "longest chain of survivors": int(chains.steps.max(initial=0)),
        **by_method,
        "rejected without a survivor": sum(removed.unnamed),
    }


def _largest(removed: Removed, chains: Chains, settings: ClusterReportSettings) -> list[dict[str, Any]]:
    """The rows of `CLUSTER_SCHEMA` without URLs and samples."""
    survivors, counts = np.unique(chains.final, return_counts=True)
    chosen = survivors[np.lexsort((survivors, -counts))[: settings.largest_clusters]]
    inside = np.flatnonzero(np.isin(chains.final, chosen))
    inside = inside[np.argsort(chains.final[inside], kind="stable")]
    final = chains.final[inside]
    starts, ends = np.searchsorted(final, chosen), np.searchsorted(final, chosen, side="right")
    found = []
    for survivor, start, end in zip(chosen, starts, ends, strict=True):
        rows = inside[start:end]
        found.append({"survivor": removed.names(np.array([survivor]))[0], **_cluster(removed, chains, rows, settings)})
    return found


def _cluster(removed: Removed, chains: Chains, rows: Ints, settings: ClusterReportSettings) -> dict[str, Any]:
    """What is known of the cluster with these members without its texts."""
    similarity = removed.similarity[rows]
    # Members without a measured similarity sort last; rows stand in the order of their ids.
    members = rows[np.argsort(similarity, kind="stable")]
    measured = similarity[~np.isnan(similarity)]
    quantiles = {"min": 0.0, "median": 0.5, "max": 1.0} if len(measured) else {}
    return {
        "size": len(rows) + 1,
        **{name: int((removed.stage[rows] == stage).sum()) for stage, name in enumerate(METHODS)},
        "longest_chain": int(chains.steps[rows].max()),
        **{f"similarity_{name}": float(np.quantile(measured, share)) for name, share in quantiles.items()},
        "members": removed.names(removed.document[members[: settings.members]]),
        "least_similar": removed.names(removed.document[members[:1]])[0],
    }


def _with_samples(largest: Sequence[dict[str, Any]], documents: Documents, n_chars: int) -> pa.Table:
    urls = documents.urls
    rows = [
        {
            **row, "url": urls.get(row["survivor"]), "member_urls": [urls.get(name) for name in row["members"]],
            "sample": documents.sample(row["survivor"], n_chars),
            "least_similar_sample": documents.sample(row["least_similar"], n_chars),
        }
        for row in largest
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=CLUSTER_SCHEMA)


def _copies(removed: Removed, shown: Collection[str]) -> dict[str, str]:
    """Those of the documents that exact deduplication removed, and their survivors, which have their text."""
    places = pc.index_in(pa.array(sorted(shown), pa.large_string()), value_set=removed.ids).drop_null()
    rows = removed.only(METHODS.index("exact")) & np.isin(removed.document, places.to_numpy())
    return dict(zip(*(removed.names(column[rows]) for column in (removed.document, removed.survivor)), strict=True))
