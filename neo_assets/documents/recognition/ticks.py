"""Labels of axes: numbers and very short words close to a figure that its region leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.model import Box, Region
from neo_assets.documents.recognition.pieces import Piece

NEAR = 1.5
"""Between a label and its figure, in font sizes."""
MAX_CHARACTERS = 3
MIN_LABELS = 2
"""A single one may be a page number or the mark of a list."""
_NUMBER = re.compile(r"[-+−–]?[\d.,\s]*\d[%°]?(?:e[-+]?\d+)?", re.IGNORECASE)


def is_label(piece: Piece) -> bool:
    """Whether a piece reads like the label of a tick: a number, or a few characters."""
    text = piece.text.strip()
    return bool(_NUMBER.fullmatch(text)) or len(text.replace(" ", "")) <= MAX_CHARACTERS


def with_labels(
    pieces: Sequence[Piece], owners: Sequence[int], regions: Sequence[Region]
) -> tuple[list[int], list[Region]]:
    """The owners, with labels given to the figure they stand at; and the regions, such figures grown around them.

    Only pieces that no region has are taken, and of a line of words none: "Fig. 1" begins a caption. Complexity:
    figures x pieces + square of the pieces without region.
    """
    found, grown = list(owners), list(regions)
    labels = _labels(pieces, [at for at, owner in enumerate(owners) if owner < 0])
    for number, region in enumerate(regions):
        if region.kind != "figure":
            continue
        near = [
            at for at in labels if found[at] < 0 and _distance(pieces[at].box, region.box) <= NEAR * pieces[at].size
        ]
        if len(near) < MIN_LABELS:
            continue
        box = region.box
        for at in near:
            found[at] = number
            box = box.union(pieces[at].box)
        grown[number] = replace(region, box=box)
    return found, grown


def _labels(pieces: Sequence[Piece], free: Sequence[int]) -> list[int]:
    """Of the pieces that no region has those that are labels, and stand on no line with words."""
    labels = [at for at in free if is_label(pieces[at])]
    words = [at for at in free if not is_label(pieces[at])]
    while words:
        joined = {at for at in labels if any(_beside(pieces[at], pieces[other]) for other in words)}
        labels = [at for at in labels if at not in joined]
        words = sorted(joined)
    return labels


def _beside(one: Piece, other: Piece) -> bool:
    """Whether two pieces stand on one line, near each other."""
    shared = min(one.box.y1, other.box.y1) - max(one.box.y0, other.box.y0)
    gap = max(one.box.x0 - other.box.x1, other.box.x0 - one.box.x1)
    return 2 * shared >= min(one.box.height, other.box.height) and gap <= NEAR * max(one.size, other.size)


def _distance(one: Box, other: Box) -> float:
    across = max(one.x0 - other.x1, other.x0 - one.x1, 0.0)
    down = max(one.y0 - other.y1, other.y0 - one.y1, 0.0)
    return max(across, down)
