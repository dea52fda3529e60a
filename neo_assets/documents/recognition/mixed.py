"""Captions whose region has the end of a paragraph in it as well: layout models draw one box around both."""

from __future__ import annotations

from collections.abc import Sequence

from neo_assets.documents.model import Line, Region
from neo_assets.documents.ordering.captions import caption_kind

CAPTIONS = frozenset({"figure_caption", "table_caption"})
ENDS = tuple("。.!?！？")


def height_of_caption(region: Region, lines: Sequence[Line]) -> float | None:
    """Where the caption begins, in points, below the text in its region; None where there is none. O(n).

    That is above a line that says `Table 2. …`, if what is above it are two lines or the end of a sentence: numbers
    and labels of a chart's axis belong to the caption.
    """
    begin = next((at for at, line in enumerate(lines) if caption_kind(line.text)), 0)
    above = lines[:begin]
    if region.kind not in CAPTIONS or not any(sign.isalpha() for line in above for sign in line.text):
        return None
    if len(above) < 2 and not above[-1].text.endswith(ENDS):
        return None
    return (above[-1].box.y1 + lines[begin].box.y0) / 2
