"""Single lines of text that a layout model takes for tables, such as their captions."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.layout.strokes import Pixels, ink_between_lines, strokes_of
from neo_assets.documents.layout.tabular import rows_of
from neo_assets.documents.model import Region

MAX_HEIGHT = 30.0
"""Points: a higher table has more than one line, whatever its picture is like."""
NEAR = 3.0
"""Points around a table in which a line may be drawn that is its own."""


def with_single_lines_as_text(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, with tables of one line of text called texts if no line is drawn at them.

    `scale`: pixels a point. O(pixels of such tables).
    """
    return [Region("text", one.box, one.score) if _is_line(one, pixels, scale) else one for one in regions]


def _is_line(region: Region, pixels: Pixels, scale: float) -> bool:
    box, near = region.box, NEAR * scale
    if region.kind != "table" or box.height > MAX_HEIGHT * scale:
        return False
    if len(rows_of(ink_between_lines(pixels, box, scale), scale)) != 1:
        return False
    strokes = strokes_of(pixels, box.y0 - near, box.y1 + near, scale)
    return all(min(one.x1, box.x1) <= max(one.x0, box.x0) for one in strokes)
