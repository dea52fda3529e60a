"""The only place where the truth tests and the truth benchmark touch the code under test."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.dedup.hashing import band_keys
from neo_assets.dedup.minhash import text_signatures
from neo_assets.recipe.dedup import NearSettings, Normalisation
from neo_assets_tests.dedup.relations import near_verdicts

Pair = tuple[int, int]


def layout(
    normalisation: Normalisation,
    shingle_chars: int = 13,
    bands: int = 9,
    rows: int = 13,
    threshold: float = 0.8,
    permutation_seed: int = 1,
) -> NearSettings:
    """Settings with these bands; the defaults are MAP-Neo Matrix's 9 × 13 over 13 characters."""
    return NearSettings(
        normalisation=normalisation,
        num_permutations=max(128, bands * rows),
        permutation_seed=permutation_seed,
        shingle_chars=shingle_chars,
        bands=bands,
        rows=rows,
        threshold=threshold,
    )


def keys(texts: Sequence[str], settings: NearSettings) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Band keys (one row a text, one column a band) and which texts have any shingle."""
    found, n_shingles = text_signatures(list(texts), settings)
    return band_keys(found, settings.bands, settings.rows), np.asarray(n_shingles) > 0


def met(left: Sequence[str], right: Sequence[str], settings: NearSettings) -> npt.NDArray[np.bool_]:
    """For each i whether left[i] and right[i] share a band."""
    (one, some), (two, others) = keys(left, settings), keys(right, settings)
    meet: npt.NDArray[np.bool_] = (one == two).any(axis=1) & some & others
    return meet


def proposed_pairs(texts: Sequence[str], settings: NearSettings) -> set[Pair]:
    """All pairs i < j of texts that share a band; as many steps as there are pairs within buckets."""
    found, some = keys(texts, settings)
    members = np.flatnonzero(some)
    pairs: set[Pair] = set()
    for column in found.T:
        order = members[np.argsort(column[members], kind="stable")]
        cuts = np.flatnonzero(np.diff(column[order])) + 1
        for start, end in pairwise([0, *cuts.tolist(), len(order)]):
            if end - start > 1:
                pairs.update(combinations(order[start:end].tolist(), 2))
    return pairs


def verdicts(texts: Sequence[str], settings: NearSettings) -> list[dict[str, Any]]:
    """What near deduplication decides about each text, the first text ranking first; `survivor` is a position."""
    name = "{:08}".format
    judged = near_verdicts({name(i): text for i, text in enumerate(texts)}, {}, settings)
    rows = [judged[name(i)] for i in range(len(texts))]
    return [row | {"survivor": None if row["survivor"] is None else int(row["survivor"])} for row in rows]
