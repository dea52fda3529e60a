"""Words broken over lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.markdown.hyphens import Vocabulary, glue, known_words


def joined(left: str, right: str, *lines: str, spaced: bool = True) -> str:
    drop, between = glue(left, right, Vocabulary.of(lines), spaced)
    return left[: len(left) - drop] + between + right


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("a consider-", "able sum", "a considerable sum"),
        ("the well-", "known man", "the well-known man"),
        ("her self-", "sufficiency", "her self-sufficiency"),
        ("the Anglo-", "Saxon word", "the Anglo-Saxon word"),  # a capital: the word's own
        ("of COVID-", "19 in", "of COVID-19 in"),
        ("soft\u00ad", "ware", "software"),
        ("pages 3 -", "5 of", "pages 3 - 5 of"),  # a dash
        ("pre- and post-", "war", "pre- and post-war"),
        ("see https://example.org/long-", "name.html", "see https://example.org/long-name.html"),
        ("see https://example.org/", "name.html", "see https://example.org/name.html"),
        ("zorgle-", "frumption", "zorglefrumption"),  # unknown: most such hyphens are of the line only
    ],
)
def test_english(left: str, right: str, expected: str) -> None:
    assert joined(left, right) == expected


def test_the_document_itself_is_the_first_witness() -> None:
    assert joined("a data-", "base of", "the data-base is") == "a data-base of"
    assert joined("a data-", "base of", "the database is") == "a database of"
    assert joined("zorgle-", "frumption", "a zorgle-frumption") == "zorgle-frumption"


def test_words_broken_at_line_ends_are_no_witnesses() -> None:
    words = Vocabulary.of(["one ka-", "puttish two"]).words
    assert "ka" not in words
    assert "puttish" not in words
    assert words["two"] == 1


@pytest.mark.parametrize(
    ("left", "right", "spaced", "expected"),
    [
        ("我们在", "这里", True, "我们在这里"),
        ("使用", "debmake", True, "使用 debmake"),
        ("使用", "debmake", False, "使用debmake"),
        ("你好，", "world", True, "你好，world"),
        ("他说", "“你好”", True, "他说“你好”"),
        ("word—", "next", True, "word—next"),
        ("한국어", "단어", True, "한국어 단어"),
        ("ひらがな", "カタカナ", True, "ひらがなカタカナ"),
        ("plain", "words", True, "plain words"),
    ],
)
def test_blanks_between_lines(left: str, right: str, spaced: bool, expected: str) -> None:
    assert joined(left, right, spaced=spaced) == expected


def test_the_list_is_not_empty() -> None:
    assert {"considerable", "well-known", "package"} <= known_words()


@given(st.text(max_size=12), st.text(max_size=12), st.booleans())
def test_only_a_hyphen_is_ever_dropped(left: str, right: str, spaced: bool) -> None:
    drop, between = glue(left, right, Vocabulary(), spaced)
    assert between in ("", " ")
    assert left[len(left) - drop :] in ("", "-", "\u00ad")
