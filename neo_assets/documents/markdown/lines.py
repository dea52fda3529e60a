"""Lines with what surrounds them: the edges of their column, their page, their element."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from neo_assets.documents.markdown.characters import clean, clean_code
from neo_assets.documents.model import Box, Element, Line, PageElements, TextSource

MAX_NEIGHBOURS = 400
"""Elements of a page beyond which columns are not looked for: it is no page of text."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A line of text, cleaned, and the column that it stands in: its left and right edge, in points."""

    text: str
    box: Box
    size: float
    page: int
    source: TextSource
    score: float
    bold: bool
    mono: bool
    left: float
    right: float

    @property
    def middle(self) -> float:
        return (self.box.y0 + self.box.y1) / 2

    @property
    def indent(self) -> float:
        """How far the line begins right of its column's edge, in its font size."""
        return (self.box.x0 - self.left) / self.size

    @property
    def gap(self) -> float:
        """How far the line ends before its column's edge, in its font size."""
        return (self.right - self.box.x1) / self.size


def seen(page: PageElements, full_width: bool = True) -> list[list[Seen]]:
    """The lines of each element of a page; pieces that stand beside each other become one line. O(elements²)."""
    rows = [_rows(element.lines) for element in page.elements]
    edges = _edges(page.elements, rows)
    found: list[list[Seen]] = []
    for element, lines, (left, right) in zip(page.elements, rows, edges, strict=True):
        code = element.kind == "code"
        kept = []
        for line in lines:
            text = clean_code(line.text) if code or line.mono else clean(line.text, full_width)
            if text.strip():
                kept.append(
                    Seen(
                        text, line.box, _size(line), page.number, element.source, line.score, line.bold, line.mono,
                        left, right,
                    )
                )  # fmt: skip
        found.append(kept)
    return found


def usual_pitch(lines: Iterable[Sequence[Seen]]) -> float:
    """From one line's middle to the next one's, in font sizes, as is usual in the document; 1.5 if there is none."""
    found = [
        (below.middle - above.middle) / above.size
        for group in lines
        for above, below in itertools.pairwise(group)
        if 0.8 < (below.middle - above.middle) / above.size < 3
    ]
    return median(found) if found else 1.5


def body_size(lines: Iterable[Seen]) -> float:
    """The font size of most characters, in half points; 10 without any."""
    weights: dict[float, int] = {}
    for line in lines:
        size = round(line.size * 2) / 2
        weights[size] = weights.get(size, 0) + len(line.text)
    return max(weights, key=lambda size: (weights[size], size)) if weights else 10.0


def _size(line: Line) -> float:
    return max(line.size or line.box.height * 0.8, 1.0)


def _rows(lines: Sequence[Line]) -> list[Line]:
    rows: list[Line] = []
    for line in lines:
        if rows and _beside(rows[-1], line):
            before = rows[-1]
            total = max(1, len(before.text) + len(line.text))
            rows[-1] = Line(
                f"{before.text} {line.text}", before.box.union(line.box),
                (before.score * len(before.text) + line.score * len(line.text)) / total,
                max(before.size, line.size), before.bold and line.bold, before.mono and line.mono,
            )  # fmt: skip
        else:
            rows.append(line)
    return rows


def _beside(left: Line, right: Line) -> bool:
    shared = min(left.box.y1, right.box.y1) - max(left.box.y0, right.box.y0)
    lower = min(left.box.height, right.box.height)
    return lower > 0 and shared > 0.6 * lower and right.box.x0 > left.box.x1 - 0.3 * lower


def _edges(elements: Sequence[Element], rows: Sequence[Sequence[Line]]) -> list[tuple[float, float]]:
    own = [_own_edges(lines) if lines else (box.x0, box.x1) for lines, box in zip(rows, _boxes(elements), strict=True)]
    if len(elements) > MAX_NEIGHBOURS:
        return own
    flowing = [
        number
        for number, element in enumerate(elements)
        if element.kind in ("text", "list_item", "reference") and len(rows[number]) > 1
    ]
    found = []
    for number, (left, right) in enumerate(own):
        if len(rows[number]) >= 4:
            found.append((left, right))
            continue
        size = max((_size(line) for line in rows[number]), default=10.0)
        near = [other for other in flowing if other != number and _same_column(own[other], (left, right), size)]
        weights = [len(rows[other]) for other in near]
        left_edge = _weighted_median([own[other][0] for other in near], weights, left)
        right_edge = _weighted_median([own[other][1] for other in near], weights, right)
        found.append((min(left, left_edge), max(right, right_edge)))
    return found


def _boxes(elements: Sequence[Element]) -> list[Box]:
    return [element.box for element in elements]


def _own_edges(lines: Sequence[Line]) -> tuple[float, float]:
    return min(line.box.x0 for line in lines), max(line.box.x1 for line in lines)


def _same_column(one: tuple[float, float], other: tuple[float, float], size: float) -> bool:
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > 0.5 * min(one[1] - one[0], other[1] - other[0]) and abs(one[0] - other[0]) <= 4 * size


def _weighted_median(values: Sequence[float], weights: Sequence[int], default: float) -> float:
    ordered = sorted(zip(values, weights, strict=True))
    half, passed = sum(weights) / 2, 0
    for value, weight in ordered:
        passed += weight
        if passed >= half:
            return value
    return default
