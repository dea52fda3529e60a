"""Scores of lines by a fastText classifier of two labels, without fastText's factor of low rank.

A supervised model is linear up to its softmax: a line's logits are the mean of its features' rows times the output. So
each row is multiplied once with the difference of both labels' output rows, and a line costs one addition a feature
instead of one vector. Scores are the probabilities themselves; fastText's `predict` adds 0.00001 to each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.corpus import Line
from neo_assets.retrieval.fasttext_file import DenseRows, Model, QuantisedRows, Rows, chunks, read_model
from neo_assets.retrieval.line_scores import build_table, project_codes, project_dense, score_lines
from neo_assets.retrieval.lines import line_of
from neo_assets.retrieval.model import DECIMALS, SCORE_SCHEMA

POSITIVE, NEGATIVE = b"__label__1", b"__label__0"

UInt8s = npt.NDArray[np.uint8]
UInt64s = npt.NDArray[np.uint64]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]


class ScorerError(Exception):
    """The model is not the one that was asked for, or has not the labels 1 and 0, or holds what is no number."""


@dataclass(frozen=True)
class Scorer:
    """A model as one weight a feature: what each adds to the logit of label 1 over label 0, before the mean."""

    table: UInt64s
    data: UInt8s
    offsets: Int64s
    """Word i is `data[offsets[i]:offsets[i + 1]]`; `table` finds it by its hash."""
    words: Float32s
    buckets: Float32s
    """A weight per bucket of n-grams; NaN for those that the model left out."""
    word_ngrams: int

    def scores(self, lines: pa.Array | pa.ChunkedArray | Sequence[str]) -> Float64s:
        """The probability of label 1 for each line, rounded; 0 for a line without words or features, or null."""
        text, bounds = _utf8(lines)
        logits = score_lines(
            text, bounds, self.table, self.data, self.offsets, self.words, self.buckets, self.word_ngrams
        )
        with np.errstate(over="ignore"):
            chances: Float64s = 1.0 / (1.0 + np.exp(-logits))
        chances[np.isnan(chances)] = 0.0
        return chances.round(DECIMALS)


@dataclass(frozen=True)
class Score:
    """Kernel: `score` takes the place of `text`; the other columns stay."""

    model: str
    """The classifier's file."""
    sha256: str
    language: Line
    max_chars: int

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        texts = batch.column("text").to_pylist()
        lines = pa.array([line_of(text or "", self.language, self.max_chars) for text in texts], pa.large_string())
        scores = load_scorer(self.model, self.sha256).scores(lines)
        rest = batch.drop_columns(["text"])
        return rest.append_column(SCORE_SCHEMA.field("score"), pa.array(scores, pa.float64()))


@lru_cache(maxsize=4)
def load_scorer(path: str, sha256: str) -> Scorer:
    """The scorer of a model file, loaded once per process.

    Raises:
        ScorerError: the file has another digest, or cannot give scores.
        FastTextFileError: it is no sound model.
    """
    file = Path(path)
    if not file.is_file():
        raise ScorerError(f"{path}: there is no such model")
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != sha256:
        raise ScorerError(f"{path} is not the model asked for: its SHA-256 is {digest}, expected {sha256}")
    return scorer_of(read_model(file), path)


def scorer_of(model: Model, name: str = "the model") -> Scorer:
    """The model, every row multiplied once with the difference of the output rows; memory bounded by chunks.

    Raises:
        ScorerError: its labels are not 1 and 0, or a weight is not a number.
    """
    weights = _projected(model, name)
    n_words = len(model.words)
    buckets = weights[n_words:]
    if model.pruned is not None:
        found = buckets
        buckets = np.full(model.args.buckets, np.nan, np.float32)
        buckets[model.pruned[:, 0]] = found[model.pruned[:, 1]]
    data = np.frombuffer(b"".join(model.words), np.uint8)
    offsets = np.zeros(n_words + 1, np.int64)
    np.cumsum([len(word) for word in model.words], out=offsets[1:])
    table = build_table(data, offsets)
    return Scorer(table, data, offsets, weights[:n_words].copy(), buckets.copy(), model.args.word_ngrams)


def words_weights(path: Path | str) -> dict[str, float]:
    """What each word of a model adds to the logit of label 1 over label 0, before the mean; in the file's order.

    Raises:
        ScorerError, FastTextFileError: as `load_scorer`.
    """
    model = read_model(path)
    weights = _projected(model, str(path), len(model.words))
    return {word.decode("utf-8", "replace"): float(weight) for word, weight in zip(model.words, weights, strict=True)}


def _projected(model: Model, name: str, n_rows: int | None = None) -> Float32s:
    """The product of each input row (or of the first ones) with the difference of the labels' output rows."""
    if sorted(model.labels) != [NEGATIVE, POSITIVE]:
        labels = ", ".join(label.decode("utf-8", "replace") for label in model.labels[:5])
        raise ScorerError(f"{name}: a classifier of __label__1 and __label__0 is needed; its labels are: {labels}")
    output = model.output.rows(0, 2).astype(np.float64)
    direction = output[model.labels.index(POSITIVE)] - output[model.labels.index(NEGATIVE)]
    weights = _products(model.input, direction, model.input.shape[0] if n_rows is None else n_rows)
    if not np.isfinite(weights).all():
        raise ScorerError(f"{name}: weights are not numbers: train it anew with a fastText that initialises all rows")
    return weights


def _products(rows: Rows, direction: Float64s, n_rows: int) -> Float32s:
    weights = np.zeros(n_rows, np.float32)
    parts = np.zeros((0, 0)) if isinstance(rows, DenseRows) else _centroid_products(rows, direction)
    with np.errstate(all="ignore"):
        for start, stop in chunks(rows):
            stop = min(stop, n_rows)
            if start >= stop:
                break
            if isinstance(rows, DenseRows):
                weights[start:stop] = project_dense(rows.rows(start, stop), direction)
            else:
                sums = project_codes(np.array(rows.codes[start:stop]), parts)
                weights[start:stop] = sums * rows.norms_of(start, stop)
    return weights


def _centroid_products(rows: QuantisedRows, direction: Float64s) -> Float64s:
    """The product of each stretch's centroids with that stretch of the direction: [stretches, 256]."""
    ends = np.cumsum([one.shape[1] for one in rows.centroids])
    stretches = np.split(direction, ends[:-1])
    with np.errstate(all="ignore"):
        pairs = zip(rows.centroids, stretches, strict=True)
        return np.stack([(one.astype(np.float64) * stretch).sum(axis=1) for one, stretch in pairs])


def _utf8(lines: pa.Array | pa.ChunkedArray | Sequence[str]) -> tuple[UInt8s, Int64s]:
    """The lines' bytes one after the other, and where each starts and ends; null is empty."""
    if isinstance(lines, pa.ChunkedArray):
        lines = lines.combine_chunks()
    if not isinstance(lines, pa.Array):
        lines = pa.array(lines, pa.large_string())
    array = lines.cast(pa.large_string()).fill_null("")
    _, bounds, data = array.buffers()
    if not len(array):
        return np.zeros(0, np.uint8), np.zeros(1, np.int64)
    ends = np.frombuffer(bounds, np.int64)[array.offset : array.offset + len(array) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), ends
