"""The text layer of a page as runs: characters that follow each other on a base line in one font.

The order is that of the file. Blanks come from the file or from gaps; between Chinese characters only from the file.
Hyphens at the ends of lines become '-', whatever the file calls them; soft ones that are not drawn are left out;
ligatures stay. Characters outside the page are left out.
Gaps and shifts are measured along the direction of the base line, so that rotated text is treated as any other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from neo_assets.documents.files.characters import Array, Characters, Style
from neo_assets.documents.files.geometry import Frame
from neo_assets.documents.model import Box, Run

SOFT_HYPHEN = 0xAD
HYPHENS = (0x02, 0xFFFE, SOFT_HYPHEN, 0x2010)
"""PDFium's two marks of a hyphen at a line's end, the soft hyphen, which is drawn only there, and the hyphen proper."""
BULLETS = {0xF0B7: 0x2022, 0xF0A7: 0x25AA, 0xF0D8: 0x27A2, 0xF0FC: 0x2713, 0xF0A8: 0x25CB, 0xF06C: 0x25CF}
"""List marks of Symbol and Wingdings, which have no Unicode of their own."""
REPLACED = 0xFFFD
MAX_GAP, MAX_BACK, MAX_SHIFT = 1.5, 0.7, 0.15
"""Of the font size: a larger gap, step back or shift from the base line begins another run."""
BLANK_GAP, INFERRED_GAP, MIXED_GAP = 0.18, 0.1, 0.2
"""Of the font size: gaps that are blanks; where PDFium infers a blank; between Chinese and other characters. Of 592
printed blanks between Chinese and Latin the narrowest was .22; without a blank, justified text reached .2."""
VERTICAL_STEP = (0.5, 1.35)
"""Of the font size: steps downwards of Chinese written from top to bottom."""
ASCENT, DESCENT = 1.0, 0.35
"""Of the font size: how far a run's box reaches at most from its base line."""


@dataclass(frozen=True)
class Layer:
    """The runs that can be seen and those that cannot, and what tells how good they are."""

    visible: tuple[Run, ...]
    invisible: tuple[Run, ...]


def layer_of(found: Characters, frame: Frame) -> Layer:
    """The runs of a page. O(characters), in arrays; a little Python for each run."""
    if not len(found.codes):
        return Layer((), ())
    codes = found.codes.copy()
    codes[np.isin(codes, HYPHENS)] = ord("-")
    for private, bullet in BULLETS.items():
        codes[codes == private] = bullet
    codes[((codes == 0) | (codes > 0x10FFFF)) & ~found.generated] = REPLACED
    halves = _join_pairs(codes)
    blank = _is_blank(codes)
    undrawn = _is_undrawn(found)
    found = replace(found, loose=_closed(found.loose, undrawn))
    drawn = np.flatnonzero(~found.generated & ~blank & ~halves & ~undrawn & _inside(found, frame))
    if not len(drawn):
        return Layer((), ())
    n_blanks = np.cumsum(blank & ~found.generated)
    n_inferred = np.cumsum(found.generated)
    between = np.diff(n_blanks[drawn], append=n_blanks[drawn[-1]])
    inferred = np.diff(n_inferred[drawn], append=n_inferred[drawn[-1]]) > 0
    line = _Line.of(found, drawn, codes)
    breaks, blanks = _joints(line, between, inferred)
    ends = np.append(np.flatnonzero(breaks), len(drawn) - 1)
    visible: list[Run] = []
    invisible: list[Run] = []
    first = 0
    for end in ends:
        style = found.styles[line.style[first]]
        text = _text(line.codes[first : end + 1], blanks[first : end + 1])
        run = Run(
            text, _box(line, first, end + 1, style, frame), round(float(line.size[first]), 2), style.font,
            style.bold, style.italic, style.mono,
        )  # fmt: skip
        (visible if style.is_visible else invisible).append(run)
        first = end + 1
    return Layer(tuple(visible), tuple(invisible))


@dataclass(frozen=True)
class _Line:
    """The drawn characters: their codes, styles, sizes, directions, boxes and origins."""

    codes: Array
    style: Array
    size: Array
    along: Array
    loose: Array
    tight: Array
    origins: Array
    font: Array

    @staticmethod
    def of(found: Characters, drawn: Array, codes: Array) -> _Line:
        style = found.style[drawn]
        sizes = np.array([one.size for one in found.styles])[style]
        tight = found.tight[drawn]
        heights = np.maximum(tight[:, 1] - tight[:, 3], tight[:, 2] - tight[:, 0])
        sizes = np.where(sizes > 0.5, sizes, np.maximum(heights, 1.0))  # fonts of drawings have sizes of their own
        directions = np.array([one.direction for one in found.styles])[style]
        looks = {key: number for number, key in enumerate(dict.fromkeys(map(_look, found.styles)))}
        font = np.array([looks[_look(one)] for one in found.styles])[style]
        loose = found.loose[drawn]
        empty = (loose[:, 2] <= loose[:, 0]) | (loose[:, 1] <= loose[:, 3])
        loose = np.where(empty[:, None], tight, loose)
        return _Line(codes[drawn], style, sizes, directions, loose, tight, found.origins[drawn], font)


def _look(style: Style) -> tuple[Any, ...]:
    return style.font, style.bold, style.italic, style.mono, style.is_visible


def _joints(line: _Line, between: Array, inferred: Array) -> tuple[npt.NDArray[np.bool_], Array]:
    """Whether a run ends after each character but the last, and the number of blanks after each."""
    size = np.maximum(line.size[:-1], line.size[1:])
    unit = line.along[:-1]
    gap = (_reach(line.loose[1:], unit, -1.0) - _reach(line.loose[:-1], unit, 1.0)) / size
    step = line.origins[1:] - line.origins[:-1]
    shift = np.abs(step[:, 0] * unit[:, 1] - step[:, 1] * unit[:, 0]) / size
    chinese = _is_chinese(line.codes)
    both, mixed = chinese[:-1] & chinese[1:], chinese[:-1] ^ chinese[1:]
    marks = _is_wide_mark(line.codes)
    both |= mixed & (marks[:-1] | marks[1:])  # the white beside these is part of them
    turned = np.abs(line.along[1:] - unit).max(1) > 0.05
    same_look = (line.font[1:] == line.font[:-1]) & (np.abs(line.size[1:] - line.size[:-1]) <= 0.02 * size)
    mono = np.array(line.font[1:] == line.font[:-1]) & (between[:-1] > 1) & (gap < 0.9 * between[:-1])
    same_line = (shift <= MAX_SHIFT) & (gap >= -MAX_BACK) & ((gap <= MAX_GAP) | mono) & ~turned
    down = _downward(line, size, chinese)
    wide = np.where(both, np.inf, np.where(mixed, MIXED_GAP, np.where(inferred[:-1], INFERRED_GAP, BLANK_GAP)))
    blanks = np.where(mono, between[:-1], np.maximum(gap > wide, between[:-1] > 0))
    blanks = np.where(same_line, blanks, 0)
    return ~(same_look & (same_line | down)), np.append(blanks, 0).astype(np.int64)


def _downward(line: _Line, size: Array, chinese: Array) -> npt.NDArray[np.bool_]:
    """Where Chinese goes on downwards: the character stands in the middle below the one before."""
    middle = (line.tight[:, 0] + line.tight[:, 2]) / 2
    step = (line.origins[:-1, 1] - line.origins[1:, 1]) / size
    centred = np.abs(middle[1:] - middle[:-1]) <= 0.35 * size
    near = (step >= VERTICAL_STEP[0]) & (step <= VERTICAL_STEP[1])
    return np.asarray(centred & near & chinese[:-1] & chinese[1:] & (line.along[1:, 0] > 0.99))


def _reach(boxes: Array, unit: Array, sign: float) -> Array:
    """How far boxes reach along a direction (sign 1), or where they begin (sign -1)."""
    x = np.where(sign * unit[:, 0] > 0, boxes[:, 2], boxes[:, 0])
    y = np.where(sign * unit[:, 1] > 0, boxes[:, 1], boxes[:, 3])
    return np.asarray(x * unit[:, 0] + y * unit[:, 1])


def _box(line: _Line, first: int, end: int, style: Style, frame: Frame) -> Box:
    loose, tight = line.loose[first:end], line.tight[first:end]
    left, bottom = loose[:, 0].min(), loose[:, 3].min()
    right, top = loose[:, 2].max(), loose[:, 1].max()
    if style.direction[0] > 0.999 and np.ptp(line.origins[first:end, 1]) <= line.size[first]:
        base, size = float(line.origins[first, 1]), float(line.size[first])
        top = max(min(top, base + ASCENT * size), min(float(tight[:, 1].max()), base + 2 * size))
        bottom = min(max(bottom, base - DESCENT * size), max(float(tight[:, 3].min()), base - size))
    return frame.seen(float(left), float(top), float(right), float(bottom)).rounded()


def _text(codes: Array, blanks: Array) -> str:
    """The characters with the blanks after each; those after the last stand for the gap to the next run."""
    if blanks.any():
        places = np.repeat(np.arange(len(codes)) + 1, blanks)
        codes = np.insert(codes, places, ord(" "))
    return codes.astype("<u4").tobytes().decode("utf-32-le")


def _join_pairs(codes: Array) -> npt.NDArray[np.bool_]:
    """Put characters that PDFium gives as two UTF-16 halves into the place of the first half; gives the second ones.

    Halves alone become the replacement character.
    """
    high, low = (codes >= 0xD800) & (codes < 0xDC00), (codes >= 0xDC00) & (codes < 0xE000)
    first = np.flatnonzero(high[:-1] & low[1:])
    codes[first] = 0x10000 + ((codes[first] & 0x3FF) << 10) + (codes[first + 1] & 0x3FF)
    second = np.zeros(len(codes), np.bool_)
    second[first + 1] = True
    codes[(codes >= 0xD800) & (codes < 0xE000) & ~second] = REPLACED
    return second


def _is_undrawn(found: Characters) -> npt.NDArray[np.bool_]:
    """Soft hyphens that show nothing: without width, or inside a ligature, whose letters PDFium gives one origin."""
    soft = found.codes == SOFT_HYPHEN
    same = (np.abs(np.diff(found.origins, axis=0)) < 1e-3).all(1)
    in_ligature = np.append(False, same) | np.append(same, False)
    return np.asarray(soft & (in_ligature | (found.loose[:, 2] - found.loose[:, 0] < 1e-3)))


def _closed(boxes: Array, undrawn: Array) -> Array:
    """The boxes, each grown over that of a soft hyphen after it which is not drawn: it must leave no gap."""
    boxes, after = boxes.copy(), np.flatnonzero(undrawn[1:]) + 1
    for column, wider in enumerate((np.minimum, np.maximum, np.maximum, np.minimum)):
        boxes[after - 1, column] = wider(boxes[after - 1, column], boxes[after, column])
    return boxes


def _is_blank(codes: Array) -> npt.NDArray[np.bool_]:
    return np.asarray(
        (codes == 0x20) | ((codes >= 0x09) & (codes <= 0x0D)) | (codes == 0xA0) | (codes == 0x3000)
        | ((codes >= 0x2000) & (codes <= 0x200B)) | (codes == 0x202F) | (codes == 0xFEFF)
    )  # fmt: skip


def _is_chinese(codes: Array) -> npt.NDArray[np.bool_]:
    """Characters that stand without blanks: Han, kana, and full-width punctuation."""
    return np.asarray(
        ((codes >= 0x2E80) & (codes <= 0x9FFF)) | ((codes >= 0xF900) & (codes <= 0xFAFF))
        | ((codes >= 0xFE30) & (codes <= 0xFE4F)) | ((codes >= 0xFF00) & (codes <= 0xFF60))
        | ((codes >= 0x20000) & (codes <= 0x3FFFF))
    )  # fmt: skip


def _is_wide_mark(codes: Array) -> npt.NDArray[np.bool_]:
    """Full-width punctuation."""
    return np.asarray(
        ((codes >= 0x3000) & (codes <= 0x3020))
        | ((codes >= 0xFF00) & (codes <= 0xFF0F))
        | ((codes >= 0xFF1A) & (codes <= 0xFF20))
    )


def _inside(found: Characters, frame: Frame) -> npt.NDArray[np.bool_]:
    x = (found.tight[:, 0] + found.tight[:, 2]) / 2
    y = (found.tight[:, 1] + found.tight[:, 3]) / 2
    left, bottom, right, top = frame.bounds
    finite = np.isfinite(found.loose).all(1) & np.isfinite(found.origins).all(1)
    return np.asarray(finite & (x >= left) & (x <= right) & (y >= bottom) & (y <= top))
