"""How much of a task a model may know by heart: measured against the training text, not assumed."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

OVERLAP_COLUMNS = (
    ("task", pa.string()), ("items", pa.int64()), ("seen_share", pa.float64()), ("seen_share_before", pa.float64()),
)  # fmt: skip

N_CHARS = 13
"""Length of the compared windows, as in the MinHash shingles of the deduplication."""

SEEN_SHARE = 0.5
"""An item counts as seen when at least this share of its windows occurs in the training text."""


def seen_shares(
    tasks: Mapping[str, Sequence[Mapping[str, Any]]], texts: Iterable[str], n_chars: int = N_CHARS
) -> dict[str, float]:
    """For every task, the share of items whose `probe` the training texts hold (to at least `SEEN_SHARE`).

    Only letters and digits are compared, in lower case and one width: line wrapping and punctuation differ. A probe
    shorter than `n_chars` is looked for as a whole.
    O(total characters x distinct lengths) time, memory for the items only.
    """
    windows = {name: [_windows(item["probe"], n_chars) for item in items] for name, items in tasks.items()}
    wanted = {window for items in windows.values() for item in items for window in item}
    lengths = sorted({len(window) for window in wanted})
    found: set[str] = set()
    for text in texts:
        packed = _packed(text)
        for length in lengths:
            found.update(w for i in range(len(packed) - length + 1) if (w := packed[i : i + length]) in wanted)
    return {
        name: sum(len(item & found) >= SEEN_SHARE * len(item) for item in items) / len(items) if items else 0.0
        for name, items in windows.items()
    }


def seen_table(
    tasks: Mapping[str, Sequence[Mapping[str, Any]]], texts: Iterable[str], texts_before: Iterable[str]
) -> pa.Table:
    """`seen_shares` as a table: task, items, seen_share, and the same before the corpus was decontaminated."""
    shares, before = seen_shares(tasks, texts), seen_shares(tasks, texts_before)
    rows = [
        {"task": name, "items": len(items), "seen_share": shares[name], "seen_share_before": before[name]}
        for name, items in sorted(tasks.items())
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema([*OVERLAP_COLUMNS]))


def before_and_after(table: pa.Table) -> pa.Table:
    """The shares of `seen_table` one below the other (task, corpus, seen_share), as a chart wants them."""
    return pa.concat_tables(
        [
            pa.table({"task": table["task"], "corpus": [corpus] * table.num_rows, "seen_share": table[column]})
            for corpus, column in (("before", "seen_share_before"), ("decontaminated", "seen_share"))
        ]
    )


def _windows(text: str, n_chars: int) -> set[str]:
    packed = _packed(text)
    length = min(n_chars, len(packed))
    return {packed[i : i + length] for i in range(len(packed) - length + 1)}


def _packed(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower()))
