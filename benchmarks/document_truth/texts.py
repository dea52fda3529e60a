"""Paragraphs, lists, headings, footnotes and code of the seed's real texts, drawn without repetition by a seed number.

English: Pride and Prejudice, the Constitution of the United States, the Jargon File, the Guide for Debian Maintainers.
Chinese: statutes, Nahan, the Romance of the Three Kingdoms, the same guide's translation.
"""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from neo_assets.seed import SEED_FOLDER

BULLET = re.compile(r"^\s*[*+]\s+")
SENTENCES = {"en": re.compile(r"(?<=[.!?])\s+(?=[A-Z])"), "zh": re.compile(r"(?<=[。！？])")}
PARAGRAPH_LENGTH = {"en": (180, 900), "zh": (60, 320)}
ITEM_LENGTH = {"en": (25, 220), "zh": (10, 90)}
STRANGE = re.compile(
    r"[^\x20-\x7e‘’“”—–…\u3000-\u303f\u4e00-\u9fa5\uff01-\uff5e]|[_|]{2}|https?://|[$^=\\]|---|\b[IWEN]: "
)
CHINESE = re.compile(r"[\u4e00-\u9fa5]")
LEAST_CHINESE = 0.6
HEADING = {"en": (3, 8), "zh": (4, 19)}


class Material(NamedTuple):
    """What documents of a kind are made of."""

    paragraphs: tuple[str, ...]
    items: tuple[str, ...]
    headings: tuple[str, ...]


class Supply:
    """Hands out pieces of texts, each once for as long as there are others."""

    def __init__(self, seed: int, language: str) -> None:
        self._chance = random.Random(f"{seed} {language}")
        self._language = language
        self._left: dict[tuple[str, str], list[str]] = {}

    def paragraph(self, source: str) -> str:
        """A paragraph of the source."""
        return self._next(source, "paragraphs")

    def item(self, source: str) -> str:
        """A list's item; of sources without lists, those of the guide."""
        return self._next(source if material(self._language, source).items else "guide", "items")

    def heading(self, source: str) -> str:
        """A heading; of sources without them, those of the guide."""
        return self._next(source if material(self._language, source).headings else "guide", "headings")

    def sentence(self, source: str, longest: int) -> str:
        """A sentence of at most so many characters, for captions and footnotes."""
        for _ in range(200):
            found = SENTENCES[self._language].split(self.paragraph(source))
            short = [one for one in found if longest // 4 <= len(one) <= longest and one[-1] in ".。"]
            if short:
                return short[self._chance.randrange(len(short))]
        return self.heading(source)

    def _next(self, source: str, name: str) -> str:
        left = self._left.get((source, name))
        if not left:
            left = list(getattr(material(self._language, source), name))
            self._chance.shuffle(left)
            self._left[source, name] = left
        return left.pop()


ENDS = '.!?。！？”"：:'
SOURCES = {"en": ("novel", "law", "lexicon", "guide"), "zh": ("law", "stories", "romance", "guide")}


@functools.cache
def material(language: str, source: str) -> Material:
    """The pieces of a source that are of a usual length and hold usual characters, in the order of the text."""
    paragraphs = _paragraphs(language, source)
    longest = max(PARAGRAPH_LENGTH[language])
    whole = [_shortened(one, longest, language) for one in paragraphs]
    shortest = PARAGRAPH_LENGTH[language][0]
    usual = [one for one in whole if shortest <= len(one) <= longest and _usual(one, language) and one[-1] in ENDS]
    return Material(tuple(dict.fromkeys(usual)), _items(language, source), _headings(language, source))


def _shortened(paragraph: str, longest: int, language: str) -> str:
    """The sentences at its beginning, up to that length."""
    kept = ""
    for sentence in SENTENCES[language].split(paragraph):
        joined = f"{kept}{' ' if language == 'en' and kept else ''}{sentence.strip()}"
        if len(joined) > longest:
            break
        kept = joined
    return kept or paragraph


def _usual(text: str, language: str) -> bool:
    """Whether it is in that language, of characters that fonts have, and no listing of commands."""
    n_chinese = len(CHINESE.findall(text))
    return not STRANGE.search(text) and (n_chinese >= LEAST_CHINESE * len(text) if language == "zh" else not n_chinese)


def _paragraphs(language: str, source: str) -> list[str]:
    text = _text(language, source)
    if language == "zh" and source == "law":
        return [line.replace("　", " ") for line in text.splitlines() if not line.startswith("（")]
    if language == "zh" and source in ("stories", "romance"):
        return [re.sub(r"\s", "", line) for line in text.splitlines()]
    blocks = [block for block in re.split(r"\n\s*\n", text) if not BULLET.match(block)]
    return [_unwrapped(block, language) for block in blocks]


def _items(language: str, source: str) -> tuple[str, ...]:
    low, high = ITEM_LENGTH[language]
    if language == "zh" and source == "law":
        found = [line[line.find("）") + 1 :] for line in _text(language, source).splitlines() if line.startswith("（")]
    elif source == "guide":
        found = [_unwrapped(BULLET.sub("", one), language) for one in _bullets(_text(language, source))]
    else:
        return ()
    return tuple(dict.fromkeys(one for one in found if low <= len(one) <= high and _usual(one, language)))


def _bullets(text: str) -> list[str]:
    return re.findall(r"^ +\* [^\n]+(?:\n {8,}(?![*+ ])[^\n]+)*(?=\n\s*\n|\n +\* )", text, re.MULTILINE)


def _headings(language: str, source: str) -> tuple[str, ...]:
    text = _text(language, source)
    low, high = HEADING[language]
    if source == "guide":
        found = re.findall(r"^\d+(?:\.\d+)+\. ([^\n]{4,60})$", text, re.MULTILINE)
    elif language == "zh" and source == "romance":
        found = re.findall(r"^第.{1,4}回([\u4e00-\u9fff]{8,18})$", text, re.MULTILINE)
    elif language == "zh" and source == "law":
        found = [json.loads(line)["title"][7:] for line in _raw("text/laws.zh.jsonl").splitlines()]
    elif source == "lexicon":
        found = [
            one.replace("{", "").replace("}", "")
            for one in re.findall(r"^Chapter \d+\. ([^\n]+)$|^([A-Z][a-z]+(?: [A-Za-z]+){1,4})$", text, re.MULTILINE)
            for one in one
        ]
    else:
        return ()
    count = (lambda one: len(one.split())) if language == "en" else len
    return tuple(
        dict.fromkeys(
            one for one in found if count(one) >= 2 and low - 1 <= count(one) <= high and _usual(one, language)
        )
    )


def _unwrapped(block: str, language: str) -> str:
    """A paragraph in one line, Chinese without blanks where a line ended; emphasis by underscores left out."""
    lines = [line.strip() for line in block.strip().splitlines()]
    text = " ".join(lines)
    if language == "zh":
        text = re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", text)
    return re.sub(r"\s+", " ", text.replace("_", "").replace("--", "—").replace("{", "").replace("}", ""))


@functools.cache
def _raw(path: str) -> str:
    return (SEED_FOLDER / path).read_text(encoding="utf-8").replace("\u00a0", " ")


@functools.cache
def _text(language: str, source: str) -> str:
    files = {
        "novel": "text/prideprejudice.en.txt", "lexicon": "text/jargon.en.txt", "stories": "text/nahan.zh.txt",
        "romance": "text/sanguo.zh.txt",
    }  # fmt: skip
    if source == "guide":
        return _raw(f"gold/debmake.{'zh-cn' if language == 'zh' else 'en'}.txt")
    if source == "law" and language == "en":
        return _raw("text/us-constitution.en.txt")
    if source == "law":
        return "\n".join(json.loads(line)["text"] for line in _raw("text/laws.zh.jsonl").splitlines())
    return _raw(files[source])


def code(seed: int, n_lines: int) -> str:
    """Consecutive lines of a Python module of the seed, dedented as a whole, none longer than 60 characters."""
    chance = random.Random(f"{seed} code")
    files = sorted((SEED_FOLDER / "code").glob("*.py"))
    for _ in range(500):
        lines = files[chance.randrange(len(files))].read_text(encoding="utf-8").splitlines()
        starts = [place for place, line in enumerate(lines) if line.startswith(("def ", "class ", "    def "))]
        if not starts:
            continue
        start = starts[chance.randrange(len(starts))]
        found = lines[start : start + n_lines]
        indent = len(found[0]) - len(found[0].lstrip())
        usual = all(0 < len(line) <= 60 and line.isascii() for line in found)
        if len(found) == n_lines and usual and all(len(line) - len(line.lstrip()) >= indent for line in found):
            return "\n".join(line[indent:] for line in found)
    return "def answer():\n    return 42"


def hyphenated(text: str) -> str:
    """The English text with a soft hyphen wherever a word may be broken, by pyphen's patterns."""
    words = _hyphens()
    return re.sub(r"[A-Za-z]{6,}", lambda found: words.inserted(found.group(), "\u00ad"), text)


@functools.cache
def _hyphens() -> Any:
    import pyphen

    return pyphen.Pyphen(lang="en_US", left=2, right=3)


def pieces(text: str, language: str) -> Sequence[str]:
    """The text where it may be split over pages: words with their blanks, or characters with their punctuation."""
    if language == "en":
        return re.findall(r"\S+\s*", text)
    found = re.findall(r"[“‘（《〈【「『]*(?:[A-Za-z0-9.,_/:%+~-]+|.)[，。、；：？！”’）》〉】」』…—·\s]*", text)
    return found if "".join(found) == text else list(text)
