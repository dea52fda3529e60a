"""Lines that a detector drew through several regions or cells, cut between them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from neo_assets.documents.model import Box, Region
from neo_assets.documents.recognition.assignment import assigned
from neo_assets.documents.recognition.ink import Mask, gaps

MIN_PART = 0.1
"""Of a line's width, that a region must have to have a part of it."""
MIN_SHARED = 0.5
"""Of a line's height, that a region must cover."""
BORDER_GAP, CELL_GAP = 0.35, 0.7
"""Width of the white where a line is cut, in heights of its box: at a border of regions, and between cells."""
REACH = 2.0
"""How far from a region's border the white may be, in heights of the line's box."""


def cut_lines(ink: Mask, boxes: Sequence[Box], regions: Sequence[Region]) -> list[Box]:
    """The boxes of lines, cut where they straddle regions side by side and where cells of a table end.

    Only white is cut through: a heading over two columns stays whole.
    """
    found = []
    owners = assigned(boxes, regions)
    for box, owner in zip(boxes, owners, strict=True):
        if box.height > box.width:
            found.append(box)
        elif owner >= 0 and regions[owner].kind == "table":
            found += _cut(box, gaps(ink, box, CELL_GAP * box.height))
        else:
            found += _cut(box, _strips(ink, box, regions))
    return found


def _strips(ink: Mask, box: Box, regions: Sequence[Region]) -> list[tuple[float, float]]:
    """The widest strip of white near each border between two regions that the line runs through."""
    inside = sorted((region.box for region in regions if _has_part(region.box, box)), key=lambda one: one.x0)
    chosen = []
    for left, right in pairwise(inside):
        if right.x0 < left.x1 - 0.5 * box.height:
            continue
        low, high = sorted((left.x1, right.x0))
        near = [
            strip
            for strip in gaps(ink, box, BORDER_GAP * box.height)
            if strip[1] >= low - REACH * box.height and strip[0] <= high + REACH * box.height
        ]
        if near:
            chosen.append(max(near, key=lambda strip: (strip[1] - strip[0], -strip[0])))
    return sorted(set(chosen))


def _has_part(region: Box, line: Box) -> bool:
    shared = region.overlap(line)
    return shared.width >= MIN_PART * line.width and shared.height >= MIN_SHARED * line.height


def _cut(box: Box, strips: Sequence[tuple[float, float]]) -> list[Box]:
    """The box without the strips, but with a little white at the ends, which recognition wants."""
    edges, margin = [box.x0], 0.15 * box.height
    for start, end in strips:
        middle = (start + end) / 2
        edges += [min(start + margin, middle), max(end - margin, middle)]
    edges.append(box.x1)
    return [Box(a, box.y0, b, box.y1) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
