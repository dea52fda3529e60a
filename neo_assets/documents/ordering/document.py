"""The reading order of a whole document, page by page, with the pages nearby in view."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from neo_assets.documents.model import Box, Element, PageElements
from neo_assets.documents.ordering.edges import PageEdges, edge_lines
from neo_assets.documents.ordering.page_order import ordered_page
from neo_assets.documents.ordering.reader import OrderReader
from neo_assets.documents.ordering.reference import reference_order
from neo_assets.documents.ordering.running import judge, relabelled
from neo_assets.documents.ordering.skew import slope, straightened
from neo_assets.recipe.documents import OrderSettings

PAGES_AROUND = 24
"""Pages before and after a page that are compared with it. Only these are held in memory."""


class _Seen(NamedTuple):
    page: PageElements
    boxes: dict[int, Box]
    edges: PageEdges


def order_document(pages: Iterable[PageElements], settings: OrderSettings) -> Iterator[PageElements]:
    """The pages of one document, their elements in reading order.

    Elements are the same, by `number`; kinds are corrected (running elements, footnotes, side notes, captions), and
    `caption_of`, `column` and `band` are filled. Memory: a window of pages, whatever the document's length.

    Args:
        pages: in the order of the document.
        settings: `method: reference` re-orders only and leaves kinds as they are.

    Raises:
        ReaderError: the model of `method: reader` cannot be used.
        ValueError: two elements of a page have the same number, or the pages are not of one document.
    """
    if settings.method == "reference":
        for page in pages:
            yield _with(page, reference_order(page.elements, page.width))
        return
    reader = OrderReader(settings.model) if settings.method == "reader" and settings.model else None
    for seen, around in _windows(pages):
        elements = relabelled(seen.page.elements, judge(seen.edges, around))
        yield ordered_page(_with(seen.page, elements), seen.boxes, reader)


def _with(page: PageElements, elements: Iterable[Element]) -> PageElements:
    return replace(page, elements=tuple(elements))


def _windows(pages: Iterable[PageElements]) -> Iterator[tuple[_Seen, list[PageEdges]]]:
    """Each page with the edges of up to `PAGES_AROUND` pages before and after it."""
    before: deque[PageEdges] = deque(maxlen=PAGES_AROUND)
    waiting: deque[_Seen] = deque()
    for page in pages:
        waiting.append(_seen(page, waiting[0].page.doc_id if waiting else page.doc_id))
        if len(waiting) > PAGES_AROUND:
            yield _next(before, waiting)
    while waiting:
        yield _next(before, waiting)


def _next(before: deque[PageEdges], waiting: deque[_Seen]) -> tuple[_Seen, list[PageEdges]]:
    seen = waiting.popleft()
    around = [*before, *(other.edges for other in waiting)]
    before.append(seen.edges)
    return seen, around


def _seen(page: PageElements, doc_id: str) -> _Seen:
    if page.doc_id != doc_id:
        raise ValueError(f"pages of {doc_id} and {page.doc_id} were given as one document; order one at a time")
    turn = slope(page.elements)
    boxes = {one.number: straightened(one.box, turn, page.width, page.height) for one in page.elements}
    if len(boxes) != len(page.elements):
        raise ValueError(f"two elements of page {page.number} of {page.doc_id} have the same number")
    return _Seen(page, boxes, edge_lines(page, boxes))
