"""Counting listed obscene terms (LDNOOBW, CC-BY-4.0)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from neo_assets.text.links import CJK

_HAS_CJK = re.compile(f"[{CJK}]")


def read_terms(file: Path) -> tuple[str, ...]:
    """The terms of a JSON list, in their order.

    Raises:
        ValueError: the file is not a JSON list of texts.
    """
    terms = json.loads(file.read_text(encoding="utf-8"))
    if not isinstance(terms, list) or not all(isinstance(term, str) and term for term in terms):
        raise ValueError(f"{file.name} must be a JSON list of non-empty texts")
    return tuple(terms)


def count_english(lowered: str, words: Iterable[str], terms: tuple[str, ...]) -> int:
    """Words that are a listed term, plus listed phrases standing between word boundaries."""
    single, phrases = _english(terms)
    found = sum(word in single for word in words)
    return found + sum(len(pattern.findall(lowered)) for phrase, pattern in phrases if phrase in lowered)


def count_chinese(text: str, segments: Sequence[str], terms: tuple[str, ...]) -> int:
    """Listed terms in the text, longest first, not overlapping, from the start of a segment to the end of one.

    `segments` are the words which together are the text. Without them 成人 (adult) would be found in 完成人员.
    Terms without a Chinese character are left out: "13." would be found in every numbered list.
    """
    single, long, pattern = _chinese(terms)
    found = sum(segment in single for segment in segments) if single else 0
    if pattern is None or not any(term in text for term in long):
        return found
    borders = {0, *accumulate(map(len, segments))}
    return found + sum(match.start() in borders and match.end() in borders for match in pattern.finditer(text))


@lru_cache(maxsize=8)
def _english(terms: tuple[str, ...]) -> tuple[frozenset[str], tuple[tuple[str, re.Pattern[str]], ...]]:
    lowered = sorted({term.lower() for term in terms})
    single = frozenset(term for term in lowered if term.isalnum())
    phrases = tuple((term, re.compile(rf"(?<!\w){re.escape(term)}(?!\w)")) for term in lowered if term not in single)
    return single, phrases


@lru_cache(maxsize=8)
def _chinese(terms: tuple[str, ...]) -> tuple[frozenset[str], tuple[str, ...], re.Pattern[str] | None]:
    chinese = sorted({term for term in terms if _HAS_CJK.search(term)}, key=lambda term: (-len(term), term))
    single = frozenset(term for term in chinese if len(term) == 1)
    long = tuple(term for term in chinese if len(term) > 1)
    return single, long, re.compile("|".join(map(re.escape, long))) if long else None
