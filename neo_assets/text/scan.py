"""One pass over the characters of a text: what is counted in it, in its lines, and in its sentences."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from neo_assets.compiled import compiled
from neo_assets.hashing import BASE, EMPTY, ONE, key64, slot_of, slots_for
from neo_assets.text.classes import (
    ALPHA,
    ASCII_ALPHA,
    ASCII_PUNCTUATION,
    BAD,
    BULLET,
    CLOSES,
    DIGIT,
    ENDS_CHINESE_LINE,
    ENDS_CHINESE_SENTENCE,
    ENDS_LINE,
    ENDS_SENTENCE,
    HAN,
    PUBLISHED_BULLET,
    PUNCTUATION,
    SPACE,
    UPPER,
    WORD,
)
from neo_assets.text.counts import COUNT, LINE
from neo_assets.text.phrases import JAVASCRIPT, LOREM_IPSUM, advance, ends_read_more

UInt64s = npt.NDArray[np.uint64]
UInt32s = npt.NDArray[np.uint32]
Int64s = npt.NDArray[np.int64]
Int32s = npt.NDArray[np.int32]
Float32s = npt.NDArray[np.float32]

_BLANK, _NEWLINE, _HASH, _DOT, _ELLIPSIS = 32, 10, 35, 46, 0x2026
_LEFT_BRACE, _RIGHT_BRACE, _LEFT_BRACKET, _RIGHT_BRACKET = 0x7B, 0x7D, 0x3010, 0x3011
_ZERO = np.uint64(0)


class Dialect(NamedTuple):
    """Which classes mean what in a language."""

    ends_sentence: int
    after_sentence: int  # classes that must follow a sentence mark; 0: anything may, but a digit after a full stop
    ends_line: int
    bullet: int


ENGLISH = Dialect(ENDS_SENTENCE, SPACE | CLOSES, ENDS_LINE, PUBLISHED_BULLET)
CHINESE = Dialect(ENDS_CHINESE_SENTENCE, 0, ENDS_CHINESE_LINE, BULLET)


@compiled()
def scan_characters(
    points: UInt32s, dialect: Dialect, classes: UInt32s, lower: UInt32s, counts: Int64s, lines: Float32s, ends: Int64s
) -> int:
    """Scans one text; gives the number of its lines.

    Args:
        points: its code points.
        classes, lower: the tables of `text.classes`.
        counts: gets the counts by `COUNT`, but for words and tokens; zeros before.
        lines: gets, by `LINE`, what does not depend on words: a row a line; has room for the line ends and one.
        ends: gets where each line ends, after its line end; has the same room.
    """
    n = points.size
    stretches = np.empty(n // 2 + 1, np.uint64)
    stretch_lengths = np.empty(n // 2 + 1, np.int32)
    n_lines, n_stretches = 0, 0
    line_start, line_upper, first, last = 0, 0, -1, -1  # first and last written character of the line
    javascript, lorem_ipsum = 0, 0  # characters of the phrase matched so far
    line_javascript, line_lorem_ipsum, after_space = False, False, False
    stretch_hash, stretch_size, stretch_start = _ZERO, 0, 0
    sentence_has_word, published_has_word = False, False
    before, dots, bracket = 0, 0, -1
    run_size, run_has_letter = 0, False

    for i in range(n + 1):  # the end of the text counts as a line end
        point = _NEWLINE if i == n else int(points[i])
        kind = classes[point]
        following = classes[points[i + 1]] if i + 1 < n else np.uint32(SPACE)

        if kind & SPACE:
            counts[COUNT.runs] += run_size > 0
            counts[COUNT.runs_no_letter] += run_size > 0 and not run_has_letter
            run_size, run_has_letter = 0, False
            javascript = 0
            if not after_space and lorem_ipsum:
                lorem_ipsum = advance(LOREM_IPSUM, lorem_ipsum, _BLANK)
            after_space = True
        else:
            first = i if first < 0 else first
            last = i
            counts[COUNT.written_chars] += 1
            run_size += 1
            run_has_letter |= (kind & ALPHA) != 0
            counts[COUNT.han] += (kind & HAN) != 0
            counts[COUNT.digits] += (kind & DIGIT) != 0
            counts[COUNT.letters] += (kind & ALPHA) != 0
            counts[COUNT.ascii_letters] += (kind & ASCII_ALPHA) != 0
            line_upper += (kind & UPPER) != 0
            if not kind & ASCII_PUNCTUATION:
                lowered = int(lower[point])
                javascript = advance(JAVASCRIPT, javascript, lowered)
                if javascript == JAVASCRIPT.size:
                    line_javascript, javascript = True, 0
                lorem_ipsum = advance(LOREM_IPSUM, lorem_ipsum, lowered)
                if lorem_ipsum == LOREM_IPSUM.size:
                    counts[COUNT.lorem_ipsum] += 1
                    line_lorem_ipsum, lorem_ipsum = True, 0
                after_space = False
            if kind & WORD:
                stretch_hash = stretch_hash * BASE + np.uint64(lower[point]) + ONE
                stretch_size += 1
                sentence_has_word, published_has_word = True, True
            if kind & PUNCTUATION:
                counts[COUNT.punctuation] += 1
                dots = dots + 1 if point == _DOT and before == _DOT else 1
                if point == _DOT:
                    counts[COUNT.symbols] += dots % 3 == 0
                    counts[COUNT.ellipses] += dots == 2
                elif point == _HASH:
                    counts[COUNT.symbols] += 1
                    counts[COUNT.hash_runs] += before != _HASH
                elif point == _ELLIPSIS:
                    counts[COUNT.symbols] += 1
                    counts[COUNT.ellipses] += before != _ELLIPSIS
                elif point in (_LEFT_BRACE, _RIGHT_BRACE):
                    counts[COUNT.curly_braces] += 1
                elif point == _LEFT_BRACKET:
                    bracket = i
                elif point == _RIGHT_BRACKET:
                    counts[COUNT.bracketed] += i - bracket - 1 if bracket >= 0 else 0
                    bracket = -1
        counts[COUNT.bad_chars] += (kind & BAD) != 0
        before = point

        if i < n and not kind & (dialect.ends_sentence | SPACE):
            continue
        if i == n or kind & ENDS_SENTENCE:
            counts[COUNT.published_sentences] += published_has_word
            published_has_word = False
        ends_sentence = (kind & dialect.ends_sentence) != 0
        if ends_sentence and dialect.after_sentence:
            ends_sentence = (following & dialect.after_sentence) != 0
        elif ends_sentence:
            ends_sentence = point != _DOT or not following & DIGIT
        if i == n or ends_sentence:
            counts[COUNT.sentences] += sentence_has_word
            sentence_has_word = False
        if i == n or ends_sentence or point == _NEWLINE:
            if stretch_size:
                stretches[n_stretches] = key64(stretch_hash)
                stretch_lengths[n_stretches] = stretch_size
                n_stretches += 1
                counts[COUNT.stretch_chars] += stretch_size
                counts[COUNT.stretches_read_more] += ends_read_more(points, stretch_start, i, classes, lower)
            stretch_hash, stretch_size, stretch_start = _ZERO, 0, i + 1
        if point == _NEWLINE and (i < n or line_start < n):
            row = lines[n_lines]
            row.fill(0.0)
            row[LINE.uppercase] = line_upper / (i - line_start + (i < n))
            if first >= 0:
                counts[COUNT.lines_with_text] += 1
                row[LINE.ends_terminal] = (classes[points[last]] & dialect.ends_line) != 0
                row[LINE.bullet] = (classes[points[first]] & dialect.bullet) != 0
                counts[COUNT.lines_bullet] += (classes[points[first]] & BULLET) != 0
                counts[COUNT.lines_ellipsis] += _is_ellipsis(points, line_start, last)
                counts[COUNT.lines_read_more] += ends_read_more(points, line_start, i, classes, lower)
            counts[COUNT.lines_javascript] += line_javascript
            counts[COUNT.lines_lorem_ipsum] += line_lorem_ipsum
            ends[n_lines] = min(i + 1, n)
            n_lines += 1
            line_start, line_upper, first, last = i + 1, 0, -1, -1
            line_javascript, line_lorem_ipsum = False, False

    counts[COUNT.chars], counts[COUNT.lines], counts[COUNT.stretches] = n, n_lines, n_stretches
    n_duplicate, n_chars = _count_duplicates(stretches[:n_stretches], stretch_lengths[:n_stretches])
    counts[COUNT.stretches_duplicate], counts[COUNT.stretch_chars_duplicate] = n_duplicate, n_chars
    return n_lines


@compiled()
def _is_ellipsis(points: UInt32s, start: int, last: int) -> bool:
    """Whether the line from `start` ends at `last` in an ellipsis: … or three dots."""
    if points[last] == _ELLIPSIS:
        return True
    return last - 2 >= start and bool(np.all(points[last - 2 : last + 1] == _DOT))


@compiled()
def _count_duplicates(hashes: UInt64s, lengths: Int32s) -> tuple[int, int]:
    """(how many, their total length) of the non-zero hashes that occurred before."""
    table = np.zeros(slots_for(hashes.size), np.uint64)
    n, total = 0, 0
    for i in range(hashes.size):
        slot = slot_of(table, hashes[i])
        if table[slot] == EMPTY:
            table[slot] = hashes[i]
        else:
            n += 1
            total += lengths[i]
    return n, total
