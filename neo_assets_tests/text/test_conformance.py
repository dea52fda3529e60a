"""Small documents with the verdict and the first failing rule that the published limits must give."""

from __future__ import annotations

import json

import pytest

from neo_assets.recipe.lines import ChineseRules, EnglishRules, SourceSettings
from neo_assets.text.badwords import read_terms
from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.normalise import NormaliseChinese, NormaliseEnglish
from neo_assets.text.rules import JudgeByRules, chinese_rules, english_rules
from neo_assets_tests.text.batches import SEED, batch_of, chinese_paragraphs, english_paragraphs, through

CHINESE = "\n".join(chinese_paragraphs()[:8])
ENGLISH = "\n\n".join(english_paragraphs()[:6])
ZH_SENTENCE = "清晨的阳光照进教室，老师带着学生朗读古文，窗外传来阵阵鸟鸣。"
EN_SENTENCE = "The quick brown fox jumps over the lazy dog and runs to the river with a friend. "

CHINESE_CASES = [
    ("statutes", CHINESE, "zh", 0.99, None),
    ("statutes with a few English words", CHINESE.replace("规定", "规定 rule", 3), "zh", 0.9, None),
    ("label is Japanese", CHINESE, "ja", 0.99, "language"),
    ("score too low", CHINESE, "zh", 0.39, "language"),
    ("score at the limit", CHINESE, "zh", 0.4, None),
    ("nothing", "", "zh", 0.9, "empty"),
    ("nothing but a link", "https://example.com/a", "zh", 0.9, "empty"),
    ("too short", "今天天气好。明天呢？", "zh", 0.9, "characters"),
    ("too long", "\n".join(chinese_paragraphs()[:400])[:10_001] + "。" * 60, "zh", 0.9, "characters"),
    ("one sentence", CHINESE.translate({ord(c): "，" for c in "。；！？“”…"}), "zh", 0.9, "sentences"),
    ("one sentence 200 times", ZH_SENTENCE * 200, "zh", 0.9, "duplicate_5gram"),
    ("one phrase all over", (CHINESE[:300] + "好评") + "好评。" * 80, "zh", 0.9, "top_2gram"),
    ("mostly digits", CHINESE[:200] + "。8613579024" * 40, "zh", 0.9, "digits"),
    ("hashtags", "#".join(CHINESE[i : i + 8] for i in range(0, 800, 8)), "zh", 0.9, "hashtags"),
    ("ellipses", "…".join(CHINESE[i : i + 8] for i in range(0, 800, 8)), "zh", 0.9, "ellipses"),
    ("read more", "\n".join(f"{part[:40]}。展开" for part in chinese_paragraphs()[:20]), "zh", 0.9, "read_more_lines"),
    ("bullets", "\n".join(f"• {part}" for part in chinese_paragraphs()[:10]), "zh", 0.9, "bullet_lines"),
    (
        "brackets",
        "。".join(f"【{part[:30]}】{part[30:60]}" for part in chinese_paragraphs()[:10]),
        "zh",
        0.9,
        "brackets",
    ),
    ("an obscene term", CHINESE + "他妈的。", "zh", 0.9, "bad_words"),
    ("few characters", "我们你们他们，公司员工。" * 30, "zh", 0.9, "unigram_entropy"),
    ("single characters", "，".join("的和与或在从向对把被") * 10 + "。啊。" * 3, "zh", 0.9, "mean_word_length"),
]

ENGLISH_CASES = [
    ("a novel", ENGLISH, "en", 0.99, None),
    ("label is Chinese", ENGLISH, "zh", 0.99, "language"),
    ("score too low", ENGLISH, "en", 0.2, "language"),
    ("nothing", " \n", "en", 0.9, "empty"),
    ("49 words", " ".join(ENGLISH.split()[:49]) + ".\n\nOh. Ah", "en", 0.9, None),
    ("too few words", "It rained. It stopped.\nWe went.", "en", 0.9, "words"),
    ("too many words", "\n\n".join(english_paragraphs()[:300]), "en", 0.9, "words"),
    ("one line", ENGLISH.replace("\n", " "), "en", 0.9, "lines"),
    ("one sentence", ENGLISH.translate({ord(c): "," for c in ".!?"}), "en", 0.9, "sentences"),
    ("long words", ENGLISH.replace(" ", "x" * 9 + " "), "en", 0.9, "mean_word_length"),
    ("ellipsis lines", "\n".join(f"{p[:120]}..." for p in english_paragraphs()[:9]), "en", 0.9, "ellipsis_lines"),
    (
        "bullet lines",
        "\n".join("• " + " ".join(p.split()) for p in english_paragraphs()[:9]),
        "en",
        0.9,
        "bullet_lines",
    ),
    ("numbers", ENGLISH.replace(" ", " 12 "), "en", 0.9, "no_letter_words"),
    (
        "no stop words",
        "\n".join(f"Item{i} costs{i} money{i}. Buy{i} now{i}!" for i in range(30)),
        "en",
        0.9,
        "stop_words",
    ),
    ("symbols", ENGLISH.replace(" ", " #"), "en", 0.9, "symbols"),
    ("code in a page", ENGLISH + "\n" + "{a:1} " * 60, "en", 0.9, "curly_braces"),
    ("placeholder", ENGLISH + "\nLorem ipsum dolor sit amet.", "en", 0.9, "lorem_ipsum"),
    ("an obscene word", ENGLISH + "\nHe was an asshole.", "en", 0.9, "bad_words"),
    ("one sentence 200 times", (EN_SENTENCE + "\n") * 200, "en", 0.9, "unique_words"),
    ("undecodable", ENGLISH + "\ufffd" * 40, "en", 0.9, "bad_characters"),
]


CHINESE_KERNELS = (
    AnnotateChinese(read_terms(SEED / "lists" / "ldnoobw.zh.json")),
    JudgeByRules(chinese_rules(ChineseRules())),
)
WEB = SourceSettings(kind="crawl", licence="x")
STOP_WORDS = ("the", "be", "to", "of", "and", "that", "have", "with")
ENGLISH_KERNELS = (
    AnnotateEnglish(STOP_WORDS, read_terms(SEED / "lists" / "ldnoobw.en.json")),
    JudgeByRules(english_rules(WEB, {"generic": EnglishRules()})),
)


@pytest.mark.parametrize(
    ("name", "text", "language", "score", "rule"), CHINESE_CASES, ids=[c[0] for c in CHINESE_CASES]
)
def test_chinese(name: str, text: str, language: str, score: float, rule: str | None) -> None:
    (row,) = through(batch_of(text, language=language, score=score), NormaliseChinese(), *CHINESE_KERNELS)
    assert (row["verdict"], row["rule"]) == ("kept" if rule is None else "rejected", rule), row["reason"]


@pytest.mark.parametrize(
    ("name", "text", "language", "score", "rule"), ENGLISH_CASES, ids=[c[0] for c in ENGLISH_CASES]
)
def test_english(name: str, text: str, language: str, score: float, rule: str | None) -> None:
    (row,) = through(batch_of(text, language=language, score=score), NormaliseEnglish.of(WEB), *ENGLISH_KERNELS)
    assert (row["verdict"], row["rule"]) == ("kept" if rule is None else "rejected", rule), row["reason"]


def test_a_repeated_sentence_fails_the_duplicate_5gram_rule_in_both_languages() -> None:
    # required of every re-implementation of MAP-Neo, whose released rules keep such documents
    english = through(batch_of((EN_SENTENCE + "\n") * 200, language="en"), *ENGLISH_KERNELS)
    chinese = through(batch_of(ZH_SENTENCE * 200), *CHINESE_KERNELS)
    for row in (*english, *chinese):
        failed = {failure["rule"]: failure["value"] for failure in json.loads(row["reason"])}
        assert failed["duplicate_5gram"] == pytest.approx(199 / 200)
