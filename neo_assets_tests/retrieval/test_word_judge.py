from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neo_assets.seed
from neo_assets.judges.embedded import Embedded
from neo_assets.judges.model import EmbeddedJudge, JudgeRequest
from neo_assets.recipe.supplement import HintSettings
from neo_assets.retrieval.judging import judged, parsed, request_of
from neo_assets.retrieval.model import JUDGEMENT_SCHEMA, WORD_SCHEMA
from neo_assets.retrieval.review import excerpt
from neo_assets.retrieval.word_judge import NEEDED, NEUTRAL_WORDS, TERM_POINTS, URL_POINTS, WordJudge
from neo_assets.text.quality import line_of
from neo_assets_tests.retrieval.judging_tables import pages

SEED = Path(neo_assets.seed.__file__).parent
HINTS = HintSettings(url_patterns=("/law/", "(?i)statute"), terms=("theorem", "lemma", "第一条"))


def words(odds: dict[str, float]) -> pa.Table:
    counts = {"weight": 0.0, "positives": 2, "negatives": 1}
    rows = [{"word": word, "log_odds": one, **counts} for word, one in odds.items()]
    return pa.Table.from_pylist(rows, schema=WORD_SCHEMA)


def judge(odds: dict[str, float] | None = None, hints: HintSettings = HINTS, language="english") -> WordJudge:
    return WordJudge.of(hints, words(odds or {}), language)


def test_points_are_the_mean_of_log_odds():
    asked = judge({"prove": 3.0, "shop": -4.0}, HintSettings())
    points, why = asked.points("https://a.test/", "prove", "we prove it")
    assert points == pytest.approx(3.0 / (3 + NEUTRAL_WORDS)) and why == [f"words {points:.3f} (prove)"]
    assert asked.points("", "", "prove shop")[0] == pytest.approx(-1.0 / (2 + NEUTRAL_WORDS))
    assert asked.points("", "", "")[0] == 0


def test_hints_add_points():
    asked = judge()
    assert asked.points("https://a.test/STATUTE/law/", "", "")[0] == URL_POINTS > NEEDED
    assert asked.points("", "A theorem", "and lemma; theorem.")[0] == pytest.approx(2 * TERM_POINTS)
    assert asked.points("", "", "theorems dilemma Theorem")[0] == 0
    assert asked.points("", "", "依照第一条的规定")[0] == TERM_POINTS
    assert asked.points("https://a.test/" + "x" * 3000 + "/law/", "", "")[0] == 0


def test_it_is_a_judge_that_answers_as_a_model_shall():
    asked = judge({"text": 9.0})
    assert isinstance(asked, EmbeddedJudge)
    request = JudgeRequest("a", '{"url": "https://a.test/law/1", "title": "", "excerpt": ""}')
    found = parsed(asked.answer(request))
    assert found.belongs and found.reason == "0.150 points, more than 0.05 are needed: URL 0.15 (/law/)"
    table = pa.Table.from_batches(judged(pages(3).to_batches(), Embedded(asked), "laws"), JUDGEMENT_SCHEMA)
    assert table["belongs"].to_pylist() == [True] * 3 and table["judge"][0].as_py() == "words"
    assert parsed(judge({}).answer(JudgeRequest("a", '{"url": "", "title": "", "excerpt": "x"}'))).belongs is False


@pytest.mark.parametrize("text", ["", "[]", "page", '{"url": 1, "title": "", "excerpt": ""}', '{"url": ""}'])
def test_what_is_no_page_has_no_answer(text):
    (found,) = Embedded(judge()).ask([JudgeRequest("a", text)])
    assert found.text is None and str(found.error).startswith("refused")


def test_other_words_or_hints_are_another_judge():
    versions = {
        judge().version, judge({"a": 1.0}).version, judge({"a": 1.5}).version,
        judge({}, HintSettings()).version, judge({}, language="chinese").version,
    }  # fmt: skip
    assert len(versions) == 5
    assert judge({"a": 1.0, "b": 2.0}).version == judge({"b": 2.0, "a": 1.0}).version


@settings(max_examples=30)
@given(st.text(max_size=60), st.text(max_size=30), st.sampled_from(("english", "chinese")))
def test_every_page_has_an_answer(text, url, language):
    asked = judge({"the": 1.0, "的": -1.0}, language=language)
    page = {"doc_id": "a", "url": url, "title": text[:5], "excerpt": text}
    request = request_of(page, "laws")
    assert parsed(asked.answer(request)) == parsed(asked.answer(request))


def cut(path: str, limit: int) -> list[str]:
    text = (SEED / path).read_text(encoding="utf-8")
    return [text[start : start + 3000] for start in range(0, len(text), 3000)][:limit]


@cache
def corpus(name: str) -> tuple[list[str], list[str]]:
    """Texts of the domain and others, in an order of no meaning."""
    if name == "laws":
        lines = (SEED / "text/laws.zh.jsonl").read_text(encoding="utf-8").splitlines()
        positives = [json.loads(line)["text"][:6000] for line in lines]
        help_pages = [path.read_text(encoding="utf-8") for path in sorted((SEED / "web/lo-zh").glob("*.html"))]
        others = [re.sub(r"<[^>]+>", " ", page)[:6000] for page in help_pages]
        others += cut("text/nahan.zh.txt", 20) + cut("text/sanguo.zh.txt", 20) + cut("gold/debmake.zh-cn.txt", 20)
    else:
        positives = [part for path in sorted((SEED / "gold/py").iterdir()) for part in cut(f"gold/py/{path.name}", 9)]
        others = [part for path in sorted((SEED / "gold/math").iterdir()) for part in cut(f"gold/math/{path.name}", 9)]
        others += cut("text/jargon.en.txt", 30) + cut("text/prideprejudice.en.txt", 30) + cut("gold/debmake.en.txt", 30)
    for texts in (positives, others):
        random.Random(3).shuffle(texts)
    return positives, others


@pytest.mark.parametrize(
    ("name", "language", "n_learned", "n_words", "least_found", "most_wrong"),
    [
        ("laws", "chinese", 6, 200, 1.0, 0.08),
        ("laws", "chinese", 20, 1000, 1.0, 0.02),
        ("python", "english", 20, 1000, 0.75, 0.02),
        ("python", "english", 40, 1000, 0.95, 0.02),
    ],
)
def test_real_texts_are_told_apart(name, language, n_learned, n_words, least_found, most_wrong):
    """Without hints, from `n_learned` texts of each class. A sum above 0 calls half of the other Chinese texts statutes
    in the first case."""
    positives, others = corpus(name)
    holding = [
        Counter(word for text in texts[:n_learned] for word in set(line_of(text, language).split()))
        for texts in (positives, others)
    ]
    least = 1 if n_learned < 10 else 3
    known = [word for word in holding[0] | holding[1] if holding[0][word] + holding[1][word] >= least]
    odds = {word: math.log((holding[0][word] + 0.5) / (holding[1][word] + 0.5)) for word in known}
    decisive = sorted(odds, key=lambda word: (-abs(odds[word]), word))[:n_words]
    asked = judge({word: odds[word] for word in decisive}, HintSettings(), language)
    said = [
        [asked.points("", "", excerpt(text, 1500))[0] > NEEDED for text in texts[n_learned:]]
        for texts in (positives, others)
    ]
    assert sum(said[0]) >= least_found * len(said[0]) and len(said[0]) > 15
    assert sum(said[1]) <= most_wrong * len(said[1]) and len(said[1]) > 50
