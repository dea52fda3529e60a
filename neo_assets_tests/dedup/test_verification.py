from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup import verification
from neo_assets.dedup.hashing import distinct_counts, pair_counts
from neo_assets.dedup.shingles import shingled
from neo_assets.dedup.verification import PAIR_SCHEMA, VerifyPairs
from neo_assets.recipe.dedup import NearSettings
from neo_assets_tests.dedup.test_shingles import naive_reduced, naive_shingles, naive_words

TEXTS = st.text(st.sampled_from("abcAB 中文，。"), max_size=40)
HASHES = st.lists(st.one_of(st.integers(0, 5), st.integers(0, 2**64 - 1)), max_size=40)


def pairs_of(texts: list[tuple[str, str]]) -> pa.RecordBatch:
    known = sorted({text for pair in texts for text in pair})
    names = [[f"d{known.index(pair[side])}" for pair in texts] for side in (0, 1)]
    columns = [names[0], names[1], [i % 9 for i in range(len(texts))], *map(list, zip(*texts, strict=True))]
    kinds = [pa.string(), pa.string(), pa.int32(), pa.string(), pa.string()]
    arrays = [pa.array(column, kind) for column, kind in zip(columns or [[]] * 5, kinds, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, ["precedence", "other", "band", "text", "other_text"])


def naive_similarity(one: str, two: str, chosen: NearSettings) -> float:
    if chosen.shingle_words:
        a, b = (set(naive_words(t, chosen.normalisation, chosen.shingle_words, False)) for t in (one, two))
    else:
        a, b = (naive_shingles(naive_reduced(t, chosen.normalisation), chosen.shingle_chars) for t in (one, two))
    whole = len(a | b) if chosen.verify == "jaccard" else min(len(a), len(b))
    return len(a & b) / whole if whole else 0.0


@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6),
    st.sampled_from(["english", "chinese", "none"]),
    st.sampled_from(["jaccard", "containment"]),
    st.sampled_from([None, 1, 2]),
    st.integers(1, 14),
    st.sampled_from([1, 60, 2**22]),
)
def test_similarity_equals_that_of_the_shingle_sets(
    texts: list[tuple[str, str]], normalisation: str, verify: str, words: int | None, width: int, limit: int
) -> None:
    chosen = NearSettings.model_validate(
        {"normalisation": normalisation, "verify": verify, "shingle_chars": width, "shingle_words": words}
    )
    patch = pytest.MonkeyPatch()
    patch.setattr(verification, "SLICE_BYTES", limit)  # whatever is looked at together
    found = pickle.loads(pickle.dumps(VerifyPairs(chosen)))(pairs_of(texts))  # noqa: S301
    patch.undo()
    assert found.schema == PAIR_SCHEMA
    assert found.column("band").to_pylist() == [i % 9 for i in range(len(texts))]
    assert found.column("similarity").to_pylist() == [naive_similarity(*pair, chosen) for pair in texts]


@given(HASHES, HASHES)
def test_counts_of_distinct_hashes(one: list[int], two: list[int]) -> None:
    # 0 marks an empty slot of the table, so it is counted as 1: one of 2^64 hashes
    a, b = ({max(h, 1) for h in hashes} for hashes in (one, two))
    found = distinct_counts(np.array(one, np.uint64), np.array(two, np.uint64))
    assert found == (len(a), len(b), len(a & b))


def test_no_pairs() -> None:
    assert VerifyPairs(NearSettings(normalisation="english"))(pairs_of([("a", "b")]).slice(0, 0)).num_rows == 0


def test_a_large_edited_text() -> None:
    draw = np.random.default_rng(3)
    one = "".join(map(chr, draw.integers(0x4E00, 0x5E00, 50_000)))
    two = one[:20_000] + "改" + one[20_001:] + one[:500]
    ready = shingled([one, two], NearSettings(normalisation="chinese"))
    ((n_one, n_two, n_shared),) = pair_counts(ready, np.array([0]), np.array([1])).tolist()
    a, b = naive_shingles(one, 13), naive_shingles(two, 13)
    assert (n_one, n_two, n_shared) == (len(a), len(b), len(a & b))
