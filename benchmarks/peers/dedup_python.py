"""Similar lines in plain Python, as MAP-Neo's released rules say: every pair of segments, quick rejects, then the
whole table of the edit distance. Reading and writing are not timed.
"""

from __future__ import annotations

from collections import Counter

from benchmarks.peers.dedup_protocol import Clock, Task, answer, records, task

PROPORTION, EXACT_CHARS, MAX_DIFFERENCE, MIN_OVERLAP = 0.1, 15, 0.3, 1 / 3
OPENING, CLOSING = frozenset("[【"), frozenset(".!?。！？\\…]】")


def segments(text: str) -> list[str]:
    """The text in pieces: an opening bracket begins one, another delimiter ends one."""
    found, start = [], 0
    for place, character in enumerate(text):
        if character in OPENING and place > start:
            found.append(text[start:place])
            start = place
        elif character in CLOSING:
            found.append(text[start : place + 1])
            start = place + 1
    return [*found, text[start:]] if start < len(text) else found


def similar(one: str, two: str) -> bool:
    """Whether the later segment goes."""
    longer, shorter = max(len(one), len(two)), min(len(one), len(two))
    if (longer - shorter) / longer >= MAX_DIFFERENCE:
        return False
    left, right = Counter(one), Counter(two)
    if (left & right).total() / (left | right).total() < MIN_OVERLAP:
        return False
    return distance(one, two) <= (0 if shorter <= EXACT_CHARS else PROPORTION * longer)


def distance(one: str, two: str) -> int:
    """The edit distance, row by row."""
    row = list(range(len(two) + 1))
    for i, left in enumerate(one, start=1):
        above, row[0] = row[0], i
        for j, right in enumerate(two, start=1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (left != right))
    return row[-1]


def without_repeats(text: str) -> str:
    """The text without the segments that resemble an earlier one that stays."""
    kept: list[str] = []
    for segment in segments(text):
        if not any(similar(earlier, segment) for earlier in kept):
            kept.append(segment)
    return "".join(kept)


def run(asked: Task) -> None:
    """All documents."""
    texts = [row["text"] for row in records(asked.input, asked.documents)]
    with Clock() as clock:
        left = [without_repeats(text) for text in texts]
    answer(clock, asked.work, characters=sum(map(len, texts)), characters_kept=sum(map(len, left)))


if __name__ == "__main__":
    run(task(__doc__))
