"""Cleaning of lines, and where sentences end."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.documents.markdown.characters import clean, clean_code, ends_clause, ends_sentence, starts_small


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("e\ufb03cient \ufb01ve", "efficient five"),  # ligatures of fonts
        ("ＡＢＣ１２３，你好", "ABC123，你好"),  # full-width Latin; Chinese punctuation stays
        ("co\u00adoperate", "cooperate"),
        ("co\u00ad", "co\u00ad"),  # at a line's end the next line decides
        ("a\x00b\x0c\u200bc\ufeff", "ab c"),
        ("cafe\u0301", "café"),
        ("⽂字", "文字"),  # U+2F42, a Kangxi radical: what some text layers have in place of U+6587
        ("\uf0b7 item", "• item"),  # the bullet of Symbol fonts
        ("“curly” ‘quotes’", "“curly” ‘quotes’"),
        ("  a   b\tc ", "a b c"),
        ("\u00ad", ""),
        ("x\ud800y", "xy"),
    ],
)
def test_a_line_is_cleaned(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_full_width_letters_stay_where_asked() -> None:
    assert clean("阿Ｑ", full_width=False) == "阿Ｑ"


def test_a_line_of_code_keeps_its_blanks() -> None:
    assert clean_code("\tif  x:\x00 ") == "    if  x:"


@given(st.text())
def test_cleaning_is_idempotent_normal_and_printable(text: str) -> None:
    found = clean(text)
    assert clean(found) == found
    assert unicodedata.is_normalized("NFC", found)
    assert not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in found)
    assert "  " not in found
    found.encode()


@pytest.mark.parametrize("text", ["Yes.", "Yes.”", "An end. 1", "功能。1", "是的。", "是的。”", "Really?)", "…"])
def test_sentences_that_end(text: str) -> None:
    assert ends_sentence(text)


@pytest.mark.parametrize("text", ["", "”", "yes", "version 1.1", "in 2001", "是的，", "as:"])
def test_sentences_that_do_not(text: str) -> None:
    assert not ends_sentence(text)


def test_a_clause_also_ends_with_a_colon() -> None:
    assert ends_clause("as follows:")
    assert ends_clause("如下：")
    assert not ends_clause("as follows,")


def test_small_letters() -> None:
    assert starts_small("the")
    assert starts_small("“the")
    assert not starts_small("The")
    assert not starts_small("中")
    assert not starts_small("")
