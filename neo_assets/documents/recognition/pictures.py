"""Pictures of pages and parts of them: decoded, cut out, encoded. Colours are blue, green, red inside."""

from __future__ import annotations

import numpy as np

from neo_assets.documents.model import Box, Page
from neo_assets.documents.recognition.engine import Image
from neo_assets.documents.recognition.ink import cut

POINTS = 72.0
COMPRESSION = 4


class PictureError(ValueError):
    """A page has no picture that can be decoded."""

    rule = "recognition"


def picture_of(page: Page) -> Image:
    """The page as it was rendered.

    Raises:
        PictureError: its bytes are no picture.
    """
    import cv2

    data = np.frombuffer(page.image, np.uint8)
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise PictureError(f"the picture of page {page.number} cannot be decoded; build the asset of pages again")
    return np.asarray(image, np.uint8)


def png(image: Image) -> bytes:
    """A picture as PNG, grey where it has no colours: the same bytes for the same pixels."""
    import cv2

    grey = bool((image == image[:, :, :1]).all())
    done, data = cv2.imencode(".png", image[:, :, 0] if grey else image, [cv2.IMWRITE_PNG_COMPRESSION, COMPRESSION])
    if not done:
        raise PictureError("a part of a page cannot be written as PNG: is it empty?")
    return data.tobytes()


def part_of(image: Image, box: Box, scale: float, margin: float = 1.0) -> tuple[Image, Box]:
    """A box of a page cut out with a margin in points, and the box in points that it has then.

    Args:
        scale: pixels a point.
    """
    height, width = image.shape[:2]
    wide = Box(
        max(0.0, box.x0 - margin), max(0.0, box.y0 - margin),
        min(width / scale, box.x1 + margin), min(height / scale, box.y1 + margin),
    )  # fmt: skip
    left, top = int(wide.x0 * scale), int(wide.y0 * scale)
    crop = cut(image, wide.scaled(scale))
    return crop, Box(left, top, left + crop.shape[1], top + crop.shape[0]).scaled(1 / scale)


def red_green_blue(image: Image) -> Image:
    """A picture as readers of tables and formulas take it."""
    return np.ascontiguousarray(image[:, :, ::-1])
