"""Texts and URLs of the few documents that the duplicates report shows, looked up in the lake."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.lake.dataset import DECISIONS, Dataset


@dataclass(frozen=True)
class Documents:
    """Texts and URLs by document id; a document that the lake does not hold is in neither."""

    texts: Mapping[str, str]
    urls: Mapping[str, str | None]

    def sample(self, doc_id: str, n_chars: int) -> str | None:
        """The beginning of the text."""
        text = self.texts.get(doc_id)
        return None if text is None else beginning(text, n_chars)


def beginning(text: str, n_chars: int) -> str:
    """The first characters, with an ellipsis if there are more."""
    return text[:n_chars] + ("…" if len(text) > n_chars else "")


def fetch(exact: Dataset, shown: Collection[str], copies: Mapping[str, str]) -> Documents:
    """The documents shown: one pass over the rows that exact deduplication kept, one over its decisions.

    Args:
        copies: those of them that exact deduplication removed, and the document that has their text.
    """
    texts: dict[str, str] = {}
    urls: dict[str, str | None] = {}
    for batch in rows_of(exact, {*shown, *copies.values()}, ["doc_id", "url", "text"]):
        for row in batch.to_pylist():
            texts[row["doc_id"]], urls[row["doc_id"]] = row["text"] or "", row["url"]
    for batch in rows_of(exact.named(DECISIONS), copies, ["doc_id", "url"]):
        urls.update(zip(batch["doc_id"].to_pylist(), batch["url"].to_pylist(), strict=True))
    texts.update({copy: texts[kept] for copy, kept in copies.items() if kept in texts})
    return Documents(texts, urls)


def rows_of(dataset: Dataset, names: Collection[str], columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """The rows of these documents."""
    wanted = pa.array(sorted(names), pa.string())
    for batch in dataset.batches(columns) if len(wanted) else ():
        yield batch.filter(pc.is_in(batch["doc_id"], wanted))
