"""The classifier of a round: fastText, trained on a sample, quantised, and measured on base URLs it never saw.

fastText steps on one thread here, with the recipe's seed: equal samples give equal bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from neo_assets.recipe.supplement import RecallClassifierSettings
from neo_assets.retrieval.compression import UncompressibleError, compressed
from neo_assets.retrieval.decisive_words import decisive_words, strongest
from neo_assets.retrieval.doubtful import without_doubtful
from neo_assets.retrieval.measures import (
    CONFUSED_SCHEMA,
    CURVE_SCHEMA,
    Measured,
    accuracy,
    confused,
    curve,
    curve_plot,
    facts,
)
from neo_assets.retrieval.model import DECIMALS, TEST, VALID, WORD_SCHEMA
from neo_assets.retrieval.scoring import words_weights
from neo_assets.retrieval.training_set import HeldOut, TrainingSet, training_set
from neo_assets.text.quality import LABEL_PREFIX

MODEL = "model.ftz"
POSITIVE = f"{LABEL_PREFIX}1"
_LINES_AT_ONCE = 1_000
OTHER_BUILDS = ("fasttext-numpy2", "fasttext-modern")
"""Of the same module; measured of small samples: no numbers at random, and other bytes in every run."""
_SHOWN_ROWS, _SHOWN_CHARS = 10, 120
"""Of the confused documents, in the metadata."""


class RecallClassifierError(Exception):
    """No classifier can be trained on the sample with these settings."""


class Trained(NamedTuple):
    """A classifier and how good it is. `files` has `model.ftz`; `tables` has `words` (`WORD_SCHEMA`), `curve` and
    `confused` (see measures); `views` has `curve.png`. Without a sample there is no file and no view."""

    files: dict[str, bytes]
    tables: dict[str, pa.Table]
    views: dict[str, bytes]
    metadata: dict[str, Any]


def train(sample: Iterable[pa.RecordBatch], settings: RecallClassifierSettings, seed: int) -> Trained:
    """Trains on the split `train` of a sample (`SAMPLE_SCHEMA`) and measures on the two others.

    The metadata `quantising loses too much` says whether it took more than `max_loss` of the accuracy on the split
    `valid`; without documents in a split, its measures are left out.

    Raises:
        RecallClassifierError: a class is missing, the steps diverge, or the model cannot be made small enough.
    """
    with tempfile.TemporaryDirectory(prefix="neo-recall-") as name:
        folder = Path(name)
        documents = training_set(sample, folder, seed)
        if not any(documents.n_found) and not documents.held_out and not documents.n_empty:
            return _nothing()
        _check_classes(documents)
        documents = without_doubtful(
            documents, folder, lambda lines, model: _fit(lines, model, settings, seed), settings.doubtful
        )
        return _trained(documents, folder, settings, seed)


def _trained(documents: TrainingSet, folder: Path, settings: RecallClassifierSettings, seed: int) -> Trained:
    exact, published = folder / "model.bin", folder / MODEL
    vocabulary = _fit(documents.file, exact, settings, seed)
    valid = documents.held_out.get(VALID, [])
    before = accuracy(_measured(exact, valid))
    try:
        form = compressed(exact, published, documents.file, settings)
    except UncompressibleError as error:
        raise RecallClassifierError(str(error)) from error
    measured = {split: _measured(published, documents.held_out.get(split, [])) for split in (VALID, TEST)}
    words = decisive_words(documents, vocabulary, words_weights(published))
    lines = curve(measured)
    metadata: dict[str, Any] = {
        "training pairs": documents.n_pairs,
        "documents cut to make the classes equal": documents.n_cut,
        "documents without words": documents.n_empty,
        "negatives left out as doubtful": documents.n_doubtful,
        "model": form,
        "model bytes": published.stat().st_size,
    }
    after = accuracy(measured[VALID])
    if before is not None and after is not None:
        loss = round(before - after, DECIMALS)
        metadata |= {
            "valid accuracy before quantising": before,
            "accuracy lost by quantising": loss,
            "quantising loses too much": loss > settings.max_loss,
        }
    for split, found in measured.items():
        metadata |= facts(split, found)
    if missing := [split for split, found in measured.items() if not found.documents]:
        metadata["not measured"] = f"no document in {' and '.join(missing)}: too few base URLs to hold any out"
    metadata["decisive words"] = strongest(words)
    wrong = confused(measured)
    metadata["confused"] = [
        {"url": row["url"], "label": row["label"], "score": row["score"], "text": row["line"][:_SHOWN_CHARS]}
        for row in wrong.slice(0, _SHOWN_ROWS).to_pylist()
    ]
    tables = {"words": words, "curve": lines, "confused": wrong}
    views = {"curve.png": curve_plot(lines)} if lines.num_rows else {}
    return Trained({MODEL: published.read_bytes()}, tables, views, metadata)


def _nothing() -> Trained:
    tables = {"words": WORD_SCHEMA, "curve": CURVE_SCHEMA, "confused": CONFUSED_SCHEMA}
    empty = {name: schema.empty_table() for name, schema in tables.items()}
    return Trained({}, empty, {}, {"model": "none: the sample is empty"})


def _check_classes(documents: TrainingSet) -> None:
    n_negatives, n_positives = documents.n_found
    if not n_positives:
        raise RecallClassifierError(
            "the sample has no positives with words to train on: give the domain of this partition seeds with text, "
            "under supplement.domains in the recipe"
        )
    if not n_negatives:
        raise RecallClassifierError(
            "the sample has no negatives with words to train on: every page of the pool is a positive of the domain of "
            "this partition, or the pool is empty; search more pages, or narrow the domain's seeds.hosts"
        )


def _fit(lines: Path, model_file: Path, settings: RecallClassifierSettings, seed: int) -> list[str]:
    """Writes the trained model and gives its words."""
    import fasttext

    _check_build()

    try:
        model = fasttext.train_supervised(
            str(lines), dim=settings.dim, wordNgrams=settings.word_ngrams, minCount=settings.min_count,
            lr=settings.learning_rate, epoch=settings.epochs, bucket=settings.buckets, loss="softmax",
            thread=1, seed=seed % 2**31, verbose=0,
        )  # fmt: skip
    except RuntimeError as error:
        raise RecallClassifierError(
            f"fastText says {str(error).strip()!r}: lower supplement.classifier.learning_rate in the recipe"
        ) from error
    model.save_model(str(model_file))
    words: list[str] = model.get_words()
    return words


def _check_build() -> None:
    """Refuses a build of fastText that leaves weights uninitialised on one thread, and lies over the right one."""
    for name in OTHER_BUILDS:
        with suppress(PackageNotFoundError):
            version(name)
            raise RecallClassifierError(
                f"{name} lies over fasttext-community and trains on uninitialised weights: pip uninstall {name}, then "
                "pip install --force-reinstall --no-deps fasttext-community"
            )


def _measured(model_file: Path, documents: list[HeldOut]) -> Measured:
    import fasttext

    scores = np.zeros(len(documents), np.float64)
    if not documents:
        return Measured(documents, scores)
    model = fasttext.load_model(str(model_file))
    for start in range(0, len(documents), _LINES_AT_ONCE):
        some = documents[start : start + _LINES_AT_ONCE]
        found = model.f.multilinePredict([one.line + "\n" for one in some], -1, 0.0, "strict")
        for place, (labels, chances) in enumerate(zip(*found, strict=True), start):
            of_label = dict(zip(labels, chances, strict=True))
            scores[place] = min(float(of_label.get(POSITIVE, 0.0)), 1.0)
    return Measured(documents, scores.round(DECIMALS))
