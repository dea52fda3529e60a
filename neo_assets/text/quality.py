"""The optional quality score: the probability that a trained fastText classifier gives to one label."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from neo_assets.recipe.references import QualityModelSettings
from neo_assets.text.units import segment

LABEL_PREFIX = "__label__"


class QualityModelError(Exception):
    """The quality model is missing, is not the pinned one, or lacks the label."""


@dataclass(frozen=True)
class QualityScore:
    """Scores texts with a fastText model, which each process loads once and checks against its digest.

    A text becomes one line: its words joined by spaces, between whitespace in English and cut by jieba in Chinese. The
    model must have been trained on such lines.
    """

    path: str
    sha256: str
    label: str
    language: Literal["english", "chinese"]

    @classmethod
    def of(cls, settings: QualityModelSettings, folder: Path, language: Literal["english", "chinese"]) -> QualityScore:
        """The scorer of a recipe's model, whose path is relative to the folder or absolute."""
        return cls(str(folder / settings.path), settings.sha256, settings.label, language)

    def scores(self, texts: Sequence[str]) -> npt.NDArray[np.float64]:
        """The label's probability for each text, 0 to 1; NaN for a text without words.

        Raises:
            QualityModelError: the model cannot be used.
        """
        model, label = _model(self.path, self.sha256), LABEL_PREFIX + self.label
        if label not in model.get_labels():
            raise QualityModelError(f"{self.path} has no label {self.label!r}; it has {_labels(model)}")
        return np.array([_score(model, line_of(text, self.language), label) for text in texts], np.float64)


def line_of(text: str, language: Literal["english", "chinese"]) -> str:
    """The text's words, joined by spaces."""
    words = text.split() if language == "english" else [word for word in segment(text) if word.strip()]
    return " ".join(" ".join(words).split())


def _score(model: Any, line: str, label: str) -> float:
    if not line:
        return float("nan")
    # The wrapper's own `predict` fails with numpy 2 in some builds of fastText; the bound method below it does not.
    found = model.f.predict(line.encode("utf-8", "replace").decode() + "\n", -1, 0.0, "strict")
    return next((min(float(probability), 1.0) for probability, name in found if name == label), 0.0)


def _labels(model: Any) -> str:
    return ", ".join(sorted(name.removeprefix(LABEL_PREFIX) for name in model.get_labels()))


@lru_cache(maxsize=2)
def _model(path: str, sha256: str) -> Any:
    file = Path(path)
    if not file.is_file():
        raise QualityModelError(f"no quality model at {path}: put the file there, or remove quality_model")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != sha256:
        raise QualityModelError(f"{path} is not the pinned quality model: its SHA-256 is {digest}, expected {sha256}")
    import fasttext

    return fasttext.load_model(path)
