"""The index of windows: each distinct content that may meet another one, once, with its text where windows matter.

Of all runs (see `anchors`) with equal contents only the first one matters to others: whatever its windows repeat, the
later ones repeat too. If all runs with an anchor have one content, nothing more is needed. If they have several, these
may share some of their windows, so the contents' texts are listed: half the size of their windows' hashes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.compiled import compiled
from neo_assets.dedup.anchors import Int64s
from neo_assets.dedup.packed import packed, unpacked, utf8_of
from neo_assets.dedup.run_rows import SPAN, number_of, numbers_sql, starts_of
from neo_assets.recipe.dedup import SubstringSettings

Bools = npt.NDArray[np.bool_]
UInt8s = npt.NDArray[np.uint8]

WINDOW_SCHEMA = pa.schema(
    [
        ("doc_id", pa.string()),
        ("precedence", pa.string()),
        ("starts", pa.binary()),
        ("anchors", pa.binary()),
        ("contents", pa.binary()),
        ("lengths", pa.binary()),
        ("texts", pa.binary()),
    ]
)
"""A document's runs that are the first of their content, packed (see `packed`): where they begin (uint32), the hashes
of their anchors and contents (uint64), the length of their text (uint32, in bytes; 0 where no other content has the
anchor), and these texts (UTF-8)."""


def first_runs_sql() -> str:
    """Of each document (doc_id) that has a first run its `codes`, and its row of the index of anchors.

    A code is twice the run's begin, plus one where runs with the same anchor differ in content.

    Relations: `runs` (`RUN_SCHEMA`) and `anchors` (`ANCHOR_SCHEMA`) of all partitions, and `own` (`ANCHOR_SCHEMA`) of
    the documents.
    """
    return f"""
WITH documents AS ({numbers_sql("anchors")}),
repeated AS (SELECT anchor FROM runs GROUP BY anchor HAVING COUNT(*) > 1),
firsts AS (
    SELECT r.anchor, r.content, MIN(r.place) AS place FROM runs r JOIN repeated a ON r.anchor = a.anchor
    GROUP BY r.anchor, r.content
),
mixed AS (SELECT anchor FROM firsts GROUP BY anchor HAVING COUNT(*) > 1),
coded AS (
    SELECT {number_of("f.place")} AS number,
        f.place % {SPAN} * 2 + CASE WHEN m.anchor IS NULL THEN 0 ELSE 1 END AS code
    FROM firsts f LEFT JOIN mixed m ON f.anchor = m.anchor
),
lists AS (SELECT number, ARRAY_AGG(code) AS codes FROM coded GROUP BY number)
SELECT o.doc_id, l.codes, o.anchors, o.contents, o.windows, o.copies
FROM own o JOIN documents d ON o.doc_id = d.doc_id JOIN lists l ON d.number = l.number
ORDER BY doc_id
"""  # noqa: S608


@dataclass(frozen=True)
class Windows:
    """Kernel: (doc_id, precedence, text, and the columns of `first_runs_sql`, or null) → `WINDOW_SCHEMA`."""

    settings: SubstringSettings

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch.filter(batch.column("codes").is_valid())
        starts, run_bounds = starts_of(batch)
        lists = batch.column("codes")
        codes = lists.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
        lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
        bounds = np.append(0, np.cumsum(lengths, dtype=np.int64))
        which, listed = _chosen(codes, bounds, starts, run_bounds)
        windows = unpacked(batch.column("windows"), np.uint16)[0]
        chars = np.where(listed, windows[which].astype(np.int64) + self.settings.window_chars - 1, 0)
        texts, text_bounds = _passages(*utf8_of(batch.column("text")), bounds, starts[which], chars)
        anchors, contents = (unpacked(batch.column(name), np.uint64)[0][which] for name in ("anchors", "contents"))
        return pa.RecordBatch.from_arrays(
            [
                batch.column("doc_id").cast(pa.string()),
                batch.column("precedence").cast(pa.string()),
                packed(starts[which].astype(np.uint32), bounds),
                packed(anchors, bounds),
                packed(contents, bounds),
                packed(np.diff(text_bounds).astype(np.uint32), bounds),
                packed(texts, text_bounds[bounds]),
            ],
            schema=WINDOW_SCHEMA,
        )


@compiled()
def _chosen(codes: Int64s, bounds: Int64s, starts: Int64s, run_bounds: Int64s) -> tuple[Int64s, Bools]:
    """(which runs the codes of each row mean, in order; whether their windows are to be listed)."""
    which, listed = np.empty(codes.size, np.int64), np.empty(codes.size, np.bool_)
    for row in range(bounds.size - 1):
        run = run_bounds[row]
        ordered = np.sort(codes[bounds[row] : bounds[row + 1]])
        for i in range(ordered.size):
            while starts[run] < ordered[i] >> 1:
                run += 1
            which[bounds[row] + i] = run
            listed[bounds[row] + i] = ordered[i] & 1 == 1
    return which, listed


@compiled()
def _passages(data: UInt8s, offsets: Int64s, bounds: Int64s, starts: Int64s, chars: Int64s) -> tuple[UInt8s, Int64s]:
    """(UTF-8, bounds) of passages: text i has bounds[i] … bounds[i + 1] - 1, in the order of their starts."""
    ends = np.zeros(starts.size + 1, np.int64)
    found = np.empty(64 + 2 * chars.sum(), np.uint8)
    size = 0
    for text in range(bounds.size - 1):
        byte, char = offsets[text], 0
        for i in range(bounds[text], bounds[text + 1]):
            if chars[i]:
                while char < starts[i]:
                    byte += _width(data[byte])
                    char += 1
                last = byte
                for _ in range(chars[i]):
                    last += _width(data[last])
                if size + last - byte > found.size:
                    wider = np.empty(2 * found.size + last - byte, np.uint8)
                    wider[:size] = found[:size]
                    found = wider
                found[size : size + last - byte] = data[byte:last]
                size += last - byte
            ends[i + 1] = size
    return found[:size].copy(), ends


@compiled(inline="always")
def _width(first: int) -> int:
    """The bytes of a character in UTF-8 by its first one."""
    return 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
