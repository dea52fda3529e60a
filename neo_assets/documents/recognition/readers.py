"""The readers of tables and formulas that recognition calls, made when the first page needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from neo_assets.documents.model import Box, Line
from neo_assets.documents.recognition.engine import Image
from neo_assets.documents.recognition.pictures import red_green_blue
from neo_assets.recipe.documents import FormulaSettings, TableSettings


@dataclass
class Readers:
    """Tables to HTML and formulas to LaTeX; null where nothing could be read."""

    table_settings: TableSettings
    formula_settings: FormulaSettings
    recognise: Callable[[Image], list[Line]]
    """Reads the lines of a picture anew, boxes in its pixels: for scanned tables that lie on their side."""

    def table(self, crop: Image, box: Box, lines: Sequence[Line], scale: float, scanned: bool) -> str | None:
        """HTML of the table that a crop shows; null where no table can be made of it.

        Args:
            box: of the crop in points; `lines` are in points of the page too.
            scale: pixels a point.
        """
        moved = [replace(line, box=_within(line.box, box, scale), size=line.size * scale) for line in lines]
        recognise = (lambda picture: self.recognise(red_green_blue(picture))) if scanned else None
        found = self._tables.read(red_green_blue(crop), moved, scanned, recognise)
        return str(found.html) if found is not None and found.html else None

    def formula(self, crop: Image, box: Box, characters: Sequence[Line], scale: float) -> str | None:
        """LaTeX of the formula that a crop shows, if the reader is sure enough.

        Args:
            box: of the crop in points; so are those of `characters`, runs of the text layer: none for a scan.
            scale: pixels a point.
        """
        if self._formulas is None:
            return None
        moved = [replace(one, box=_within(one.box, box, scale), size=one.size * scale) for one in characters]
        found = self._formulas.read(red_green_blue(crop), moved or None)
        sure = found is not None and found.score >= self.formula_settings.min_score
        return str(found.latex) if sure and found.latex.strip() else None

    @cached_property
    def _tables(self) -> Any:
        from neo_assets.documents.tables import TableReader

        return TableReader(self.table_settings)

    @cached_property
    def _formulas(self) -> Any:
        if self.formula_settings.reader == "none":
            return None
        from neo_assets.documents.formulas.reader import FormulaReader

        return FormulaReader(self.formula_settings)


def _within(box: Box, crop: Box, scale: float) -> Box:
    return Box(box.x0 - crop.x0, box.y0 - crop.y0, box.x1 - crop.x0, box.y1 - crop.y0).scaled(scale)
