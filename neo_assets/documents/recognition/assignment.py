"""Which region each box of a page belongs to, and the blocks of what belongs to none."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from neo_assets.documents.model import Box, Line, Region
from neo_assets.documents.recognition.pieces import Piece

MIN_SHARE = 0.5
"""Of a box, that a region must cover to have it."""
NEAR = 1.5
"""A piece beside a line of a region belongs to it (a bullet, a number), in font sizes."""
PASSES = 4
CLOSED: frozenset[str] = frozenset({"figure", "table", "equation"})
"""Kinds that take only what they cover."""
Matrix = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def shares(boxes: Sequence[Box], regions: Sequence[Region]) -> Matrix:
    """Share of each box that each region covers: boxes x regions, 0 to 1. A box without area counts as a point."""
    least = 0.01
    one = np.array(boxes, np.float64).reshape(-1, 1, 4)
    one = np.concatenate([one[..., :2], np.maximum(one[..., 2:], one[..., :2] + least)], axis=2)
    other = np.array([region.box for region in regions], np.float64).reshape(1, -1, 4)
    sides = np.minimum(one[..., 2:], other[..., 2:]) - np.maximum(one[..., :2], other[..., :2])
    areas = (one[..., 2:] - one[..., :2]).prod(axis=2)
    return np.asarray(np.clip(sides, 0, None).prod(axis=2) / areas)


def assigned(boxes: Sequence[Box], regions: Sequence[Region]) -> list[int]:
    """For each box the region that covers most of it, or -1 where none covers half.

    Of regions that cover it equally the smallest has it, then the surest, then the first.
    """
    if not boxes or not regions:
        return [-1] * len(boxes)
    order = sorted(range(len(regions)), key=lambda at: (regions[at].box.area, -regions[at].score, at))
    found = shares(boxes, [regions[at] for at in order]).round(6)
    return [
        order[int(best)] if share >= MIN_SHARE else -1
        for best, share in zip(found.argmax(axis=1), found.max(axis=1), strict=True)
    ]


def with_neighbours(pieces: Sequence[Piece], owners: Sequence[int], regions: Sequence[Region]) -> list[int]:
    """The owners, with pieces that stand beside a line of a region and belong to none given to that region.

    A piece that got an owner so passes it on to the next, at most `PASSES` times. Complexity: for each piece without
    owner those at its height.
    """
    boxes = np.array([piece.box for piece in pieces], np.float64).reshape(-1, 4)
    found = np.array(owners, np.int64)
    is_open = np.array([region.kind not in CLOSED for region in regions] + [False])
    left = [at for at in range(len(pieces)) if found[at] < 0 and not pieces[at].upended]
    for _ in range(PASSES):
        having = np.flatnonzero(is_open[found])
        having = having[np.argsort(boxes[having, 1], kind="stable")]
        highest = float((boxes[having, 3] - boxes[having, 1]).max(initial=0.0))
        tops = boxes[having, 1]
        taken = {}
        for at in left:
            first, last = np.searchsorted(tops, [boxes[at, 1] - highest, boxes[at, 3]])
            nearest = _nearest(boxes[at], boxes[having[first:last]], NEAR * pieces[at].size)
            if nearest is not None:
                taken[at] = found[having[first + nearest]]
        for at, owner in taken.items():
            found[at] = owner
        left = [at for at in left if at not in taken]
        if not taken or not left:
            break
    return [int(owner) for owner in found]


def _nearest(box: Matrix, others: Matrix, reach: float) -> int | None:
    """The nearest of other boxes on the same line, if it is within reach."""
    if not len(others):
        return None
    shared = np.minimum(others[:, 3], box[3]) - np.maximum(others[:, 1], box[1])
    low = np.minimum(others[:, 3] - others[:, 1], box[3] - box[1])
    gaps = np.maximum(np.maximum(others[:, 0] - box[2], box[0] - others[:, 2]), 0)
    gaps[(shared < MIN_SHARE * low) | (low <= 0)] = np.inf
    nearest = int(gaps.argmin())
    return nearest if gaps[nearest] <= reach else None


def absorbs(kind: str, lines: Sequence[Line], line: Line) -> bool:
    """Whether a line that no region covers goes on a text region: same size, within its width, at its leading."""
    if kind not in ("text", "reference") or len(lines) < 2 or not line.size:
        return False
    tops = sorted(one.box.y0 for one in lines)
    leading = median(after - before for before, after in pairwise(tops))
    size = median(one.size for one in lines)
    inside = (
        line.box.x0 >= min(one.box.x0 for one in lines) - 0.5 * size
        and line.box.x1 <= max(one.box.x1 for one in lines) + 0.5 * size
    )
    near = min(abs(line.box.y0 - top) for top in (tops[0], tops[-1]))
    beyond = line.box.y0 < tops[0] or line.box.y0 > tops[-1]
    return inside and abs(line.size - size) <= 0.1 * size and (not beyond or near <= 1.2 * leading)


def blocks_of(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that no region covers, merged into blocks: one below the other, equally large, at most a line apart."""
    blocks: list[list[Line]] = []
    for line in sorted(lines, key=lambda one: (one.box.y0, one.box.x0)):
        for block in reversed(blocks):
            if _follows(block[-1], line):
                block.append(line)
                break
        else:
            blocks.append([line])
    return blocks


def _follows(before: Line, line: Line) -> bool:
    width = min(before.box.width, line.box.width)
    shared = min(before.box.x1, line.box.x1) - max(before.box.x0, line.box.x0)
    height = max(before.box.height, line.box.height)
    gap = line.box.y0 - before.box.y1
    alike = abs(before.size - line.size) <= 0.15 * max(before.size, line.size) and before.bold == line.bold
    return alike and shared >= 0.5 * width and -0.5 * height <= gap <= 0.8 * height
