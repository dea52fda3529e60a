"""Tables that lie askew or on their side, and how to turn pictures together with the lines of text in them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.clean import Picture

MOST_DEGREES, STEP_DEGREES = 1.5, 0.1
LEAST_DEGREES = 0.15
"""A smaller skew moves nothing by as much as a line of text."""
WORK_WIDTH = 900


def skew_degrees(picture: Picture) -> float:
    """By how much the picture has to be turned counterclockwise so that its lines of text are level.

    The angle at which rows of pixels differ most. O(angles x pixels of a small copy).
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    factor = min(1.0, WORK_WIDTH / grey.shape[1])
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA).astype(np.float32)
    dark = np.clip(0.8 * np.percentile(small, 90) - small, 0, None)
    height, width = dark.shape
    best, found = -1.0, 0.0
    steps = round(MOST_DEGREES / STEP_DEGREES)
    for step in sorted(range(-steps, steps + 1), key=abs):
        slope = math.tan(math.radians(step * STEP_DEGREES))
        shear = np.array([[1, 0, 0], [-slope, 1, slope * width / 2]], np.float32)
        sums = cv2.warpAffine(dark, shear, (width, height)).sum(axis=1)
        sharp = float(np.square(np.diff(sums)).sum())
        if sharp > best * (1 + 1e-4):
            best, found = sharp, step * STEP_DEGREES
    return round(found, 2)


def turned(picture: Picture, lines: Sequence[Line], degrees: float) -> tuple[Picture, list[Line]]:
    """Picture and lines turned counterclockwise about the middle by a few degrees; the size of the picture stays."""
    import cv2

    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    level = cv2.warpAffine(picture, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(level, np.uint8), [replace(line, box=_moved(line.box, matrix, degrees)) for line in lines]


def lies_on_its_side(lines: Sequence[Line]) -> bool:
    """Whether most of the text runs upwards or downwards: boxes of words that are higher than wide."""
    words = [(len(line.text.strip()), line.box) for line in lines if len(line.text.strip()) >= 3]
    upright = sum(count for count, box in words if box.width >= box.height)
    return sum(count for count, _ in words) > 2 * upright


def quarter_turned(picture: Picture, lines: Sequence[Line], turns: int) -> tuple[Picture, list[Line]]:
    """Picture and lines turned counterclockwise by quarters."""
    height, width = picture.shape[:2]
    moved = list(lines)
    for _ in range(turns % 4):
        moved = [replace(line, box=_quarter(line.box, width)) for line in moved]
        height, width = width, height
    return np.ascontiguousarray(np.rot90(picture, turns)), moved


def _quarter(box: Box, width: float) -> Box:
    return Box(box.y0, width - box.x1, box.y1, width - box.x0)


def _moved(box: Box, matrix: np.ndarray, degrees: float) -> Box:
    """The box about the moved middle, without the height that the skew had added."""
    x, y = matrix @ np.array([(box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2, 1.0])
    added = min(abs(math.sin(math.radians(degrees))) * box.width, 0.5 * box.height)
    half = (box.height - added) / 2
    return Box(float(x) - box.width / 2, float(y) - half, float(x) + box.width / 2, float(y) + half)
