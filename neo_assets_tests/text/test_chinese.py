from __future__ import annotations

import math
import pickle
import re
import unicodedata
from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
import rjieba
from hypothesis import given
from hypothesis import strategies as st

from neo_assets.text.badwords import count_chinese, read_terms
from neo_assets.text.chinese import CHINESE_SIGNALS, AnnotateChinese, count_sentences, measure_chinese
from neo_assets_tests.text.batches import SEED, batch_of

TEXTS = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("中文你好。.！#…\n　【】0１2更多展开•"))
)


def is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM" or unicodedata.category(character) in ("Nl", "No")


@given(TEXTS)
def test_equal_to_the_naive_measures(text: str) -> None:
    measured = measure_chinese(text, ("坏词",))
    words = [word for word in rjieba.cut(text) if any(unicodedata.category(c)[0] in "LN" for c in word)]
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    written = [character for character in text if not character.isspace()]
    n_words = len(words)
    assert measured["n_chars"] == len(text)
    assert measured["n_words"] == n_words
    assert measured["mean_word_length"] == pytest.approx(sum(map(len, words)) / n_words if n_words else 0)
    counts = Counter(written)
    entropy = -sum(count / len(written) * math.log(count / len(written)) for count in counts.values())
    assert measured["unigram_entropy"] == pytest.approx(entropy, abs=1e-9)
    if all(ord(character) < 0x20000 for character in text):  # beyond, all code points count as ideographs
        digits = sum(unicodedata.category(character) == "Nd" for character in text)
        letters = sum(map(is_letter, text))
        assert measured["frac_digits"] == pytest.approx(digits / (digits + letters) if digits + letters else 0)
        marks = sum(unicodedata.category(c)[0] == "P" or (c.isascii() and c in "$+<=>^`|~") for c in text)
        assert measured["frac_punctuation"] == pytest.approx(marks / len(text) if text else 0)
    runs = sum(c == "#" and (i == 0 or text[i - 1] != "#") for i, c in enumerate(text))
    assert measured["hashtags_per_word"] == pytest.approx(runs / n_words if n_words else 0)
    ends = sum(re.sub(r"[\s.…>»]*$", "", line).lower().endswith(("展开", "展开全文", "更多")) for line in lines)
    assert measured["frac_lines_read_more"] == pytest.approx(ends / len(lines) if lines else 0)
    assert all(isinstance(value, int) or np.isfinite(value) for value in measured.values())


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("。。。", 0),
        ("首页 新闻 体育", 1),
        ("今天好.明天呢?后天!", 3),
        ("今天好。明天呢？后天！", 3),
        ("圆周率是3.14159", 1),
        ("等等……好", 2),
        ("甲;乙;丙", 3),
    ],
)
def test_sentences(text: str, n: int) -> None:
    assert count_sentences(text) == n


def test_brackets_and_read_more() -> None:
    measured = measure_chinese("【标题】内容\n阅读 更多>>\n完", ())
    assert measured["frac_brackets"] == pytest.approx(2 / 16)
    assert measured["frac_lines_read_more"] == pytest.approx(1 / 3)


def test_ngrams_are_of_characters_without_whitespace() -> None:
    measured = measure_chinese("我 爱\n北京我爱 北京", ())
    assert measured["frac_chars_top_4gram"] == 1.0
    assert measured["frac_chars_top_2gram"] == 0.5


def test_bad_terms() -> None:
    terms = ("他妈", "他妈的", "性", "13.")
    assert (
        count_chinese("他妈的他妈", ["他妈的", "他", "妈"], terms) == 2
    )  # the longer term hides the shorter one inside it
    assert count_chinese("人性很好", ["人性", "很", "好"], terms) == 0
    assert count_chinese("性", ["性"], terms) == 1
    assert count_chinese("13. 第十三条", ["13", ".", " ", "第十三", "条"], terms) == 0
    assert count_chinese("完成人员", ["完成", "人员"], ("成人",)) == 0
    assert count_chinese("成人教育", ["成人", "教育"], ("成人",)) == 1


def test_kernel_appends_every_signal_and_keeps_nulls() -> None:
    kernel = pickle.loads(pickle.dumps(AnnotateChinese(read_terms(SEED / "lists" / "ldnoobw.zh.json"))))  # noqa: S301
    batch = batch_of("一些文字。", None, "")
    after = kernel(batch)
    assert after.schema.names == [*batch.schema.names, *(signal.name for signal in CHINESE_SIGNALS)]
    for signal in CHINESE_SIGNALS:
        assert after.schema.field(signal.name).type == signal.type
        values = after.column(signal.name).to_pylist()
        assert values[1] is None
        assert values[2] == 0
    assert set(measure_chinese("字", ())) == {signal.name for signal in CHINESE_SIGNALS}


@given(TEXTS)
def test_segments_are_the_text(text: str) -> None:
    assert "".join(rjieba.cut(text)) == text


def test_a_column_of_the_same_name_gives_way() -> None:
    batch = batch_of("一些文字。").append_column("n_chars", pa.array([99]))
    after = AnnotateChinese(())(batch)
    assert after.schema.names.count("n_chars") == 1
    assert after.column("n_chars").to_pylist() == [5]
