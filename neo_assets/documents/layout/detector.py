"""Finds the regions of a page with a detection model, through paddleocr."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.documents.layout.drawn import with_drawn_tables
from neo_assets.documents.layout.framed import with_whole_tables
from neo_assets.documents.layout.grown import with_whole_formulas
from neo_assets.documents.layout.halves import with_columns_apart
from neo_assets.documents.layout.joined import with_cut_tables_joined
from neo_assets.documents.layout.labels import KINDS, unknown
from neo_assets.documents.layout.missed import with_missed_figures
from neo_assets.documents.layout.overlaps import resolve
from neo_assets.documents.layout.ruled import with_ruled_tables
from neo_assets.documents.layout.single import with_single_lines_as_text
from neo_assets.documents.model import Box, Page, Region
from neo_assets.documents.models import ModelError, model_folder
from neo_assets.documents.models.engine import configuration, options, paddle_name, paddleocr
from neo_assets.recipe.documents import LayoutSettings

Pixels = npt.NDArray[np.uint8]


class LayoutDetector:
    """A layout model, loaded once; MAP-Neo's is PicoDet, trained on CDLA. Not to be shared by threads.

    About 0.15 CPU seconds a page with PicoDet.

    Raises:
        ModelError: the model cannot be had, or it has classes that mean nothing here.
    """

    def __init__(self, settings: LayoutSettings) -> None:
        folder = model_folder(settings.model)
        strange = unknown(configuration(folder).get("label_list") or ["no label_list"])
        if strange:
            raise ModelError(f"the layout model {settings.model} has unknown classes ({', '.join(strange)}): take a "
                             f"model with classes of CDLA, PubLayNet or PP-DocLayout")  # fmt: skip
        self._threshold = settings.threshold
        self._model: Any = paddleocr().LayoutDetection(
            model_name=paddle_name(folder), model_dir=str(folder), threshold=settings.threshold, **options(folder)
        )

    def detect(self, page: Page) -> list[Region]:
        """The regions of the page, each place in one of them, from top to bottom; none on a blank page.

        Raises:
            ValueError: the page's picture cannot be read.
        """
        pixels = picture(page)
        height, width = pixels.shape[:2]
        scale = width / page.width
        found = with_drawn_tables(with_ruled_tables(self.raw(pixels), pixels), pixels, scale)
        found = with_cut_tables_joined(found, pixels, scale)
        found = with_single_lines_as_text(with_whole_tables(found, pixels, scale), pixels, scale)
        found = with_missed_figures(with_columns_apart(found, pixels), pixels, scale)
        to_points = page.width / width, page.height / height
        regions = resolve((_in_points(one, *to_points) for one in found), page.width, page.height)
        return with_whole_formulas(regions, pixels, scale)

    def raw(self, pixels: Pixels) -> list[Region]:
        """What the model finds in a picture (height, width, 3: blue, green, red), boxes in its pixels."""
        [result] = self._model.predict(pixels, batch_size=1, threshold=self._threshold)
        found = []
        for box in result["boxes"]:
            kind = KINDS[box["label"]]
            if kind is not None:
                found.append(Region(kind, Box(*map(float, box["coordinate"][:4])), float(box["score"])))
        return found


def picture(page: Page) -> Pixels:
    """The rendered page as an array (height, width, 3: blue, green, red).

    Raises:
        ValueError: it is no picture.
    """
    import cv2

    pixels = cv2.imdecode(np.frombuffer(page.image, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("the page's picture cannot be read: render the page again")
    return np.asarray(pixels, np.uint8)


def _in_points(region: Region, across: float, down: float) -> Region:
    x0, y0, x1, y1 = region.box
    return Region(region.kind, Box(x0 * across, y0 * down, x1 * across, y1 * down), region.score)
