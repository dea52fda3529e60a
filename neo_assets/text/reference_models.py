"""The models behind eight of RedPajama-V2's signals: trained into files, and measured together on batches of texts."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from neo_assets.recipe.references import ReferenceSettings
from neo_assets.text.importance import TARGETS, feature_sums, importance, log_ratios
from neo_assets.text.language_model import (
    LanguageModel,
    bucket_limits,
    ccnet_bucket,
    characters,
    perplexity,
    train,
)
from neo_assets.text.reference_classifier import CLASSES, joined, scores, softmax, train_classifier
from neo_assets.text.references import WEB, texts_by_set
from neo_assets.text.units import Points, Units, chinese_words, code_points, english_words

Language = Literal["english", "chinese"]
Float64s = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]

NGRAMS, FACTS = "ngrams.npy", "language_model.json"
RATIOS = "log_ratios.npy"
WEIGHTS = "weights.npy"
DECIMALS = 6
"""Signals are rounded, so that the last bits of a logarithm, which differ between processors, are never content."""
TEXTS_AT_ONCE = 1_000


class Trained(NamedTuple):
    """A model as files, the same bytes for the same input, and facts about it worth a look."""

    files: dict[str, bytes]
    metadata: dict[str, Any]


def train_perplexity_model(documents: pa.Table, settings: ReferenceSettings | None, language: Language) -> Trained:
    """The n-gram model of the set `wikipedia`, and the limits of the buckets by the perplexities of the web pool.

    Args:
        documents: those of the reference sets and of the web pool, by `REFERENCE_SCHEMA`.
        settings: without any there is no model.
    """
    if settings is None:
        return Trained({}, {})
    units = {name: _units(texts, language) for name, texts in texts_by_set(documents).items()}
    text = units["wikipedia"]
    model = train(text, settings.language_model)
    found = {name: perplexity(one, model) for name, one in units.items()}
    limits = bucket_limits(found[WEB], settings.language_model)
    facts = {
        "language": language,
        "order": model.order,
        "log_unknown": model.log_unknown,
        "bucket_limits": limits.tolist(),
    }
    metadata: dict[str, Any] = {
        "units learned from": int(text.hashes.size),
        "n-grams": int(np.count_nonzero(model.entries[:, 0])),
        "head up to perplexity": round(float(limits[0]), 1),
        "middle up to perplexity": round(float(limits[1]), 1),
    }
    metadata |= {f"median perplexity, {name}": _median(values) for name, values in found.items()}
    files = {NGRAMS: _bytes(model.entries), FACTS: json.dumps(facts, indent=1, sort_keys=True).encode()}
    return Trained(files, metadata)


def train_importance_model(documents: pa.Table, settings: ReferenceSettings | None, language: Language) -> Trained:
    """The log ratios of each of `TARGETS` against the web pool; arguments as above."""
    if settings is None:
        return Trained({}, {})
    words = {name: _words(texts, language) for name, texts in texts_by_set(documents).items()}
    ratios = log_ratios({name: words[name] for name in TARGETS}, words[WEB], settings.importance_buckets)
    metadata: dict[str, Any] = {"buckets": settings.importance_buckets}
    for name, documents in words.items():
        medians = [_median(column) for column in importance(documents, ratios).T]
        metadata[f"median importance, {name}"] = ", ".join(
            f"{target} {value:g}" for target, value in zip(TARGETS, medians, strict=True)
        )
    return Trained({RATIOS: _bytes(ratios)}, metadata)


def train_reference_classifier(documents: pa.Table, settings: ReferenceSettings | None, language: Language) -> Trained:
    """The classifier of `CLASSES`, with its accuracy on documents held out; arguments as above."""
    if settings is None:
        return Trained({}, {})
    words = {name: _words(texts, language) for name, texts in texts_by_set(documents).items()}
    trained = train_classifier(words, settings.classifier)
    metadata: dict[str, Any] = {"buckets": settings.classifier.buckets}
    if (n_held_out := int(trained.confusion.sum())) > 0:
        metadata |= {"held out": n_held_out, "held-out accuracy": round(trained.accuracy, 4)}
    for name, row in zip(CLASSES, trained.confusion.tolist(), strict=True):
        taken = ", ".join(f"{other} {count}" for other, count in zip(CLASSES, row, strict=True) if count)
        metadata[f"held out of {name}"] = taken or "none"
    return Trained({WEIGHTS: _bytes(trained.weights)}, metadata)


@dataclass(frozen=True)
class ReferenceModels:
    """The three models of one language, by the folders that hold their files; each process loads them once.

    The files are mapped into memory, so that processes of one machine share it. `digest` pins their bytes.
    """

    perplexity: str
    importance: str
    classifier: str
    digest: str

    @classmethod
    def of(cls, perplexity: Path, importance: Path, classifier: Path) -> ReferenceModels:
        """The models in these folders, as they are now."""
        folders = (str(perplexity), str(importance), str(classifier))
        return cls(*folders, _digest(folders))

    def measure(
        self, points: npt.NDArray[np.uint32], offsets: npt.NDArray[np.int64], words: Units
    ) -> dict[str, Float64s]:
        """The eight signals of texts, float64, NaN where one has no value.

        A text without a unit has no perplexity and no bucket, importance 0, and scores of equal probabilities.

        Args:
            points: the texts' code points, text i at `points[offsets[i]:offsets[i + 1]]`.
            words: the same texts' words, as `english_words` or `chinese_words` gives them.

        Raises:
            ReferenceModelError: the files are missing or changed.
        """
        models = _load((self.perplexity, self.importance, self.classifier), self.digest)
        units = words if models.language == "english" else characters(Points(points, offsets))
        perplexities = perplexity(units, models.language_model)
        sums = feature_sums(words, models.ratios, models.weights)
        chances = scores(softmax(sums.weights, sums.n_features))
        found = {
            "ccnet_perplexity": perplexities,
            "ccnet_bucket": ccnet_bucket(perplexities, models.bucket_limits),
            **{f"rps_doc_{name}_importance": sums.ratios[:, i] for i, name in enumerate(TARGETS)},
            **{f"rps_doc_ml_{name}_score": chance for name, chance in chances.items()},
        }
        return {name: np.round(values, DECIMALS) for name, values in found.items()}


class ReferenceModelError(Exception):
    """The files of the reference models are missing, or are not those that were pinned."""


class _Loaded(NamedTuple):
    language: Language
    language_model: LanguageModel
    bucket_limits: Float64s
    ratios: Float32s
    weights: Float32s


@lru_cache(maxsize=2)
def _load(folders: tuple[str, str, str], digest: str) -> _Loaded:
    if _digest(folders) != digest:
        raise ReferenceModelError(f"the models in {', '.join(folders)} changed after they were pinned: build them anew")
    perplexity_folder, importance_folder, classifier_folder = map(Path, folders)
    facts = json.loads((perplexity_folder / FACTS).read_text(encoding="utf-8"))
    model = LanguageModel(facts["order"], facts["log_unknown"], _mapped(perplexity_folder / NGRAMS))
    limits = np.array(facts["bucket_limits"], np.float64)
    ratios, weights = _mapped(importance_folder / RATIOS), _mapped(classifier_folder / WEIGHTS)
    return _Loaded(facts["language"], model, limits, ratios, weights)


def _mapped(path: Path) -> npt.NDArray[Any]:
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _digest(folders: Sequence[str]) -> str:
    hasher = hashlib.sha256()
    for folder, names in zip(folders, ((NGRAMS, FACTS), (RATIOS,), (WEIGHTS,)), strict=True):
        for name in names:
            path = Path(folder, name)
            if not path.is_file():
                raise ReferenceModelError(f"no model file {path}: build the models first")
            with path.open("rb") as stream:
                hasher.update(hashlib.file_digest(stream, "sha256").digest())
    return hasher.hexdigest()


def _bytes(array: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _words(texts: Sequence[str], language: Language) -> Units:
    cut = english_words if language == "english" else chinese_words
    return joined([cut(stretch) for stretch in _stretches(texts)])


def _units(texts: Sequence[str], language: Language) -> Units:
    """The units of the language model: English words, Chinese characters."""
    if language == "english":
        return _words(texts, language)
    return joined([characters(code_points(stretch)) for stretch in _stretches(texts)])


def _stretches(texts: Sequence[str]) -> Iterable[Sequence[str]]:
    return (texts[start : start + TEXTS_AT_ONCE] for start in range(0, max(len(texts), 1), TEXTS_AT_ONCE))


def _median(values: Float64s) -> float | None:
    known = values[~np.isnan(values)]
    return round(float(np.median(known)), 1) if known.size else None
