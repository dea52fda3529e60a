"""Rules drawn in the picture of a table, and the grid that they make where every cell has a frame.

A rule is a dark straight stroke longer than strokes of characters are. Opening with a long flat kernel leaves only
rules; pieces of one rule, as a turned scan has it, are joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import Any, NamedTuple

import numpy as np

from neo_assets.documents.model import Box, Line
from neo_assets.documents.tables.clean import Picture
from neo_assets.documents.tables.grid import Cell, Grid, with_rows, without_columns
from neo_assets.documents.tables.matching import text_rows

Ink = np.ndarray[Any, np.dtype[np.uint8]]
DARK = 0.72
"""Of the paper's grey: darker is ink. Lower than for text, since thin rules are pale in scans."""


class Rule(NamedTuple):
    """A drawn line: where it is (its y or x), and from where to where it reaches, in pixels."""

    at: float
    start: float
    end: float


class Rules(NamedTuple):
    """The horizontal rules from top to bottom, and the vertical ones from left to right."""

    horizontal: tuple[Rule, ...]
    vertical: tuple[Rule, ...]


def drawn_rules(picture: Picture, lines: Sequence[Line], text_height: float) -> Rules:
    """The rules of a picture in which lines of text are about so many pixels high. O(pixels + strokes x lines).

    Strokes through the middle of a line of text are characters that run together.
    """
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    ink = (grey < DARK * float(np.percentile(grey, 90))).astype(np.uint8)
    boxes = [line.box for line in lines]
    upright = [Box(box.y0, box.x0, box.y1, box.x1) for box in boxes]
    return Rules(
        tuple(_strokes(ink, round(2.2 * text_height), text_height, boxes)),
        tuple(_strokes(np.ascontiguousarray(ink.T), round(1.25 * text_height), text_height, upright)),
    )


def framed_grid(rules: Rules, lines: Sequence[Line], text_height: float) -> Grid | None:
    """The grid of a table whose cells all have frames; null where rules do not part all of its text.

    The outer frame may be open at left and right. Cells that no rule parts are one; they must make a rectangle.
    O(rows x columns x rules).
    """
    slack = 0.5 * text_height
    xs, ys = _places(rules.vertical, slack), _places(rules.horizontal, slack)
    if len(ys) < 2 or not xs:
        return None
    left, right = min(rule.start for rule in rules.horizontal), max(rule.end for rule in rules.horizontal)
    xs = [left][: xs[0] - left > 2 * slack] + xs + [right][: right - xs[-1] > 2 * slack]
    if len(xs) < 2 or len(xs) + len(ys) < 5:
        return None
    cells = _joined(xs, ys, rules, slack)
    if cells is None:
        return None
    grid = _without_unused(Grid(len(ys) - 1, len(xs) - 1, tuple(cells)))
    return grid if _parts_all(grid, lines, text_height) else None


def _strokes(ink: Ink, length: int, text_height: float, texts: Sequence[Box]) -> list[Rule]:
    import cv2

    opened = cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, max(length, 12)), np.uint8))
    count, _, stats, centres = cv2.connectedComponentsWithStats(opened, connectivity=8)
    found = []
    for n in range(1, count):
        x, _, width, height, _ = stats[n].tolist()
        rule = Rule(float(centres[n][1]), float(x), float(x + width))
        if height <= max(0.6 * text_height, 8) and not _strikes(rule, texts):
            found.append(rule)
    return _linked(found, 0.35 * text_height)


def _strikes(rule: Rule, texts: Sequence[Box]) -> bool:
    """Whether most of a stroke runs through text."""
    struck = 0.0
    for box in texts:
        if box.y0 + 0.15 * box.height < rule.at < box.y1 - 0.15 * box.height:
            struck += max(0.0, min(rule.end, box.x1) - max(rule.start, box.x0))
    return struck > 0.6 * (rule.end - rule.start)


def _linked(found: list[Rule], slack: float) -> list[Rule]:
    """Pieces of one rule as one: at the same place, and next to each other."""
    rules: list[Rule] = []
    for piece in sorted(found, key=lambda rule: (rule.start, rule.at)):
        for n, rule in enumerate(rules):
            if abs(rule.at - piece.at) <= slack and piece.start - rule.end <= 2 * slack:
                long, other = rule.end - rule.start, piece.end - piece.start
                at = (rule.at * long + piece.at * other) / (long + other)
                rules[n] = Rule(at, rule.start, max(rule.end, piece.end))
                break
        else:
            rules.append(piece)
    return sorted(rules)


def _places(rules: Sequence[Rule], slack: float) -> list[float]:
    """Where rules are, those next to each other as one place."""
    groups: list[list[Rule]] = []
    for rule in rules:
        if groups and rule.at - groups[-1][-1].at <= slack:
            groups[-1].append(rule)
        else:
            groups.append([rule])
    return [float(np.mean([rule.at for rule in group])) for group in groups]


def _drawn(rules: Sequence[Rule], at: float, start: float, end: float, slack: float) -> bool:
    """Whether rules cover most of a border."""
    reach = sum(
        max(0.0, min(rule.end, end) - max(rule.start, start)) for rule in rules if abs(rule.at - at) <= 1.5 * slack
    )
    return reach >= 0.6 * (end - start)


def _joined(xs: Sequence[float], ys: Sequence[float], rules: Rules, slack: float) -> list[Cell] | None:
    """The cells between rules; null where some that no rule parts make no rectangle."""
    owner = {slot: slot for slot in product(range(len(ys) - 1), range(len(xs) - 1))}

    def root(slot: tuple[int, int]) -> tuple[int, int]:
        while owner[slot] != slot:
            slot = owner[slot]
        return slot

    for row, column in list(owner):
        below, beside = (row + 1, column), (row, column + 1)
        if below in owner and not _drawn(rules.horizontal, ys[row + 1], xs[column], xs[column + 1], slack):
            owner[max(root(below), root((row, column)))] = min(root(below), root((row, column)))
        if beside in owner and not _drawn(rules.vertical, xs[column + 1], ys[row], ys[row + 1], slack):
            owner[max(root(beside), root((row, column)))] = min(root(beside), root((row, column)))
    members: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for slot in sorted(owner):
        members.setdefault(root(slot), []).append(slot)
    cells = []
    for (row, column), slots in sorted(members.items()):
        rowspan = max(slot[0] for slot in slots) - row + 1
        colspan = max(slot[1] for slot in slots) - column + 1
        if rowspan * colspan != len(slots) or min(slot[1] for slot in slots) < column:
            return None
        box = Box(xs[column], ys[row], xs[column + colspan], ys[row + rowspan])
        cells.append(Cell(row, column, rowspan, colspan, box))
    return cells


def _without_unused(grid: Grid) -> Grid:
    """The grid without rows and columns in which no cell begins: characters' strokes that were taken for rules."""
    rows, columns = {cell.row for cell in grid.cells}, {cell.column for cell in grid.cells}
    grid = with_rows(grid, [int(row in rows) for row in range(grid.n_rows)])
    return without_columns(grid, set(range(grid.n_columns)) - columns)


def _parts_all(grid: Grid, lines: Sequence[Line], text_height: float) -> bool:
    """Whether the frames part the text: all of it within cells, and none of them with texts far beside each other."""
    held: list[list[Line]] = [[] for _ in grid.cells]
    outside = 0
    for line in lines:
        x, y = (line.box.x0 + line.box.x1) / 2, (line.box.y0 + line.box.y1) / 2
        inside = [
            n for n, cell in enumerate(grid.cells)
            if cell.box and cell.box.x0 <= x <= cell.box.x1 and cell.box.y0 <= y <= cell.box.y1
        ]  # fmt: skip
        outside += not inside
        for n in inside:
            held[n].append(line)
    parted = sum(
        any(after.box.x0 - before.box.x1 > 1.5 * text_height for before, after in pairwise(_by_x(row)))
        for cell in held
        for row in text_rows(cell)
    )
    many = [
        sum(len(text_rows(held[n])) >= 3 for n, cell in enumerate(grid.cells) if cell.row == row)
        for row in range(grid.n_rows)
    ]
    columns = any(count >= 2 and 2 * count > grid.n_columns for count in many)
    return not columns and (outside + parted) <= 0.03 * len(lines)


def _by_x(row: Sequence[Line]) -> list[Line]:
    return sorted(row, key=lambda line: line.box.x0)
