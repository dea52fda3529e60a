"""Whether a text layer says what the page shows: a few of its lines against what is recognised in their place."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from neo_assets.documents.model import Line

MIN_CHARACTERS, MAX_CHARACTERS = 6, 60
"""Of a line that can be compared; longer ones cost more and say no more."""


def similarity(one: str, other: str) -> float:
    """1 - edit distance / longer length, without blanks and compatibility forms; 1 for two empty texts.

    Complexity: product of the lengths, which are those of lines.
    """
    a, b = _plain(one), _plain(other)
    if not a or not b:
        return float(a == b)
    before = list(range(len(b) + 1))
    for row, x in enumerate(a, 1):
        now = [row]
        for column, y in enumerate(b, 1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (x != y)))
        before = now
    return 1 - before[-1] / max(len(a), len(b))


def lines_to_check(lines: Sequence[Line], count: int = 2) -> list[Line]:
    """The lines to compare: of a good length, from different parts of the page; fewer where there are none.

    Garbled letters are letters to nobody, so any character but a blank counts.
    """
    fitting = [one for one in lines if len(_plain(one.text)) >= MIN_CHARACTERS and one.box.width > one.box.height]
    longest = sorted(fitting, key=lambda one: (abs(len(_plain(one.text)) - MAX_CHARACTERS / 2), one.box.y0, one.box.x0))
    best = longest[: max(count, len(longest) // 2)]
    best.sort(key=lambda one: (one.box.y0, one.box.x0))
    if len(best) <= count:
        return best
    step = (len(best) - 1) / max(1, count - 1)
    return [best[round(at * step)] for at in range(count)]


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split()).casefold()
