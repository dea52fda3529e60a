from __future__ import annotations

import pickle
import struct

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup import minhash
from neo_assets.dedup.hashing import band_keys, minima
from neo_assets.dedup.minhash import SIGNATURE_SCHEMA, BandKeys, Signatures, band_schema, permutations, text_signatures
from neo_assets.recipe.dedup import NearSettings
from neo_assets_tests.dedup.relations import compared_pairs, documents, mapped
from neo_assets_tests.dedup.test_shingles import naive_hash, naive_reduced, naive_shingles

ENGLISH = NearSettings(normalisation="english")
CHINESE = NearSettings(normalisation="chinese")
TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ab中文。 \n")), max_size=200)


def low_half(shingle: bytes) -> int:
    """The 32-bit shingle hash which the fast path takes, for datasketch."""
    return naive_hash(shingle.decode("utf-8")) & 0xFFFFFFFF


@settings(max_examples=25)
@given(st.lists(TEXTS, min_size=1, max_size=3), st.sampled_from([ENGLISH, CHINESE]))
def test_signatures_equal_datasketch(texts: list[str], chosen: NearSettings) -> None:
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
    ids = pa.array([f"d{i}" for i in range(len(texts))], pa.string())
    return pa.RecordBatch.from_arrays(
        [ids, ids, ids, pa.array(texts, pa.string())], ["doc_id", "precedence", "url", "text"]
    )


def test_kernels_chain() -> None:
    kernel = pickle.loads(pickle.dumps(Signatures(ENGLISH)))  # noqa: S301
    batch = kernel(batch_of("one text of some length", "!!!", None, "another text of some length"))
    assert batch.schema == SIGNATURE_SCHEMA
    assert batch.column("n_shingles").to_pylist() == [11, 0, 0, 15]
    packed = batch.column("signature").to_pylist()
    assert [None if p is None else len(p) for p in packed] == [512, None, None, 512]
    rows = BandKeys(ENGLISH)(batch)
    assert rows.schema == band_schema(ENGLISH)
    assert rows.column("precedence").to_pylist() == ["d0", "d3"]
    assert BandKeys(ENGLISH)(kernel(batch_of())).num_rows == 0


def test_published_short_texts_get_the_signature_of_an_empty_set() -> None:
    alike = ENGLISH.model_copy(update={"short_texts_alike": True})
    batch = Signatures(alike)(batch_of("short", "", None, "just long enough"))
    packed = batch.column("signature").to_pylist()
    assert packed[0] == packed[1] == MinHash(num_perm=128, scheme="affine32").hashvalues.astype("<u4").tobytes()
    assert packed[2] is None and packed[3] not in packed[:2]


def test_word_shingles_for_other_layouts() -> None:
    # 14 x 8 over 5 words, the layout of datatrove and FineWeb
    layout = {"shingle_words": 5, "num_permutations": 112, "bands": 14, "rows": 8}
    chosen = ENGLISH.model_copy(update=layout)
    text = "It was the best of times, it was the worst of times"
    (signature,), n_shingles = text_signatures([text], chosen)
    words = text.lower().replace(",", "").split()
    peer = MinHash(num_perm=112, scheme="affine32", hashfunc=low_half)
    peer.update_batch(" ".join(words[i : i + 5]).encode() for i in range(len(words) - 4))
    assert signature.tolist() == peer.hashvalues.tolist()
    assert n_shingles.tolist() == [8]
    assert BandKeys(chosen)(Signatures(chosen)(batch_of(text))).num_columns == 1 + 14


def test_datasketch_answers_the_same_from_stored_signatures() -> None:
    draw = np.random.default_rng(11)
    texts = {}
    for i in range(40):
        text = draw.integers(0x4E00, 0x5E00, 400)
        for copy in range(4):
            edited = text.copy()
            edited[draw.integers(0, 400, copy)] = 0x6000
            texts[f"d{i:02}{copy}"] = "".join(map(chr, edited))
    stored = mapped(documents(texts), Signatures(CHINESE)).to_pylist()
    peers = {
        row["doc_id"]: MinHash(scheme="affine32", hashvalues=np.frombuffer(row["signature"], "<u4")) for row in stored
    }
    index = MinHashLSH(num_perm=128, params=(9, 13))
    for doc_id, peer in peers.items():
        index.insert(doc_id, peer)
    theirs = {(max(d, other), min(d, other)) for d in peers for other in index.query(peers[d]) if other != d}
    pairs = compared_pairs(texts, {}, CHINESE).to_pylist()
    assert {(pair["precedence"], pair["other"]) for pair in pairs} == theirs
    assert 100 < len(pairs) < 240
    for pair in pairs:
        estimate = peers[pair["precedence"]].jaccard(peers[pair["other"]])
        deviation = (pair["similarity"] * (1 - pair["similarity"]) / 128) ** 0.5
        assert abs(estimate - pair["similarity"]) <= 4.5 * deviation + 1e-9  # 240 pairs: exceeded once in 600 draws


def test_batches_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minhash, "SLICE_BYTES", 100)
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
    stored = [pa.array(["d"]), pa.array([struct.pack("<128I", *range(128))], pa.binary())]
    [row] = BandKeys(ENGLISH)(pa.RecordBatch.from_arrays(stored, ["precedence", "signature"])).to_pylist()
    assert list(row.values()) == ["d", *keys.tolist()]


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


@pytest.mark.parametrize("percent", [70, 75, 80, 85, 90, 95])
def test_texts_are_found_as_the_theory_says(percent: int) -> None:
    """3,000 pairs of random texts of known exact similarity, one being the other with single characters replaced."""
    n_pairs, n_chars = 3000, 1500
    # An edit in the middle of the text changes 13 of its shingles; k edits at least 13 apart give n shingles of which
    # n - 13 k are shared, so J = (n - 13 k) / (n + 13 k).
    n_shingles = n_chars - 12
    edits = round(n_shingles * (1 - percent / 100) / (1 + percent / 100) / 13)
    jaccard = (n_shingles - 13 * edits) / (n_shingles + 13 * edits)
    draw = np.random.default_rng(percent)
    points = draw.integers(0x4E00, 0x9000, (n_pairs, n_chars), dtype=np.uint32)
    edited = points.copy()
    edited[:, 20 + 40 * np.arange(edits)] = draw.integers(0x9100, 0x9F00, (n_pairs, edits))
    one, two = ([row.tobytes().decode("utf-32-le") for row in texts.astype("<u4")] for texts in (points, edited))
    shingles = [naive_shingles(text, 13) for text in (one[0], two[0])]
    assert len(shingles[0] & shingles[1]) / len(shingles[0] | shingles[1]) == pytest.approx(jaccard)
    keys = [band_keys(text_signatures(texts, CHINESE)[0], 9, 13) for texts in (one, two)]
    found = int((keys[0] == keys[1]).any(axis=1).sum())
    expected = 1 - (1 - jaccard**13) ** 9
    deviation = (n_pairs * expected * (1 - expected)) ** 0.5
    assert abs(found - n_pairs * expected) < 4 * deviation
