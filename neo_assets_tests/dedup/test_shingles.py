from __future__ import annotations

import sys
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.dedup.hashing import hashes_of, shingle_hashes
from neo_assets.dedup.shingles import _changes_together, reduced_points, shingled, slices
from neo_assets.recipe.dedup import NearSettings, Normalisation

TEXTS = st.text(
    st.one_of(
        st.characters(exclude_categories=["Cs"]), st.sampled_from("abAB中文。，！ \n\t　.-'“”\x00ΣİÅe\u0301가\u11a8")
    )
)
NORMALISATIONS = st.sampled_from(["english", "chinese", "none"])


def naive_reduced(text: str, normalisation: Normalisation) -> str:
    if normalisation == "none":
        return text
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


@pytest.mark.parametrize("normalisation", ["english", "chinese"])
def test_every_character_that_is_looked_at_alone_can_be(normalisation: Normalisation) -> None:
    together = _changes_together()
    alone = "".join(chr(p) for p in range(sys.maxunicode + 1) if not (together[p] or 0xD800 <= p < 0xE000))
    assert as_text(reduced_points([alone], normalisation).points) == naive_reduced(alone, normalisation)
    changing = [chr(p) for p in np.flatnonzero(together)]
    texts = [f"Ae{character} {character}B" for character in changing]
    reduced = reduced_points(texts, normalisation)
    assert as_text(reduced.points) == "".join(naive_reduced(text, normalisation) for text in texts)


def test_slices_of_arrow_arrays() -> None:
    array = pa.array(["left out", "Ä b", None, "ΑΣ", "left out"])
    for given_array in (array, array.cast(pa.large_string()), array.cast(pa.large_string())):
        reduced = reduced_points(given_array.slice(1, 3), "english")
        assert (as_text(reduced.points), reduced.offsets.tolist()) == ("ä bας", [0, 3, 3, 5])


@given(st.lists(st.integers(0, 9)), st.integers(1, 20))
def test_slices_cover_the_rows_within_the_limit(sizes: list[int], limit: int) -> None:
    found = list(slices(pa.array(sizes, pa.int64()), limit))
    assert [i for rows in found for i in range(rows.start, rows.stop)] == list(range(len(sizes)))
    assert all(rows.stop == rows.start + 1 or sum(sizes[rows]) <= limit for rows in found)


def naive_words(text: str, normalisation: Normalisation, n_words: int, alike: bool) -> list[str]:
    """Shingles of words as texts, in order."""
    reduced = naive_reduced(text, normalisation)
    words, joint = (rjieba.cut(reduced), "") if normalisation == "chinese" else (reduced.split(), " ")
    if len(words) < n_words:
        return [reduced] if reduced and not alike else []
    return [joint.join(words[i : i + n_words]) for i in range(len(words) - n_words + 1)]


WORDY = st.lists(st.sampled_from(["one", "Two", "thrée", "你好", "世界和平", "我们", "x", "."]), max_size=9).map(
    " ".join
)


@given(st.lists(WORDY, max_size=4), NORMALISATIONS, st.integers(1, 4), st.booleans())
def test_word_shingles_are_runs_of_words(texts: list[str], normalisation: Normalisation, n: int, alike: bool) -> None:
    chosen = NearSettings(normalisation=normalisation, shingle_words=n, short_texts_alike=alike)
    ready = shingled(texts, chosen)
    for i, text in enumerate(texts):
        expected = [naive_hash(shingle) for shingle in naive_words(text, normalisation, n, alike)]
        assert hashes_of(ready, i).tolist() == expected


@given(TEXTS, st.integers(1, 8))
def test_short_texts_alike_have_no_shingles(text: str, width: int) -> None:
    chosen = NearSettings(normalisation="english", shingle_chars=width, short_texts_alike=True)
    n_reduced = len(naive_reduced(text, "english"))
    assert hashes_of(shingled([text], chosen), 0).size == max(n_reduced - width + 1, 0)
