"""Formulas from their pictures, by whichever reader the recipe names."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas.repair import FormulaError, repaired
from neo_assets.documents.model import Line
from neo_assets.recipe.documents import FormulaSettings

Crop = NDArray[np.uint8]
Answer = tuple[str, float]
"""LaTeX and its confidence, 0 to 1."""
Engine = Callable[[Crop, Sequence[Line]], Answer | None]


class ReaderError(RuntimeError):
    """A reader that cannot be loaded; says what to do."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as LaTeX without `$`, valid, and how sure its reader is."""

    latex: str
    score: float


@dataclass(frozen=True)
class FormulaReader:
    """Reads crops as the settings say; models are loaded at the first crop, once a process."""

    settings: FormulaSettings = field(default_factory=FormulaSettings)

    def read(self, crop: Crop, runs: Sequence[Line] | None = None) -> Formula | None:
        """The formula of a crop (H, W, 3 RGB, uint8); null where none is read with enough confidence.

        Args:
            runs: characters of the page's text layer within the crop, boxes and font sizes in its pixels: the bundled
                reader takes them for what they are instead of guessing by their looks. Null for a scan.

        Raises:
            ReaderError: the reader's package or model is missing.
        """
        if self.settings.reader == "none" or crop.ndim < 2 or min(crop.shape[:2]) < 3:
            return None
        answer = _engine(self.settings.reader, self.settings.model)(crop, runs or ())
        if answer is None or not answer[1] >= self.settings.min_score:
            return None
        try:
            return Formula(repaired(answer[0]), round(answer[1], 4))
        except FormulaError:
            return None


@lru_cache(maxsize=4)
def _engine(reader: str, model: str | None) -> Engine:
    if reader == "bundled":
        return _bundled()
    folder = Path(model or "")
    if not folder.is_dir():
        raise ReaderError(f"documents.formulas.model is no folder: {folder}")
    return _paddle(folder) if reader == "paddle" else _pix2text(folder)


def _bundled() -> Engine:
    from neo_assets.documents.formulas import bundled, classifier
    from neo_assets.documents.formulas.weights import WeightsError

    try:
        classifier.classifier()
    except WeightsError as fault:
        raise ReaderError(str(fault)) from fault
    return bundled.read


def _paddle(folder: Path) -> Engine:
    """paddleocr's FormulaRecognition with a local model, such as PP-FormulaNet_plus-S."""
    import yaml

    try:
        from paddleocr import FormulaRecognition  # type: ignore[import-untyped]
    except ImportError as fault:
        raise ReaderError("documents.formulas.reader: paddle needs the extra `documents`") from fault
    try:
        told = yaml.safe_load((folder / "inference.yml").read_text(encoding="utf-8"))
        name = str(told["Global"]["model_name"])
    except (OSError, yaml.YAMLError, KeyError, TypeError) as fault:
        raise ReaderError(f"{folder} holds no inference.yml that names its model") from fault
    onnx = (folder / "inference.onnx").is_file()
    engine = (
        {"engine": "onnxruntime", "engine_config": {"intra_op_num_threads": 1, "log_severity_level": 3}} if onnx else {}
    )
    recogniser = FormulaRecognition(model_name=name, model_dir=str(folder), device="cpu", **engine)

    def read(crop: Crop, runs: Sequence[Line]) -> Answer | None:
        found = recogniser.predict(np.ascontiguousarray(_rgb(crop)[..., ::-1]), batch_size=1)
        return (str(found[0]["rec_formula"]), _certainty(found[0])) if found else None

    return read


def _pix2text(folder: Path) -> Engine:
    """Pix2Text's formula model with local weights."""
    try:
        from pix2text import LatexOCR  # type: ignore[import-not-found]
    except ImportError as fault:
        raise ReaderError("documents.formulas.reader: pix2text needs `pip install pix2text`") from fault
    from PIL import Image

    recogniser = LatexOCR(model_dir=str(folder), device="cpu")

    def read(crop: Crop, runs: Sequence[Line]) -> Answer | None:
        found = recogniser.recognize(Image.fromarray(_rgb(crop)))
        return (str(found["text"]), float(found["score"])) if isinstance(found, dict) else (str(found), 1.0)

    return read


def _rgb(crop: Crop) -> Crop:
    return np.repeat(crop[..., None], 3, axis=2) if crop.ndim == 2 else crop[..., :3]


def _certainty(found: Any) -> float:
    """paddleocr gives no score for formulas: 1, unless a version of it does."""
    score = found.get("rec_score")
    return float(score) if isinstance(score, int | float) and math.isfinite(score) else 1.0
