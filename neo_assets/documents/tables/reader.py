"""Tables read: a picture and the lines of text in it to HTML.

The structure is the drawn frames', where they part all of the text; else SLANet-plus's, its rows and columns put where
the text stands and its spans corrected by rules; else a plain grid by where lines stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np

from neo_assets.documents.model import Line
from neo_assets.documents.tables.bands import fitted
from neo_assets.documents.tables.clean import Picture, cleaned
from neo_assets.documents.tables.clusters import clustered_grid
from neo_assets.documents.tables.column_count import with_columns_of_text
from neo_assets.documents.tables.doubled import without_doubled
from neo_assets.documents.tables.gaps import cut_at_gaps
from neo_assets.documents.tables.grid import Grid
from neo_assets.documents.tables.heads import with_head
from neo_assets.documents.tables.long import is_long, read_in_strips
from neo_assets.documents.tables.matching import cell_text, matched, text_rows
from neo_assets.documents.tables.row_count import with_rows_of_text
from neo_assets.documents.tables.ruling import Rules, drawn_rules, framed_grid
from neo_assets.documents.tables.spans import corrected, without_empty
from neo_assets.documents.tables.straight import (
    LEAST_DEGREES,
    lies_on_its_side,
    quarter_turned,
    skew_degrees,
    turned,
)
from neo_assets.documents.tables.structure import Structure, structure_of
from neo_assets.recipe.documents import TableSettings

Recognise = Callable[[Picture], Sequence[Line]]
"""Reads the lines of a picture; their boxes in its pixels."""
FRAMED_SCORE = 0.99
PLAIN_SCORE = 0.5
"""How sure a structure by frames alone, or by the place of lines alone, is."""
MOST_CONFLICTS = 0.1
"""Of the lines, with which a grid may be in conflict before the plain grid is preferred."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table as HTML (only table, thead, tbody, tr and td with spans), and how sure its structure is, 0 to 1."""

    html: str
    score: float


@dataclass(frozen=True, slots=True)
class _Reading:
    grid: Grid
    held: list[list[Line]]
    score: float
    conflicts: float
    """Share of the lines."""


@dataclass(frozen=True)
class TableReader:
    """Reads tables. The model is loaded once a process, at the first one.

    Every character of every line is in exactly one cell. The same picture and lines give the same table.
    """

    settings: TableSettings

    def read(
        self, crop: Picture, lines: Sequence[Line], scanned: bool, recognise: Recognise | None = None
    ) -> Table | None:
        """The table that a picture shows (height by width by RGB, with lines' boxes in its pixels).

        Null where no table can be made of it, as of a picture without text: then it is a figure. A table that lies on
        its side is turned, and `recognise` reads its lines anew: those of upright text are of no use there. About 0.2
        CPU seconds.

        Raises:
            ModelError: the model cannot be had.
        """
        lines = [line for line in lines if line.text.strip() and line.box.width > 0 and line.box.height > 0]
        if not lines or min(crop.shape[:2]) < 8:
            return None
        if lies_on_its_side(lines):
            readings = [self._read(*side, scanned) for side in _sides(crop, lines, recognise)]
        else:
            readings = [self._read(crop, lines, scanned)]
        found = [reading for reading in readings if reading is not None]
        return _table(max(found, key=lambda reading: reading.score)) if found else None

    def _read(self, crop: Picture, lines: Sequence[Line], scanned: bool) -> _Reading | None:
        original = crop
        if scanned:
            degrees = skew_degrees(crop)
            if abs(degrees) >= LEAST_DEGREES:
                crop, lines = turned(crop, lines, degrees)
            original = crop
            crop = cleaned(crop) if self.settings.clean_scans else crop
        else:
            lines = cut_at_gaps(crop, lines)
        text_height = float(median(line.box.height for line in lines))
        rules = drawn_rules(crop, lines, text_height)
        best: _Reading | None = None
        for picture, offset in _renditions(crop, original):
            moved = [_shifted(line, offset) for line in lines] if offset else list(lines)
            drawn = _moved_rules(rules, offset) if offset else rules
            found = self._structure(picture, moved, drawn, text_height)
            reading = self._reading(found, moved, drawn, text_height)
            if reading is not None and (best is None or reading.conflicts < best.conflicts):
                best = reading
            if best is not None and best.conflicts == 0:
                return best
        return _or_plain(best, lines, rules, text_height)

    def _structure(self, picture: Picture, lines: Sequence[Line], rules: Rules, text_height: float) -> Structure:
        if is_long(lines):
            found = read_in_strips(
                picture, lines, rules, text_height, lambda part: structure_of(part, self.settings.model)
            )
            if found.grid is not None:
                return found
        return structure_of(picture, self.settings.model)

    def _reading(self, found: Structure, lines: Sequence[Line], rules: Rules, text_height: float) -> _Reading | None:
        framed = framed_grid(rules, lines, text_height)
        if framed is not None:
            grid = replace(framed, n_head=found.grid.n_head if found.grid else 0)
            return _Reading(grid, matched(grid, lines), max(found.score, FRAMED_SCORE), 0.0)
        if found.grid is None:
            return None
        grid = without_empty(found.grid, matched(found.grid, lines))
        grid = without_doubled(grid, matched(grid, lines))
        counted = with_rows_of_text(grid, matched(grid, lines), text_height)
        counted = with_columns_of_text(counted, matched(counted, lines), text_height)
        miscounted = (counted.n_rows, counted.n_columns) != (grid.n_rows, grid.n_columns)
        grid = fitted(counted, matched(counted, lines), text_height)
        grid = corrected(grid, lines, rules, text_height)
        held = matched(grid, lines)
        conflicts = (_parted(held) + grid.ragged + 2 * found.cut_off + miscounted) / len(lines)
        return _Reading(grid, held, found.score * (1 - min(conflicts, 1.0)), conflicts)


def _renditions(crop: Picture, original: Picture) -> Iterator[tuple[Picture, int]]:
    """The picture, and others of it to try where the model errs: with a white margin, and not cleaned."""
    margin = max(16, round(0.06 * max(crop.shape[:2])))
    yield crop, 0
    yield np.pad(crop, ((margin, margin), (margin, margin), (0, 0)), constant_values=255), margin
    yield np.pad(original, ((margin, margin), (margin, margin), (0, 0)), mode="edge"), margin


def _or_plain(best: _Reading | None, lines: Sequence[Line], rules: Rules, text_height: float) -> _Reading | None:
    if best is not None and best.conflicts <= MOST_CONFLICTS:
        return best
    grid = clustered_grid(lines, rules, text_height)
    if grid is None:
        return best
    return _Reading(grid, matched(grid, lines), PLAIN_SCORE, 0.0)


def _sides(
    crop: Picture, lines: Sequence[Line], recognise: Recognise | None
) -> Iterator[tuple[Picture, Sequence[Line]]]:
    """The picture turned to the left and to the right; by the surer text alone where it can be read anew."""
    sides = [quarter_turned(crop, lines, turns) for turns in (1, 3)]
    if recognise is None:
        yield from sides
        return
    anew = [(picture, [line for line in recognise(picture) if line.text.strip()]) for picture, _ in sides]
    yield max(anew, key=lambda side: sum(line.score * len(line.text) for line in side[1]))


def _parted(held: Sequence[Sequence[Line]]) -> int:
    """Lines that stand beside others of the same cell with a wide blank between them: columns taken for one."""
    return sum(
        after.box.x0 - before.box.x1 > 1.2 * before.box.height
        for own in held
        for row in text_rows(own)
        for before, after in pairwise(sorted(row, key=lambda line: line.box.x0))
    )


def _shifted(line: Line, offset: float) -> Line:
    box = line.box
    return replace(
        line, box=box._replace(x0=box.x0 + offset, y0=box.y0 + offset, x1=box.x1 + offset, y1=box.y1 + offset)
    )


def _moved_rules(rules: Rules, offset: float) -> Rules:
    moved = ([type(rule)(*(value + offset for value in rule)) for rule in side] for side in rules)
    return Rules(*map(tuple, moved))


def _table(reading: _Reading) -> Table:
    texts = [cell_text(own) for own in reading.held]
    grid = with_head(reading.grid, texts)
    return Table(grid.html(texts), round(reading.score, 4))
