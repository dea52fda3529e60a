"""Bullets that stand apart from their items: a layout model, or a wide gap, makes elements of their own of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from neo_assets.documents.markdown.lines import Seen

_BULLET = re.compile(r"[•●○◦▪▫■□◆◇►▶➢➤✓✔❖‣⁃∙⚫⦁·–—*-]")
MAX_GAP = 4.0
"""Font sizes between a bullet and its item."""


def with_bullets(elements: Sequence[list[Seen]]) -> list[list[Seen]]:
    """The lines of each element; a bullet that is an element is put before the line beside it. O(n)."""
    found = [list(lines) for lines in elements]
    for at, lines in enumerate(found):
        following = found[at + 1] if at + 1 < len(found) else []
        if len(lines) == 1 and following and _BULLET.fullmatch(lines[0].text) and _beside(lines[0], following[0]):
            item = following[0]
            following[0] = replace(item, text=f"{lines[0].text} {item.text}", box=lines[0].box.union(item.box))
            found[at] = []
    return found


def _beside(bullet: Seen, line: Seen) -> bool:
    common = bullet.box.overlap(line.box._replace(x0=bullet.box.x0, x1=bullet.box.x1)).height
    apart = line.box.x0 - bullet.box.x1
    return common > 0.5 * min(bullet.box.height, line.box.height) and -0.5 <= apart / line.size <= MAX_GAP
