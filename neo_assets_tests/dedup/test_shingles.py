from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.hashing import shingle_hashes
from neo_assets.dedup.shingles import Normalisation, distinct_shingles, jaccard, reduced_points

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("abAB中文。，！ \n\t　.-'“”\x00")))
NORMALISATIONS = st.sampled_from(["english", "chinese"])


def naive_reduced(text: str, normalisation: Normalisation) -> str:
    text = unicodedata.normalize("NFC", text).lower()
    if normalisation == "english":
        return " ".join("".join(c for c in text if c not in "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").split())
    symbols = "$+<=>^`|~＄＋＜＝＞＾｀｜～"
    return "".join(
        c for c in text if not (c.isspace() or c in symbols or (unicodedata.category(c)[0] == "P" and ord(c) < 0x10000))
    )


def naive_shingles(text: str, width: int) -> set[str]:
    if len(text) <= width:
        return {text} if text else set()
    return {text[i : i + width] for i in range(len(text) - width + 1)}


def as_text(points: np.ndarray) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le")


@given(st.lists(TEXTS, max_size=5), NORMALISATIONS)
def test_reduction_equals_the_naive_one(texts: list[str], normalisation: Normalisation) -> None:
    reduced = reduced_points(texts, normalisation)
    found = [as_text(reduced.points[a:b]) for a, b in zip(reduced.offsets, reduced.offsets[1:], strict=False)]
    assert found == [naive_reduced(text, normalisation) for text in texts]


@pytest.mark.parametrize(
    ("normalisation", "text", "expected"),
    [
        ("english", "  Don't -- panic!\n\nNow. ", "dont panic now"),
        ("english", "Cafe\u0301", "caf\u00e9"),
        ("english", "“quoted”", "“quoted”"),  # only ASCII punctuation goes, as published
        ("chinese", "你好， 世 界。“A”！～", "你好世界a"),
        ("chinese", "【一】、《二》…\n", "一二"),
        ("english", "?!", ""),
    ],
)
def test_reduction(normalisation: Normalisation, text: str, expected: str) -> None:
    assert as_text(reduced_points([text], normalisation).points) == expected


def test_a_missing_text_is_empty() -> None:
    reduced = reduced_points([None, "a"], "english")  # type: ignore[list-item]
    assert reduced.offsets.tolist() == [0, 0, 1]


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(1, 20))
def test_rolled_hashes_equal_hashes_of_each_shingle(text: str, width: int) -> None:
    points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
    rolled = shingle_hashes(points, width)
    pieces = [text[i : i + width] for i in range(max(len(text) - width + 1, 0))] or ([text] if text else [])
    assert rolled.tolist() == [naive_hash(piece) for piece in pieces]


def naive_hash(shingle: str) -> int:
    mask = 2**64 - 1
    total = 0
    for character in shingle:
        total = (total * 0x9E3779B97F4A7C15 + ord(character) + 1) & mask
    # MurmurHash3's finaliser for 64 bits: https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        total ^= total >> 33
        total = (total * factor) & mask
    return total ^ (total >> 33)


@given(TEXTS, TEXTS, NORMALISATIONS, st.integers(1, 14))
def test_jaccard_equals_that_of_the_shingle_sets(one: str, two: str, normalisation: Normalisation, width: int) -> None:
    left, right = distinct_shingles(reduced_points([one, two], normalisation), width)
    a, b = (naive_shingles(naive_reduced(text, normalisation), width) for text in (one, two))
    assert jaccard(left, right) == (len(a & b) / len(a | b) if a | b else 0.0)


def test_jaccard_of_a_large_edited_text() -> None:
    draw = np.random.default_rng(3)
    one = "".join(map(chr, draw.integers(0x4E00, 0x5E00, 50_000)))
    two = one[:20_000] + "改" + one[20_001:] + one[:500]
    left, right = distinct_shingles(reduced_points([one, two], "chinese"), 13)
    a, b = naive_shingles(one, 13), naive_shingles(two, 13)
    assert jaccard(left, right) == len(a & b) / len(a | b)
