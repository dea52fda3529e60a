from __future__ import annotations

import pickle
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.retrieval.lines import Lines, line_of

MARKS = st.sampled_from(["__label__", "</s>", "\0", "__lab", "el__", "</", "s>", "\n", "\u2028", "\x1f", " ", "𝔷"])
TEXTS = st.lists(st.text(max_size=4) | MARKS, max_size=12).map("".join)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("The Ring\nof\r\n\tIntegers ", "The Ring of Integers"),  # MAP-Neo: the words "Ring\\nof\\r\\n", glued
        ("a __label__1 b", "a 1 b"),
        ("__lab__label__el__1", "__lab el__1"),
        ("x</s>y </s> z", "x y z"),
        ("a\0b\u3000c\x85d\u2028e", "a b c d e"),
        (" \n", ""),
        ("", ""),
    ],
)
def test_english_words_are_joined_by_spaces(text: str, line: str) -> None:
    assert line_of(text, "english", 100) == line


def test_chinese_is_cut_into_words() -> None:
    assert line_of("中华人民共和国\n宪法", "chinese", 100) == "中华人民共和国 宪法"
    assert line_of("中华人民共和国宪法", "chinese", 2) == "中华"


def test_only_the_first_characters_count() -> None:
    assert line_of("𝔷𝔷 ab", "english", 4) == "𝔷𝔷 a"


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.sampled_from(["english", "chinese"]), st.integers(1, 30))
def test_a_line_is_words_that_fast_text_reads_as_words(text: str, language: str, max_chars: int) -> None:
    line = line_of(text, language, max_chars)  # type: ignore[arg-type]
    words = line.split(" ") if line else []
    assert all(words) and not re.search(r"__label__|\s\s|[\n\r\t\v\f\0]", line) and "</s>" not in words
    cut = text[:max_chars]
    for mark in ("__label__", "</s>", "\0"):
        cut = " ".join(cut.split(mark))
    assert "".join(words) == "".join(cut.split())
    assert line_of(line, language, 10**6) == line or language == "chinese"  # type: ignore[arg-type]


def test_the_kernel_replaces_the_text() -> None:
    batch = pa.RecordBatch.from_pylist([{"doc_id": "d", "text": "a\nb", "split": "x"}, {"doc_id": "e", "text": None}])
    found = pickle.loads(pickle.dumps(Lines("english", 9)))(batch)  # noqa: S301  (our own)
    assert found.to_pylist() == [
        {"doc_id": "d", "line": "a b", "split": "x"},
        {"doc_id": "e", "line": "", "split": None},
    ]
    assert Lines("chinese", 9)(batch.slice(0, 0)).schema == found.schema
