"""Plain recursive XY-cut, the usual rule to compare with: cut at the widest white, across or down."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Element


def xy_cut(elements: Sequence[Element]) -> list[int]:
    """The elements' numbers in reading order."""
    if len(elements) < 2:
        return [one.number for one in elements]
    best: tuple[float, list[Element], list[Element]] | None = None
    for low, high in ((0, 2), (1, 3)):
        ordered = sorted(elements, key=lambda one: (one.box[low], one.number))
        reached = ordered[0].box[high]
        for index in range(1, len(ordered)):
            white = ordered[index].box[low] - reached
            if white > 0 and (best is None or white > best[0]):
                best = (white, ordered[:index], ordered[index:])
            reached = max(reached, ordered[index].box[high])
    if best is None:
        return [one.number for one in sorted(elements, key=lambda one: (one.box.y0, one.box.x0, one.number))]
    return xy_cut(best[1]) + xy_cut(best[2])
