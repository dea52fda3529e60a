"""pydivsufsort: repeated passages by suffix array, LCP array and numpy, over the UTF-8 bytes of all documents.

Of every passage of 50 bytes that lies within one document all occurrences but the first are cut, as ours cuts 50
characters; documents left with fewer than 20 are dropped. Reading and writing JSONL are timed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from pydivsufsort import divsufsort, kasai

from benchmarks.peers.dedup_protocol import Clock, Task, answer, records, task

WINDOW, LEAST = 50, 20


def run(asked: Task) -> None:
    """From documents to documents."""
    with Clock() as clock:
        rows = list(records(asked.input, asked.documents))
        encoded = [row["text"].encode("utf-8") for row in rows]
        ends = np.cumsum([len(text) + 1 for text in encoded])
        everything = np.frombuffer(bytearray(b"\0".join(encoded) + b"\0"), np.uint8)
        cut = _cut(everything, ends)
        kept = _write(asked.work / "out.jsonl", rows, everything, ends, cut)
    characters = sum(len(row["text"]) for row in records(asked.work / "out.jsonl"))
    answer(clock, asked.work, kept, characters_kept=characters)


def _cut(everything: npt.NDArray[np.uint8], ends: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which bytes lie in a passage that stands earlier too."""
    suffixes = divsufsort(everything)
    common = kasai(everything, suffixes)  # of each suffix with the next one
    within = np.ones(everything.size, np.bool_)
    for end in ends.tolist():
        within[max(end - WINDOW, 0) : end] = False
    with_next = common >= WINDOW
    with_next[-1] = False
    with_last = np.concatenate(([False], with_next[:-1]))
    shared = np.flatnonzero(with_next | with_last)
    places = suffixes[shared]
    firsts = np.minimum.reduceat(places, np.flatnonzero(~with_last[shared])) if places.size else places
    cut = np.zeros(everything.size, np.bool_)
    cut[places] = True
    cut[firsts] = False
    cut &= within
    covered = 1  # every mark becomes WINDOW bytes long, by doubling
    while covered < WINDOW:
        step = min(covered, WINDOW - covered)
        cut[step:] |= cut[:-step].copy()
        covered += step
    return cut


def _write(
    file: Path,
    rows: list[dict[str, str]],
    everything: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    cut: npt.NDArray[np.bool_],
) -> list[str]:
    kept = []
    with file.open("w", encoding="utf-8") as lines:
        start = 0
        for row, end in zip(rows, ends.tolist(), strict=True):
            left = everything[start : end - 1][~cut[start : end - 1]].tobytes().decode("utf-8", "ignore")
            start = end
            if len(left) >= LEAST:
                kept.append(row["id"])
                lines.write(json.dumps({"id": row["id"], "text": left}, ensure_ascii=False) + "\n")
    return kept


if __name__ == "__main__":
    run(task(__doc__))
