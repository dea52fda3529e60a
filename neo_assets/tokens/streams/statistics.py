"""Token statistics by which a training loss is judged: unigram counts, entropy, tokens per subset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.tokens.entropy import unigram_entropy
from neo_assets.tokens.order.plan import n_sequences, n_tail_tokens
from neo_assets.tokens.streams.stream import TokenStream

STATISTICS_SCHEMA = pa.schema(
    [
        pa.field("subset", pa.string()),
        pa.field("documents", pa.int64()),
        pa.field("tokens", pa.int64()),
        pa.field("share", pa.float64()),
        pa.field("sequences", pa.int64()),
        pa.field("tail_tokens", pa.int64()),
        pa.field("distinct_tokens", pa.int64()),
        pa.field("unigram_entropy_nats", pa.float64()),
    ]
)


def count_tokens(arrays: Iterable[npt.NDArray[Any]], n_ids: int) -> npt.NDArray[np.int64]:
    """How often each id occurs in arrays of any shape (a stream's `portions()`, or the targets `[:, 1:]` of a chunk).

    Raises:
        ValueError: an id of `n_ids` or more.
    """
    counts = np.zeros(n_ids, np.int64)
    for array in arrays:
        found = np.bincount(np.asarray(array).reshape(-1), minlength=n_ids)
        if len(found) > n_ids:
            raise ValueError(f"token id {len(found) - 1} is outside the {n_ids} ids of the tokenizer")
        counts += found
    return counts


def stream_statistics(streams: Mapping[str, TokenStream], seq_length: int, n_ids: int) -> pa.Table:
    """One row per subset, by name, and a last row `all` (`STATISTICS_SCHEMA`)."""
    rows, all_counts = [], np.zeros(n_ids, np.int64)
    for name, stream in sorted(streams.items()):
        counts = count_tokens(stream.portions(), n_ids)
        all_counts += counts
        rows.append(
            {
                "subset": name,
                "documents": stream.n_documents,
                "tokens": stream.n_tokens,
                "sequences": n_sequences(stream.n_tokens, seq_length),
                "tail_tokens": n_tail_tokens(stream.n_tokens, seq_length),
                **_distribution(counts),
            }
        )
    sums = {name: sum(int(row[name]) for row in rows) for name in ("documents", "tokens", "sequences", "tail_tokens")}
    rows.append({"subset": "all", **sums, **_distribution(all_counts)})
    for row in rows:
        row["share"] = row["tokens"] / sums["tokens"] if sums["tokens"] else 0.0
    return pa.Table.from_pylist(rows, schema=STATISTICS_SCHEMA)


def _distribution(counts: npt.NDArray[np.int64]) -> dict[str, Any]:
    return {"distinct_tokens": int(np.count_nonzero(counts)), "unigram_entropy_nats": unigram_entropy(counts)}
