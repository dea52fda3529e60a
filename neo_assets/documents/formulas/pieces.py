"""Pieces of ink that hang together in a picture of a formula: bars, signs of roots, and others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.picture import Ink

DARK = 100
"""Ink from which on a pixel belongs to a glyph."""
MOST_PIECES = 600
"""A picture with more is no formula."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Ink that hangs together, or the pieces of one glyph: a box in pixels and the ink within, nothing else."""

    x0: int
    y0: int
    x1: int
    y1: int
    ink: Ink

    @property
    def width(self) -> int:
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        return self.y1 - self.y0


def pieces(ink: Ink) -> list[Piece]:
    """What hangs together, from left to right; specks are left out."""
    import cv2

    count, marks, stats, _ = cv2.connectedComponentsWithStats((ink > DARK).astype(np.uint8), connectivity=8)
    if count <= 1:
        return []
    heights = sorted(int(one[3]) for one in stats[1:count] if one[4] >= 6)
    letter = heights[len(heights) // 2] if heights else 8
    least = max(3, int(0.006 * letter * letter))
    found = []
    for number in range(1, count):
        x, y, w, h, area = (int(one) for one in stats[number])
        lost = (y == 0 or y + h == len(ink)) and h < 0.4 * letter
        dot = letter < 14 and area >= 2 and int(ink[y : y + h, x : x + w].max()) > 140
        if (area >= least or dot) and not lost:
            part = np.where(marks[y : y + h, x : x + w] == number, ink[y : y + h, x : x + w], 0)
            found.append(Piece(x, y, x + w, y + h, part.astype(np.uint8)))
    return sorted(found, key=lambda one: (one.x0, one.y0))


def union(some: Sequence[Piece]) -> Piece:
    """The pieces as one."""
    x0, y0 = min(one.x0 for one in some), min(one.y0 for one in some)
    x1, y1 = max(one.x1 for one in some), max(one.y1 for one in some)
    ink = np.zeros((y1 - y0, x1 - x0), np.uint8)
    for one in some:
        part = ink[one.y0 - y0 : one.y1 - y0, one.x0 - x0 : one.x1 - x0]
        np.maximum(part, one.ink, out=part)
    return Piece(x0, y0, x1, y1, ink)


def bar_of_root(piece: Piece, others: Sequence[Piece]) -> float | None:
    """Where the bar of a root's sign begins, if the piece is one: a thin top at the right, something under it."""
    height, width = piece.ink.shape
    if height < 10 or (width < 0.8 * height and width < 14):
        return None
    dark = piece.ink > DARK
    lowest = height - 1 - dark[::-1].argmax(axis=0)
    thin = max(3, round(0.16 * height))
    under = dark.any(axis=0) & (lowest < thin)
    start = width
    while start > 0 and under[start - 1]:
        start -= 1
    if width - start < 0.3 * width or width - start < 6 or start < 2 or start > 2.2 * height:
        return None
    if dark[: max(2, height // 4), : max(1, start // 3)].any() or not dark[-max(2, height // 8) :, :start].any():
        return None
    left = piece.x0 + start
    inside = any(
        one is not piece and left - 2 <= (one.x0 + one.x1) / 2 <= piece.x1 + 2
        and piece.y0 < (one.y0 + one.y1) / 2 < piece.y1 + 2
        for one in others
    )  # fmt: skip
    return float(left) if inside else None


def solid(piece: Piece) -> bool:
    """Whether it is a bar: wide, of one thickness, straight (perhaps a little turned)."""
    if piece.width <= 2.6 * piece.height:
        return False
    dark = piece.ink > DARK
    thick = dark.sum(axis=0)
    usual = float(np.median(thick))
    if piece.width <= 2.6 * max(1.0, usual) or piece.height > max(1.9 * usual + 1, usual + 0.03 * piece.width):
        return False
    trim = max(1, piece.width // 12)
    inner = thick[trim:-trim] if piece.width > 8 else thick
    return bool(inner.min() >= 0.5 * usual and inner.max() <= 1.6 * usual + 1)


def certainty(row: NDArray[np.float32], names: Sequence[str]) -> float:
    """Logarithm of the probability of the likeliest shape: capitals count as small letters they look like."""
    best = _shape(names[int(row.argmax())])
    top = np.argsort(-row)[:8]
    return float(np.logaddexp.reduce([row[one] for one in top if _shape(names[int(one)]) == best]))


def _shape(name: str) -> str:
    if name in _TWINS:
        return _TWINS[name]
    last = name.rpartition(" ")[2]
    return last.lower() if len(last) == 1 and last in "cCoOsSvVwWxXzZuUpPkK" else last


_TWINS = {"\\Sigma": "\\sum", "\\Pi": "\\prod", "rm l": "1", "rm I": "1", "|": "1", "\\prime": "/", ",": "/", "0": "o",
          "O": "o", "\\cdot": ".", "\\nu": "v", "\\omega": "w", "\\vee": "v", "\\chi": "x"}  # fmt: skip
