"""SLANet-plus through paddleocr: the tokens of a table's structure and the boxes of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from neo_assets.documents.model import Box
from neo_assets.documents.models.cache import model_folder
from neo_assets.documents.models.engine import options, paddle_name, paddleocr
from neo_assets.documents.tables.clean import Picture
from neo_assets.documents.tables.grid import Grid, grid_of_tokens

NAMES = frozenset({"<thead>", "</thead>", "<tbody>", "</tbody>"})
MOST_TOKENS = 480
"""The model stops after 500; an answer of about that length is cut off."""


@dataclass(frozen=True, slots=True)
class Structure:
    """What the model says of a picture: the grid (null: none), how sure it is, and whether it was cut off."""

    grid: Grid | None
    score: float
    cut_off: bool


def structure_of(picture: Picture, model: str) -> Structure:
    """The structure of the table that a picture shows.

    Raises:
        ModelError: the model cannot be had.
    """
    bgr = np.ascontiguousarray(picture[:, :, ::-1])
    found = _predictor(model).predict(bgr)[0]
    tokens = [str(token) for token in found["structure"]]
    boxes = [_box(corners, picture) for corners in found["bbox"]]
    return Structure(grid_of_tokens(tokens, boxes), float(found["structure_score"]), len(tokens) >= MOST_TOKENS)


def _box(corners: Any, picture: Picture) -> Box | None:
    """The rectangle around a cell's corners within the picture; null where nothing is left of it."""
    height, width = picture.shape[:2]
    points = np.asarray(corners, dtype=np.float64)
    xs, ys = np.clip(points[0::2], 0, width), np.clip(points[1::2], 0, height)
    box = Box(float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max()))
    return box if box.width >= 1 and box.height >= 1 else None


@lru_cache(maxsize=2)
def _predictor(model: str) -> Any:
    folder = model_folder(model)
    return paddleocr().TableStructureRecognition(
        model_name=paddle_name(folder), model_dir=str(folder), **options(folder)
    )
