"""A picture of a page read line by line: how it lies, where its lines are, what they say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from neo_assets.documents.model import Box, Region
from neo_assets.documents.recognition import ink, turning
from neo_assets.documents.recognition.cutting import cut_lines
from neo_assets.documents.recognition.engine import Engine, Image, Quads
from neo_assets.documents.recognition.pieces import Piece
from neo_assets.documents.recognition.sizes import font_size

SAMPLE = 5
"""Lines that are read to learn which way up a page is."""
POOR = 0.75
"""Mean score below which a page may be upside down. With PP-OCRv6 tiny two rendered pages scored .98 and .99
upright, .64 and .42 upside down."""
UPENDED = 1.5
"""A line so many times higher than wide runs up the page."""
MARGIN = 2
"""Pixels around the ink of a line, which recognition wants."""

Look = Callable[[Image], list[Region]]
"""The layout of a picture in pixels, for a page that was turned."""


@dataclass(frozen=True)
class Scan:
    """What was read in a picture, upright and straight: all in pixels of `image`."""

    image: Image
    ink: ink.Mask
    regions: list[Region]
    pieces: list[Piece]
    quarters: int = 0
    """Quarters counter-clockwise by which the picture was turned."""
    skew: float = 0.0
    """Degrees by which its lines fell to the right."""


def read_scan(image: Image, regions: Sequence[Region], engine: Engine, min_score: float, look: Look) -> Scan:
    """Find and read the lines of a page, after turning it upright and straight.

    Args:
        image: the page.
        regions: its layout in pixels; lines are cut where they straddle two of them.
        min_score: lines of a lower score are left out.
        look: gives the layout anew if the page lay on its side or upside down.
    """
    quads = engine.find(image)
    quarters = 0
    if turning.is_sideways(quads):
        scores = {at: _sampled(turning.turned(image, at), engine) for at in (0, 1, 3)}
        quarters = max(scores, key=lambda at: scores[at])
    scan = _read(image, quads, regions, engine) if not quarters else _again(image, quarters, engine, look)
    if _mean(scan.pieces) < POOR and len(scan.pieces) >= 3:
        other = (quarters + 2) % 4
        if _sampled(turning.turned(image, other), engine) > _mean(scan.pieces):
            scan = _again(image, other, engine, look)
    return replace(scan, pieces=[one for one in scan.pieces if one.score >= min_score and one.text.strip()])


def read_part(image: Image, engine: Engine, min_score: float) -> list[Piece]:
    """The lines of a part of a page that lies straight."""
    found = _read(image, engine.find(image), [], engine).pieces
    return [one for one in found if one.score >= min_score and one.text.strip()]


def _again(image: Image, quarters: int, engine: Engine, look: Look) -> Scan:
    upright = turning.turned(image, quarters)
    return replace(_read(upright, engine.find(upright), look(upright), engine), quarters=quarters)


def _read(image: Image, quads: Quads, regions: Sequence[Region], engine: Engine) -> Scan:
    skew = turning.skew_of(quads)
    regions = list(regions)
    if abs(skew) >= turning.MIN_SKEW:
        height, width = image.shape[:2]
        image, quads = turning.straightened(image, quads, skew)
        regions = [turning.straightened_region(region, width, height, skew) for region in regions]
    else:
        skew = 0.0
    mask = ink.ink_of(image)
    boxes = cut_lines(mask, _boxes(quads, image.shape), regions)
    texts = engine.read([_line(image, box) for box in boxes])
    pieces = [_piece(mask, box, *found) for box, found in zip(boxes, texts, strict=True)]
    return Scan(image, mask, regions, pieces, skew=skew)


def _boxes(quads: Quads, shape: tuple[int, ...]) -> list[Box]:
    low, high = quads.min(axis=1), quads.max(axis=1)
    size = np.array([shape[1], shape[0]], np.float64)
    low, high = np.clip(low, 0, size - 1), np.clip(high, 1, size)
    return [Box(float(a), float(b), float(c), float(d)) for (a, b), (c, d) in zip(low, high, strict=True)]


def _line(image: Image, box: Box) -> Image:
    crop = ink.cut(image, box)
    return turning.turned(crop, -1) if box.height > UPENDED * box.width else crop


def _piece(mask: ink.Mask, box: Box, text: str, score: float) -> Piece:
    tight = ink.tightened(mask, box)
    across = tight.width if box.height > UPENDED * box.width else tight.height
    return Piece(text, tight, font_size(text, across), score, recognised=True)


def _sampled(image: Image, engine: Engine) -> float:
    """The mean score of the longest lines of a picture."""
    boxes = _boxes(engine.find(image), image.shape)
    longest = sorted(boxes, key=lambda box: (-box.width, box.y0, box.x0))[:SAMPLE]
    scores = [score for text, score in engine.read([ink.cut(image, box) for box in longest]) if text.strip()]
    return sum(scores) / len(longest) if longest else 0.0


def _mean(pieces: Sequence[Piece]) -> float:
    """The mean score, weighted by width."""
    total = sum(one.box.width for one in pieces)
    return sum(one.score * one.box.width for one in pieces) / total if total else 0.0
