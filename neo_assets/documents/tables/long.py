"""Long tables: the model sees 488 pixels and writes 500 tokens, so they are cut between rows, read and joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.bands import strips_of
from neo_assets.documents.tables.clean import Picture
from neo_assets.documents.tables.grid import Cell, Grid, completed
from neo_assets.documents.tables.matching import text_rows
from neo_assets.documents.tables.ruling import Rules
from neo_assets.documents.tables.structure import Structure

MOST_ROWS, STRIP_ROWS = 34, 20
"""Lines of text below each other that the model reads at once, and those of one strip."""
MARGIN = 40
"""Pixels around a strip that is read once more."""


def is_long(lines: Sequence[Line]) -> bool:
    """Whether a table has more lines below each other than the model reads well."""
    return len(text_rows(lines)) > MOST_ROWS


def read_in_strips(
    picture: Picture, lines: Sequence[Line], rules: Rules, text_height: float, read: Callable[[Picture], Structure]
) -> Structure:
    """The structure of a long table, of strips joined.

    Strips of another width than most are read once more, with a white margin; one that keeps it leaves no grid.
    """
    marks = strip_marks(lines, rules, text_height, picture.shape[0])
    strips = [picture[round(top) : round(bottom)] for top, bottom in pairwise(marks)]
    parts = [read(strip) for strip in strips]
    widths = [part.grid.n_columns if part.grid else 0 for part in parts]
    usual = max(sorted(set(widths)), key=widths.count)
    parts = [
        part if width == usual else _with_margin(strip, read)
        for part, width, strip in zip(parts, widths, strips, strict=True)
    ]
    score = sum(part.score for part in parts) / len(parts)
    cut_off = any(part.cut_off for part in parts)
    known = [(top, part.grid) for top, part in zip(marks, parts, strict=False) if part.grid is not None]
    if len(known) < len(parts) or any(grid.n_columns != usual for _, grid in known):
        return Structure(None, score, cut_off)
    return Structure(stacked(known), score, cut_off)


def _with_margin(strip: Picture, read: Callable[[Picture], Structure]) -> Structure:
    found = read(np.pad(strip, ((MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), constant_values=255))
    return replace(found, grid=found.grid and stacked([(-MARGIN, found.grid)], -MARGIN))


def strip_marks(lines: Sequence[Line], rules: Rules, text_height: float, height: float) -> list[float]:
    """The heights at which to cut a table: between lines, at rules over its whole width where there are some.

    Each strip has about `STRIP_ROWS` lines of text below each other.
    """
    rows = text_rows(lines)
    spans = [(line.box.y0 + 0.1 * text_height, line.box.y1 - 0.1 * text_height) for line in lines]
    gaps = [(first + last) / 2 for first, last in strips_of(spans, 0)]
    left, right = min(line.box.x0 for line in lines), max(line.box.x1 for line in lines)
    across = [rule.at for rule in rules.horizontal if rule.end - rule.start > 0.9 * (right - left)]
    places = [at for at in across if any(abs(at - gap) < text_height for gap in gaps)]
    if len(places) < len(rows) // STRIP_ROWS + 3:
        places = gaps
    pieces = max(2, round(len(rows) / STRIP_ROWS))
    marks = [0.0]
    for piece in range(1, pieces):
        wanted = rows[len(rows) * piece // pieces][0].box.y0
        near = min(places, key=lambda at: abs(at - wanted), default=wanted)
        if near > marks[-1] + text_height:
            marks.append(near)
    return [*marks, float(height)]


def stacked(parts: Sequence[tuple[float, Grid]], left: float = 0.0) -> Grid:
    """Grids of one width below each other, each moved by its top (and all by `left`) in pixels.

    Only the first may have a head.
    """
    cells: list[Cell] = []
    n_rows, ragged = 0, 0
    for top, grid in parts:
        for cell in grid.cells:
            box = cell.box and Box(cell.box.x0 + left, cell.box.y0 + top, cell.box.x1 + left, cell.box.y1 + top)
            cells.append(replace(cell, row=cell.row + n_rows, box=box))
        n_rows, ragged = n_rows + grid.n_rows, ragged + grid.ragged
    first = parts[0][1]
    return completed(n_rows, first.n_columns, cells, first.n_head, ragged)
