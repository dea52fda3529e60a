"""Negatives that may be positives: pages drawn at random from the crawl, some of which are what is looked for.

The larger the domain's share of the crawl, the more of its pages stand among the negatives, and what they teach is
wrong. Each half of the training pairs judges the other half's negatives (cross-validation, as confident learning has
it: Northcutt, Jiang, Chuang 2021, arXiv:1911.00068); those taken for positives are left out. MAP-Neo leaves them in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from neo_assets.retrieval.fasttext_file import read_model
from neo_assets.retrieval.scoring import scorer_of
from neo_assets.retrieval.training_set import TrainingSet
from neo_assets.text.quality import LABEL_PREFIX

LEAST_PAIRS = 4
"""With fewer, a half is a pair or none, and says nothing."""
_LINES_AT_ONCE = 1_000


def without_doubtful(
    documents: TrainingSet, folder: Path, fit: Callable[[Path, Path], object], limit: float
) -> TrainingSet:
    """The training set without negatives that the classifier of the other half takes for positives with more than
    `limit`; as it was if it is small, or if nothing would be left.

    Args:
        fit: trains on the lines of the first file and writes the model to the second.

    Costs one more training over all lines, and a pass of scoring.
    """
    if limit >= 1 or documents.n_pairs < LEAST_PAIRS:
        return documents
    chances = np.zeros(documents.n_pairs, np.float64)
    for half in (0, 1):
        lines, model = folder / f"half{half}.txt", folder / f"half{half}.bin"
        _write(documents, lines, lambda pair, label, half=half: pair % 2 == half)  # type: ignore[misc]
        fit(lines, model)
        others = np.arange(1 - half, documents.n_pairs, 2)
        chances[others] = _chances(model, _negatives(documents, 1 - half))
        lines.unlink()
        model.unlink()
    doubtful = chances > limit
    if doubtful.all():
        return documents
    cleaned = folder / "cleaned.txt"
    _write(documents, cleaned, lambda pair, label: label == 1 or not doubtful[pair])
    return documents._replace(file=cleaned, n_doubtful=int(doubtful.sum()))


def _chances(model: Path, lines: Iterator[str]) -> npt.NDArray[np.float64]:
    scorer = scorer_of(read_model(str(model)))
    found = [np.zeros(0, np.float64)]
    while some := list(islice(lines, _LINES_AT_ONCE)):
        found.append(scorer.scores(some))
    return np.concatenate(found)


def _negatives(documents: TrainingSet, half: int) -> Iterator[str]:
    return (line for place, (_, line) in enumerate(documents.documents()) if place % 2 and place // 2 % 2 == half)


def _write(documents: TrainingSet, file: Path, wanted: Callable[[int, int], bool]) -> None:
    """The lines of the wanted (pair, label), in their order."""
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        for place, (label, line) in enumerate(documents.documents()):
            if wanted(place // 2, label):
                stream.write(f"{LABEL_PREFIX}{label} {line}\n")
