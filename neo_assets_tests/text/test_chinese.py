from __future__ import annotations

import json
import pickle
import re
import warnings
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pytest
import rjieba
from hypothesis import example, given
from hypothesis import strategies as st

from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.measure_chinese import chinese_lists, measure_chinese
from neo_assets.text.signals import CHINESE_SIGNALS, MODEL_SIGNALS
from neo_assets.text.units import chinese_words
from neo_assets_tests.text import naive
from neo_assets_tests.text.batches import SEED, batch_of

STOP = ("的", "和", "the")
BAD = ("坏词", "成人")
PIECES = (
    "我们今天去学校。", "天气很好，", "我们今天去学校。", "展开", "展开全文 >>", "查看更多…", "Read more",
    "【广告】", "【", "】", "#话题", "##", "……", "…", "...", "3.14", "。", "！", "?", "“引文。”", "\n", "\n\n",
    "• ", "※ ", "Node.js", "JavaScript", "Lorem ipsum", "坏词", "完成人员", "的", "和", "１２３",
    "１２３ＡＢＣ", "繁體中文", "一二三", "𠀀", "😀", "_", "é", " ", "\u3000", "{}", "\x00", "�", "鈥", "锘",
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=60).map("".join),
    st.text(
        st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("中文你好。.！#…\n　【】0１2更多展开•"))
    ),
)


def measured(*texts: str) -> list[dict[str, Any]]:
    columns, _ = measure_chinese(texts, chinese_lists(STOP, BAD))
    rows = {name: pa.array(column).to_pylist() for name, column in columns.items()}
    return [{name: column[i] for name, column in rows.items()} for i in range(len(texts))]


def agrees(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    assert found.keys() >= wanted.keys()
    for name, value in wanted.items():
        assert found[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


@given(TEXTS)
@example("")
@example("字")
@example("。！？" * 9)
@example("【【a】】b】")
def test_equals_the_naive_measures(text: str) -> None:
    agrees(measured(text)[0], naive.chinese(text, STOP))


@given(st.lists(TEXTS, max_size=5))
def test_texts_do_not_depend_on_their_neighbours(texts: list[str]) -> None:
    assert measured(*texts) == [row for text in texts for row in measured(text)]


def real_texts() -> list[str]:
    laws = (SEED / "text" / "laws.zh.jsonl").read_text(encoding="utf-8").splitlines()[:8]
    novel = (SEED / "text" / "sanguo.zh.txt").read_text(encoding="utf-8")[:40_000]
    poems = (SEED / "text" / "poems.zh-Hant.jsonl").read_text(encoding="utf-8").splitlines()[:40]
    texts = [json.loads(line)["text"][:4_000] for line in (*laws, *poems)]
    return texts + [novel[start : start + 2_000] for start in range(0, len(novel), 2_000)]


def test_equals_the_naive_measures_on_real_text() -> None:
    texts = real_texts()
    for found, text in zip(measured(*texts), texts, strict=True):
        agrees(found, naive.chinese(text, STOP))


def test_a_line_of_ten_million_characters() -> None:
    text = "我们今天去学校看书" * 1_111_111
    (found,) = measured(text)
    assert (found["n_chars"], found["ccnet_nlines"]) == (len(text), 1)
    assert found["frac_chars_dupe_10chars"] == 1.0


@pytest.mark.parametrize(
    ("text", "signal", "value"),
    [
        ("我们今天去学校。", "rps_doc_word_count", 4),  # 我们 今天 去 学校
        ("我们今天去学校。", "rps_doc_mean_word_length", 7 / 4),
        ("我们走。你来吗？圆周率是3.14", "n_sentences", 3),
        ("我们走.你来吗?圆周率是3.14", "n_sentences", 3),  # after unification of full-width marks
        ("共有12人", "frac_digits", 2 / 5),
        ("１２人", "frac_digits", 2 / 3),
        ("【广告】好", "frac_brackets", 2 / 5),
        ("我很好。我很好。你呢？", "frac_sentences_duplicate", 1 / 3),
        ("我很好。我很好。你呢？", "frac_chars_duplicate_sentences", 3 / 8),
        ("新闻一…展开\n新闻二", "frac_lines_read_more", 1 / 2),
        ("完成人员", "rps_doc_ldnoobw_words", 0),
        ("成人电影", "rps_doc_ldnoobw_words", 1),
        ("天" * 2000, "frac_chars_unique", 2 / 2000),
        ("中文abc", "frac_han", 2 / 5),
        ("中文abcд", "frac_foreign_letters", 1 / 6),
    ],
)
def test_worked_examples(text: str, signal: str, value: float) -> None:
    assert measured(text)[0][signal] == pytest.approx(value)


def chinese_only(words: list[str]) -> list[tuple[int, str]]:
    """(place, word) of the words with a Chinese character."""
    places = accumulate(map(len, words), initial=0)
    return [(place, word) for place, word in zip(places, words, strict=False) if re.search("[\u3400-\u9fff]", word)]


def test_rjieba_cuts_chinese_as_jieba_does() -> None:
    """The faster segmenter against the published one, on all Chinese text of the seed.

    They differ only in runs of Latin letters, digits and marks, such as www.example.org, which rjieba leaves whole.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # jieba's sources have escapes that Python warns of
        import jieba
    jieba.setLogLevel("ERROR")
    n_words = 0
    for text in seed_lines():
        expected = chinese_only(jieba.lcut(text))
        assert chinese_only(rjieba.cut(text)) == expected
        n_words += len(expected)
    assert n_words > 400_000


def seed_lines() -> Iterator[str]:
    for file in sorted(file for folder in ("text", "gold", "eval") for file in SEED.glob(f"{folder}/*.zh*")):
        for line in file.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)["text"] if file.suffix == ".jsonl" else line


def test_words_are_those_that_models_learn_from() -> None:
    texts = ["我们今天 Good 天气，好", "", "字"]
    _, words = measure_chinese(texts, chinese_lists(STOP, BAD))
    expected = chinese_words(texts)
    assert words.hashes.tolist() == expected.hashes.tolist()
    assert words.offsets.tolist() == expected.offsets.tolist()


def test_the_kernel_appends_every_signal_and_keeps_nulls() -> None:
    kernel = pickle.loads(pickle.dumps(AnnotateChinese(STOP, BAD)))  # noqa: S301
    batch = batch_of("一段文字。", None, "")
    after = kernel(batch)
    assert after.schema.names == [*batch.schema.names, *(signal.name for signal in CHINESE_SIGNALS)]
    unmeasured = {signal.name for signal in MODEL_SIGNALS} | {"rps_doc_ut1_blacklist"}
    for signal in CHINESE_SIGNALS:
        assert after.schema.field(signal.name).type == signal.type
        first, missing, empty = after.column(signal.name).to_pylist()
        assert missing is None
        assert (first is None) == (empty is None) == (signal.name in unmeasured)
    assert after.select(batch.schema.names).to_pylist() == batch.to_pylist()
    assert kernel(batch.slice(0, 0)).schema == after.schema
