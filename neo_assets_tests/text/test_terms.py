"""Terms between unit borders: the trie equals a naive search."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.text.badwords import read_terms
from neo_assets.text.classes import class_of, lower_of
from neo_assets.text.terms import (
    Terms,
    build_terms,
    build_word_terms,
    count_terms,
    count_word_terms,
    find_terms,
    mark_cuts,
    mark_word_borders,
)
from neo_assets.text.units import code_points, english_words, offsets_of, segment
from neo_assets_tests.text.batches import SEED

Borders = npt.NDArray[np.uint8]


def english_borders(text: str) -> Borders:
    points = code_points([text]).points
    borders = np.zeros(points.size, np.uint8)
    mark_word_borders(points, 0, points.size, class_of(), borders)
    return borders


def chinese_borders(text: str) -> Borders:
    words = segment(text)
    borders = np.zeros(len(text), np.uint8)
    mark_cuts(offsets_of(map(len, words), len(words)), borders)
    return borders


def count(text: str, borders: Borders, terms: Terms) -> int:
    points = code_points([text]).points
    return count_terms(points, 0, points.size, borders, terms)


def folded(text: str) -> str:
    return "".join(" " if character.isspace() else chr(lower_of()[ord(character)]) for character in text)


def naive(text: str, borders: Borders, terms: list[str]) -> list[tuple[int, int]]:
    """At each border the longest term that fits, going on behind it."""
    wanted = {folded(" ".join(term.split())) for term in terms if term.split()}
    text = folded(text)
    allowed = [i for i in range(len(text) + 1) if i in (0, len(text)) or borders[i]]
    found, i = [], 0
    while i < len(text):
        stop = max((j for j in allowed if j > i and text[i:j] in wanted), default=0) if i in allowed else 0
        if stop:
            found.append((i, stop))
        i = stop or i + 1
    return found


ALPHABET = st.sampled_from("abAB ßİ中国成人é_\n.!😀\u3000")
TERM = st.text(ALPHABET, min_size=1, max_size=7)


@settings(max_examples=300, deadline=None)
@given(st.lists(TERM, max_size=12), st.text(ALPHABET, max_size=60), st.data())
def test_equals_the_naive_search(terms: list[str], text: str, data: st.DataObject) -> None:
    text += data.draw(st.sampled_from(["", *terms, "".join(terms)]))
    borders = np.array(data.draw(st.lists(st.booleans(), min_size=len(text), max_size=len(text))), np.uint8)
    built = build_terms(terms, "en")
    expected = naive(text, borders, terms)
    points = code_points([text]).points
    assert [tuple(span) for span in find_terms(points, 0, len(text), borders, built).tolist()] == expected
    assert count(text, borders, built) == len(expected)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_a_document_is_counted_by_itself_inside_a_batch(before: str, text: str, after: str) -> None:
    terms = build_terms([text[:3], text[2:9], "ab"], "en")
    points, offsets = code_points([before, text, after])
    borders = np.ones(points.size, np.uint8)
    alone = count(text, np.ones(len(text), np.uint8), terms)
    assert count_terms(points, offsets[1], offsets[2], borders, terms) == alone


def test_words_not_parts_of_words() -> None:
    terms = build_terms(["ass", "blow job", "A$$", "13."], "en")
    for text, expected in [
        ("an ass", 1), ("classic assets", 0), ("Ass, ASS!", 2), ("blow\njob", 1), ("blow jobs", 0), ("a$$", 1),
        ("pass ass_ ass1", 0), ("", 0), ("13. The", 1), ("ass-ass", 2),
    ]:  # fmt: skip
        assert count(text, english_borders(text), terms) == expected, text


def test_chinese_terms_start_and_end_with_segments() -> None:
    terms = build_terms(read_terms(SEED / "lists/ldnoobw.zh.json"), "zh")
    for text, expected in [
        ("这项工程由完成人员签字。", 0),  # 成人 across a segment's border
        ("第13.条 附则", 0),  # a term without a letter
        ("这是成人电影。", 1),
        ("他妈的，真贵。", 1),  # 他妈的, not 他妈 too
        ("", 0),
    ]:
        assert count(text, chinese_borders(text), terms) == expected, text


def test_the_longest_term_wins_and_none_overlap() -> None:
    terms = build_terms(["ab", "abab", "b"], "en")
    assert count("abababb", np.ones(7, np.uint8), terms) == 3  # abab, ab, b


def test_a_huge_text_and_many_terms() -> None:
    terms = [f"w{number:05}" for number in range(0, 20_000, 2)]
    text = " ".join(f"w{number:05}" for number in range(20_000)) * 10
    assert (
        count(text, english_borders(text), build_terms(terms, "en")) == 99_991
    )  # nine times w00000 is glued to the word before


def naive_phrases(words: list[str], terms: list[str]) -> int:
    """RedPajama-V2: for each length of phrase, how many n-grams, joined by blanks, are in the list."""
    return sum(
        " ".join(words[i : i + n]) in set(terms)
        for n in {1 + term.count(" ") for term in terms}
        for i in range(len(words) - n + 1)
    )


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map(" ".join), max_size=6),
    st.lists(st.sampled_from("abcd"), max_size=30),
)
def test_word_phrases_equal_the_naive_count(terms: list[str], words: list[str]) -> None:
    units = english_words([" ".join(words), "a"])
    found = count_word_terms(units.hashes, 0, units.offsets[1], build_word_terms(terms))
    assert found == naive_phrases(words, terms)


def test_word_phrases_overlap() -> None:
    terms = build_word_terms(["a b", "b", "b a", "x  y", " ", "", "S.O.B"])
    units = english_words(["A, b! a. s.o.b"])
    assert count_word_terms(units.hashes, 0, units.hashes.size, terms) == 3
