"""Lists: which marks are those of items, and how deep an item lies."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.markdown.marks import follows
from neo_assets.documents.markdown.part import Part

LOOK_BACK = 3
"""Parts between an item and the next one of its list: its further paragraphs, a listing, a figure."""
DEEPER = 0.8
"""Font sizes further right at which an item belongs to the one above."""


def settle_lists(parts: Sequence[Part]) -> None:
    """Make list items of paragraphs with marks, and say their levels; a lone "1999. " is no item. O(n)."""
    for number, part in enumerate(parts):
        mark = part.mark
        if part.kind == "text" and mark is not None:
            near = [*parts[max(0, number - LOOK_BACK) : number], *parts[number + 1 : number + 1 + LOOK_BACK]]
            listed = mark.style == "bullet" or any(_neighbours(part, other) for other in near)
            if listed:
                part.kind = "list_item"
    for part in parts:
        if part.kind != "list_item":
            part.mark = None
    _nest(parts)


def _neighbours(one: Part, other: Part) -> bool:
    if one.mark is None or other.mark is None:
        return False
    return follows(one.mark, other.mark) or follows(other.mark, one.mark)


def _nest(parts: Sequence[Part]) -> None:
    stack: list[tuple[float, str]] = []
    for part in parts:
        if part.kind != "list_item":
            stack = []
            continue
        first = part.lines[0]
        left = first.box.x0 - first.left
        style = part.mark.style if part.mark is not None else "bullet"
        while stack and (left < stack[-1][0] - DEEPER * first.size):
            stack.pop()
        deeper = not stack or left > stack[-1][0] + DEEPER * first.size
        if deeper:
            stack.append((left, style))
        part.level = min(len(stack), 6)
