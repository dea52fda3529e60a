"""The line filter: single lines leave a document, and where they stood is recorded.

MAP-Neo's Chinese code has it and never calls it; it is the line rule of C4 with Chinese units. A line stays if it ends
in a terminal mark, has enough words, speaks neither of JavaScript nor lorem ipsum, and holds no bad word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

import numpy as np
import pyarrow as pa

from neo_assets.recipe.lists import LineFilterSettings
from neo_assets.text.classes import class_of
from neo_assets.text.terms import Terms, build_terms, count_terms, mark_cuts, mark_word_borders
from neo_assets.text.units import code_points, offsets_of, segment

Language = Literal["en", "zh"]

REMOVED_LINES = pa.field(
    "removed_lines",
    pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("rule", pa.string())])),
    metadata={b"meaning": b"lines that the line filter removed: characters of the text before it, and the rule"},
)
_LINE = re.compile(r"[^\n]+\n*")
"""A line, its line end and the empty lines behind it."""


class RemovedLine(NamedTuple):
    """A stretch of the text as it was, in characters, and the rule that it broke."""

    start: int
    end: int
    rule: str


def filter_lines(
    text: str, settings: LineFilterSettings, language: Language, bad_words: tuple[str, ...] = ()
) -> tuple[str, list[RemovedLine]]:
    """The text without the lines that break a rule, and those lines in order, adjacent ones each by itself.

    A line goes with its line end and the empty lines behind it; where it was the last one, so does the line end before
    it. So the text left is the original without the spans, and as tidy as that was. Lines without text always stay.
    Linear in the text; Chinese is segmented.
    """
    removed = [
        RemovedLine(match.start(), match.end(), rule)
        for match in _LINE.finditer(text)
        if (line := match[0].strip()) and (rule := _broken_rule(line, settings, language, bad_words))
    ]
    removed = list(_with_line_ends_before(removed, text))
    kept, end = [], 0
    for span in removed:
        kept.append(text[end : span.start])
        end = span.end
    return "".join(kept) + text[end:], removed


def _with_line_ends_before(removed: list[RemovedLine], text: str) -> Iterator[RemovedLine]:
    """The lines; those at the end of the text start behind what stays, and end where the text does."""
    tail = len(removed)
    end = len(text)
    while tail and removed[tail - 1].end == end:
        tail -= 1
        end = removed[tail].start
    for number, line in enumerate(removed):
        if number == tail and text[-1] != "\n":
            line = line._replace(start=len(text[: line.start].rstrip("\n")))
        yield line


def _broken_rule(line: str, settings: LineFilterSettings, language: Language, bad_words: tuple[str, ...]) -> str | None:
    """The first rule that a line breaks; the cheap ones come first."""
    if settings.terminal_marks is not None and line[-1] not in settings.terminal_marks:
        return "terminal_mark"
    lowered = line.lower()
    if settings.javascript and "javascript" in lowered:
        return "javascript"
    if settings.lorem_ipsum and "lorem ipsum" in lowered:
        return "lorem_ipsum"
    words = segment(line) if language == "zh" else line.split()
    if settings.min_words and sum(any(map(str.isalnum, word)) for word in words) < settings.min_words:
        return "few_words"
    if settings.bad_words and bad_words and _n_bad_words(line, words, language, bad_words):
        return "bad_word"
    return None


def _n_bad_words(line: str, words: list[str], language: Language, bad_words: tuple[str, ...]) -> int:
    points = code_points([line]).points
    borders = np.zeros(points.size, np.uint8)
    if language == "zh":
        mark_cuts(offsets_of(map(len, words), len(words)), borders)
    else:
        mark_word_borders(points, 0, points.size, class_of(), borders)
    return int(count_terms(points, 0, points.size, borders, _terms(bad_words, language)))


@lru_cache(maxsize=4)
def _terms(bad_words: tuple[str, ...], language: Language) -> Terms:
    return build_terms(bad_words, language)
