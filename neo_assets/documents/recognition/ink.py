"""What is dark in a picture: where a line's ink begins and ends, gaps in it, and whether a box holds any."""

from __future__ import annotations

import numpy as np

from neo_assets.documents.model import Box
from neo_assets.documents.recognition.engine import Image

WINDOW, DARKER = 51, 18
"""Ink is darker by so much than its surroundings of so many pixels: holds on uneven paper."""
SPECK = 3
"""Ink pixels among the 9 around one that make it more than noise."""
MIN_INK = 0.004
"""Share of a box's pixels that is ink where something is written. Simulated noisy paper (deviation 9 of 255) stays
below a quarter of it; chosen by that, not tuned on real scans."""
DENSE, MIN_CORE = 0.45, 0.2
"""Share of the densest rows' ink that makes a row one of small letters; share of a box's rows that these must be."""
ABOVE, BELOW = 0.65, 0.6
"""How far ascenders and descenders reach beyond small letters at most, in their height."""
Counts = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Mask = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]


def ink_of(image: Image) -> Mask:
    """The ink of a picture: height x width."""
    import cv2

    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    around = cv2.boxFilter(grey, cv2.CV_16S, (WINDOW, WINDOW), borderType=cv2.BORDER_REPLICATE)
    dark = (around - grey.astype(np.int16) > DARKER).astype(np.uint8)
    crowded = cv2.boxFilter(dark, cv2.CV_8U, (3, 3), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray((dark > 0) & (crowded >= SPECK))


def pixels(box: Box, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A box in pixels as whole numbers within a picture: left, top, right, bottom; at least one pixel."""
    height, width = shape[:2]
    x0, y0 = min(max(int(box.x0), 0), width - 1), min(max(int(box.y0), 0), height - 1)
    x1, y1 = min(int(np.ceil(box.x1)), width), min(int(np.ceil(box.y1)), height)
    return x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)


def cut(image: Image, box: Box) -> Image:
    """The part of a picture in a box of pixels."""
    x0, y0, x1, y1 = pixels(box, image.shape)
    return np.ascontiguousarray(image[y0:y1, x0:x1])


def share_of_ink(ink: Mask, box: Box) -> float:
    """Of a box's pixels."""
    x0, y0, x1, y1 = pixels(box, ink.shape)
    return float(ink[y0:y1, x0:x1].mean())


def tightened(ink: Mask, box: Box) -> Box:
    """The box around the ink of the line in a box of pixels; the box itself where there is none.

    What reaches into the box from the lines above and below is left out.
    """
    x0, y0, x1, y1 = pixels(box, ink.shape)
    first, last = (0, y1 - y0) if y1 - y0 > x1 - x0 else _own_rows(ink[y0:y1, x0:x1].sum(axis=1))
    y0, y1 = y0 + first, y0 + last
    part = ink[y0:y1, x0:x1]
    columns, rows = np.flatnonzero(part.any(axis=0)), np.flatnonzero(part.sum(axis=1) > 1)
    if not len(columns) or not len(rows):
        return box
    return Box(x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1)


def _own_rows(counts: Counts) -> tuple[int, int]:
    """First row and end of a line of text, given the ink of each row of its box.

    The dense rows between base line and upper edge of small letters (of all of a Chinese character) say how far
    ascenders and descenders can reach. Complexity: rows.
    """
    n = len(counts)
    dense = counts >= DENSE * np.sort(counts)[-max(1, n // 4) :].mean()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], dense.view(np.int8), [0]])))
    runs = [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    first, last = max(runs, key=lambda run: (int(counts[run[0] : run[1]].sum()), -run[0]), default=(0, n))
    height = last - first
    if height < MIN_CORE * n:
        return 0, n
    return max(0, first - round(ABOVE * height)), min(n, last + round(BELOW * height))


def gaps(ink: Mask, box: Box, widest: float) -> list[tuple[float, float]]:
    """Strips without ink inside a box that are at least so many pixels wide: start and end, from left to right."""
    x0, y0, x1, y1 = pixels(box, ink.shape)
    lower = max(1, (y1 - y0) // 6)
    inked = ink[y0 + lower // 2 : y1 - lower // 2, x0:x1].any(axis=0)
    edges = np.flatnonzero(np.diff(inked.view(np.int8), prepend=1, append=1))
    strips = [(x0 + int(a), x0 + int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(a, b) for a, b in strips if b - a >= widest and a > x0 and b < x1]
