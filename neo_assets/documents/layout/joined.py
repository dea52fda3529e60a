"""Tables that a layout model cut in two at a line drawn in them, such as the one below their head.

PicoDet takes a head of two rows, one of which has a cell over several columns, for a table of its own, most of all in
scans. Two tables that stand one below the other each end with a line; where there is one line only, it is within one.
"""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.layout.strokes import Pixels, alike, strokes_of
from neo_assets.documents.model import Box, Region

MAX_GAP = 6.0
"""Points between the two parts, or in common to them."""
NEAR = 3.0
"""Points by which a line may lie outside of what it belongs to."""
MIN_COMMON = 0.9
"""Share of the width of both together that the parts have in common."""
MIN_LINES = 3
"""Of a table that was cut: above its first row, where it was cut, and below its last row."""


def with_cut_tables_joined(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, with the parts of such tables as one; tables last. `scale`: pixels a point.

    O(tables² + pixels of those that touch).
    """
    joined: list[Region] = []
    tables = [one for one in regions if one.kind == "table"]
    for lower in sorted(tables, key=lambda one: (one.box.y0, one.box.x0)):
        upper = next((one for one in joined if _is_one(one.box, lower.box, pixels, scale)), None)
        if upper is None:
            joined.append(lower)
        else:
            whole = Region("table", upper.box.union(lower.box), max(upper.score, lower.score))
            joined[joined.index(upper)] = whole
    return [one for one in regions if one.kind != "table"] + joined


def _is_one(upper: Box, lower: Box, pixels: Pixels, scale: float) -> bool:
    """Whether one line parts two tables, with lines alike above and below them."""
    both = upper.union(lower)
    common = min(upper.x1, lower.x1) - max(upper.x0, lower.x0)
    if abs(lower.y0 - upper.y1) > MAX_GAP * scale or common < MIN_COMMON * both.width:
        return False
    near = NEAR * scale
    strokes = strokes_of(pixels, both.y0 - near, both.y1 + near, scale)
    border = min(upper.y1, lower.y0) - near, max(upper.y1, lower.y0) + near
    between = [one for one in strokes if border[0] <= one.y <= border[1] and one.x1 > both.x0 and one.x0 < both.x1]
    if len(between) != 1:
        return False
    lines = alike(strokes, between[0], scale)
    return len(lines) >= MIN_LINES and lines[0].y < border[0] and border[1] < lines[-1].y
