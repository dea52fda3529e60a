"""The words that tell a domain's texts from others: by how many documents of each class hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from neo_assets.retrieval.model import DECIMALS, WORD_SCHEMA
from neo_assets.retrieval.training_set import TrainingSet

N_WORDS = 20_000
N_SHOWN = 20
_END = "</s>"
_PRIOR = 0.5
"""Documents of each class that are added, with and without the word: Jeffreys' prior."""


def decisive_words(documents: TrainingSet, vocabulary: Sequence[str], weights: Mapping[str, float]) -> pa.Table:
    """`WORD_SCHEMA`: at most `N_WORDS` of the vocabulary's words.

    The weight of a word that quantising pruned is 0, for so much it adds.

    Args:
        vocabulary: the words that occur often enough to be learned.
        weights: what each word of the published model adds to the logit of label 1 over label 0.
    """
    places = {word: place for place, word in enumerate(vocabulary) if word != _END}
    counts = np.zeros((2, len(vocabulary)), np.int64)
    sizes = [0, 0]
    for label, line in documents.documents():
        sizes[label] += 1
        counts[label, [places[word] for word in set(line.split(" ")) if word in places]] += 1
    shares = (counts + _PRIOR) / (np.array(sizes)[:, None] + 2 * _PRIOR)
    odds = np.round(np.log(shares[1] / shares[0]), DECIMALS)
    rows = sorted(places.items(), key=lambda item: (-abs(odds[item[1]]), item[0]))[:N_WORDS]
    columns = [
        [word for word, _ in rows],
        [round(weights.get(word, 0.0), DECIMALS) for word, _ in rows],
        *(values[[place for _, place in rows]] for values in (odds, counts[1], counts[0])),
    ]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, WORD_SCHEMA, strict=True)]
    return pa.table(arrays, WORD_SCHEMA)


def strongest(words: pa.Table) -> list[dict[str, Any]]:
    """The first words of both classes side by side, as rows of a table for people."""
    rows = words.to_pylist()
    sides = [[row for row in rows if sign * row["log_odds"] > 0][:N_SHOWN] for sign in (1, -1)]
    shown = []
    for place in range(max(map(len, sides))):
        row: dict[str, Any] = {}
        for title, side in zip(("for the domain", "against it"), sides, strict=True):
            one = side[place] if place < len(side) else None
            row[title] = one["word"] if one else ""
            row[f"log odds {title}"] = one["log_odds"] if one else ""
        shown.append(row)
    return shown
