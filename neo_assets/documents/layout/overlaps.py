"""Regions that lie over each other: the same thing found twice, parts found with their whole, neighbours that touch.

Detectors suppress lesser boxes of the same class only, so one block often stands there as text, table and reference at
once. Afterwards each place on the page belongs to one region, but for figures that text flows around.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType

from neo_assets.documents.model import Box, Region

MAX_COVERED = 0.6
"""A region of which better ones cover more is the same thing again (the value that did best on mixed documents)."""
MAX_PART = 0.6
"""A part's share of the height of the text it stands in; a higher one is the same thing."""
MIN_SPAN = 0.6
"""Share of a text's width over which a part must go for the text to be cut into what is above and below it."""
SAME_COLUMN = 0.75
"""Share of the wider text's width that two texts must have in common to be one."""
MIN_COMMON = 0.2
"""Share of the lower text's height that two texts must have in common to be one."""
MIN_SIDE = 2.0
"""Points; what is thinner cannot be read."""
MIN_STRIP = 6.0
"""Points; a lower rest of a text that was cut holds no line."""
MAX_BEYOND = 2.0
"""Points by which a box within another one reaches out of it."""
EDGE = 0.35
"""A caption within its figure or table lies within this share of its height from the upper or lower edge."""

PREFERENCE: Mapping[str, float] = MappingProxyType(
    {"title": 0.2, "figure_caption": 0.2, "table_caption": 0.2, "header": -0.1, "reference": -0.2}
)
"""Added to a score where kinds compete for a place. CDLA's model calls much a reference that is none, and sees
headings and captions as text as well; measured on generated pages of both languages."""

TEXTS = frozenset({"text", "reference"})
PARTS = frozenset({"title", "equation", "table", "figure", "figure_caption", "table_caption"})
CAPTIONS = frozenset({"figure_caption", "table_caption"})
PICTURES = frozenset({"figure", "table"})


def resolve(regions: Iterable[Region], width: float, height: float) -> list[Region]:
    """The regions of a page of this size in points, without repetitions, by their upper edges.

    O(n³) in the worst case, with n below a hundred in practice.
    """
    page = Box(0.0, 0.0, width, height)
    inside = [Region(one.kind, one.box.overlap(page), float(one.score)) for one in regions]
    kept = _without_repeats(one for one in inside if min(one.box.width, one.box.height) >= MIN_SIDE)
    kept = _whole_titles(_merged(_cut(_without_captions(kept))))
    rounded = [Region(one.kind, one.box.rounded(), round(one.score, 4)) for one in kept]
    return sorted(rounded, key=lambda one: (one.box.y0, one.box.x0, one.kind, one.box))


def covered_share(box: Box, others: Sequence[Box]) -> float:
    """The share of the box that the others cover together, 0 to 1. O(n²)."""
    over = [part for part in map(box.overlap, others) if part.area]
    if not over or not box.area:
        return 0.0
    xs = sorted({x for part in over for x in (part.x0, part.x1)})
    total = 0.0
    for left, right in pairwise(xs):
        reached = box.y0
        for part in sorted((one for one in over if one.x0 <= left and right <= one.x1), key=lambda one: one.y0):
            total += (right - left) * max(0.0, part.y1 - max(part.y0, reached))
            reached = max(reached, part.y1)
    return min(1.0, total / box.area)


def _without_repeats(regions: Iterable[Region]) -> list[Region]:
    kept: list[Region] = []
    for one in sorted(regions, key=lambda one: (-one.score - PREFERENCE.get(one.kind, 0.0), one.kind, one.box)):
        rivals = [other.box for other in kept if not _is_part(one, other)]
        if covered_share(one.box, rivals) <= MAX_COVERED:
            kept.append(one)
    return kept


def _is_part(one: Region, whole: Region) -> bool:
    """Whether a region may stand within the other: a heading, formula or picture in text, a caption in its picture."""
    if whole.kind in TEXTS:
        return one.kind in PARTS and one.box.height <= MAX_PART * whole.box.height
    return one.kind in CAPTIONS and whole.kind in PICTURES and _at_edge(one.box, whole.box)


def _at_edge(caption: Box, whole: Box) -> bool:
    reach = EDGE * whole.height
    return caption.y0 >= whole.y1 - reach or caption.y1 <= whole.y0 + reach


def _without_captions(regions: list[Region]) -> list[Region]:
    """Figures and tables are shortened by captions that lie within them."""
    captions = [one.box for one in regions if one.kind in CAPTIONS]
    found = []
    for one in regions:
        box = one.box
        if one.kind in PICTURES:
            for caption in captions:
                if caption.covered(box) > MAX_COVERED and _at_edge(caption, box):
                    below = caption.y0 + caption.y1 > box.y0 + box.y1
                    box = Box(box.x0, box.y0, box.x1, caption.y0) if below else Box(box.x0, caption.y1, box.x1, box.y1)
        if box == one.box or box.height >= MIN_STRIP:
            found.append(Region(one.kind, box, one.score))
    return found


def _cut(regions: list[Region]) -> list[Region]:
    """Texts are cut where a region that is not text goes across them."""
    others = [one.box for one in regions if one.kind not in TEXTS]
    found = []
    for one in regions:
        pieces = [one.box]
        if one.kind in TEXTS:
            for other in others:
                pieces = [rest for piece in pieces for rest in _rests(piece, other)]
        found += [Region(one.kind, piece, one.score) for piece in pieces]
    return found


def _rests(text: Box, other: Box) -> list[Box]:
    common = text.overlap(other)
    if not common.area or common.width < MIN_SPAN * text.width:
        return [text]
    rests = [Box(text.x0, text.y0, text.x1, common.y0), Box(text.x0, common.y1, text.x1, text.y1)]
    return [rest for rest in rests if rest.height >= MIN_STRIP]


def _merged(regions: list[Region]) -> list[Region]:
    """Texts of one column that overlap by more than their margins become one."""
    texts = sorted((one for one in regions if one.kind in TEXTS), key=lambda one: (one.box.y0, one.box.x0, one.box))
    others = [one for one in regions if one.kind not in TEXTS]
    found: list[Region] = []
    while texts:
        one = texts.pop(0)
        rival = next((other for other in texts if _same_block(one.box, other.box, others)), None)
        if rival is None:
            found.append(one)
            continue
        texts.remove(rival)
        better = one if one.score >= rival.score else rival
        texts.insert(0, Region(better.kind, one.box.union(rival.box), better.score))
    return others + found


def _whole_titles(regions: list[Region]) -> list[Region]:
    """Without headings that lie within another one: the larger box may have text in it, the smaller one lacks some."""
    titles = sorted((one for one in regions if one.kind == "title"), key=lambda one: (-one.box.area, one.box))
    whole: list[Region] = []
    for one in titles:
        at = next((at for at, other in enumerate(whole) if _is_within(one.box, other.box)), None)
        if at is None:
            whole.append(one)
        else:
            whole[at] = Region("title", whole[at].box.union(one.box), max(whole[at].score, one.score))
    return [one for one in regions if one.kind != "title"] + whole


def _is_within(box: Box, other: Box) -> bool:
    beyond = other.x0 - box.x0, other.y0 - box.y0, box.x1 - other.x1, box.y1 - other.y1
    return max(beyond) <= MAX_BEYOND


def _same_block(one: Box, other: Box, between: Sequence[Region]) -> bool:
    common = one.overlap(other)
    if common.width < SAME_COLUMN * max(one.width, other.width):
        return False
    if common.height < MIN_COMMON * min(one.height, other.height):
        return False
    both = one.union(other)
    return not any(region.box.covered(both) > MAX_COVERED for region in between)
