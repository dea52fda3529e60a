"""Wrongly decoded text is found, real text of both scripts is not."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neo_assets.text.mojibake import mojibake_chars, mojibake_table, script_counts, script_table
from neo_assets.text.units import code_points
from neo_assets_tests.text.batches import SEED, english_paragraphs

THRESHOLD = 0.01


def mojibake(text: str) -> int:
    points = code_points([text]).points
    return mojibake_chars(points, 0, points.size, mojibake_table())


def scripts(text: str) -> tuple[int, int]:
    points = code_points([text]).points
    return script_counts(points, 0, points.size, script_table())


def simplified() -> list[str]:
    laws = (SEED / "text/laws.zh.jsonl").read_text(encoding="utf-8").splitlines()
    novel = (SEED / "text/sanguo.zh.txt").read_text(encoding="utf-8")
    return [json.loads(law)["text"] for law in laws] + [novel[i : i + 5000] for i in range(0, len(novel), 5000)]


def traditional() -> list[str]:
    lines = (SEED / "text/poems.zh-Hant.jsonl").read_text(encoding="utf-8").splitlines()
    return ["\n".join(lines[i : i + 10]) for i in range(0, len(lines), 10)]


REAL = [*simplified(), *traditional()]


def test_no_real_document_comes_near_the_threshold() -> None:
    shares = [mojibake(text) / len(text) for text in [*REAL, *english_paragraphs()]]
    assert max(shares) < THRESHOLD / 2
    assert sum(share > 0 for share in shares) <= 1  # five characters of a poem, by chance


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("utf-8", "gbk"), ("utf-8", "gb18030"), ("utf-8", "latin-1"), ("utf-8", "cp1252"), ("utf-8", "cp437"),
        ("gbk", "latin-1"), ("gbk", "cp1252"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("errors", ["replace", "ignore"])
def test_every_garbled_document_is_found(written: str, read: str, errors: str) -> None:
    garbled = [text[:1500].encode(written, "ignore").decode(read, errors) for text in REAL]
    shares = [mojibake(text) / len(text) for text in garbled]
    assert min(shares) > THRESHOLD
    assert sorted(shares)[len(shares) // 2] > 0.4


def test_garbled_twice_and_the_replacement_character() -> None:
    once = "中华人民共和国".encode().decode("latin-1")
    twice = once.encode().decode("latin-1")
    assert mojibake(once) == len(once)
    assert mojibake(twice) == len(twice)
    assert mojibake("他说锟斤拷锟斤拷。") == 6
    assert mojibake("中".encode().decode("latin-1")) == 0  # one character alone may be chance


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0), ("ÖÐ¹úÈËÃñ", 8), ("烫烫烫烫烫", 5), ("屯屯屯屯", 4), ("烫烫烫！好烫", 0),
        ("锛屾槸涓€涓", 5),
        ("目录········1", 0), ("3×××5", 0), ("××××", 0), ("café déjà vu Ångström", 0), ("“……——”‘’", 0), ("€€€€100", 0),
        ("Grüße aus Österreich", 0), ("ÁÁÁÁÁÁ", 0), ("涓涓细流，浣熊与锛", 0),
        ("こんにちは世界、テスト", 0), ("안녕하세요 세계", 0),
        ("😀😀😀😀", 0), ("§§§§ ¶¶¶¶ °°°°", 0), ("\ufffd\ufffd\ufffd", 0),
    ],
)  # fmt: skip
def test_small_cases(text: str, expected: int) -> None:
    assert mojibake(text) == expected


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=50), st.text(max_size=50), st.text(max_size=50))
def test_counts_only_its_own_text(before: str, text: str, after: str) -> None:
    points, offsets = code_points([before, text, after])
    assert 0 <= mojibake_chars(points, offsets[1], offsets[2], mojibake_table()) == mojibake(text) <= len(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF), min_size=6, max_size=40))
def test_any_chinese_text_garbled_by_latin_1_is_all_found(text: str) -> None:
    garbled = text.encode().decode("latin-1")
    assert mojibake(garbled) == len(garbled)


def test_scripts() -> None:
    assert scripts("中華人民共和國") == (2, 0)
    assert scripts("中华人民共和国") == (0, 2)
    assert scripts("后里云乾著 abc。") == (0, 0)  # in both scripts
    assert not script_table()[0x80:0x3400].any()
    for texts, share in ((simplified(), 0.03), (traditional(), 0.9)):
        for text in texts:
            n_traditional, n_simplified = scripts(text)
            found = n_traditional / (n_traditional + n_simplified)
            assert found < share if share < 0.5 else found > share, text[:20]
