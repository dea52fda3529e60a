"""Lines that run through several cells, cut where the picture shows wide white within them.

Text layers join what stands close on one base line: a number at the right of one column and a word at the left of the
next. Only for clean pictures: in scans thin strokes vanish, and lines that are recognised were parted by cells already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from neo_assets.documents.model import Line
from neo_assets.documents.tables.bands import strips_of
from neo_assets.documents.tables.clean import Picture
from neo_assets.documents.tables.matching import cut_at, positions

WIDE_GAP = 0.8
"""Of a line's height: wider white than between words."""
DARK = 0.7
"""Of the paper's grey: darker is ink."""
INSET = 0.15
"""Of a line's height, that is left out above and below: rules run there. What reaches beyond the line by as much is a
rule between columns."""

Ink = np.ndarray[Any, np.dtype[np.bool_]]


def cut_at_gaps(picture: Picture, lines: Sequence[Line]) -> list[Line]:
    """Lines in pieces, one for each stretch of ink between wide gaps; whole where no text parts so. O(pixels)."""
    grey = picture.mean(axis=2)
    ink = grey < DARK * float(np.percentile(grey, 90))
    return [piece for line in lines for piece in _cut(ink, line)]


def _cut(ink: Ink, line: Line) -> list[Line]:
    stretches = _stretches(ink, line)
    if len(stretches) < 2:
        return [line]
    whole = sum(last - first for first, last in stretches)
    ends = positions(replace(line, box=line.box._replace(x0=0.0, x1=whole)))
    marks, reached = [0], 0.0
    for first, last in stretches[:-1]:
        reached += last - first
        at = cut_at(line.text, ends, reached, line.box.height)
        if at is None or at <= marks[-1]:
            return [line]
        marks.append(at)
    texts = [line.text[first:last].strip() for first, last in pairwise([*marks, len(line.text)])]
    if not all(texts):
        return [line]
    return [
        replace(line, text=text, box=line.box._replace(x0=first, x1=last))
        for text, (first, last) in zip(texts, stretches, strict=True)
    ]


def _stretches(ink: Ink, line: Line) -> list[tuple[float, float]]:
    """From where to where there is ink in a line without wide gaps; rules between columns count as white."""
    box = line.box
    if box.width < 3 * box.height or len(line.text) < 2:
        return [(box.x0, box.x1)]
    inset = INSET * box.height
    rows = slice(max(0, round(box.y0 + inset)), max(0, round(box.y1 - inset)))
    left, right = max(0, round(box.x0)), max(0, round(box.x1))
    through = slice(max(0, round(box.y0 - inset)), max(0, round(box.y1 + inset)))
    inked = np.flatnonzero(ink[rows, left:right].any(axis=0) & ~ink[through, left:right].all(axis=0))
    if not inked.size:
        return [(box.x0, box.x1)]
    spans = [(float(left + x), float(left + x + 1)) for x in inked.tolist()]
    wide = [strip for strip in strips_of(spans, 0) if strip[1] - strip[0] >= WIDE_GAP * box.height]
    edges = [box.x0, *(edge for strip in wide for edge in strip), box.x1]
    return list(zip(edges[::2], edges[1::2], strict=True))
