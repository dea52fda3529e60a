"""Lines at the upper and lower edge of a page that a region holds together with text: running heads cut off."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Line

EDGE = 0.08
"""Share of the page's height from its edge in which running heads and feet lie."""
APART = 0.8
"""White between a head and the text, in heights of the head."""
OTHER_SIZE = 0.12
"""Difference between the font sizes of a head and the text."""
CUT: frozenset[str] = frozenset({"text", "title", "reference"})
"""Kinds of regions that heads are cut off."""


def without_edges(kind: str, lines: Sequence[Line], height: float) -> tuple[list[Line], list[Line]]:
    """The lines of a region that stay, and those that are cut off: its first and its last, if they are a head or foot.

    Whether it is one, the ordering judges; here it must only be an element by itself.

    Args:
        height: of the page, in points.
    """
    if kind not in CUT or len(lines) < 2:
        return list(lines), []
    down = sorted(lines, key=lambda one: (one.box.y0, one.box.x0))
    cut = []
    if down[0].box.y1 <= EDGE * height and _apart(down[0], down[1]):
        cut.append(down[0])
    if down[-1].box.y0 >= (1 - EDGE) * height and len(down) - len(cut) > 1 and _apart(down[-2], down[-1]):
        cut.append(down[-1])
    return [one for one in lines if not any(one is other for other in cut)], cut


def _apart(upper: Line, lower: Line) -> bool:
    """Whether two lines below each other do not go on each other."""
    gap = lower.box.y0 - upper.box.y1
    alike = abs(upper.size - lower.size) <= OTHER_SIZE * max(upper.size, lower.size)
    return gap > APART * min(upper.box.height, lower.box.height) or (gap >= 0 and not alike)
