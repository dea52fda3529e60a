"""From the coordinates of a file (upwards, unrotated) to those of the page as it is seen (down from the upper left)."""

from __future__ import annotations

from dataclasses import dataclass

from neo_assets.documents.model import Box


@dataclass(frozen=True)
class Frame:
    """The visible part of a page in the file's coordinates, and the quarter turns clockwise by which it is shown."""

    bounds: tuple[float, float, float, float]
    """Left, bottom, right, top."""
    turns: int = 0

    @property
    def size(self) -> tuple[float, float]:
        """Width and height as it is seen."""
        left, bottom, right, top = self.bounds
        width, height = right - left, top - bottom
        return (height, width) if self.turns % 2 else (width, height)

    def seen(self, left: float, top: float, right: float, bottom: float) -> Box:
        """A rectangle of the file as a box of the page."""
        x0, y0, x1, y1 = self.bounds
        match self.turns % 4:
            case 0:
                return Box(left - x0, y1 - top, right - x0, y1 - bottom)
            case 1:
                return Box(bottom - y0, left - x0, top - y0, right - x0)
            case 2:
                return Box(x1 - right, bottom - y0, x1 - left, top - y0)
            case _:
                return Box(y1 - top, x1 - right, y1 - bottom, x1 - left)

    def clipped(self, box: Box) -> Box:
        """The part of a box that is on the page."""
        width, height = self.size
        return box.overlap(Box(0.0, 0.0, width, height))
