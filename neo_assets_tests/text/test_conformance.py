"""Small documents with the verdict and the first failing rule that the published limits must give."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pytest

from neo_assets.recipe.limits import ChineseRules, RuleSets
from neo_assets.recipe.sources import SourceSettings
from neo_assets.text.badwords import read_terms
from neo_assets.text.chinese import AnnotateChinese
from neo_assets.text.english import AnnotateEnglish
from neo_assets.text.judge import JudgeByRules
from neo_assets.text.normalise import NormaliseChinese, NormaliseEnglish
from neo_assets.text.rules import chinese_rules, english_rules
from neo_assets_tests.text.batches import SEED, batch_of, chinese_paragraphs, english_paragraphs, through

CHINESE_PARTS, ENGLISH_PARTS = chinese_paragraphs(), english_paragraphs()
CHINESE = "\n".join(CHINESE_PARTS[:8])
CHINESE_SENTENCES = [re.sub("[。；]", "，", part[-60:-1]) + "。" for part in CHINESE_PARTS[::37]]
ENGLISH = "\n\n".join(ENGLISH_PARTS[:6])
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZαβγδεζηθικλμνξοπρστυφχψωабвгдежзийклмнопрстуфхцчшщъыьэюя"
IDENTIFIERS = " ".join(LETTERS[i % 101] + LETTERS[i * 7 % 101] + LETTERS[i * 31 % 101] for i in range(200))
ANSWERS = [part[:5] + "。" for part in CHINESE_PARTS[50:70]]
TWICE = CHINESE_SENTENCES + CHINESE_SENTENCES[:4]
TRADITIONAL = [
    "學而時習之，不亦說乎？有朋自遠方來，不亦樂乎？人不知而不慍，不亦君子乎？",
    "其為人也孝弟，而好犯上者，鮮矣；不好犯上，而好作亂者，未之有也。君子務本，本立而道生。",
    "道千乘之國，敬事而信，節用而愛人，使民以時。弟子入則孝，出則弟，謹而信，汎愛眾，而親仁。",
]
JAPANESE = "\n".join(
    f"{place}の図書館では、{thing}について調べることができます。くわしくは受付でおたずねください。"
    for place, thing in (("東京", "歴史"), ("京都", "料理"), ("大阪", "音楽"), ("名古屋", "鉄道"), ("札幌", "動物"))
)
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
    ("one sentence 200 times", ZH_SENTENCE * 200, "zh", 0.9, "unique_characters"),
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
    ("few characters", "我们你们他们，公司员工。" * 30, "zh", 0.9, "unique_characters"),
    ("undecodable", CHINESE + "\ufffd" * 40, "zh", 0.9, "bad_characters"),
    ("UTF-8 read as GBK", CHINESE.encode().decode("gbk", "ignore"), "zh", 0.9, "mojibake"),
    ("an English page", ENGLISH, "zh", 0.9, "han"),
    ("a Japanese page", JAPANESE, "zh", 0.9, "foreign_letters"),
    ("no marks at all", "\n".join(re.sub(r"\W", "", part) for part in CHINESE_PARTS[:9]), "zh", 0.9, "sentences"),
    ("a slogan", CHINESE[:240] + "买买买" * 40 + "。", "zh", 0.9, "top_2gram"),
    ("the same answers again and again", CHINESE + "\n" + "".join(ANSWERS * 3), "zh", 0.9, "duplicate_sentences"),
    ("a passage twice", "".join(TWICE), "zh", 0.9, "duplicate_sentence_characters"),
    ("traditional", "\n".join(TRADITIONAL), "zh", 0.9, None),
    ("full-width letters and digits", CHINESE.replace("第", "第１２Ａ"), "zh", 0.9, None),
    ("one line without breaks", CHINESE.replace("\n", ""), "zh", 0.9, None),
    ("hash marks here and there", CHINESE + "\n#教育 #法律", "zh", 0.9, None),
    ("an ellipsis here and there", CHINESE.replace("。", "……", 3), "zh", 0.9, None),
    ("an innocent word around a listed one", CHINESE + "我们已完成人员登记。", "zh", 0.9, None),
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
    ("one sentence", ENGLISH.translate({ord(c): "," for c in ".!?"}), "en", 0.9, "single_sentence"),
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
    ("symbols", re.sub(r"((?:\S+ ){4})", r"\1####### ", ENGLISH), "en", 0.9, "symbols"),
    ("code in a page", ENGLISH + "\n" + "{word} " * 60, "en", 0.9, "curly_braces"),
    ("placeholder", ENGLISH + "\nLorem ipsum dolor sit amet.", "en", 0.9, "lorem_ipsum"),
    ("an obscene word", ENGLISH + "\nHe was an asshole.", "en", 0.9, "bad_words"),
    ("one sentence 200 times", (EN_SENTENCE + "\n") * 200, "en", 0.9, "unique_words"),
    ("capitals", ENGLISH[:400].upper() + ENGLISH[400:], "en", 0.9, "all_caps_words"),
    ("7,501 sentences", "Oh no. Go on! " * 3751, "en", 0.9, "mean_word_length"),
    ("teasers", "\n".join(f"{part[:90]}. Read more." for part in ENGLISH_PARTS[:20]), "en", 0.9, "read_more_sentences"),
    ("hash marks", ENGLISH.replace(" ", " # ", 120), "en", 0.9, "hashtags"),
    ("trailing off", ENGLISH.replace(" ", " ... ", 60), "en", 0.9, "ellipses"),
    ("no marks at all", re.sub(r"[^\w\s]|_", "", ENGLISH), "en", 0.9, "single_sentence"),
    ("serial numbers", ENGLISH.replace("e ", "e x1y2z3 a4b5c6 "), "en", 0.9, "not_alphabetic_words"),
    ("a slogan", ENGLISH[:900] + "\n" + "buy now " * 90, "en", 0.9, "top_2gram"),
    ("a passage twice", ENGLISH + "\n" + ENGLISH, "en", 0.9, "duplicate_5gram"),
    ("few words", "The cat and the dog sat.\n" * 20, "en", 0.9, "unique_words"),
    ("an innocent word around a listed one", ENGLISH + "\nThe assessment was in Scunthorpe.", "en", 0.9, None),
    ("undecodable", ENGLISH + "\ufffd" * 40, "en", 0.9, "bad_characters"),
]


@dataclass(frozen=True)
class Listed:
    """A URL list with one address, in category 7."""

    url: str

    def categories(self, urls: Sequence[str | None]) -> list[int | None]:
        return [7 if url == self.url else None for url in urls]


LISTS = SEED / "lists"
WEB = SourceSettings(kind="crawl", licence="x")
CHINESE_KERNELS = (
    AnnotateChinese(read_terms(LISTS / "stopwords.zh.json"), read_terms(LISTS / "ldnoobw.zh.json")),
    JudgeByRules(chinese_rules(ChineseRules())),
)
ENGLISH_KERNELS = (
    AnnotateEnglish(read_terms(LISTS / "stopwords.en.json"), read_terms(LISTS / "ldnoobw.en.json")),
    JudgeByRules(english_rules(WEB, RuleSets())),
)


@lru_cache
def judged(line: str, text: str, language: str, score: float) -> dict[str, Any]:
    normalise = NormaliseChinese() if line == "zh" else NormaliseEnglish.of(WEB)
    kernels = CHINESE_KERNELS if line == "zh" else ENGLISH_KERNELS
    (row,) = through(batch_of(text, language=language, score=score), normalise, *kernels)
    return row


@pytest.mark.parametrize(
    ("name", "text", "language", "score", "rule"), CHINESE_CASES, ids=[c[0] for c in CHINESE_CASES]
)
def test_chinese(name: str, text: str, language: str, score: float, rule: str | None) -> None:
    row = judged("zh", text, language, score)
    assert (row["verdict"], row["rule"]) == ("kept" if rule is None else "rejected", rule), row["reason"]


@pytest.mark.parametrize(
    ("name", "text", "language", "score", "rule"), ENGLISH_CASES, ids=[c[0] for c in ENGLISH_CASES]
)
def test_english(name: str, text: str, language: str, score: float, rule: str | None) -> None:
    row = judged("en", text, language, score)
    assert (row["verdict"], row["rule"]) == ("kept" if rule is None else "rejected", rule), row["reason"]


def failing(row: dict[str, Any]) -> set[str]:
    found = str(row["reason"] or "")
    return {failure["rule"] for failure in json.loads(found)} if found.startswith("[") else set()


@pytest.mark.parametrize(("line", "cases"), [("zh", CHINESE_CASES), ("en", ENGLISH_CASES)])
def test_no_rule_is_inert(line: str, cases: list[tuple[str, str, str, float, str | None]]) -> None:
    seen = set().union(*(failing(judged(line, text, language, score)) for _, text, language, score, _ in cases))
    judge = (CHINESE_KERNELS if line == "zh" else ENGLISH_KERNELS)[1]
    # Normalisation rejects other languages and empty texts before these can; both and the lists are tested below.
    assert {rule.name for rule in judge.rules} - seen == {"language_label", "ut1", *(["empty"] if line == "en" else [])}


@pytest.mark.parametrize("line", ["zh", "en"])
def test_what_normalisation_or_a_list_decides(line: str) -> None:
    annotate, judge = CHINESE_KERNELS if line == "zh" else ENGLISH_KERNELS
    annotate = replace(annotate, urls=Listed("u1"))
    text = CHINESE if line == "zh" else ENGLISH
    own, other = judge(annotate(batch_of(text, text, language=line))), judge(annotate(batch_of("", language="fr")))
    assert [(row["rule"], row["value"]) for row in own.to_pylist()] == [(None, None), ("ut1", 7.0)]
    expected = {"language_label", "characters", *(["empty"] if line == "en" else [])}
    assert expected <= failing(other.to_pylist()[0])


def test_a_repeated_sentence_fails_the_duplicate_5gram_rule_in_both_languages() -> None:
    # required of every re-implementation of MAP-Neo, whose released rules keep such documents
    for row in (judged("en", (EN_SENTENCE + "\n") * 200, "en", 0.9), judged("zh", ZH_SENTENCE * 200, "zh", 0.9)):
        failed = {failure["rule"]: failure["value"] for failure in json.loads(row["reason"])}
        assert failed["duplicate_5gram"] == 1  # every word stands in an n-gram that occurs more than once
