"""The released Chinese filter: each documented quirk shown, and the values against naive ones."""

from __future__ import annotations

import math
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.lake.records import KEPT
from neo_assets.recipe.limits import ChineseRules
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.released import EXCEPTION
from neo_assets.text.released_chinese import (
    CHINESE_MEANINGS,
    AnnotateReleasedChinese,
    is_listed,
    measure,
    read_addresses,
    released_text,
)
from neo_assets.text.rules import chinese_rules
from neo_assets.text.units import segment
from neo_assets_tests.text.batches import SEED, batch_of

GOOD = (
    "山谷里的农民从祖父母那一代起就养着山羊。没有人记得那座旧桥为什么漆成绿色，如今也很少有人问起。\n"
    "每年春天，孩子们沿着河边走去上学，数着站在湿石头中间的白鹭。小面包店天亮以前就开门了！\n"
    "路过的旅人都会停下来买一个面包，再带上一壶热茶，慢慢走完剩下的路程。"
)
TEXTS = st.text(st.sampled_from("山谷里，。！…#【】12a.\n •\U0001f600展开更多"), max_size=60) | st.text(max_size=30)


def failing(text: str, score: float = 0.9, url: str = "u0") -> list[str]:
    """Numbers of the rules that fail as released, in their order."""
    batch = batch_of(text, score=score)
    batch = batch.set_column(1, "url", pa.array([url]))
    batch = AnnotateReleasedChinese(("bad.com/a",))(batch)
    rules = chinese_rules(ChineseRules(), "faithful")
    return [rule.number or rule.name for rule in rules if rule.test(batch.column(rule.signal))[0][0]]


def test_good_prose_passes() -> None:
    assert failing(GOOD) == []


def test_symbols_are_translated_before_links_are_looked_for() -> None:
    assert released_text("他说 OK。good 也行") == "他说  也行"  # "OK.good" looks like a host name by then
    assert released_text("见 http://a.cn/路？x=1 和www.b.cn,好") == "见 路?x=1 和,好"
    assert released_text("第 1.2.3.4 节，第 1.2.3 节，中文abc.com") == "第  节,第 1.2.3 节,中文abc.com"


def test_c1_counts_what_stands_inside_pairs() -> None:
    assert measure("【公告】今天【关闭")["released_c1"] == pytest.approx(2 / 9)


def test_c2_takes_any_entry_as_the_beginning_of_an_address() -> None:
    entries = ("bad.com/a", "worse.cn")
    listed = {
        "http://bad.com/a": 1, "https://bad.com/about": 1, "http://bad.com/": 0, "http://www.bad.com/a": 0,
        "worse.cn.example.org": 1, "http://x/bad.com/a": 0,
    }  # fmt: skip
    assert {url: is_listed(url, entries) for url in listed} == listed
    assert is_listed(None, entries) is None
    assert failing(GOOD, url="https://bad.com/about") == ["C2"]


def test_c2_reads_urls_of_all_categories_and_no_domains(tmp_path: Path) -> None:
    for name, text in {"adult/urls": "bad.com/a\n", "adult/domains": "bad.org\n", "press/urls": "news.com/x\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_addresses(tmp_path) == ("bad.com/a", "news.com/x")


def test_c4_lets_commas_end_sentences() -> None:
    assert measure("一，二；三“四”。 。")["released_c4"] == 4  # the blank before the last mark is dropped


def test_c5_counts_nfkc_characters() -> None:
    assert measure("…㍿")["released_c5"] == 3 + 4  # "..." and 株式会社


def test_c6_takes_the_words_of_text_without_marks() -> None:
    text = "山谷里的农民，养着山羊。"
    words = segment("山谷里的农民养着山羊")
    assert measure(text)["released_c6"] == pytest.approx(10 / len(words))


@pytest.mark.parametrize(("mark", "column"), [("#", "released_c7"), ("……", "released_c8"), ("...", "released_c8")])
def test_c7_and_c8_count_runs_per_character(mark: str, column: str) -> None:
    text = "".join(word + mark for word in ("山谷里的农民", "没有人记得", "孩子们走去上学"))
    assert measure(text)[column] == pytest.approx(3 / len(text))


def test_c9_counts_whitespace_as_letters() -> None:
    assert measure("12 山，谷\n")["released_c9"] == pytest.approx(2 / 6)


def test_c10_looks_for_full_stops_that_are_gone() -> None:
    assert measure("一\n二展开\n三。。。\n更多\nread more")["released_c10"] == pytest.approx(2 / 5)


def test_c11_counts_empty_lines_too() -> None:
    assert measure("•一\n\n二\n※三")["released_c11"] == 0.5


def test_c12_counts_ascii_marks_and_ellipses_only() -> None:
    assert measure("一、《二》…（三）")["released_c12"] == pytest.approx(3 / 9)
    assert "C12" in failing("山谷里的农民、没有人记得、" * 5)


def test_c13_is_hard_on_long_texts() -> None:
    text = Path(SEED / "text/nahan.zh.txt").read_text(encoding="utf-8")
    long = text[3_000:33_000]
    assert failing(long) == ["C5", "C13"]
    assert "C13" not in failing(long[:2_000])


def test_c15_never_reads_the_label() -> None:
    german = batch_of(GOOD, language="de", score=0.99)
    judged = JudgeByRules(chinese_rules(ChineseRules(), "faithful"))(AnnotateReleasedChinese()(german))
    assert judged.column("verdict").to_pylist() == [KEPT]
    assert failing(GOOD, score=0.39) == ["C15"]


def test_repetition_is_computed_and_never_acts() -> None:
    """Acceptance case: one sentence 200 times passes the Chinese repetition stage; the pair it tests is always true."""
    text = "山谷里的农民养着山羊。" * 200
    found = measure(text)
    assert found["released_c16"] == pytest.approx((200 - 1) * 2 / len(text))
    assert found["released_c19"] == pytest.approx(10 / len(text))  # 山 stands twice in the sentence
    assert failing(text) == ["C13", "C14"]  # which other rules see
    assert failing("嗯" * 40 + GOOD) == []  # half of it is one character: the commonest pair covers 0.25
    commonest = measure("嗯" * 40 + GOOD)["released_c16"]
    assert commonest is not None and commonest > 0.2
    numbers = {rule.number for rule in chinese_rules(ChineseRules(), "faithful")}
    assert not numbers & {f"C{number}" for number in range(16, 25)}


def test_no_rule_looks_for_bad_words() -> None:
    assert "bad_words" not in {rule.name for rule in chinese_rules(ChineseRules(), "faithful")}


@pytest.mark.parametrize(("text", "exception"), [("", 1), ("http://a.cn", 1), ("?!", 1), ("山", 0)])
def test_dividing_by_nothing_drops_the_document(text: str, exception: int) -> None:
    assert measure(text)[EXCEPTION] == exception
    assert ("exception" in failing(text)) == bool(exception)


@given(TEXTS)
@settings(deadline=None, max_examples=60)
def test_character_values_are_naive(text: str) -> None:
    found, kept = measure(text), released_text(text)
    if not kept:
        assert found["released_c13"] is found["released_c14"] is None
        return
    shares = [kept.count(character) / len(kept) for character in set(kept)]
    assert found["released_c13"] == len(shares) / len(kept)
    assert found["released_c14"] == pytest.approx(-sum(share * math.log(share) for share in shares))
    depth, inside, pending = False, 0, 0
    for character in unicodedata.normalize("NFKC", text):
        if character == "【":
            depth, pending = True, 0
        elif character == "】":
            inside += pending if depth else 0
            depth = False
        else:
            pending += 1
    assert found["released_c1"] == inside / len(unicodedata.normalize("NFKC", text))


@given(st.lists(st.none() | TEXTS, max_size=4))
@settings(deadline=None, max_examples=30)
def test_kernel_keeps_rows_and_columns(texts: list[str | None]) -> None:
    batch = batch_of(*texts)
    found = AnnotateReleasedChinese()(batch)
    assert found.schema.names == [*batch.schema.names, *CHINESE_MEANINGS]
    assert found.select(batch.schema.names) == batch
    for text, row in zip(texts, found.select(list(CHINESE_MEANINGS)).to_pylist(), strict=True):
        expected = dict.fromkeys(CHINESE_MEANINGS) | {EXCEPTION: 1.0}
        assert row == (expected if text is None else {"released_c2": 0.0, **measure(text)})
