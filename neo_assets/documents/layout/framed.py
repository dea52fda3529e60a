"""Tables by the lines drawn in them, where a layout model saw only a part of one, or took it for a figure.

PicoDet often leaves the head of a table out if it has a cell over several columns, and calls that cell a caption; and
it takes small tables of scans for figures. Lines that begin and end at the same places belong to one table if what
stands between them stands in columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from neo_assets.documents.layout.strokes import Pixels, Stroke, alike, ink_between_lines, strokes_of
from neo_assets.documents.layout.tabular import is_tabular, white_through
from neo_assets.documents.model import Box, Region

REACH = 45.0
"""Points above and below a table in which its lines are looked for: a head of three rows."""
NEAR = 3.0
"""Points by which a line may lie outside of what it belongs to."""
MIN_OF_WIDTH = 0.8
"""Share that a table's line has of the width of its region, and the region of it."""
MIN_LINES = 3
"""Of a table that was taken for a figure: above and below its head, and below its last row."""
MAX_REST = 0.03
"""Share of a figure's ink that is outside of the lines of a table that it is."""
MAX_COVERED = 0.6
CAPTIONS = frozenset({"figure_caption", "table_caption"})
WRITTEN = frozenset({"text", "title", "reference", "figure_caption", "table_caption", "header", "equation"})
PICTURES = frozenset({"figure", "table"})


def with_whole_tables(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, with tables as large as their lines and figures that are tables called tables.

    Texts within a table's lines are no regions of their own. `scale`: pixels a point. O(pixels of tables and figures).
    """
    found = [_called_table(one, pixels, scale) if one.kind == "figure" else one for one in regions]
    inside: list[Box] = []
    for place, one in enumerate(found):
        if one.kind == "table":
            others = [other.box for other in found if other.kind in PICTURES and not _same_place(one.box, other.box)]
            lines = _lines(one.box, others, pixels, scale)
            if lines:
                whole = _without_notes(_around(one.box, lines), lines, pixels, scale)
                found[place] = Region(one.kind, whole, one.score)
                inside += [zone for zone in _zones(lines) if _stands_in_columns(zone, pixels, scale)]
    return [
        Region(one.kind, _outside(one.box, inside), one.score) if one.kind in CAPTIONS else one
        for one in found if one.kind not in WRITTEN or not _is_within(one.box, inside)
    ]  # fmt: skip


def _outside(caption: Box, zones: Sequence[Box]) -> Box:
    """What of a caption is above or below the lines of a table into which it reaches."""
    for zone in zones:
        if zone.overlap(caption).area and not zone.y0 <= caption.y0 <= caption.y1 <= zone.y1:
            above = caption.y0 + caption.y1 < zone.y0 + zone.y1
            caption = caption._replace(y1=zone.y0) if above else caption._replace(y0=zone.y1)
    return caption


def _without_notes(box: Box, lines: Sequence[Stroke], pixels: Pixels, scale: float) -> Box:
    """A table without a caption or a note above its first or below its last line: what does not stand in columns."""
    if len(lines) < MIN_LINES:
        return box
    above, below = box._replace(y1=lines[0].y), box._replace(y0=lines[-1].y)
    top = lines[0].y if _is_note(above, pixels, scale) else box.y0
    return box._replace(y0=top, y1=lines[-1].y if _is_note(below, pixels, scale) else box.y1)


def _is_note(zone: Box, pixels: Pixels, scale: float) -> bool:
    return zone.height >= NEAR * scale and not _stands_in_columns(zone, pixels, scale)


def _same_place(one: Box, other: Box) -> bool:
    return max(one.covered(other), other.covered(one)) > MAX_COVERED


def _is_within(box: Box, zones: Sequence[Box]) -> bool:
    return sum(box.covered(zone) for zone in zones) > MAX_COVERED


def _around(box: Box, lines: Sequence[Stroke]) -> Box:
    x0, x1 = min(line.x0 for line in lines), max(line.x1 for line in lines)
    return Box(min(box.x0, x0), min(box.y0, lines[0].y), max(box.x1, x1), max(box.y1, lines[-1].y))


def _zones(lines: Sequence[Stroke]) -> Iterator[Box]:
    """What is between lines, one below the other."""
    for above, below in pairwise(lines):
        yield Box(min(above.x0, below.x0), above.y, max(above.x1, below.x1), below.y)


def _lines(box: Box, others: Sequence[Box], pixels: Pixels, scale: float) -> list[Stroke]:
    """The lines over the whole width of a table, those beyond its box included; none if there are none in the box."""
    near = NEAR * scale
    strokes = strokes_of(pixels, box.y0 - REACH * scale, box.y1 + REACH * scale, scale)
    own = [one for one in strokes if box.y0 - near <= one.y <= box.y1 + near and _as_wide(one, box)]
    if not own:
        return []
    groups = [alike(own, one, scale) for one in own]
    lines = max(groups, key=len)
    rest = [one for one in alike(strokes, lines[0], scale) if one not in lines]
    for line in sorted((one for one in rest if one.y < lines[0].y), reverse=True):
        if not _goes_on(line, lines[0], others, pixels, scale):
            break
        lines.insert(0, line)
    for line in sorted(one for one in rest if one.y > lines[-1].y):
        if not _goes_on(lines[-1], line, others, pixels, scale):
            break
        lines.append(line)
    return lines


def _as_wide(line: Stroke, box: Box) -> bool:
    common = min(line.x1, box.x1) - max(line.x0, box.x0)
    return common >= MIN_OF_WIDTH * box.width and common >= MIN_OF_WIDTH * (line.x1 - line.x0)


def _goes_on(above: Stroke, below: Stroke, others: Sequence[Box], pixels: Pixels, scale: float) -> bool:
    """Whether what is between two lines is of one table: it stands in columns, and no other table is there."""
    (zone,) = _zones([above, below])
    if any(zone.overlap(other).area for other in others):
        return False
    return _stands_in_columns(zone, pixels, scale)


def _stands_in_columns(zone: Box, pixels: Pixels, scale: float) -> bool:
    """Whether wide white parts what stands between two lines from top to bottom."""
    return bool(white_through(ink_between_lines(pixels, zone, scale), scale))


def _called_table(figure: Region, pixels: Pixels, scale: float) -> Region:
    """The figure, or the table that it is."""
    near = NEAR * scale
    strokes = [
        one for one in strokes_of(pixels, figure.box.y0 - near, figure.box.y1 + near, scale)
        if one.x0 >= figure.box.x0 - near and one.x1 <= figure.box.x1 + near
    ]  # fmt: skip
    lines = max((alike(strokes, one, scale) for one in strokes), key=len, default=[])
    if len(lines) < MIN_LINES:
        return figure
    x0, x1 = min(line.x0 for line in lines), max(line.x1 for line in lines)
    frame = Box(x0, lines[0].y, x1, lines[-1].y)
    written = ink_between_lines(pixels, frame, scale)
    whole = int(ink_between_lines(pixels, figure.box.union(frame), scale).sum())
    if whole - int(written.sum()) > MAX_REST * whole or not is_tabular(written, scale):
        return figure
    return Region("table", Box(x0 - near, frame.y0 - near, x1 + near, frame.y1 + near), figure.score)
