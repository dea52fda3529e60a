"""Figures, tables and formulas with the captions and numbers that belong to them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from neo_assets.documents.markdown.formulas import NUMBER, number_of
from neo_assets.documents.markdown.lines import Seen
from neo_assets.documents.markdown.part import Part
from neo_assets.documents.model import Element, PageElements

_LABEL = re.compile(r"(?:fig(?:ure|\.)|table|tab\.|图|表|圖)\s*\S", re.I)
FLOATS = ("figure", "table", "equation")


def attached(page: PageElements, seen: list[list[Seen]]) -> tuple[dict[int, int], dict[int, int]]:
    """Captions that belong to a figure or table: their numbers with those of their figures; equations with the
    numbers of the elements that hold their equation numbers."""
    floats = {element.number for element in page.elements if element.kind in ("figure", "table")}
    captions = {
        element.number: element.caption_of
        for element in page.elements
        if element.kind in ("figure_caption", "table_caption") and element.caption_of in floats
        if element.caption_of is not None
    }
    numbers: dict[int, int] = {}
    single = [
        (element, lines[0]) for element, lines in zip(page.elements, seen, strict=True)
        if element.kind in ("text", "list_item") and len(lines) == 1 and number_of(lines[0].text)
    ]  # fmt: skip
    for equation in page.elements:
        if equation.kind != "equation":
            continue
        for element, line in single:
            inside = equation.box.y0 - 2 <= line.middle <= equation.box.y1 + 2
            if inside and element.number not in numbers.values() and element.column in (equation.column, -1):
                numbers[equation.number] = element.number
                break
    return captions, numbers


def float_of(
    page: PageElements, element: Element, lines: list[Seen], seen: list[list[Seen]], captions: dict[int, int],
    numbers: dict[int, int], parts: Sequence[Part],
) -> Part:  # fmt: skip
    """The part of a figure, table or formula, with the lines of its captions and with its number."""
    by_number = {one.number: found for one, found in zip(page.elements, seen, strict=True)}
    caption = [line for number, of in captions.items() if of == element.number for line in by_number[number]]
    number = None
    if element.kind == "equation":
        own = [number_of(line.text) for line in element.lines]
        if element.number in numbers:
            number = number_of(by_number[numbers[element.number]][0].text)
        else:
            number = next((one for one in own if one), None) or _next_number(lines, parts)
    return Part(element.kind, page.number, lines, element, without_labels(caption), number=number)


def without_labels(caption: list[Seen]) -> list[Seen]:
    """The caption from where it says "Figure 2" on, if only the numbers of a chart's axis stand before that."""
    begin = next((row for row, line in enumerate(caption) if _LABEL.match(line.text)), 0)
    before = "".join(line.text for line in caption[:begin])
    return caption if any(sign.isalpha() for sign in before) else caption[begin:]


def _next_number(lines: Sequence[Seen], parts: Sequence[Part]) -> str | None:
    """The number at the formula's end, if it is the one that follows the number before: f(2) ends like one too."""
    found = list(NUMBER.finditer(lines[-1].text)) if lines else []
    if not found or found[-1].end() != len(lines[-1].text):
        return None
    number = found[-1].group(1)
    before = next((part.number for part in reversed(parts) if part.number), None)
    head, _, tail = number.rpartition(".")
    previous = f"{head}." if head else ""
    follows = tail.isdecimal() and before == f"{previous}{int(tail) - 1}"
    return number if follows or (before is None and tail == "1") else None
