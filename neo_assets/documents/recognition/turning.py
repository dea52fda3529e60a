"""How a scanned page lies: its skew from the lines that were found, and turns by quarters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neo_assets.documents.model import Box, Region
from neo_assets.documents.recognition.engine import Image, Quads

MIN_ASPECT = 4.0
"""Length over height of a line that says something about the skew."""
MAX_SKEW = 8.0
MIN_SKEW = 0.1
"""Degrees; below it a page is left as it is: over a line of 450 points 0.1 degrees are 0.8 points."""
UPENDED_SHARE = 0.6
"""Of all lines' length, that runs up or down on a page that lies on its side."""


def skew_of(quads: Quads) -> float:
    """Degrees by which lines fall to the right (in pictures y grows downwards); 0 where nothing says so.

    The median over lines, weighted by their length; a line's angle is that of its upper and lower edge.
    """
    if not len(quads):
        return 0.0
    edges = np.concatenate([quads[:, 1] - quads[:, 0], quads[:, 2] - quads[:, 3]])
    heights = np.tile(np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1), 2)
    lengths = np.linalg.norm(edges, axis=1)
    angles = np.degrees(np.arctan2(edges[:, 1], edges[:, 0]))
    sure = (lengths > MIN_ASPECT * np.maximum(heights, 1)) & (np.abs(angles) <= MAX_SKEW)
    if sure.sum() < 2:
        return 0.0
    order = np.argsort(angles[sure], kind="stable")
    weights = lengths[sure][order].cumsum()
    return float(angles[sure][order][np.searchsorted(weights, weights[-1] / 2)])


def is_sideways(quads: Quads) -> bool:
    """Whether most lines run up or down the page."""
    widths = np.ptp(quads[:, :, 0], axis=1)
    heights = np.ptp(quads[:, :, 1], axis=1)
    lengths = np.maximum(widths, heights)
    long = lengths > 2 * np.minimum(widths, heights)
    return bool(long.any() and lengths[long & (heights > widths)].sum() > UPENDED_SHARE * lengths[long].sum())


def straightened(image: Image, quads: Quads, degrees: float) -> tuple[Image, Quads]:
    """Picture and lines turned back by a skew, about the middle; the picture keeps its size, corners become white."""
    import cv2

    height, width = image.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    turned = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(255,) * 3
    )
    moved = quads.reshape(-1, 2) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(turned, np.uint8), moved.reshape(-1, 4, 2)


def straightened_region(region: Region, width: float, height: float, degrees: float) -> Region:
    """A region of a skewed page on the straightened one: its middle turned back, and without what the skew added.

    A rectangle of w x h that is skewed by t is found as w cos t + h sin t by h cos t + w sin t.
    """
    angle = np.radians(degrees)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    box = region.box
    dx, dy = (box.x0 + box.x1 - width) / 2, (box.y0 + box.y1 - height) / 2
    x, y = width / 2 + dx * cos + dy * sin, height / 2 - dx * sin + dy * cos
    wide, high = box.width - abs(sin) * box.height, box.height - abs(sin) * box.width
    wide, high = max(wide, 0.5 * box.width) / 2, max(high, 0.5 * box.height) / 2
    return replace(region, box=Box(x - wide, y - high, x + wide, y + high))


def turned(image: Image, quarters: int) -> Image:
    """A picture turned counter-clockwise by so many quarters."""
    return np.ascontiguousarray(np.rot90(image, quarters))
