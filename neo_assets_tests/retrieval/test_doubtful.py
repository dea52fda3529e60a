"""Negatives that are positives in truth are found by the other half's classifier, and only they."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest

from neo_assets.recipe.supplement import RecallClassifierSettings
from neo_assets.retrieval.classifier import _fit, train
from neo_assets.retrieval.doubtful import without_doubtful
from neo_assets.retrieval.model import SAMPLE_SCHEMA
from neo_assets.retrieval.training_set import TrainingSet, training_set

SETTINGS = RecallClassifierSettings(
    dim=8, word_ngrams=1, min_count=1, learning_rate=0.5, epochs=20, buckets=1000, max_model_bytes=10**6, doubtful=0.5
)
LAW = ["article", "shall", "law", "penalty", "court", "citizen", "state", "right"]
TALE = ["moon", "river", "said", "horse", "night", "wine", "mountain", "friend"]


def sample(n: int, n_wrong: int) -> list[pa.RecordBatch]:
    """n positives of law and n negatives, of which the first few are of law too."""
    draw = random.Random(1)
    made = []
    for label, words in ((1, [LAW] * n), (0, [LAW] * n_wrong + [TALE] * (n - n_wrong))):
        for number, of in enumerate(words):
            line = " ".join(draw.choice(of) for _ in range(30))
            made.append({"doc_id": f"{label}:{number:03}", "label": label, "split": "train", "line": line})
    return pa.Table.from_pylist(made, SAMPLE_SCHEMA).to_batches()


def cleaned(folder: Path, n: int, n_wrong: int, limit: float = 0.5) -> tuple[TrainingSet, list[tuple[int, str]]]:
    documents = training_set(sample(n, n_wrong), folder, 1)
    found = without_doubtful(documents, folder, lambda lines, model: _fit(lines, model, SETTINGS, 1), limit)
    return found, list(found.documents())


def test_negatives_of_the_domain_are_left_out_and_no_others(tmp_path: Path) -> None:
    found, left = cleaned(tmp_path, 40, 8)
    negatives = [line.split()[0] for label, line in left if label == 0]
    assert found.n_doubtful == 8 and len(negatives) == 32 and set(negatives) <= set(TALE)
    assert sum(label for label, _ in left) == 40


@pytest.mark.parametrize(("n", "n_wrong", "limit"), [(40, 8, 1.0), (3, 1, 0.5), (1, 1, 0.5), (12, 12, 0.01)])
def test_all_stay_where_it_is_switched_off_or_says_nothing(tmp_path: Path, n: int, n_wrong: int, limit: float) -> None:
    found, left = cleaned(tmp_path, n, n_wrong, limit)
    assert found.n_doubtful == 0 and len(left) == 2 * n


def test_the_classifier_tells_how_many(tmp_path: Path) -> None:
    assert train(sample(40, 8), SETTINGS, 1).metadata["negatives left out as doubtful"] == 8
