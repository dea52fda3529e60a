"""Which line of text belongs to which cell: by what they cover of each other, then by distance.

A line that reaches over the border of cells is cut there, at the blank or character nearest to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.grid import Grid

Places = np.ndarray[Any, np.dtype[np.float64]]
WIDE = (
    ("\u1100", "\u11ff"), ("\u2e80", "\u9fff"), ("\uac00", "\ud7af"), ("\uf900", "\ufaff"),
    ("\ufe30", "\ufe4f"), ("\uff00", "\uffef"), ("\U00020000", "\U0003ffff"),
)  # fmt: skip
"""Characters as wide as high, which are written without blanks between them."""
NARROW = frozenset("ijlItf.,:;'|!()[]·-")
LEAST_SHARE = 0.15
"""Of a line's width, that a second cell must cover before the line is cut."""


def matched(grid: Grid, lines: Sequence[Line]) -> list[list[Line]]:
    """The lines of each cell in reading order; each character of each line is in exactly one cell.

    O(cells x lines).
    """
    found: list[list[Line]] = [[] for _ in grid.cells]
    numbers = [number for number, cell in enumerate(grid.cells) if cell.box is not None]
    boxes = [cell.box for cell in grid.cells if cell.box is not None]
    places = np.array(boxes, np.float64).reshape(-1, 4)
    for line in lines:
        middle = (line.box.y0 + line.box.y1) / 2
        level = np.flatnonzero((places[:, 1] <= middle) & (middle <= places[:, 3])).tolist()
        for piece in cut(line, [boxes[at] for at in level]):
            found[numbers[nearest(places, piece.box)] if numbers else 0].append(piece)
    return [reading_order(cell) for cell in found]


def cell_text(lines: Sequence[Line]) -> str:
    """The lines of a cell as one text: a blank between them, but none beside Chinese."""
    text = ""
    for line in lines:
        part = " ".join(line.text.split())
        glue = "" if not text or not part or is_wide(text[-1]) or is_wide(part[0]) else " "
        text += glue + part
    return text


def is_wide(character: str) -> bool:
    """Whether a character is Chinese, Japanese, Korean or full-width."""
    return any(first <= character <= last for first, last in WIDE)


def reading_order(lines: Sequence[Line]) -> list[Line]:
    """Lines from top to bottom, those beside each other from left to right."""
    ordered: list[Line] = []
    for row in text_rows(lines):
        ordered.extend(sorted(row, key=lambda line: (line.box.x0, line.box.y0, line.text)))
    return ordered


def text_rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that stand beside each other, from top to bottom: the middle of each within the upper half of the last."""
    rows: list[list[Line]] = []
    middle = 0.0
    for line in sorted(lines, key=lambda line: (line.box.y0 + line.box.y1, line.box.x0, line.text)):
        own = (line.box.y0 + line.box.y1) / 2
        if rows and own - middle < 0.5 * min(line.box.height, rows[-1][0].box.height):
            rows[-1].append(line)
        else:
            rows.append([line])
        middle = sum((one.box.y0 + one.box.y1) / 2 for one in rows[-1]) / len(rows[-1])
    return rows


def cut(line: Line, boxes: Sequence[Box]) -> list[Line]:
    """The line in pieces, one for each box beside others that it reaches over; itself where that is at most one.

    Only boxes at the line's height count, of which it covers a good part of the width: a cell's box that is a little
    too wide cuts nothing.
    """
    middle = (line.box.y0 + line.box.y1) / 2
    beside = sorted(
        (box for box in boxes if box.y0 <= middle <= box.y1 and _reach(line.box, box)), key=lambda box: box.x0
    )
    if len(beside) < 2 or any(after.x0 < before.x1 - 0.3 * line.box.height for before, after in pairwise(beside)):
        return [line]
    ends = positions(line)
    borders = [(before.x1 + after.x0) / 2 for before, after in pairwise(beside)]
    cuts = [cut_at(line.text, ends, border, line.box.height) for border in borders]
    if any(one is None for one in cuts):
        return [line]
    marks = [0, *(one for one in cuts if one is not None), len(line.text)]
    pieces = []
    for first, last in pairwise(marks):
        text = line.text[first:last].strip()
        if text:
            left = line.box.x0 if first == 0 else ends[first - 1]
            pieces.append(replace(line, text=text, box=line.box._replace(x0=left, x1=ends[last - 1])))
    return pieces or [line]


def positions(line: Line) -> list[float]:
    """Where each character of a line ends, by the usual widths of characters."""
    widths = [1.0 if is_wide(one) else 0.3 if one in NARROW else 0.35 if one.isspace() else 0.55 for one in line.text]
    scale = line.box.width / (sum(widths) or 1.0)
    total, ends = line.box.x0, []
    for width in widths:
        total += width * scale
        ends.append(total)
    return ends


def cut_at(text: str, ends: Sequence[float], border: float, em: float) -> int | None:
    """The character at which to cut: at the blank nearest to the border, or between Chinese characters; else null."""
    near = [n for n in range(1, len(text)) if abs(ends[n - 1] - border) <= 1.5 * em]
    blanks = [n for n in near if text[n].isspace() or text[n - 1].isspace()]
    wide = [n for n in near if is_wide(text[n]) or is_wide(text[n - 1])]
    return min(blanks or wide, key=lambda n: abs(ends[n - 1] - border), default=None)


def _reach(line: Box, box: Box) -> bool:
    width = line.overlap(box).width
    return width >= max(LEAST_SHARE * line.width, 0.8 * line.height) and width >= 0.5 * min(box.width, line.width)


def nearest(places: Places, box: Box) -> int:
    """The number of the place (x0, y0, x1, y1 a row) that covers most of a box, of the smallest of those that cover as
    much; where none covers any of it, the nearest one. The first of equals. O(places).
    """
    low, high = np.maximum(places[:, :2], box[:2]), np.minimum(places[:, 2:], box[2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    if box.area and shared.any():
        most = np.flatnonzero(shared == shared.max())
        areas = np.prod(np.maximum(places[most, 2:] - places[most, :2], 0.0), axis=1)
        return int(most[np.argmin(areas)])
    apart = np.maximum(np.maximum(places[:, :2] - box[2:], np.array(box[:2]) - places[:, 2:]), 0.0).sum(axis=1)
    return int(np.argmin(apart))
