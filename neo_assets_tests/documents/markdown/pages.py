"""Pages made by hand: paragraphs set in lines at places, as a layout and a text layer would give them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from neo_assets.documents.markdown import Composition, compose
from neo_assets.documents.model import Box, Element, ElementKind, Line, PageElements, TextSource
from neo_assets.recipe.documents import MarkdownSettings

SIZE = 10.0
PITCH = 15.0
LEFT, RIGHT = 50.0, 300.0


def line(text: str, top: float, left: float = LEFT, right: float | None = None, **values: Any) -> Line:
    """A line at a place. Without a right edge, each Chinese character is as wide as the font is high, others half."""
    size = values.get("size", SIZE)
    wide = sum(size if ord(sign) > 0x2E7F else size / 2 for sign in text)
    end = left + wide if right is None else right
    return Line(text, Box(left, top, end, top + size), **{"size": SIZE, **values})


def element(
    number: int, lines: Sequence[Line], kind: ElementKind = "text", source: TextSource = "layer", **values: Any
) -> Element:
    """An element around its lines."""
    box = values.pop("box", None)
    if box is None:
        box = lines[0].box
        for one in lines:
            box = box.union(one.box)
    return Element(number, kind, box, 0.9, source, tuple(lines), **values)


def block(
    number: int, texts: Sequence[str], top: float, kind: ElementKind = "text", indent: float = 0.0, full: bool = True,
    left: float = LEFT, source: TextSource = "layer", **values: Any,
) -> Element:  # fmt: skip
    """A paragraph: all lines but the last reach the right edge; the last does too if `full`."""
    lines = []
    for row, text in enumerate(texts):
        right = left + (RIGHT - LEFT) if row + 1 < len(texts) or full else None
        lines.append(line(text, top + row * PITCH, left + (indent if row == 0 else 0), right, **values))
    return element(number, lines, kind, source)


def page(elements: Sequence[Element], number: int = 1) -> PageElements:
    return PageElements("d", number, 595.0, 842.0, tuple(elements))


def composed(*pages: PageElements, **settings: Any) -> Composition:
    return compose(pages, MarkdownSettings(**settings), images="files/")


def paragraphs(*pages: PageElements, **settings: Any) -> list[str]:
    return composed(*pages, **settings).markdown.split("\n\n")
