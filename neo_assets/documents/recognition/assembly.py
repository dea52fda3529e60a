"""Elements from what the regions of a page hold: text, and pictures of figures, tables and formulas with their HTML or
LaTeX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from neo_assets.documents.model import RUNNING, Box, Element, ElementKind, Line, Page, Region, TextSource
from neo_assets.documents.recognition.contents import Content, contents_of
from neo_assets.documents.recognition.engine import Image
from neo_assets.documents.recognition.ink import MIN_INK, Mask, ink_of, pixels, share_of_ink
from neo_assets.documents.recognition.pictures import POINTS, part_of, picture_of, png
from neo_assets.documents.recognition.pieces import Piece, around
from neo_assets.documents.recognition.readers import Readers

PICTURED: frozenset[str] = frozenset({"figure", "table", "equation"})
NUMBER_GAP = 1.0
"""White before the number of a formula, in font sizes."""
_NUMBER = re.compile(r"[(（]\s*[A-Z]?\d+(?:[.\-–]\d+)*[a-z]?\s*[)）]$")


@dataclass(frozen=True)
class Reading:
    """What was read of a page, in points of the page as it is read."""

    page: Page
    width: float
    height: float
    regions: Sequence[Region]
    pieces: Sequence[Piece]
    given: Image | None = None
    """The picture that boxes refer to, where it is at hand or is not the page's own."""
    turned: int = 0
    skew: float = 0.0
    """How that picture was turned; see `PageElements`."""

    @property
    def scale(self) -> float:
        """Pixels a point."""
        return self.page.dpi / POINTS

    @cached_property
    def image(self) -> Image:
        """The picture that boxes refer to."""
        return picture_of(self.page) if self.given is None else self.given

    @cached_property
    def unread_ink(self) -> Mask:
        """The ink that no piece of text accounts for."""
        ink = ink_of(self.image)
        for piece in self.pieces:
            x0, y0, x1, y1 = pixels(piece.box.scaled(self.scale), ink.shape)
            ink[y0:y1, x0:x1] = False
        return ink

    @cached_property
    def paper(self) -> Box:
        return Box(0.0, 0.0, self.width, self.height)


def assembled(reading: Reading, readers: Readers) -> tuple[tuple[Element, ...], dict[str, bytes]]:
    """The elements of a page, those of regions first; and pictures by name."""
    elements: list[Element] = []
    pictures: dict[str, bytes] = {}
    for content in contents_of(reading.regions, reading.pieces, reading.height):
        element = _element(reading, content, len(elements))
        if element is None:
            continue
        if element.kind in PICTURED:
            element, picture = _pictured(reading, element, content, readers)
            pictures[str(element.image)] = picture
        elements.append(element)
    return tuple(elements), pictures


def _element(reading: Reading, content: Content, number: int) -> Element | None:
    """A region's or block's element without its picture; None where nothing stands in the region."""
    region, lines = content.region, tuple(replace(one, box=_on(reading.paper, one.box)) for one in content.lines)
    source: TextSource = "none" if not lines else "ocr" if content.recognised else "layer"
    if region is None:
        score = round(sum(line.score for line in lines) / len(lines), 4)
        return Element(number, "text", around(line.box for line in lines), score, source, lines)
    box = _on(reading.paper, region.box)
    kind: ElementKind = region.kind
    if box.width < 1 or box.height < 1:
        box = _on(reading.paper, around([box, *(line.box for line in lines)]))
    if not lines and kind not in PICTURED:
        if share_of_ink(reading.unread_ink, box.scaled(reading.scale)) < MIN_INK:
            return None
        kind = kind if kind in RUNNING else "figure"
    if lines and kind not in PICTURED:
        box = around(line.box for line in lines)
    return Element(number, kind, box, round(region.score, 4), source, lines)


def _pictured(reading: Reading, element: Element, content: Content, readers: Readers) -> tuple[Element, bytes]:
    """An element with the name of its picture, and with HTML or LaTeX where that can be read."""
    name = f"p{reading.page.number:04d}-{element.number}.png"
    crop, box = part_of(reading.image, element.box, reading.scale)
    changes: dict[str, str | None] = {"image": name}
    if element.kind == "table":
        scanned = content.recognised or element.source == "none"
        changes["html"] = readers.table(crop, box, element.lines, reading.scale, scanned)
        changes["kind"] = "table" if changes["html"] or element.lines else "figure"
    elif element.kind == "equation":
        bare, place = _without_number(reading, element, content.pieces, crop, box)
        known = [] if content.recognised else [_line(one) for one in content.pieces if one.box.x1 <= place.x1 + 1]
        changes["latex"] = readers.formula(bare, place, known, reading.scale)
    return element.with_(**changes), png(crop)


def _line(piece: Piece) -> Line:
    return Line(piece.text, piece.box, size=piece.size)


def _without_number(
    reading: Reading, element: Element, pieces: Sequence[Piece], crop: Image, place: Box
) -> tuple[Image, Box]:
    """The picture of a formula without its number at the right, and its place in points."""
    last = max(pieces, key=lambda one: one.box.x1, default=None)
    others = [one.box.x1 for one in pieces if one is not last]
    if last is None or not others or not _NUMBER.match(last.text.strip()):
        return crop, place
    if last.box.x0 - max(others) < NUMBER_GAP * last.size:
        return crop, place
    box = element.box._replace(x1=(last.box.x0 + max(others)) / 2)
    return part_of(reading.image, box, reading.scale)


def _on(paper: Box, box: Box) -> Box:
    """A box cut to the page; one outside lies on its edge."""
    xs = [min(max(value, paper.x0), paper.x1) for value in (box.x0, box.x1)]
    ys = [min(max(value, paper.y0), paper.y1) for value in (box.y0, box.y1)]
    return Box(xs[0], ys[0], xs[1], ys[1]).rounded()
