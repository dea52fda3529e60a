"""What each region of a page holds, and the blocks that no region has; every piece is in exactly one of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from neo_assets.documents.model import Box, Line, Region, RegionKind
from neo_assets.documents.recognition.assignment import absorbs, assigned, blocks_of, with_neighbours
from neo_assets.documents.recognition.edges import without_edges
from neo_assets.documents.recognition.lines import CELL_GAP, LOOSE_GAP, TEXT_GAP, lines_of
from neo_assets.documents.recognition.mixed import height_of_caption
from neo_assets.documents.recognition.pieces import Piece
from neo_assets.documents.recognition.sizes import alike
from neo_assets.documents.recognition.ticks import with_labels

WRITTEN_SHARE, WRITTEN_LINES = 0.4, 6
"""A figure that lines cover so far, and so many of them, is text that the layout model took for a figure."""
PROGRAM_LINES, PROGRAM_SHARE = 3, 0.5
"""The same for lines of fixed width, of which so few are a program if they cover this share of its height."""
ALIKE = 0.25
"""Recognised lines of a region whose sizes differ by less from their median are of one size."""
_BULLET = re.compile(r"\s*(?:[•·▪◦‣●○■□◆*–—-]|[(（]?\d{1,3}[.)、）]|[a-z][.)])")


@dataclass
class Content:
    """A region, or a block outside all regions (`region` is null then), with its pieces and lines."""

    region: Region | None
    pieces: list[Piece]
    lines: list[Line]

    @property
    def recognised(self) -> bool:
        """Whether most characters were read in the picture."""
        return 2 * sum(len(p.text) for p in self.pieces if p.recognised) > sum(len(p.text) for p in self.pieces)


def contents_of(regions: Sequence[Region], pieces: Sequence[Piece], height: float = float("inf")) -> list[Content]:
    """The regions in their order, then what was cut off them at the page's edges, then the blocks from top to bottom.

    Figures that are text are no regions.

    Args:
        height: of the page, in points.
    """
    owners = assigned([piece.box for piece in pieces], regions)
    regions = [one for at, one in enumerate(regions) if not _is_written(one, [
        piece for piece, owner in zip(pieces, owners, strict=True) if owner == at
    ])]  # fmt: skip
    owners = with_neighbours(pieces, assigned([piece.box for piece in pieces], regions), regions)
    owners, regions = with_labels(pieces, owners, regions)
    held: list[list[Piece]] = [[] for _ in range(len(regions) + 1)]
    for piece, owner in zip(pieces, owners, strict=True):
        held[owner].append(piece)
    found = [
        part for region, own in zip(regions, held, strict=False) for part in _parted(region, own, _lines(region, own))
    ]
    outside = held[-1]
    left = []
    for recognised in (False, True):
        alike = [piece for piece in outside if piece.recognised == recognised]
        lines = _absorbed(found, _evened(lines_of(alike, LOOSE_GAP)) if recognised else lines_of(alike, LOOSE_GAP))
        left += [Content(None, alike, block) for block in blocks_of(lines)]
    cut = []
    for content in found:
        if content.region is not None:
            content.lines, lines = without_edges(content.region.kind, content.lines, height)
            cut += [Content(None, content.pieces, [line]) for line in lines]
    return _with_page_sizes(found + cut + left)


def _parted(region: Region, pieces: list[Piece], lines: list[Line]) -> list[Content]:
    """The region; or the end of a paragraph and the caption below it, where its region has both."""
    height = height_of_caption(region, lines)
    if height is None:
        return [Content(region, pieces, lines)]
    parts: tuple[tuple[RegionKind, Box, bool], ...] = (
        ("text", region.box._replace(y1=height), True), (region.kind, region.box._replace(y0=height), False),
    )  # fmt: skip
    return [
        Content(
            Region(kind, box, region.score), [one for one in pieces if _is_above(one.box, height) == upper],
            [one for one in lines if _is_above(one.box, height) == upper],
        )
        for kind, box, upper in parts
    ]  # fmt: skip


def _is_above(box: Box, height: float) -> bool:
    return box.y0 + box.y1 < 2 * height


def _with_page_sizes(contents: list[Content]) -> list[Content]:
    """The same with font sizes of recognised lines that are alike over the page."""
    read = [one for one in contents if one.lines and one.recognised]
    lines = [line for one in read for line in one.lines]
    measured = Counter[float]()
    for line in lines:
        measured[line.size] += len(line.text)
    sizes = dict(zip(measured, alike(list(measured.items())), strict=True))
    for one in read:
        one.lines = [replace(line, size=sizes[line.size]) for line in one.lines]
    return contents


def _lines(region: Region, pieces: Sequence[Piece]) -> list[Line]:
    lines = lines_of(pieces, CELL_GAP if region.kind in ("figure", "table") else TEXT_GAP)
    return _evened(lines) if any(piece.recognised for piece in pieces) else list(lines)


def _is_written(region: Region, pieces: Sequence[Piece]) -> bool:
    """Whether a figure is text."""
    if region.kind != "figure":
        return False
    lines = lines_of(pieces)
    if len(lines) >= PROGRAM_LINES and all(line.mono for line in lines):
        return sum(line.box.height for line in lines) >= PROGRAM_SHARE * region.box.height
    covered = sum(region.box.overlap(line.box).area for line in lines)
    return len(lines) >= WRITTEN_LINES and covered >= WRITTEN_SHARE * region.box.area


def _evened(lines: Sequence[Line]) -> list[Line]:
    """Lines with the median of similar sizes: the height of the ink differs with the letters of a line."""
    if len(lines) < 2:
        return list(lines)
    middle = median(line.size for line in lines)
    return [replace(one, size=middle) if abs(one.size - middle) <= ALIKE * middle else one for one in lines]


def _absorbed(contents: Sequence[Content], lines: Sequence[Line]) -> list[Line]:
    """Add lines to the regions that they go on; gives those that go on none."""
    left = list(lines)
    while left:
        again = [line for line in left if not _absorb(contents, line)]
        if len(again) == len(left):
            break
        left = again
    return left


def _absorb(contents: Sequence[Content], line: Line) -> bool:
    if _BULLET.match(line.text):
        return False
    for content in contents:
        if content.region is not None and absorbs(content.region.kind, content.lines, line):
            content.lines.append(line)
            content.lines.sort(key=lambda one: (one.box.y0, one.box.x0))
            return True
    return False
