"""The line filter removes what breaks a rule, and says where it was."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.recipe.lists import LineFilterSettings
from neo_assets.text.badwords import read_terms
from neo_assets.text.line_filter import Language, filter_lines
from neo_assets.text.normalise import tidy_whitespace
from neo_assets_tests.text.batches import SEED

ALL = LineFilterSettings()
BAD = {"en": read_terms(SEED / "lists/ldnoobw.en.json"), "zh": read_terms(SEED / "lists/ldnoobw.zh.json")}


@pytest.mark.parametrize(
    ("language", "line", "rule"),
    [
        ("zh", "清晨的阳光照进教室。", None), ("zh", "他问：“你去哪里？”", None), ("zh", "这件事还没有完……", None),
        ("zh", "清晨的阳光照进教室.", None), ("zh", "首页 新闻 体育 更多", "terminal_mark"),
        ("zh", "好的。", "few_words"),
        ("zh", "请启用JavaScript后再访问本页。", "javascript"), ("zh", "这里是 LOREM IPSUM 的文字。", "lorem_ipsum"),
        ("zh", "这项工程由完成人员签字。", None), ("zh", "这里有成人电影下载。", "bad_word"),
        ("zh", "。。。。。", "few_words"),
        ("en", "It is a truth universally acknowledged.", None), ("en", "Home | About | Contact", "terminal_mark"),
        ("en", 'She said: "Come in!"', None), ("en", "Read more.", "few_words"), ("en", "- - - - .", "few_words"),
        ("en", "Please enable javascript now.", "javascript"), ("en", "Lorem ipsum dolor sit amet.", "lorem_ipsum"),
        ("en", "A classic assessment of assets.", None), ("en", "What an asshole he was.", "bad_word"),
    ],
)  # fmt: skip
def test_one_line(language: Language, line: str, rule: str | None) -> None:
    text, removed = filter_lines(line, ALL, language, BAD[language])
    assert [span.rule for span in removed] == ([rule] if rule else [])
    assert text == ("" if rule else line)


def test_rules_can_be_off() -> None:
    off = LineFilterSettings(terminal_marks=None, min_words=0, javascript=False, lorem_ipsum=False, bad_words=False)
    text = "menu\njavascript\nlorem ipsum\nasshole"
    assert filter_lines(text, off, "en", BAD["en"]) == (text, [])
    only_marks = LineFilterSettings(terminal_marks="；", min_words=0, javascript=False)
    assert filter_lines("一；\n二。\n三；", only_marks, "zh")[0] == "一；\n三；"


@pytest.mark.parametrize(
    ("text", "left", "spans"),
    [
        ("x\n\nOne two three.\n\ny", "One two three.", [(0, 3), (17, 20)]),
        ("One two three.\n\nx\ny\n\nOne two three.", "One two three.\n\nOne two three.", [(16, 18), (18, 21)]),
        ("x\ny", "", [(0, 2), (2, 3)]),
        ("One two three.\nx\n\n", "One two three.\n", [(15, 18)]),
        ("\n\n", "\n\n", []),
        ("", "", []),
    ],
)
def test_blank_lines_go_with_the_line_before_them(text: str, left: str, spans: list[tuple[int, int]]) -> None:
    found, removed = filter_lines(text, ALL, "en")
    assert (found, [(span.start, span.end) for span in removed]) == (left, spans)


LINE = st.sampled_from(
    ["Three words here.", "menu", "", " ", "这里有三个词。", "好", "enable javascript to go on.", "\t", "é"]
)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(LINE, max_size=8).map("\n".join), st.text(max_size=40)), st.sampled_from(["en", "zh"]))
def test_the_text_is_the_original_without_the_spans(text: str, language: Language) -> None:
    left, removed = filter_lines(text, ALL, language)
    stays = [True] * len(text)
    end = 0
    for span in removed:
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip()
        stays[span.start : span.end] = [False] * (span.end - span.start)
        end = span.end
    assert left == "".join(character for character, kept in zip(text, stays, strict=True) if kept)
    kept_lines = [line.strip() for line in left.split("\n") if line.strip()]
    assert kept_lines == [line.strip() for line in text.split("\n") if line.strip() and naive_keeps(line, language)]
    assert filter_lines(left, ALL, language) == (left, [])
    tidy = tidy_whitespace(text)
    assert tidy_whitespace(filter_lines(tidy, ALL, language)[0]) == filter_lines(tidy, ALL, language)[0]


def naive_keeps(line: str, language: Language) -> bool:
    return filter_lines(line.strip(), ALL, language) == (line.strip(), [])


def test_a_huge_line_takes_linear_time() -> None:
    for text in (" " * 1_000_000, "a" * 1_000_000, "\n" * 1_000_000, "a \n" * 100_000):
        assert filter_lines(text, LineFilterSettings(min_words=0), "en")[0].strip() == ""
