from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.dedup import bloom
from neo_assets.dedup.bloom import (
    BloomFilter,
    CorruptFilter,
    build_filter,
    describe,
    held_by_any,
    keys_of,
    slice_error,
)
from neo_assets_tests.dedup.relations import text_digest

Keys = npt.NDArray[np.uint64]
KEYS = st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)), max_size=30).map(
    lambda pairs: np.array(pairs, np.uint64).reshape(-1, 2)
)
GEOMETRY = st.tuples(st.integers(0, 60), st.sampled_from([0.9, 0.5, 0.1, 1e-3, 1e-9]))


def random_keys(n: int, seed: int = 7) -> Keys:
    return np.random.RandomState(seed).randint(0, 2**64, (n, 2), dtype=np.uint64)


def filled(keys: Keys, n_texts: int, error_rate: float) -> BloomFilter:
    made = BloomFilter.sized(n_texts, error_rate)
    made.add(keys)
    return made


def naive_bits(key: tuple[int, int], n_hashes: int, n_bits: int) -> set[int]:
    """The bits of a key, in Python's own whole numbers."""

    def mix(h: int) -> int:
        for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):  # MurmurHash3's fmix64
            h = (h ^ (h >> 33)) * factor % 2**64
        return h ^ (h >> 33)

    return {mix((key[0] + i * (key[1] | 1)) % 2**64) % n_bits for i in range(n_hashes)}


def words_as_set(made: BloomFilter) -> set[int]:
    return {i for i in range(made.n_bits) if int(made.words[i // 64]) >> (i % 64) & 1}


@given(KEYS, KEYS, GEOMETRY)
def test_bits_and_answers_are_those_of_the_naive_filter(keys: Keys, others: Keys, geometry: tuple[int, float]) -> None:
    made = filled(keys, *geometry)
    naive: set[int] = set()
    for key in keys.tolist():
        naive |= naive_bits(tuple(key), made.n_hashes, made.n_bits)
    assert words_as_set(made) == naive
    assert made.fill == len(naive) / made.n_bits
    assert made.holds(keys).all()
    expected = [naive_bits(tuple(key), made.n_hashes, made.n_bits) <= naive for key in others.tolist()]
    assert made.holds(others).tolist() == expected


@pytest.mark.parametrize("error_rate", [0.3, 0.02, 1e-3])
@pytest.mark.parametrize("n_texts", [1, 20, 3_000, 40_000])
def test_the_measured_error_is_at_most_the_designed_one(n_texts: int, error_rate: float) -> None:
    probes = 400_000
    made = filled(random_keys(n_texts), n_texts, error_rate)
    assert made.holds(random_keys(n_texts)).all()
    # One filter's fill, and so its error, varies too: a share of about k / sqrt(bits).
    spread = 5 * math.sqrt(error_rate / probes) + error_rate * made.n_hashes * 2 / math.sqrt(made.n_bits)
    assert made.measured_error(probes, seed=3) <= error_rate + spread
    assert made.measured_error(probes, 3) == pytest.approx(made.designed_error, abs=5 * math.sqrt(error_rate / probes))


@pytest.mark.parametrize(
    ("n_texts", "error_rate"),
    # Sizes just below a whole number of words, where nothing is gained by rounding up to it.
    [(1, 0.5), (88, 0.5), (93, 0.1), (31, 1e-3), (97, 1e-3), (8, 1e-5), (98, 1e-5), (5, 1e-8), (96, 1e-8)],
)
def test_the_expected_error_of_small_filters_is_exactly_below_the_rate(n_texts: int, error_rate: float) -> None:
    made = BloomFilter.sized(n_texts, error_rate)
    n_bits = made.n_bits
    # How many bits are set after n·k random throws: the occupancy distribution, one throw at a time.
    chance = np.zeros(n_bits + 1)
    chance[0] = 1
    for _ in range(n_texts * made.n_hashes):
        share = np.arange(n_bits + 1) / n_bits
        chance = chance * share + np.concatenate([[0], (chance * (1 - share))[:-1]])
    assert (chance * (np.arange(n_bits + 1) / n_bits) ** made.n_hashes).sum() <= error_rate


def test_memory_is_the_documented_one() -> None:
    # 1.44 bits a text for each halving of the error: n·log2(e)·log2(1/p); 14.4 at 0.001
    for error_rate, bits in ((1e-3, 14.4), (1e-6, 28.8)):
        assert BloomFilter.sized(10**6, error_rate).n_bits / 10**6 == pytest.approx(bits, rel=0.005)
    assert BloomFilter.sized(10**6, 1e-3).n_hashes == 10


def test_the_rates_of_all_days_stay_below_the_total() -> None:
    rates = [slice_error(0.001, day) for day in range(100_000)]
    assert rates[0] == pytest.approx(0.001 * 6 / math.pi**2)
    assert rates == sorted(rates, reverse=True)
    assert 0.99999 * 0.001 < math.fsum(rates) < 0.001


def test_many_days_err_together_at_most_at_the_total() -> None:
    total, probes = 0.02, 200_000
    days = [filled(random_keys(200, day), 200, slice_error(total, day)) for day in range(30)]
    error = held_by_any(days, random_keys(probes, 99)).mean()
    assert total / 2 < error < total + 5 * math.sqrt(total / probes)
    for day in range(30):
        assert held_by_any(days, random_keys(200, day)).all()


@given(KEYS, KEYS, GEOMETRY)
def test_a_merged_filter_is_that_of_all_keys(left: Keys, right: Keys, geometry: tuple[int, float]) -> None:
    merged = filled(left, *geometry).merged(filled(right, *geometry))
    assert merged.to_bytes() == filled(np.concatenate([left, right]), *geometry).to_bytes()
    assert merged.to_bytes() == filled(right, *geometry).merged(filled(left, *geometry)).to_bytes()


def test_filters_of_different_geometry_do_not_merge() -> None:
    with pytest.raises(ValueError, match="do not merge"):
        BloomFilter.sized(1_000, 0.001).merged(BloomFilter.sized(1_000, 0.1))


@given(KEYS, st.randoms(use_true_random=False), st.integers(1, 7))
def test_bytes_do_not_depend_on_order_or_batches(keys: Keys, random: object, step: int) -> None:
    shuffled = keys.tolist()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    made = BloomFilter.sized(30, 0.01)
    for start in range(0, len(shuffled), step):
        made.add(np.array(shuffled[start : start + step], np.uint64).reshape(-1, 2))
    assert made.to_bytes() == filled(keys, 30, 0.01).to_bytes()


@given(KEYS, GEOMETRY)
def test_round_trip(keys: Keys, geometry: tuple[int, float]) -> None:
    made = filled(keys, *geometry)
    data = made.to_bytes()
    again = BloomFilter.from_bytes(data)
    assert (again.n_hashes, again.n_added) == (made.n_hashes, len(keys))
    assert again.to_bytes() == data
    assert again.holds(keys).all()


def test_the_format_stays() -> None:
    # Computed once from this format; a change needs a new VERSION, since filters of earlier days lie on disk.
    made = filled(keys_of(pa.array([text_digest("a"), text_digest("b")])), 2, 0.001)
    digest = hashlib.sha256(made.to_bytes()).hexdigest()
    assert digest == "4f943f1e84dfd21c94446350d2d62d678cc8a658ff1a7759cbf4de75c5ea9378"
    assert made.to_bytes()[:16] == b"neobloom" + bytes([1, 0, 0, 0, 9, 0, 0, 0])


@settings(max_examples=200)
@given(st.data())
def test_any_damage_is_found(data: st.DataObject) -> None:
    whole = filled(random_keys(20), 20, 0.01).to_bytes()
    if data.draw(st.booleans()):
        broken = whole[: data.draw(st.integers(0, len(whole) - 1))]
    else:
        bit = data.draw(st.integers(0, 8 * len(whole) - 1))
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        broken = bytes(changed)
    with pytest.raises(CorruptFilter):
        BloomFilter.from_bytes(broken)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"PK\x03\x04" * 30, "not a Bloom filter file"),
        (b"neobloom" + bytes([2]) + bytes(90), "format 2"),
        (filled(random_keys(20), 20, 0.01).to_bytes()[:-9], "cut off"),
        (filled(random_keys(20), 20, 0.01).to_bytes()[:-1] + b"\0", "SHA-256"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "filter.bloom"
    file.write_bytes(data)
    with pytest.raises(CorruptFilter, match=says) as caught:
        BloomFilter.open(str(file))
    assert str(caught.value).startswith(f"{file}: ")


def test_an_opened_filter_answers_and_cannot_be_changed(tmp_path: Path) -> None:
    keys, file = random_keys(500), tmp_path / "filter.bloom"
    made = filled(keys, 500, 0.001)
    file.write_bytes(made.to_bytes())
    opened = BloomFilter.open(str(file))
    assert opened.holds(keys).all()
    assert opened.measured_error(50_000, 1) == made.measured_error(50_000, 1)
    assert not opened.words.flags.writeable
    assert opened.merged(made).to_bytes()[32:-32] == made.to_bytes()[32:-32]


def test_counts_and_report() -> None:
    made = filled(random_keys(5_000), 5_000, 0.001)
    made.add(random_keys(5_000))  # again
    assert made.n_added == 10_000
    assert made.estimated_count == pytest.approx(5_000, rel=0.02)
    report = describe(filled(random_keys(5_000), 5_000, 0.001), 0.001, probes=100_000, seed=1)
    assert report["texts"] == 5_000 and report["hashes"] == 10 and report["bits_per_text"] == pytest.approx(14.4, 0.01)
    assert report["fill"] == pytest.approx(0.5, abs=0.02)
    assert report["error_measured"] == pytest.approx(report["error_designed"], abs=5 * math.sqrt(0.001 / 100_000))
    full = BloomFilter(np.full(1, 2**64 - 1, np.uint64), 3)
    assert (full.fill, full.estimated_count, full.measured_error(100, 1)) == (1.0, math.inf, 1.0)


def test_an_empty_filter_holds_nothing() -> None:
    empty = BloomFilter.sized(0, 0.001)
    assert empty.n_bits == 64 and empty.measured_error(10_000, 1) == 0 and empty.estimated_count == 0
    assert describe(empty, 0.001, 10, 1)["texts"] == 0


@pytest.mark.parametrize(("n_texts", "error_rate"), [(-1, 0.1), (1, 0.0), (1, 1.0), (1, -0.1)])
def test_senseless_sizes_are_refused(n_texts: int, error_rate: float) -> None:
    with pytest.raises(ValueError, match="give n_texts"):
        BloomFilter.sized(n_texts, error_rate)


@given(st.lists(st.none() | st.text()), st.integers(0, 5))
def test_keys_are_the_first_128_bits_of_the_digest(texts: list[str | None], start: int) -> None:
    digests = [text_digest(text and text.encode("utf-8", "ignore").decode()) for text in texts]
    expected = [[int(d[:16], 16), int(d[16:32], 16)] for d in digests[start:] if d]
    assert keys_of(pa.array(digests, pa.string()).slice(start)).tolist() == expected
    assert keys_of(pa.array(digests, pa.large_string()).slice(start)).tolist() == expected


@pytest.mark.parametrize("digest", ["", "abc", "x" * 64, "A" * 64, "é" * 32])
def test_what_is_no_digest_is_refused(digest: str) -> None:
    with pytest.raises(ValueError, match="no SHA-256 digest"):
        keys_of(pa.array([text_digest("a"), digest]))


def test_a_filter_is_built_from_a_stream_of_digests() -> None:
    digests = [text_digest(str(i)) for i in range(50)]
    batches = [pa.array(digests[:20]), pa.array([None], pa.string()), pa.array(digests[20:])]
    built = build_filter(iter(batches), 51, 0.01)
    assert built.to_bytes() == filled(keys_of(pa.array(digests)), 51, 0.01).to_bytes()
    with pytest.raises(ValueError, match="more than the 49 texts"):
        build_filter(iter(batches), 49, 0.01)


def test_the_header_is_a_multiple_of_a_word() -> None:
    assert bloom._HEADER.size % 8 == 0  # so that mapped words are aligned
