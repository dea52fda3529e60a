"""Documents chosen by a hash of their id, whatever their order or partition: the tokenizer's sample, a few to test."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import pyarrow as pa
import pyarrow.compute as pc

from neo_assets.recipe.tokenizer import SamplingSettings
from neo_assets.tokens.exact import exact
from neo_assets.tokens.keyed import WORD, key, uniform


def sample_fractions(characters: Mapping[str, int], settings: SamplingSettings) -> dict[str, float]:
    """How often each document of a subset is expected in the sample (0.25: every fourth; 2: each twice).

    All weights are scaled by one number so that the sample holds `total_characters` in expectation; a corpus too
    small for that is taken at its weights.

    Args:
        characters: characters per subset.

    Raises:
        ValueError: a weight names an unknown subset, or nothing is left to sample.
    """
    if unknown := sorted(set(settings.weights) - set(characters)):
        raise ValueError(f"tokenizer.sampling.weights names unknown subsets: {', '.join(unknown)}")
    weighted = {name: exact(settings.weight(name)) * n for name, n in characters.items()}
    total = sum(weighted.values(), Fraction(0))
    if total == 0:
        raise ValueError("the tokenizer's sample is empty: the corpus is empty or every weight is 0")
    scale = min(Fraction(1), Fraction(settings.total_characters) / total)
    return {name: float(scale * exact(settings.weight(name))) for name in characters}


def n_copies(doc_id: str, fraction: float, key_bytes: bytes) -> int:
    """How often a document is in the sample: the whole part of `fraction`, and once more with its fractional part."""
    whole = int(fraction)
    return whole + (uniform(doc_id, key_bytes) < int((Fraction(fraction) - whole) * WORD))


@dataclass(frozen=True)
class SampleDocuments:
    """Kernel: the documents of a batch that are in the sample, with a `copies` column; order kept.

    Needs `doc_id` and `subset`. A document's fate depends on its id, its subset's fraction and the seed alone.
    """

    fractions: tuple[tuple[str, float], ...]
    seed: int

    @classmethod
    def of(cls, fractions: Mapping[str, float], seed: int) -> SampleDocuments:
        """The kernel for the fractions of `sample_fractions`."""
        return cls(tuple(sorted(fractions.items())), seed)

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        fractions, key_bytes = dict(self.fractions), key("tokenizer sample", self.seed)
        pairs = zip(batch.column("doc_id").to_pylist(), batch.column("subset").to_pylist(), strict=True)
        copies = pa.array([n_copies(doc_id, fractions[subset], key_bytes) for doc_id, subset in pairs], pa.int32())
        return batch.append_column("copies", copies).filter(pc.greater(copies, 0))


def draw_documents(doc_ids: Iterable[str], n: int, seed: int) -> list[str]:
    """`n` documents (or all, if there are fewer) drawn at random by the seed, ascending; repeated ids count once.

    O(ids × log n), memory O(n): each id is hashed, and those with the smallest hashes are taken.
    """
    key_bytes = key("documents drawn", seed)
    smallest: list[tuple[int, str]] = []  # a heap of negated hashes: its first is the largest of those taken
    taken: set[str] = set()
    for doc_id in doc_ids:
        entry = (-uniform(doc_id, key_bytes), doc_id)
        if doc_id in taken or (len(smallest) == n and entry <= smallest[0]):
            continue
        taken.add(doc_id)
        if len(smallest) < n:
            heapq.heappush(smallest, entry)
        else:
            taken.discard(heapq.heapreplace(smallest, entry)[1])
    return sorted(taken)
