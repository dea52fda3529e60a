"""Footnotes and side notes: what stands on a page beside its text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from statistics import median

from neo_assets.documents.model import Box, Element
from neo_assets.documents.ordering.measure import FLOATS, text_size

SMALLER, MUCH_SMALLER = 0.94, 0.88
"""Font size of a footnote to that of the running text: with and without a mark."""
TINY = 0.7
"""The same without a mark where the size was measured on a picture, which errs by a fifth."""
LOWER_PART = 0.5
"""Footnotes begin below this share of the page's height."""
FOOT = 0.75
"""What the layout model takes for references can be a footnote below this share of the page's height."""
MAX_NOTE_WIDTH = 0.27
"""Of the page; wider things in the margin are columns."""
NARROWER = 0.6
"""A side note's width to that of the text's columns."""
_MARK = re.compile(
    r"\s*(?:[*∗†‡§¶#]{1,3}|[①-⑳㉑-㊿❶-❿]|[¹²³⁰-⁹]{1,3}|\[\d{1,3}\]|[（(]\d{1,2}[)）]|\d{1,3}(?![\d.,%]\d)|注\s*\d*\s*[:：])"
)
_CERTAIN_MARK = re.compile(r"\s*(?:[*∗†‡§¶]{1,3}|[①-⑳㉑-㊿❶-❿]|[¹²³⁰-⁹]{1,3})\s*\S")
_TEXT = frozenset({"text", "footer", "footnote", "list_item", "reference"})


def footnotes(elements: Sequence[Element], boxes: Mapping[int, Box], unit: float, height: float) -> set[int]:
    """The numbers of the elements that are footnotes: at the foot of a column, in smaller type or with a mark.

    From the bottom up, each candidate needs to have nothing but footnotes below it in its column. O(n²) in the
    candidates of the lower half, which are at most a few dozen; more than 200 are not looked at.
    """
    lower = [one for one in elements if boxes[one.number].y1 > LOWER_PART * height]
    if len(lower) > 200:
        return set()
    found: set[int] = set()
    for element in sorted(lower, key=lambda one: (-boxes[one.number].y0, one.number)):
        box = boxes[element.number]
        below = [
            one
            for one in elements
            if boxes[one.number].y0 >= box.y1 - 0.3 * unit and _share_column(boxes[one.number], box)
        ]
        if (
            box.y0 > LOWER_PART * height
            and all(one.number in found for one in below)
            and _reads_as_note(element, unit, box.y0 > FOOT * height)
        ):
            found.add(element.number)
    return _without_whole_columns(found, elements, boxes, unit)


def _reads_as_note(element: Element, unit: float, deep: bool) -> bool:
    if element.kind not in _TEXT or not element.lines:
        return element.kind == "footnote"
    ratio = text_size(element) / unit
    marked = begins_as_note(element)
    much = TINY if element.source == "ocr" else MUCH_SMALLER
    if element.kind == "reference":  # lists of references are set smaller, too, but not at the very foot of text
        numbered = marked and not element.lines[0].text.lstrip().startswith("[")
        return deep and numbered and ratio <= (SMALLER if element.source == "ocr" else MUCH_SMALLER)
    certain = begins_as_note(element, certainly=True) and ratio <= 1.02
    return certain or (marked and ratio <= SMALLER) or ratio <= much


def begins_as_note(element: Element, certainly: bool = False) -> bool:
    """Whether an element begins with a mark as footnotes do: a star, a circled or raised number; also [1], (1), 1."""
    if not element.lines:
        return False
    return (_CERTAIN_MARK if certainly else _MARK).match(_start(element)) is not None


def _start(element: Element) -> str:
    text = element.lines[0].text
    return text if _CERTAIN_MARK.match(text) else unicodedata.normalize("NFKC", text)


def _without_whole_columns(
    found: set[int], elements: Sequence[Element], boxes: Mapping[int, Box], unit: float
) -> set[int]:
    """Small print that hangs on a table or figure right above it is its note; without text above it is the text."""
    kept = set(found)
    ordered = sorted(
        (one for one in elements if one.number in found), key=lambda one: (boxes[one.number].y0, one.number)
    )
    for element in ordered:
        box = boxes[element.number]
        above = [
            one
            for one in elements
            if boxes[one.number].y1 <= box.y0 + 0.3 * unit and _share_column(boxes[one.number], box)
        ]
        nearest = max(above, key=lambda one: (boxes[one.number].y1, one.number), default=None)
        if nearest is None:
            kept.discard(element.number)
            continue
        close = box.y0 - boxes[nearest.number].y1 < 1.2 * unit
        if close and (nearest.kind in FLOATS or nearest.number in found - kept):
            kept.discard(element.number)
    return kept


def _share_column(one: Box, other: Box) -> bool:
    return min(one.x1, other.x1) - max(one.x0, other.x0) > 0.3 * min(one.width, other.width)


def side_notes(elements: Sequence[Element], boxes: Mapping[int, Box], unit: float, width: float) -> set[int]:
    """The numbers of elements in the margin: narrow, outside the text and much narrower than it. O(n log n)."""
    texts = [one for one in elements if one.lines and one.kind not in FLOATS]
    wide = [one for one in texts if len(one.lines) >= 2 or boxes[one.number].width > MAX_NOTE_WIDTH * width]
    if not wide:
        return set()
    column = _weighted_median([(boxes[one.number].width, boxes[one.number].height) for one in wide])
    main = [boxes[one.number] for one in elements if boxes[one.number].width >= 0.75 * column]
    if not main:
        return set()
    left, right = min(box.x0 for box in main), max(box.x1 for box in main)
    found = set()
    for element in texts:
        box = boxes[element.number]
        narrow = box.width <= min(MAX_NOTE_WIDTH * width, NARROWER * column)
        outside = box.x1 <= left + 0.3 * unit or box.x0 >= right - 0.3 * unit
        if narrow and outside and element.kind in _TEXT | {"title"} and text_size(element) <= 1.1 * unit:
            found.add(element.number)
    return found


def _weighted_median(pairs: list[tuple[float, float]]) -> float:
    total = sum(weight for _, weight in pairs) / 2
    for value, weight in sorted(pairs):
        total -= weight
        if total <= 0:
            return value
    return median(value for value, _ in pairs)
