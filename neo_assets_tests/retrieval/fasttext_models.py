"""Small models trained by fastText, and what it predicts, for tests of our reading of them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

SEPARATORS = " \t\v\f\r\0"
WORDS = tuple(f"{letters}{number}" for number in range(150) for letters in ("a", "é", "漢字", "𝒳"))
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any] | None]] = {
    "trigrams": ({"wordNgrams": 3, "bucket": 5000, "dim": 20}, None),
    "words": ({"wordNgrams": 1, "dim": 7}, None),
    "quantised": ({"wordNgrams": 3, "bucket": 5000, "dim": 20}, {}),
    "norms": ({"wordNgrams": 2, "bucket": 1000, "dim": 16}, {"qnorm": True}),
    "cut": (
        {"wordNgrams": 3, "bucket": 5000, "dim": 16},
        {"cutoff": 700, "retrain": True, "qnorm": True, "epoch": 1, "lr": 0.1},
    ),
    "cut_odd": ({"wordNgrams": 2, "bucket": 3000, "dim": 8}, {"cutoff": 400, "dsub": 3}),
    "cut_words": ({"wordNgrams": 1, "dim": 8}, {"cutoff": 300, "qnorm": True}),
}
"""Settings of training, and of quantising where that is done."""


def train(folder: Path, kind: str) -> Path:
    """The file of a model of two labels, trained on random lines with words that are commoner under one label."""
    settings, quantising = KINDS[kind]
    draw = random.Random(kind)
    lines = []
    for number in range(240):
        label = number % 2
        words = draw.choices(WORDS[150 * label : 450 + 150 * label], k=draw.randrange(3, 30))
        lines.append(f"__label__{label} {' '.join(words)}")
    return fit(folder / kind, lines, settings, quantising)


def fit(stem: Path, lines: list[str], settings: dict[str, Any], quantising: dict[str, Any] | None) -> Path:
    """The file of a model of these lines."""
    import fasttext

    texts = stem.with_suffix(".txt")
    texts.write_text("\n".join(lines) + "\n", encoding="utf-8")
    model = fasttext.train_supervised(str(texts), thread=1, epoch=20, lr=1.0, verbose=0, **settings)
    if quantising is not None:
        model.quantize(input=str(texts), thread=1, verbose=0, **quantising)
    file = stem.with_suffix(".bin" if quantising is None else ".ftz")
    model.save_model(str(file))
    return file


def predicted(model: Any, line: str) -> dict[str, float]:
    """fastText's probability of each label; none for a line without features. It adds 0.00001 to every one."""
    # The bound method: `predict` itself would refuse a line end within the line.
    found = model.f.predict(line + "\n", -1, 0.0, "strict")
    return {label: probability - 1e-5 for probability, label in found}
