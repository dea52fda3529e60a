"""PP-OCR through paddleocr on onnxruntime: finds lines in a picture, and reads pictures of lines."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from neo_assets.documents.models import model_folder, recognition_names
from neo_assets.documents.models.engine import options, paddle_name, paddleocr
from neo_assets.recipe.documents import DocumentsSection

Image = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
"""Blue, green, red: as paddleocr and cv2 take it."""
Quads = np.ndarray[tuple[int, ...], np.dtype[np.float64]]
"""n x 4 corners x (x, y) in pixels, clockwise from the upper left."""
SIDES = {"default": 1280, "fast": 960, "faithful": 960}
"""Longer side in pixels to which a picture is made smaller before lines are looked for. MAP-Neo: 960."""


class Engine(Protocol):
    """Whatever finds and reads lines."""

    def find(self, image: Image) -> Quads:
        """Where lines are."""

    def read(self, crops: Sequence[Image]) -> list[tuple[str, float]]:
        """Text and score of each picture of a line."""


class PaddleEngine:
    """PP-OCR: the detector once a picture, the recogniser a line at a time; no models of orientation and unwarping."""

    def __init__(self, detection: str, recognition: str, side: int) -> None:
        import cv2

        cv2.setNumThreads(1)
        package = paddleocr()
        found, read = model_folder(detection), model_folder(recognition)
        resize = {"limit_side_len": side, "limit_type": "max"}
        self._find = package.TextDetection(
            model_name=paddle_name(found), model_dir=str(found), **resize, **options(found)
        )
        self._read = package.TextRecognition(model_name=paddle_name(read), model_dir=str(read), **options(read))

    def find(self, image: Image) -> Quads:
        """Where lines are, from top to bottom. Complexity: one pass of the network."""
        [found] = self._find.predict(image, batch_size=1)
        quads = np.asarray(found["dt_polys"], np.float64).reshape(-1, 4, 2)
        order = np.lexsort((quads[:, :, 0].min(axis=1), quads[:, :, 1].min(axis=1)))
        return np.asarray(quads[order])

    def read(self, crops: Sequence[Image]) -> list[tuple[str, float]]:
        """Text and score (0 to 1) of each picture; one at a time, since a batch is as wide as its widest."""
        if not crops:
            return []
        results: list[Any] = self._read.predict(list(crops), batch_size=1)
        return [(str(one["rec_text"]), float(one["rec_score"])) for one in results]


def paddle_engine(settings: DocumentsSection) -> PaddleEngine:
    """The engine of these settings, loaded once a process.

    Raises:
        ModelError: paddleocr or a model is missing.
    """
    return _engine(*recognition_names(settings), SIDES[settings.recognition.profile])


@lru_cache(maxsize=2)
def _engine(detection: str, recognition: str, side: int) -> PaddleEngine:
    return PaddleEngine(detection, recognition, side)
