from __future__ import annotations

import pickle
import unicodedata

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.recipe.lists import LineFilterSettings
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.links import remove_links
from neo_assets.text.normalise import (
    SYMBOLS,
    NormaliseChinese,
    NormaliseEnglish,
    normalise_chinese,
    normalise_english,
    tidy_whitespace,
    unify,
)
from neo_assets_tests.text.batches import batch_of, check_account

TEXTS = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("。！“（ \n\t\u3000\u200b\r中.a")))


def test_the_symbol_table_is_the_published_one() -> None:
    # MAP-Neo's Matrix translates 34 full-width symbols to ASCII
    assert len(SYMBOLS) == 34
    special = {"。": ".", "“": '"', "”": '"', "‘": "'", "’": "'"}
    for point, ascii_form in SYMBOLS.items():
        expected = special.get(chr(point), unicodedata.normalize("NFKC", chr(point)))
        assert chr(ascii_form) == expected if isinstance(ascii_form, int) else ascii_form == expected
    assert not {ord(symbol) for symbol in "、…《》【】"} & SYMBOLS.keys()


def naive_whitespace(text: str) -> str:
    for newline in ("\r\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"):
        text = text.replace(newline, "\n")
    invisible = {*map(chr, range(9)), *map(chr, range(14, 32)), *map(chr, range(127, 160)), *"\xad\u200b\u2060\ufeff"}
    text = "".join(character for character in text if character not in invisible)
    lines = [" ".join(line.split()) for line in text.split("\n")]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    return "\n".join(kept).strip()


@given(TEXTS)
def test_tidy_whitespace_is_the_naive_way(text: str) -> None:
    assert tidy_whitespace(text) == naive_whitespace(text)


@given(TEXTS)
def test_normalised_text_stays_as_it_is(text: str) -> None:
    once = normalise_chinese(text, links=True)
    assert normalise_chinese(once, links=True) == once
    once = normalise_english(text)
    assert normalise_english(once) == once


def test_paragraphs_are_kept() -> None:
    assert normalise_chinese("第一段。\r\n\r\n\r\n　　第二段！ \n第三段") == "第一段.\n\n第二段!\n第三段"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("见http://a.com/x?y=1，谢谢", "见，谢谢"),
        ("见 https://a.com/中文 后", "见 中文 后"),
        ("www.example.com 欢迎", " 欢迎"),
        ("主机 a.b.c.example 在", "主机  在"),
        ("第1.2.3.4节", "第1.2.3.4节"),
        ("版本 1.2.3.4 发布", "版本 1.2.3.4 发布"),
        ("访问 example.com 吧", "访问  吧"),
        ("访问example.com吧", "访问example.com吧"),  # published: not directly after Chinese
        ("写信 me@example.com 吧", "写信 me@example.com 吧"),
        ("没有链接。", "没有链接。"),
        ("OK。good", "OK。good"),
    ],
)
def test_links(text: str, expected: str) -> None:
    assert remove_links(text) == expected


def test_links_go_before_symbols_are_unified() -> None:
    assert normalise_chinese("很OK。good的") == "很OK.good的"


def test_chinese_kernel_judges_every_row() -> None:
    batch = batch_of("你好。", None, "http://a.com", " ")
    after = NormaliseChinese()(batch)
    check_account(batch, after)
    assert after.column("text").to_pylist() == ["你好.", None, "", ""]
    assert after.column("verdict").to_pylist() == ["kept", "quarantined", "rejected", "rejected"]
    assert after.column("rule").to_pylist() == [None, "text", "empty", "empty"]
    assert after.column("extra").to_pylist() == [0, 1, 2, 3]
    assert after.column("ccnet_original_length").to_pylist() == [3, None, 12, 1]
    assert after.column("ccnet_original_nlines").to_pylist() == [1, None, 1, 1]


def test_original_lines_and_characters_are_counted_before_normalisation() -> None:
    (row,) = NormaliseEnglish()(batch_of("one\r\n\n\n\n  two😀", language="en")).to_pylist()
    assert (row["text"], row["ccnet_original_length"], row["ccnet_original_nlines"]) == ("one\n\ntwo😀", 14, 5)


def test_rows_that_cannot_be_judged_go_to_quarantine() -> None:
    batch = batch_of("太长了", "好。", None)
    batch = batch.set_column(1, "url", pa.array(["u", None, ""]))
    after = NormaliseChinese(max_chars=2)(batch)
    check_account(batch, after)
    assert [(row["verdict"], row["rule"]) for row in after.to_pylist()] == [
        ("quarantined", "too_large"),
        ("quarantined", "url"),
        ("quarantined", "url"),
    ]
    assert after.column("text").to_pylist() == [None, None, None]
    assert NormaliseChinese(max_chars=3)(batch_of("太长了"))["verdict"].to_pylist() == ["kept"]


@given(TEXTS)
def test_symbols_one_by_one_are_the_translation_of_all(text: str) -> None:
    assert unify(text) == text.translate(SYMBOLS)


def test_what_is_left_alone() -> None:
    traditional = "「臺灣」的圖書館、雜誌…《紅樓夢》【注】"
    assert normalise_chinese(traditional) == traditional
    assert normalise_chinese("１２ＡＢ，（甲）", unify_symbols=False) == "１２ＡＢ，（甲）"
    assert normalise_chinese("１２ＡＢ，（甲）") == "１２ＡＢ,(甲)"  # letters and digits are not among the 34
    assert normalise_chinese("e\u0301") == "\u00e9"


@pytest.mark.parametrize(("kernel", "language"), [(NormaliseChinese, "zh"), (NormaliseEnglish, "en")])
def test_the_line_filter_tells_what_it_removed(
    kernel: type[NormaliseChinese] | type[NormaliseEnglish], language: str
) -> None:
    settings = LineFilterSettings(terminal_marks=".", min_words=0)
    batch = batch_of("a.\n  menu\nb.", "menu", None, language=language)
    rows = pickle.loads(pickle.dumps(kernel(line_filter=settings)))(batch).to_pylist()  # noqa: S301
    assert [row["text"] for row in rows] == ["a.\nb.", "", None]
    assert [row["verdict"] for row in rows] == ["kept", "rejected", "quarantined"]
    assert [row["removed_lines"] for row in rows] == [
        [{"start": 3, "end": 8, "rule": "terminal_mark"}],
        [{"start": 0, "end": 4, "rule": "terminal_mark"}],
        None,
    ]
    assert "removed_lines" not in kernel()(batch).schema.names


def test_lines_of_code_stay() -> None:
    code = NormaliseEnglish("code", verbatim=True, line_filter=LineFilterSettings())
    (row,) = code(batch_of("import os\n", language="code")).to_pylist()
    assert (row["text"], row["removed_lines"]) == ("import os\n", [])


def test_other_languages_are_rejected_with_their_score() -> None:
    (row,) = NormaliseChinese()(batch_of("こんにちは", language="ja", score=0.97)).to_pylist()
    assert (row["verdict"], row["rule"], row["value"]) == ("rejected", "language", 0.97)
    assert row["reason"] == "the language is ja, not zh"


def test_english_kernel_keeps_code_verbatim() -> None:
    code = "def f():\r\n    return  1\n\n\n\n# \u00e9 e\u0301\n"
    settings = SourceSettings(kind="code", path="code/*.py", language="code", licence="PSF-2.0")
    batch = batch_of(code, language="code")
    assert NormaliseEnglish.of(settings)(batch).column("text").to_pylist() == [code]
    prose = NormaliseEnglish()(batch_of("cafe\u0301  au\tlait", language="en")).column("text").to_pylist()
    assert prose == ["caf\u00e9 au lait"]


@pytest.mark.parametrize("kernel", [NormaliseChinese(), NormaliseEnglish()])
def test_kernels_take_empty_batches_and_travel(kernel: NormaliseChinese | NormaliseEnglish) -> None:
    copy = pickle.loads(pickle.dumps(kernel))  # noqa: S301
    assert copy == kernel
    after = copy(batch_of())
    assert after.num_rows == 0
    check_account(batch_of(), after)
