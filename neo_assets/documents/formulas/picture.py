"""Pictures of formulas brought to one contrast, glyphs to one size, in training and in use alike; and their wear."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ink = NDArray[np.uint8]
"""Rows by columns; 0 is paper, 255 the darkest ink."""

SIDE = 32
"""Pixels of a side of what the classifier of glyphs sees."""
MARGIN = 2


def ink_of(crop: NDArray[Any]) -> Ink:
    """The ink of a picture (H, W) or (H, W, 3 RGB), uint8: the paper's tone is taken off, the contrast stretched.

    White on black is turned round.
    """
    grey = crop if crop.ndim == 2 else crop[..., :3] @ np.array([0.299, 0.587, 0.114])
    grey = grey.astype(np.float32)
    if not grey.size:
        return np.zeros((1, 1), np.uint8)
    if float(np.median(grey)) < 110:
        grey = 255 - grey
    paper, dark = float(np.percentile(grey, 80)), float(np.percentile(grey, 0.5))
    if paper - dark < 30:
        return np.zeros(grey.shape, np.uint8)
    level = (paper - grey) / (paper - dark)
    return (np.clip((level - 0.06) / 0.94, 0, 1) * 255).astype(np.uint8)


def trimmed(ink: Ink) -> Ink | None:
    """The picture cut to its ink, specks left out; null where there is none."""
    import cv2

    count, _, stats, _ = cv2.connectedComponentsWithStats((ink > 90).astype(np.uint8), connectivity=8)
    kept = [stats[number] for number in range(1, count) if stats[number][cv2.CC_STAT_AREA] >= 3]
    if not kept:
        return None
    left, top = min(int(one[0]) for one in kept), min(int(one[1]) for one in kept)
    right, bottom = max(int(one[0] + one[2]) for one in kept), max(int(one[1] + one[3]) for one in kept)
    return ink[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1]


def letter_height(ink: Ink) -> float:
    """The median height of what hangs together and is no stroke, dot or speck, in pixels; 0 without such."""
    import cv2

    count, _, stats, _ = cv2.connectedComponentsWithStats((ink > 110).astype(np.uint8), connectivity=8)
    heights = sorted(
        int(one[3])
        for one in stats[1:count]
        if one[3] >= 4 and one[4] >= 9 and one[2] < 5 * one[3] and one[3] < 6 * one[2]
    )  # fmt: skip
    return float(heights[len(heights) // 2]) if heights else 0.0


def square(ink: Ink) -> Ink:
    """A glyph cut to its ink, in the middle of a square of `SIDE`, as large as fits: its proportions are kept."""
    import cv2

    height, width = ink.shape
    factor = (SIDE - 2 * MARGIN) / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    small = cv2.resize(ink, size, interpolation=method)
    left, top = (SIDE - size[0]) // 2, (SIDE - size[1]) // 2
    found = np.zeros((SIDE, SIDE), np.uint8)
    found[top : top + size[1], left : left + size[0]] = small
    return found


def worn(ink: Ink, rng: Random) -> Ink:
    """The picture as a page shows it: another resolution, blur, noise, thin or thick strokes, JPEG. Seeded by `rng`."""
    import cv2

    scan = rng.random() < 0.45
    factor = rng.uniform(8, 19) / max(6.0, letter_height(ink))
    shape = max(4, round(ink.shape[1] * factor * rng.uniform(0.94, 1.06))), max(4, round(len(ink) * factor))
    page: NDArray[Any] = 255 - np.pad(ink, rng.randrange(2, 6))
    if scan and rng.random() < 0.7:
        angle = rng.gauss(0, 0.4)
        middle = page.shape[1] / 2, page.shape[0] / 2
        turn = cv2.getRotationMatrix2D(middle, angle, 1.0)
        page = cv2.warpAffine(page, turn, (page.shape[1], page.shape[0]), flags=cv2.INTER_LINEAR, borderValue=(255,))
    page = cv2.resize(page, shape, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR)
    if rng.random() < (0.7 if scan else 0.2):
        page = cv2.GaussianBlur(page, (0, 0), rng.uniform(0.3, 0.9))
    if scan or rng.random() < 0.2:
        noise = np.random.default_rng(rng.getrandbits(32)).normal(0, rng.uniform(1, 12), page.shape)
        page = np.clip(page.astype(np.float32) + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        gamma = rng.uniform(0.6, 1.6)
        page = (255 * (page / 255.0) ** gamma).astype(np.uint8)
    if scan and rng.random() < 0.6:
        _, packed = cv2.imencode(".jpg", page, [cv2.IMWRITE_JPEG_QUALITY, rng.randrange(45, 95)])
        page = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE)
    return np.asarray(page, dtype=np.uint8)
