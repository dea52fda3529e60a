"""MAP-Neo's released ordering rules, for comparison: two columns by fixed shares of the page's width.

Source: MAP-Neo's document-convert code (its two-column heuristic), described in words and written anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Element


def reference_order(elements: Sequence[Element], width: float) -> list[Element]:
    """All elements in the order of the reference's rules; band and column are not filled. O(n log n).

    Sorted by top and left; left of three quarters and beginning in the first quarter is the left column, beginning
    after a quarter and ending after the middle is the right column, else full width, which ends both columns. The last
    one is full width only if it begins below the one before it and lies over the middle.
    """
    ordered = sorted(elements, key=lambda one: (one.box.y0, one.box.x0, one.number))
    if len(ordered) < 2:
        return ordered
    found: list[Element] = []
    left: list[Element] = []
    right: list[Element] = []
    for element in ordered[:-1]:
        box = element.box
        if box.x0 < width / 4 and box.x1 < 3 * width / 4:
            left.append(element)
        elif box.x0 > width / 4 and box.x1 > width / 2:
            right.append(element)
        else:
            found += [*left, *right, element]
            left, right = [], []
    last, before = ordered[-1], ordered[-2]
    if last.box.y0 > before.box.y1 and last.box.x0 < width / 2 < last.box.x1:
        return [*found, *left, *right, last]
    (right if last.box.x1 > width / 2 else left).append(last)
    return [*found, *left, *right]
