"""Running heads, running feet and page numbers: by place, form, label, and repetition over the pages nearby.

A page is judged against the records (`edges`) of the pages around it, so a document of any length needs the memory of a
window of pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from functools import lru_cache

from neo_assets.documents.model import RUNNING, Box, Element, ElementKind
from neo_assets.documents.ordering.edges import MAX_LINES, EdgeLine, PageEdges
from neo_assets.documents.ordering.measure import CAPTIONS

NEAR_ZONE = 0.1
"""Nearer than this a layout model's label is believed without repetition."""
SAME_PLACE = 6.0
"""Points by which the place of a repeated element may differ."""
SIMILAR = 0.85
LARGE = 1.15
"""Times the size of the running text; larger is more likely a heading than a running head."""


def judge(page: PageEdges, around: Sequence[PageEdges]) -> dict[int, ElementKind]:
    """The kinds of the page's running elements by their numbers, from itself and the pages around it."""
    found: dict[int, ElementKind] = {}
    rules = (_repeated, _in_slot, _by_label, _by_form)
    for line in page.lines:
        if _page_number(line, page, around):
            found[line.number] = "page_number"
        elif any(rule(line, page, around) for rule in rules):
            found[line.number] = _kind(line)
    for line in page.lines:
        if line.number not in found and any(_goes_with(line, other, found) for other in page.lines):
            found[line.number] = _kind(line)
    return found


def _kind(line: EdgeLine) -> ElementKind:
    if line.label is not None and line.lines == 1:
        return "page_number"
    return "header" if line.side == "top" else "footer"


def _page_number(line: EdgeLine, page: PageEdges, around: Sequence[PageEdges]) -> bool:
    """A number that counts with the pages, or one whose form or place admits little else."""
    if line.label is None or line.lines > 1 or line.ratio > 1.6:
        return False
    expected = line.label.value - page.number
    matches = readable = 0
    for other in around:
        there = [one.label.value - other.number for one in _same_place(line, other) if one.label]
        readable += bool(there)
        matches += expected in there
    if matches >= (1 if readable <= 2 else 2):
        return True
    alone = line.gap >= 0.8 and line.inner <= NEAR_ZONE * page.height
    if line.label.explicit or line.kind in RUNNING:
        return alone or line.gap >= 2
    return alone and line.kind != "title" and (line.gap >= 1.2 and line.ratio <= LARGE)


def _same_place(line: EdgeLine, other: PageEdges) -> list[EdgeLine]:
    return [one for one in other.lines if one.side == line.side and abs(one.inner - line.inner) <= SAME_PLACE]


def _repeated(line: EdgeLine, page: PageEdges, around: Sequence[PageEdges]) -> bool:
    """The same or a similar text at the same place on pages nearby."""
    if len(line.key.replace("#", "")) < 2 or line.kind in CAPTIONS:
        return False
    heading = line.kind == "title" or line.ratio > LARGE
    needed = 1 if len(around) <= 3 else 2
    if heading:
        needed = max(needed, round(0.4 * len(around)))
    elif line.gap < 0.5 and line.kind not in RUNNING:
        needed += 1
    count = 0
    for other in around:
        count += any(_alike(line.key, one.key) for one in _same_place(line, other))
        if count >= needed:
            return True
    return False


def _alike(one: str, other: str) -> bool:
    return one == other or (len(one) >= 6 and len(other) >= 6 and _similar(min(one, other), max(one, other)))


@lru_cache(maxsize=65_536)
def _similar(one: str, other: str) -> bool:
    """Recognition errs in a letter or two of a head."""
    match = SequenceMatcher(None, one, other, autojunk=False)
    return match.real_quick_ratio() >= SIMILAR and match.quick_ratio() >= SIMILAR and match.ratio() >= SIMILAR


def _in_slot(line: EdgeLine, page: PageEdges, around: Sequence[PageEdges]) -> bool:
    """Most pages nearby have one line at this very place, apart from the text: a head whose words change."""
    if line.lines > 1 or line.kind == "title" or line.ratio > LARGE or line.gap < 0.8 or len(around) < 4:
        return False
    if line.inner > 0.12 * page.height or line.kind in CAPTIONS:
        return False
    for step in (1, 2):  # every page, or those on the same side of the opened book
        near = [other for other in around if (other.number - page.number) % step == 0]
        here = [
            [one for one in other.lines if one.side == line.side and one.lines <= 1 and one.ratio <= LARGE
             and abs(one.inner - line.inner) <= SAME_PLACE / 2 and one.gap >= 0.8]
            for other in near
        ]  # fmt: skip
        if len(near) >= 4 and sum(map(bool, here)) >= 0.75 * len(near):
            return line.gap >= 1.2 or line.ratio <= 0.95
    return False


def _by_label(line: EdgeLine, page: PageEdges, around: Sequence[PageEdges]) -> bool:
    """The layout model says so, and nothing speaks against it."""
    if line.kind not in RUNNING or line.ratio > 1.5:
        return False
    numbered = any(one.label and one.side == line.side and one is not line for one in page.lines)
    if line.note or (line.side == "bottom" and line.marked and line.label is None and numbered):
        return False
    if line.lines <= 2 and line.inner <= NEAR_ZONE * page.height and (line.gap >= 0.5 or line.ratio <= 0.95):
        return True
    return line.lines <= MAX_LINES and line.gap >= 1 and line.score >= 0.5 and line.ratio <= LARGE


def _by_form(line: EdgeLine, page: PageEdges, around: Sequence[PageEdges]) -> bool:
    """One small line at the very edge, far from the text, that reads like no text."""
    if line.lines != 1 or line.kind in ("title", "figure", "table", *CAPTIONS) or line.ends_sentence:
        return False
    if line.inner > 0.08 * page.height or line.gap < 1.2 or line.ratio > 1.02:
        return False
    middle = abs((line.box.x0 + line.box.x1) / 2 - page.width / 2) <= 0.02 * page.width
    centred = middle and line.box.width < 0.5 * page.width
    at_right = line.box.x0 > 0.5 * page.width
    signs = (line.ratio <= 0.92, line.imprint, centred or at_right, "#" in line.key, line.gap >= 1.8,
        line.inner <= 0.055 * page.height and not line.note, _has_twins(line, around))  # fmt: skip
    return sum(signs) >= 2


def _has_twins(line: EdgeLine, around: Sequence[PageEdges]) -> bool:
    """Pages nearby begin (or end) with one line at this very place, too, in whatever words."""
    there = sum(
        any(
            one.lines == 1 and one.kind != "title" and one.gap >= 1.2
            and abs(one.inner - line.inner) <= SAME_PLACE / 2
            and min(abs(one.box.x0 - line.box.x0), abs(one.box.x1 - line.box.x1)) <= SAME_PLACE / 2
            for one in _same_place(line, other)
        )
        for other in around
    )  # fmt: skip
    return there >= (1 if len(around) <= 3 else 2)


def _goes_with(line: EdgeLine, other: EdgeLine, found: dict[int, ElementKind]) -> bool:
    """It stands in a row with a running element, or further out than one."""
    if other.number not in found or other.side != line.side or line.lines > 1 or line.ratio > LARGE:
        return False
    if line.kind == "title" or line.kind in CAPTIONS:
        return False
    common = line.box.overlap(Box(line.box.x0, other.box.y0, line.box.x1, other.box.y1)).height
    in_row = common >= 0.5 * min(line.box.height, other.box.height)
    return (in_row and line.gap >= 0.5) or line.inner < other.inner - other.box.height


def relabelled(elements: Iterable[Element], found: dict[int, ElementKind]) -> list[Element]:
    """The elements with their running kinds; what only the layout model took for a head or foot is text."""
    return [
        element.with_(kind=found.get(element.number, "text" if element.kind in RUNNING else element.kind))
        if element.number in found or element.kind in RUNNING
        else element
        for element in elements
    ]
