"""The order of one page whose running elements are known already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from neo_assets.documents.model import RUNNING, Box, Element, PageElements
from neo_assets.documents.ordering.captions import beside_targets, with_captions
from neo_assets.documents.ordering.columns import Placed, arrange
from neo_assets.documents.ordering.labels import relabelled_texts
from neo_assets.documents.ordering.measure import CAPTIONS, FLOATS, body_size
from neo_assets.documents.ordering.notes import footnotes, side_notes
from neo_assets.documents.ordering.reader import OrderReader, reader_order
from neo_assets.documents.ordering.strips import Frame, Piece
from neo_assets.documents.ordering.vertical import is_vertical, turned

_BETWEEN = FLOATS | CAPTIONS | {"equation"}
"""What stands between running text: says little about columns."""


def ordered_page(page: PageElements, boxes: Mapping[int, Box], reader: OrderReader | None = None) -> PageElements:
    """The page's elements in reading order: heads, text with captions and side notes, footnotes, feet.

    `boxes` are the elements' boxes on the straightened page. With a reader the text is in the order that it gives.
    Side notes follow what they stand beside. O(n log n) for ordinary pages.
    """
    unit = body_size(page.elements)
    vertical = is_vertical(page.elements)
    running = [one for one in page.elements if one.kind in RUNNING]
    body = sorted((one for one in page.elements if one.kind not in RUNNING), key=lambda one: one.number)
    body = relabelled_texts(with_captions(body, boxes, unit))
    low: set[int] = set()
    margin: set[int] = set()
    if not vertical:
        margin = side_notes(body, boxes, unit, page.width)
        low = footnotes([one for one in body if one.number not in margin], boxes, unit, page.height)
    notes = [one.with_(kind="footnote") for one in body if one.number in low]
    aside = [one.with_(kind="side_note") for one in body if one.number in margin]
    text = [one for one in body if one.number not in low and one.number not in margin]

    seen = {number: turned(box, page.width) for number, box in boxes.items()} if vertical else dict(boxes)
    main = _arranged(text, seen, unit)
    if reader is not None:
        main = reader_order(main, page.width, page.height, reader) or main
    main = _with_side_notes(beside_targets(main, boxes), _by_place(aside, boxes), boxes, unit)
    middle = page.height / 2
    heads = [one for one in running if boxes[one.number].y0 < middle]
    feet = [one for one in running if boxes[one.number].y0 >= middle]
    everything = [*_by_place(heads, boxes), *main, *_arranged(notes, seen, unit), *_by_place(feet, boxes)]
    return replace(page, elements=tuple(everything))


def _arranged(elements: Sequence[Element], boxes: Mapping[int, Box], unit: float) -> list[Element]:
    if not elements:
        return []
    pieces = [_piece(index, one, boxes[one.number]) for index, one in enumerate(elements)]
    width = max(piece.box.x1 for piece in pieces) - min(piece.box.x0 for piece in pieces)
    placed: list[Placed] = arrange(pieces, Frame(unit, width))
    return [elements[one.place].with_(column=one.column, band=one.band) for one in placed]


def _piece(index: int, element: Element, box: Box) -> Piece:
    return Piece(index, box, len(element.lines), element.kind == "title", element.kind in _BETWEEN)


def _by_place(elements: Sequence[Element], boxes: Mapping[int, Box]) -> list[Element]:
    return sorted(elements, key=lambda one: (boxes[one.number].y0, boxes[one.number].x0, one.number))


def _with_side_notes(
    main: list[Element], notes: Sequence[Element], boxes: Mapping[int, Box], unit: float
) -> list[Element]:
    """Each note after the element of the nearest column which it stands beside or below. O(notes x n)."""
    found: list[tuple[int, Element]] = []
    for note in notes:
        box = boxes[note.number]
        above = [(index, boxes[one.number]) for index, one in enumerate(main) if boxes[one.number].y0 <= box.y0 + unit]
        apart = [max(other.x0 - box.x1, box.x0 - other.x1, 0.0) for _, other in above]
        reach = min(apart, default=0.0) + 4 * unit
        near = [one for one, gap in zip(above, apart, strict=True) if gap <= reach]
        found.append((max(near, key=lambda one: (one[1].y0, one[0]))[0] if near else -1, note))
    after: dict[int, list[Element]] = {}
    for index, note in found:
        place = main[index] if index >= 0 else None
        band = place.band if place else -1
        after.setdefault(index, []).append(note.with_(band=band))
    return [
        *after.get(-1, []),
        *(one for index, main_one in enumerate(main) for one in (main_one, *after.get(index, []))),
    ]
