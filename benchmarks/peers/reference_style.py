"""MAP-Neo's released per-document rules, restated in straightforward Python: the baseline of the comparison.

Written from a description of the released code, with its quirks: n-grams are of characters, the share of repeated
n-grams counts distinct characters, several denominators are characters where words are meant, the predicted language
is not looked at, and the Chinese repetition rules never reject. Chinese words come from jieba, English ones from
NLTK's tokeniser. All values of a document are computed before any is judged, and words are cut once, which favours
this baseline. The bad-word lists are LDNOOBW's, since the released ones are of unknown origin.
"""

from __future__ import annotations

import json
import math
import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import jieba
from nltk.tokenize.destructive import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktSentenceTokenizer

from benchmarks.peers.protocol import Filter, Language, Purpose, Record, serve

LISTS = Path(__file__).parents[2] / "neo_assets" / "seed" / "lists"
BULLETS = tuple("•●○■□▪▫※·➢‣▶◀◦–")
SYMBOLS = str.maketrans(
    "。！“”＃＄％＆‘’（）＊＋，－／：；＜＝＞？＠［＼］＾＿｀｛｜｝～", ".!\"\"#$%&''()*+,-/:;<=>?@[\\]^_`{|}~"
)
LINKS = (
    re.compile(r"(?:https?://|www\.)[^\s,，\u4e00-\u9fff]+"),
    re.compile(r"\b\w+(?:\.\w+){3,}"),
    re.compile(r"(?<![\u4e00-\u9fff])\b[a-zA-Z0-9-]+\.[a-z]{2,6}\b"),
)
NOT_WORD = re.compile(r"[^\w\s]")
ELLIPSIS = re.compile(r"…+|\.{2,}")
HASHES = re.compile(r"#+")
BRACKETED = re.compile(r"【([^【】]*)】")
ENGLISH_SENTENCE = re.compile(r"\b[^.!?]+[.!?]*")
CHINESE_STOP = re.compile(r'[.!…?;"]+')
TOP = ((2, 0.20), (3, 0.18), (4, 0.16))
REPEATED = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))


def filters_for(language: Language, purpose: Purpose) -> Sequence[Filter]:
    """One function of a record that applies all the rules."""
    judge = English() if language == "english" else Chinese()
    return [*([_language] if purpose == "verdicts" else []), judge]


def _language(record: Record) -> str:
    return "" if record["language_score"] >= 0.4 else "language score"


class English:
    """The generic English set, B1 to B34 as released."""

    def __init__(self) -> None:
        self.words = NLTKWordTokenizer()
        self.sentences = PunktSentenceTokenizer()
        self.bad = frozenset(_terms("ldnoobw.en") + _terms("ldnoobw.zh"))
        self.stop_words = frozenset(_terms("stopwords.en"))

    def __call__(self, record: Record) -> str:
        text = unicodedata.normalize("NFKC", record["text"])
        if not text:
            return "empty"
        n = len(text)
        sentences = self.sentences.tokenize(text)
        words = [word for sentence in sentences for word in self.words.tokenize(sentence)]
        tokens = text.split()
        lines = text.split("\n")
        bare = NOT_WORD.sub("", text)
        ellipses = len(ELLIPSIS.findall(text))
        stops = {word for word in re.sub(r"[^\w\s'\\]", "", text).lower().split() if word in self.stop_words}
        values = (
            ("mean word length", 3 <= sum(map(len, words)) / max(len(words), 1) <= 10),
            ("ellipsis lines", ellipses / n <= 0.2),
            ("bullet lines", sum(line.strip().startswith(BULLETS) for line in lines) / len(lines) <= 0.9),
            ("words without a letter", sum(not any(c.isalpha() for c in token) for token in tokens) / n < 0.4),
            ("stop words", len(stops) >= 2),
            ("symbols", (text.count("#") + text.count("...") + text.count("…")) / max(len(words), 1) < 0.5),
            ("words", 50 <= len(words) <= 10_000),
            ("characters", len(re.sub(r"[ \n\t]", "", text)) >= 200),
            ("lines", len(lines) >= 1),
            ("curly braces", (text.count("{") + text.count("}")) / n < 0.025),
            ("lorem ipsum", text.lower().count("lorem ipsum") / n < 3e-8),
            ("sentences", len(sentences) > 1 and len(ENGLISH_SENTENCE.findall(text)) < 7_500),
            ("capitals", sum(token.isalpha() and token.isupper() for token in tokens) / max(len(tokens), 1) <= 0.1),
            ("unique words", len(set(words)) / max(len(words), 1) >= 0.1),
            ("read more", _share(sentences, lambda sentence: sentence.lower().endswith("read more")) <= 0.1),
            ("hashes", len(HASHES.findall(text)) / n <= 0.1),
            ("ellipses", ellipses / n <= 0.1),
            ("punctuation", any(character in string.punctuation for character in text)),
            ("not alphabetic", sum(not word.isalpha() for word in words) / max(len(bare), 1) <= 0.2),
            ("numbers", sum(word.isdigit() for word in words) / max(len(bare), 1) <= 0.3),
            ("bad words", not any(word in self.bad for word in words)),
            ("entropy", _entropy(tokens) >= 3),
            *((f"top {k}-gram", share <= most) for k, most, share in _top(text)),
            *((f"repeated {k}-gram", share <= most) for k, most, share in _repeated(text)),
        )
        return next((name for name, passes in values if not passes), "")


class Chinese:
    """The Chinese set, C1 to C24 as released; the repetition values are computed and never reject."""

    def __init__(self) -> None:
        jieba.setLogLevel(60)
        jieba.initialize()

    def __call__(self, record: Record) -> str:
        text = unicodedata.normalize("NFKC", record["text"])
        if not text:
            return "empty"
        brackets = sum(map(len, BRACKETED.findall(text))) / len(text)
        text = record["text"].translate(SYMBOLS)
        for link in LINKS:
            text = link.sub("", text)
        text = unicodedata.normalize("NFKC", text)
        n = max(len(text), 1)
        bare = NOT_WORD.sub("", text)
        words = list(jieba.cut(bare))
        lines = text.split("\n")
        sentences = [sentence for sentence in CHINESE_STOP.split(text) if sentence.strip()]
        endings = ("readmore", "展开", "更多", "。。。")
        values = (
            ("brackets", brackets <= 0.1),
            ("sentences", len(sentences) > 1),
            ("characters", 50 <= len(text) <= 10_000),
            ("mean word length", 1.3 <= sum(map(len, words)) / max(len(words), 1) <= 10),
            ("hashes", len(HASHES.findall(text)) / n <= 0.1),
            ("ellipses", len(ELLIPSIS.findall(text)) / n <= 0.1),
            ("digits", sum(character.isdigit() for character in text) / max(len(bare), 1) <= 0.3),
            ("read more", _share(lines, lambda line: line.strip().endswith(endings)) <= 0.3),
            ("bullet lines", _share(lines, lambda line: line.strip().startswith(BULLETS)) <= 0.9),
            ("punctuation", any(character in string.punctuation or character == "…" for character in text)),
            ("unique characters", len(set(text)) / n > 0.1),
            ("entropy", _entropy(list(text)) >= 3),
        )
        _ = [*_top(text), *_repeated(text)]
        return next((name for name, passes in values if not passes), "")


def _top(text: str) -> list[tuple[int, float, float]]:
    """n, limit and share of the commonest n-gram of characters."""
    found = []
    for n, most in TOP:
        counts = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        found.append((n, most, (max(counts.values(), default=1) - 1) * n / max(len(text), 1)))
    return found


def _repeated(text: str) -> list[tuple[int, float, float]]:
    """n, limit and the distinct characters of repeated n-grams per character of the text."""
    found = []
    for n, most in REPEATED:
        counts = Counter(text[i : i + n] for i in range(len(text) - n + 1))
        characters = {character for gram, count in counts.items() if count > 1 for character in gram}
        found.append((n, most, len(characters) / max(len(text), 1)))
    return found


def _entropy(units: Sequence[str]) -> float:
    return -sum(count / len(units) * math.log(count / len(units)) for count in Counter(units).values())


def _share(parts: Sequence[str], test: Callable[[str], bool]) -> float:
    return sum(map(test, parts)) / max(len(parts), 1)


def _terms(name: str) -> list[str]:
    terms: list[str] = json.loads((LISTS / f"{name}.json").read_text(encoding="utf-8"))
    return terms


if __name__ == "__main__":
    serve(filters_for)
