"""Made samples for the tests of training: words of two kinds on sites of their own."""

from __future__ import annotations

from random import Random

import pyarrow as pa

from neo_assets.recipe.supplement import RecallClassifierSettings
from neo_assets.retrieval.model import SAMPLE_SCHEMA, TEST, TRAIN, VALID

SMALL = RecallClassifierSettings(
    dim=16, word_ngrams=2, min_count=1, learning_rate=0.5, epochs=5, buckets=1000, doubtful=1.0
)
DOMAIN_WORDS = [f"proof{i}" for i in range(60)]
OTHER_WORDS = [f"story{i}" for i in range(60)]
COMMON_WORDS = [f"and{i}" for i in range(60)]
PER_SPLIT = {TRAIN: 60, VALID: 10, TEST: 10}


def made_sample(per_split: dict[str, int] = PER_SPLIT, seed: int = 1, noise: float = 0.0) -> pa.Table:
    """So many documents of each class in each split; a share `noise` has words of the other class."""
    random, rows = Random(seed), []
    for split, n in per_split.items():
        for i in range(2 * n):
            label = i % 2
            of_domain = (label == 1) != (random.random() < noise)
            own = DOMAIN_WORDS if of_domain else OTHER_WORDS
            line = " ".join(random.choice(own + COMMON_WORDS) for _ in range(40))
            site = f"https://{split}{label}.example"
            rows.append(
                {
                    "doc_id": f"{split}{i:04}", "url": f"{site}/{i}", "base_url": site, "label": label, "split": split,
                    "line": line,
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, SAMPLE_SCHEMA)
