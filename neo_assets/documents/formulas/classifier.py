"""Which glyph a picture shows: a small convolutional network, run with numpy, and the usual measures of glyphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neo_assets.documents.formulas import weights
from neo_assets.documents.formulas.glyphs import digest
from neo_assets.documents.formulas.picture import Ink

BUNDLED = Path(__file__).parent / "weights" / "glyphs.safetensors"
CHANNELS = (16, 32, 48)
HIDDEN = 128
BATCH = 64

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Classifier:
    """Weights by their names in the trainer's network."""

    arrays: dict[str, Any]

    @property
    def measures(self) -> Floats:
        """(classes, 3): top, bottom and width of each class in ems from the base line."""
        return np.asarray(self.arrays["measures"])

    def logarithms(self, squares: Sequence[Ink]) -> Floats:
        """(n, classes) natural logarithms of the probabilities of `picture.square` pictures."""
        if not squares:
            return np.zeros((0, len(self.measures)), np.float32)
        parts = [self._batch(squares[at : at + BATCH]) for at in range(0, len(squares), BATCH)]
        return np.concatenate(parts)

    def _batch(self, squares: Sequence[Ink]) -> Floats:
        x = np.stack(squares).astype(np.float32)[:, None] / np.float32(255)
        for layer in range(len(CHANNELS)):
            x = _convolved(x, self.arrays[f"{layer}.weight"], self.arrays[f"{layer}.bias"])
            x = np.maximum(x, 0)
            n, c, h, w = x.shape
            x = x.reshape(n, c, h // 2, 2, w // 2, 2).max(axis=(3, 5))
        x = x.reshape(len(x), -1)
        x = np.maximum(x @ self.arrays["hidden.weight"].T + self.arrays["hidden.bias"], 0)
        x = x @ self.arrays["out.weight"].T + self.arrays["out.bias"]
        x = x - x.max(axis=1, keepdims=True)
        return np.asarray(x - np.log(np.exp(x).sum(axis=1, keepdims=True)), dtype=np.float32)


def _convolved(x: Floats, kernel: Floats, bias: Floats) -> Floats:
    """3 by 3, stride 1, same size."""
    n, c, h, w = x.shape
    padded: Any = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows: Any = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))  # type: ignore[call-overload]
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(n * h * w, c * 9)
    found = columns @ kernel.reshape(len(kernel), -1).T + bias
    return np.asarray(found.reshape(n, h, w, len(kernel)).transpose(0, 3, 1, 2))


@lru_cache(maxsize=2)
def classifier(path: Path = BUNDLED) -> Classifier:
    """The classifier, loaded once a process.

    Raises:
        WeightsError: the file is missing, damaged, or made for other glyphs.
    """
    if not path.is_file():
        raise weights.WeightsError(
            f"{path} is missing: install the package anew, or train it with neo_assets.documents.formulas.train"
        )
    arrays, notes = weights.read(path)
    if notes.get("glyphs") != digest() or not {"measures", "out.weight", "hidden.weight"} <= set(arrays):
        raise weights.WeightsError(f"{path} was made for other glyphs: train it anew")
    return Classifier(arrays)
