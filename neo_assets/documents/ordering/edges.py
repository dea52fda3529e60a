"""What is kept of a page to find its running elements: small records of the few elements at its edges."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from neo_assets.documents.model import Box, Element, ElementKind, PageElements
from neo_assets.documents.ordering.measure import body_size, text_size
from neo_assets.documents.ordering.notes import begins_as_note
from neo_assets.documents.ordering.numerals import PageLabel, page_label

Side = Literal["top", "bottom"]
ZONE = 0.15
"""Running elements lie within this share of the page's height from its edge."""
MAX_LINES = 3
MAX_LEVELS = 3
"""So many things may stand above each other in the zone."""
MAX_EDGE_LINES = 24
_DIGITS = re.compile(r"\d+|(?<![^\W\d_])[ivxlc]+(?![^\W\d_])|(?<=第)[零〇一二三四五六七八九十百]+(?=[章节節回卷页頁])")
_WORDS = re.compile(r"[\u3400-\u9fff]{2}|[A-Za-z]{4,} [A-Za-z]{3,}")
_SENTENCE_END = re.compile(r"[.。!！?？;；]$")
_IMPRINT = re.compile(
    r"©|\(c\) ?\d{4}|https?://|www\.|doi[: ]|issn|isbn|vol\.|arxiv:|第\s*\d+\s*[卷期]|confidential|draft|preprint",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """A small element near the upper or lower edge of a page."""

    number: int
    side: Side
    kind: ElementKind
    inner: float
    """Distance of its inner border from the page's edge, in points."""
    box: Box
    key: str
    """Its text without digits, blanks, case and width."""
    label: PageLabel | None
    ratio: float
    """Its font size to that of the page's running text; 1 where unknown."""
    gap: float
    """White between it and the text, in font sizes of the running text."""
    lines: int
    ends_sentence: bool
    imprint: bool
    marked: bool
    """It begins with a mark or number as footnotes do."""
    note: bool
    """It reads like a footnote."""
    score: float


@dataclass(frozen=True, slots=True)
class PageEdges:
    """What is kept of a page."""

    number: int
    width: float
    height: float
    lines: tuple[EdgeLine, ...]


def edge_lines(page: PageElements, boxes: Mapping[int, Box]) -> PageEdges:
    """The candidates of a page. `boxes` are its elements' boxes on the straightened page. O(n log n)."""
    unit = body_size(page.elements)
    found: list[EdgeLine] = []
    sides: tuple[Side, Side] = ("top", "bottom")
    for side in sides:
        found += _at_edge(page, boxes, side, unit)
    return PageEdges(page.number, page.width, page.height, tuple(found))


def _at_edge(page: PageElements, boxes: Mapping[int, Box], side: Side, unit: float) -> list[EdgeLine]:
    def border(element: Element, inner: bool) -> float:
        box = boxes[element.number]
        return (box.y1 if inner else box.y0) if side == "top" else page.height - (box.y0 if inner else box.y1)

    ordered = sorted(page.elements, key=lambda element: (border(element, False), element.number))
    taken: list[Element] = []
    levels, reached, body = 0, float("-inf"), float("inf")
    for element in ordered:
        small = (
            (element.kind != "equation" or _reads_as_words(element))
            and len(element.lines) <= MAX_LINES
            and boxes[element.number].height <= max(0.06 * page.height, 4 * unit)
        )
        outer, inner = border(element, False), border(element, True)
        levels += outer >= reached
        full = levels > MAX_LEVELS or len(taken) >= MAX_EDGE_LINES
        if not small or inner > ZONE * page.height or full or outer >= body - 1:
            body = min(body, outer)
            if outer > ZONE * page.height or full:
                break
            continue
        reached = max(reached, inner) if outer < reached else inner
        taken.append(element)
    return [
        _edge_line(
            element, side, border(element, True), boxes[element.number], (body - border(element, True)) / unit, unit
        )
        for element in taken
    ]


def _edge_line(element: Element, side: Side, inner: float, box: Box, gap: float, unit: float) -> EdgeLine:
    text = unicodedata.normalize("NFKC", " ".join(line.text for line in element.lines)).strip()
    key = _DIGITS.sub("#", "".join(text.lower().split())) if text else ""
    if not text and element.kind == "figure":
        key = f"figure {round(box.width / 4)} {round(box.height / 4)}"
    size = text_size(element)
    return EdgeLine(
        number=element.number,
        side=side,
        kind=element.kind,
        inner=inner,
        box=box,
        key=key,
        label=page_label(text),
        ratio=size / unit if size else 1.0,
        gap=gap,
        lines=len(element.lines),
        ends_sentence=bool(_SENTENCE_END.search(text)),
        imprint=bool(_IMPRINT.search(text)),
        marked=begins_as_note(element),
        note=side == "bottom" and _is_note(element, box, text),
        score=element.score,
    )


def _reads_as_words(element: Element) -> bool:
    """A running head that the layout model takes for a formula."""
    return len(element.lines) == 1 and _WORDS.search(element.text) is not None


def _is_note(element: Element, box: Box, text: str) -> bool:
    """A star or raised number decides; 12 may begin a running foot, too, but not a long one or a sentence."""
    long = len(element.lines) > 1 or box.width > 150 or bool(_SENTENCE_END.search(text))
    return begins_as_note(element, certainly=True) or (long and begins_as_note(element))
