"""The layout of what the compiled scans count: columns of a text's counts and of its lines' values, by name."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy.typing as npt

TOP_NGRAMS = (2, 3, 4)
DUPLICATE_NGRAMS = (5, 6, 7, 8, 9, 10)
"""Lengths of n-grams of which the commonest, and all repeated ones, are measured (Gopher)."""


class Count(NamedTuple):
    """Columns of a text's counts, by the name of what is counted."""

    chars: int
    written_chars: int  # that are not whitespace
    letters: int
    ascii_letters: int
    digits: int
    han: int
    punctuation: int
    bad_chars: int
    curly_braces: int
    symbols: int  # "#", "..." and "…"
    hash_runs: int
    ellipses: int  # two dots or more, or a run of …
    bracketed: int  # characters inside 【】
    lorem_ipsum: int
    lines: int
    lines_with_text: int
    lines_ellipsis: int
    lines_bullet: int
    lines_read_more: int
    lines_javascript: int
    lines_lorem_ipsum: int
    sentences: int
    published_sentences: int  # RedPajama-V2's: runs without . ! ? that hold a word character
    stretches: int  # between sentence ends or line ends, with a word character
    stretch_chars: int
    stretches_duplicate: int
    stretch_chars_duplicate: int
    stretches_read_more: int
    runs: int  # between whitespace
    runs_no_letter: int
    words: int
    word_chars: int
    words_not_alphabetic: int
    words_numeric: int
    tokens: int
    tokens_no_letter: int
    tokens_capitals: int
    tokens_stop_word: int


class Line(NamedTuple):
    """Columns of a text's line values (RedPajama-V2's six line annotations)."""

    ends_terminal: int
    javascript: int
    words: int
    numerical: int
    bullet: int
    uppercase: int


COUNT = Count(*range(len(Count._fields)))
LINE = Line(*range(len(Line._fields)))


def by_name(layout: tuple[int, ...], values: npt.NDArray[Any]) -> Any:
    """The columns of a matrix with this layout, by name."""
    return type(layout)(*values.T)
