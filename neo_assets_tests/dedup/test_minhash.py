from __future__ import annotations

import pickle
import struct

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup.hashing import band_keys, minima
from neo_assets.dedup.minhash import BAND_SCHEMA, SIGNATURE_SCHEMA, BandRows, Signatures, permutations, text_signatures
from neo_assets.recipe.lines import DedupSettings
from neo_assets_tests.dedup.test_shingles import naive_hash, naive_reduced, naive_shingles

ENGLISH = DedupSettings(normalisation="english")
CHINESE = DedupSettings(normalisation="chinese")
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ab中文。 \n")), max_size=200)


def low_half(shingle: bytes) -> int:
    """The 32-bit shingle hash which the fast path takes, for datasketch."""
    return naive_hash(shingle.decode("utf-8")) & 0xFFFFFFFF


@settings(max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from([ENGLISH, CHINESE]))
def test_signatures_equal_datasketch(texts: list[str], chosen: DedupSettings) -> None:
    found, n_shingles = text_signatures(texts, chosen)
    for text, signature, n in zip(texts, found, n_shingles, strict=True):
        reduced = naive_reduced(text, chosen.normalisation)
        peer = MinHash(num_perm=128, scheme="affine32", hashfunc=low_half)
        peer.update_batch(shingle.encode("utf-8") for shingle in naive_shingles(reduced, 13))
        assert signature.tolist() == peer.hashvalues.tolist()
        assert n == (max(len(reduced) - 12, 1) if reduced else 0)


def test_other_numbers_and_seeds_equal_datasketch_too() -> None:
    for n, seed in ((1, 1), (64, 7), (256, 2**32 - 1)):
        peer = MinHash(num_perm=n, seed=seed, scheme="affine32")
        a, b = permutations(n, seed)
        assert np.array_equal(peer.permutations, [a, b])


def test_a_known_signature_does_not_move() -> None:
    # from datasketch 2.0.0: MinHash(128, scheme="affine32", hashfunc=low_half).update(b"hello world a").hashvalues[:4]
    (signature,), _ = text_signatures(["Hello, world a"], ENGLISH)
    assert signature[:4].tolist() == [3950464665, 581599042, 3749684824, 3798261241]


def test_short_texts_match_only_equal_ones() -> None:
    found, n_shingles = text_signatures(["短文", "短文！", "短", "？！"], CHINESE)
    assert np.array_equal(found[0], found[1])
    assert (found[0] != found[2]).all()
    assert n_shingles.tolist() == [1, 1, 1, 0]


def batch_of(*texts: str | None) -> pa.RecordBatch:
    ids = [f"d{i}" for i in range(len(texts))]
    return pa.RecordBatch.from_arrays(
        [pa.array(ids, pa.string()), pa.array(ids, pa.string()), pa.array(texts, pa.string())],
        ["doc_id", "url", "text"],
    )


def test_kernels_chain() -> None:
    kernel = pickle.loads(pickle.dumps(Signatures(ENGLISH)))  # noqa: S301
    batch = kernel(batch_of("one text of some length", "!!!", None, "another text of some length"))
    assert batch.schema == SIGNATURE_SCHEMA
    assert batch.column("n_shingles").to_pylist() == [11, 0, 0, 15]
    packed = batch.column("signature").to_pylist()
    assert [None if p is None else len(p) for p in packed] == [512, None, None, 512]
    rows = BandRows(ENGLISH)(batch)
    assert rows.schema == BAND_SCHEMA
    assert rows.column("doc_id").to_pylist() == ["d0"] * 9 + ["d3"] * 9
    assert rows.column("band").to_pylist() == [*range(9), *range(9)]
    assert BandRows(ENGLISH)(kernel(batch_of())).num_rows == 0


def test_batches_do_not_matter() -> None:
    texts = [f"text number {i} of several that differ" for i in range(7)]
    whole = Signatures(ENGLISH)(batch_of(*texts)).column("signature").to_pylist()
    single = [Signatures(ENGLISH)(batch_of(text)).column("signature")[0].as_py() for text in texts]
    assert whole == single


def test_a_band_key_depends_on_exactly_its_values() -> None:
    signature = np.arange(128, dtype=np.uint32)[None, :]
    keys = band_keys(signature, 9, 13)[0]
    assert len(set(keys.tolist())) == 9
    for position in range(128):
        changed = signature.copy()
        changed[0, position] ^= 1
        different = np.flatnonzero(band_keys(changed, 9, 13)[0] != keys).tolist()
        assert different == ([position // 13] if position < 117 else [])
    assert (
        BandRows(ENGLISH)(
            pa.RecordBatch.from_arrays(
                [pa.array(["d"]), pa.array([struct.pack("<128I", *range(128))], pa.binary())], ["doc_id", "signature"]
            )
        )
        .column("band_key")
        .to_pylist()
        == keys.tolist()
    )


@pytest.mark.parametrize(
    # 1 - (1 - J^13)^9; the figures 0.399 and 0.929 are those published for MAP-Neo's 9 × 13
    ("n_shared", "n_union", "expected"),
    [(144, 180, 0.399), (180, 200, 0.929), (100, 200, 0.0011)],
)
def test_bands_meet_with_the_expected_probability(n_shared: int, n_union: int, expected: float) -> None:
    n_trials = 2000
    jaccard = n_shared / n_union
    assert 1 - (1 - jaccard**13) ** 9 == pytest.approx(expected, abs=5e-4)
    draw = np.random.default_rng(20240529)
    a, b = permutations(128, 1)
    met = 0
    for _ in range(n_trials):
        hashes = draw.integers(0, 2**32, n_union, dtype=np.uint32)
        middle = (n_union + n_shared) // 2
        pair = np.full((2, 128), 2**32 - 1, np.uint32)
        minima(hashes[:middle], a, b, pair[0])
        minima(hashes[n_union - middle :], a, b, pair[1])
        keys = band_keys(pair, 9, 13)
        met += bool((keys[0] == keys[1]).any())
    deviation = (expected * (1 - expected) / n_trials) ** 0.5
    assert abs(met / n_trials - expected) < 4 * deviation
