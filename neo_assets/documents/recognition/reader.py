"""What stands in each region of a page: lines of the text layer or of recognition, tables, formulas, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.model import Box, Line, Page, PageElements, Region
from neo_assets.documents.recognition.agreement import lines_to_check, similarity
from neo_assets.documents.recognition.assembly import Reading, assembled
from neo_assets.documents.recognition.assignment import shares
from neo_assets.documents.recognition.engine import Engine, Image, paddle_engine
from neo_assets.documents.recognition.ink import MIN_INK, ink_of, share_of_ink
from neo_assets.documents.recognition.lines import lines_of
from neo_assets.documents.recognition.pictures import POINTS, part_of, picture_of, png
from neo_assets.documents.recognition.pieces import Piece, line_of, piece_of
from neo_assets.documents.recognition.readers import Readers
from neo_assets.documents.recognition.scan import read_part, read_scan
from neo_assets.recipe.documents import DocumentsSection

WRITTEN: frozenset[str] = frozenset(
    {"text", "title", "figure_caption", "table_caption", "header", "footer", "reference", "table", "equation"}
)
"""Kinds of regions that are recognised where a good text layer has nothing in them. Not figures: those are pictures."""
TOUCHED = 0.2
"""Share of a piece of the text layer that makes the region or the recognised line over it one that has a layer."""
CHECKED = 2
"""Lines of a suspicious text layer that are compared with the picture."""


class PageReader:
    """Reads pages: from the text layer where it can be trusted, from the picture where not.

    Models are loaded when the first page needs them. Not to be shared between threads.
    """

    def __init__(
        self, settings: DocumentsSection, engine: Engine | None = None, readers: Readers | None = None
    ) -> None:
        self._settings = settings
        self._given = engine
        self._readers = readers or Readers(settings.tables, settings.formulas, self._lines_of)

    def read(self, page: Page, regions: Sequence[Region]) -> tuple[PageElements, dict[str, bytes]]:
        """The elements of a page in no particular order; and the pictures of its figures, tables and formulas by name.

        Boxes are those of the page as it is read: a scan that lies on its side or upside down is turned first, one
        that is skewed is straightened about its middle. `width` and `height` are of the page so turned, `turned`
        and `skew` say by how much.

        Raises:
            ModelError: a model is missing.
            PictureError: the page has no picture.
        """
        if page.kind == "blank" and not page.runs:
            return PageElements(page.doc_id, page.number, page.width, page.height, ()), {}
        reading = self._of_layer(page, regions) if self._trusts_layer(page) else self._of_picture(page, regions)
        elements, pictures = assembled(reading, self._readers)
        found = PageElements(
            page.doc_id, page.number, reading.width, reading.height, elements, reading.turned, reading.skew
        )
        return found, pictures

    @property
    def _engine(self) -> Engine:
        return self._given or paddle_engine(self._settings)

    def _lines_of(self, image: Image) -> list[Line]:
        """The lines of a picture, boxes in its pixels."""
        return [line_of([one]) for one in read_part(image, self._engine, self._min_score)]

    @property
    def _min_score(self) -> float:
        return self._settings.recognition.min_score

    def _trusts_layer(self, page: Page) -> bool:
        """Whether the text layer is used: it is good, or what it says of two lines is what the picture shows."""
        if page.layer in ("good", "missing"):
            return page.layer == "good"
        lines = lines_to_check(lines_of([piece_of(run) for run in page.runs]), CHECKED)
        if len(lines) < CHECKED:
            return False
        image, scale = picture_of(page), page.dpi / POINTS
        found = self._engine.read([part_of(image, line.box, scale)[0] for line in lines])
        agreement = [similarity(line.text, text) for line, (text, _) in zip(lines, found, strict=True)]
        return sum(agreement) / len(agreement) >= self._settings.recognition.min_agreement

    def _of_layer(self, page: Page, regions: Sequence[Region]) -> Reading:
        pieces = [piece_of(run) for run in page.runs if run.text.strip()]
        held = shares([piece.box for piece in pieces], regions).max(axis=0, initial=0.0) if regions else []
        empty = [one for one, share in zip(regions, held, strict=True) if share < TOUCHED and one.kind in WRITTEN]
        image = picture_of(page) if empty else None
        if image is not None:
            drawn = self._drawn(page, image, empty)
            over = shares([piece.box for piece in drawn], [Region("text", one.box, 1.0) for one in pieces])
            pieces += [one for one, share in zip(drawn, over.max(axis=1, initial=0.0), strict=True) if share < TOUCHED]
        return Reading(page, page.width, page.height, regions, pieces, image)

    def _drawn(self, page: Page, image: Image, regions: Sequence[Region]) -> list[Piece]:
        """What regions show in which the text layer has nothing: text in a bitmap, or drawn as curves."""
        scale, ink = page.dpi / POINTS, ink_of(image)
        found: list[Piece] = []
        for region in regions:
            if share_of_ink(ink, region.box.scaled(scale)) >= MIN_INK:
                crop, box = part_of(image, region.box, scale, margin=4.0)
                found += [_in_points(one, scale, box) for one in read_part(crop, self._engine, self._min_score)]
        return found

    def _of_picture(self, page: Page, regions: Sequence[Region]) -> Reading:
        scale = page.dpi / POINTS

        def look(image: Image) -> list[Region]:
            return [replace(one, box=one.box.scaled(scale)) for one in self._layout(page, image)]

        given = [replace(region, box=region.box.scaled(scale)) for region in regions]
        scan = read_scan(picture_of(page), given, self._engine, self._min_score, look)
        sides = (page.height, page.width) if scan.quarters % 2 else (page.width, page.height)
        pieces = [_in_points(piece, scale) for piece in scan.pieces]
        found = [replace(region, box=region.box.scaled(1 / scale)) for region in scan.regions]
        return Reading(page, *sides, found, pieces, scan.image, -scan.quarters % 4, round(scan.skew, 4))

    def _layout(self, page: Page, image: Image) -> list[Region]:
        """The layout of a page that was turned: that of the page as it lay says nothing."""
        from neo_assets.documents.layout import LayoutDetector

        height, width = image.shape[:2]
        scale = page.dpi / POINTS
        turned = replace(page, image=png(image), width=width / scale, height=height / scale)
        return LayoutDetector(self._settings.layout).detect(turned)


def _in_points(piece: Piece, scale: float, origin: Box | None = None) -> Piece:
    """A piece in pixels of a picture in points of the page, where the picture begins at `origin`."""
    box = piece.box.scaled(1 / scale)
    if origin is not None:
        box = Box(box.x0 + origin.x0, box.y0 + origin.y0, box.x1 + origin.x0, box.y1 + origin.y0)
    return replace(piece, box=box, size=piece.size / scale)
