"""Tables that a layout model took for something else, or did not see, and that are plainly drawn.

PicoDet takes some small tables for texts, and those whose caption it draws a box around as well for figures. Three or
more lines that begin and end at the same places are those of a table if rows of short texts stand in the same columns
between all of them. Columns of prose, listings and charts between lines are none; what is in doubt stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from neo_assets.documents.layout.overlaps import MAX_COVERED
from neo_assets.documents.layout.strokes import Pixels, Stroke, alike, ink_between_lines, strokes_of
from neo_assets.documents.layout.tabular import is_plain_table, rows_of, white_through
from neo_assets.documents.model import Box, Region

MIN_LINES = 3
"""Above and below a table's head, and below its last row."""
NEAR = 3.0
"""Points around a table's lines that belong to it; lines that are closer to each other are a double one."""
MIN_OF_FIGURE = 0.5
"""Share that a table has of the figure that it is; a lesser one is a part of it."""
MAX_ROWS_OUTSIDE = 3
"""Of a caption or a note that is in the box of a figure that is a table, above and below."""
MAX_BESIDE = 0.03
"""Share of such a figure's ink that may be beside the table, as the numbers of a chart's axis are."""


def with_drawn_tables(regions: Sequence[Region], pixels: Pixels, scale: float) -> list[Region]:
    """The regions, in pixels, with the tables that are plainly drawn.

    Where the model saw a table but was surer of something else, it is the table; nothing else is left within one.
    `scale`: pixels a point. O(pixels).
    """
    found = list(regions)
    for lines in _alike(strokes_of(pixels, 0, pixels.shape[0], scale), scale):
        if _is_settled(_frame(lines, scale), regions):
            continue
        for frame in _tables(lines, pixels, scale):
            figures = [one for one in found if one.kind == "figure" and frame.covered(one.box) > MAX_COVERED]
            if all(_is_it(figure.box, frame, pixels, scale) for figure in figures):
                found = _with_table(found, frame, figures)
    return found


def plain_tables(pixels: Pixels, scale: float) -> list[Box]:
    """The tables of a page that are plainly drawn, in pixels, from their first to their last line. O(pixels)."""
    groups = _alike(strokes_of(pixels, 0, pixels.shape[0], scale), scale)
    return [frame for lines in groups for frame in _tables(lines, pixels, scale)]


def _alike(strokes: Sequence[Stroke], scale: float) -> list[list[Stroke]]:
    """Lines that begin and end at the same places, where there are enough of them for a table.

    Not those by which a page parts its running heads, which are a little wider than its tables.
    """
    left, found = list(strokes), []
    while left:
        group = alike(left, left[0], scale, share=0.0)
        left = [one for one in left if one not in group]
        found += [group] if len(group) >= MIN_LINES else []
    return found


def _is_settled(frame: Box, regions: Sequence[Region]) -> bool:
    """Whether the model saw a table and nothing else where lines are."""
    over = [one for one in regions if one.box.overlap(frame).area]
    return any(frame.covered(one.box) > MAX_COVERED for one in over) and all(one.kind == "table" for one in over)


def _tables(lines: Sequence[Stroke], pixels: Pixels, scale: float) -> list[Box]:
    runs = [run for run in _runs(lines, pixels, scale) if len(run) >= MIN_LINES]
    return [_frame(run, scale) for run in runs if _is_plain(run, pixels, scale)]


def _runs(lines: Sequence[Stroke], pixels: Pixels, scale: float) -> list[list[Stroke]]:
    """Lines that follow each other, between any two of which wide white parts what is written."""
    runs = [[lines[0]]]
    for below in lines[1:]:
        above = runs[-1][-1]
        if below.y - above.y < NEAR * scale:
            continue
        if white_through(ink_between_lines(pixels, _zone(above, below), scale), scale):
            runs[-1].append(below)
        else:
            runs.append([below])
    return runs


def _is_plain(lines: Sequence[Stroke], pixels: Pixels, scale: float) -> bool:
    whole = _zone(lines[0], lines[-1])
    top = max(0, int(whole.y0))
    heights = [round(line.y) - top for line in lines]
    return is_plain_table(ink_between_lines(pixels, whole, scale), list(pairwise(heights)), scale)


def _zone(above: Stroke, below: Stroke) -> Box:
    return Box(min(above.x0, below.x0), above.y, max(above.x1, below.x1), below.y)


def _frame(lines: Sequence[Stroke], scale: float) -> Box:
    x0, x1, near = min(line.x0 for line in lines), max(line.x1 for line in lines), NEAR * scale
    return Box(x0 - near, lines[0].y - near, x1 + near, lines[-1].y + near)


def _is_it(figure: Box, frame: Box, pixels: Pixels, scale: float) -> bool:
    """Whether a figure is the table and no more than its caption and notes above and below."""
    if frame.overlap(figure).area < MIN_OF_FIGURE * figure.area:
        return False
    whole = ink_between_lines(pixels, figure.union(frame), scale)
    x0, y0 = (max(0, int(value)) for value in figure.union(frame)[:2])
    left, top, right, bottom = (round(value) for value in (frame.x0 - x0, frame.y0 - y0, frame.x1 - x0, frame.y1 - y0))
    beside = int(whole[top:bottom, :left].sum()) + int(whole[top:bottom, right:].sum())
    outside = (whole[:top], whole[bottom:])
    return beside <= MAX_BESIDE * int(whole.sum()) and all(
        len(rows_of(part, scale)) <= MAX_ROWS_OUTSIDE for part in outside
    )


def _with_table(regions: Sequence[Region], frame: Box, figures: Sequence[Region]) -> list[Region]:
    """The regions with the table at this place, and without what is within it."""
    tables = [one for one in regions if one.kind == "table" and _same_place(one.box, frame)]
    rivals = [
        one for one in regions
        if one.kind != "table" and (one in figures or one.box.covered(frame) > MAX_COVERED)
    ]  # fmt: skip
    kept = [one for one in regions if one not in rivals]
    if tables:
        return kept
    around = [one for one in kept if frame.covered(one.box) > MAX_COVERED]
    score = max((one.score for one in (*rivals, *around)), default=0.5)
    return [*kept, Region("table", frame, score)]


def _same_place(one: Box, other: Box) -> bool:
    return max(one.covered(other), other.covered(one)) > MAX_COVERED
