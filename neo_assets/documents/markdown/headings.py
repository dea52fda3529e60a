"""Headings: broken ones joined, and their levels from numbers and font sizes over the whole document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from neo_assets.documents.markdown.characters import IS_HAN, ends_sentence
from neo_assets.documents.markdown.marks import Number, heading_number
from neo_assets.documents.markdown.part import MAX_HEADING, Part

SAME_SIZE = 1.09
"""Sizes closer than this are one."""
SAME_HEIGHT = 1.2
"""The same for recognised lines: they are measured by their height, which varies with their letters."""
_UNITS = {unit: unit for unit in "编篇部卷章回节"}
_STYLES = ("part", "chapter", "section", "han", "han_bracket")
"""Styles of numbers from coarse to fine; decimal numbers follow."""


def join_titles(parts: Sequence[Part]) -> list[Part]:
    """The parts, headings that were broken over elements joined. O(n)."""
    found: list[Part] = []
    for part in parts:
        if part.kind == "title" and found and found[-1].kind == "title" and _one_heading(found[-1], part):
            above = found[-1].lines
            if IS_HAN.match(part.lines[0].text) and above[-1].text[-1].isascii():
                above[-1] = replace(above[-1], text=above[-1].text + " ")  # "Chapter 1" above Chinese
            above += part.lines
        else:
            found.append(part)
    return found


def set_levels(parts: Sequence[Part]) -> Part | None:
    """Give every heading its level, 1 to 6; returns the document's title, which alone has level 1.

    The title is the largest of all headings, if it is among the first three and has no number. Sections begin with
    level 2, or 1 without a title. A number says the level among numbered headings; a heading without number
    has the level of those of its size. O(n · sizes).
    """
    headings = [part for part in parts if part.kind == "title"]
    title = _title(headings)
    if title is not None:
        title.level = 1
    rest = [part for part in headings if part is not title]
    top = 2 if title is not None else 1
    depths = _depths([heading_number(part.plain) for part in rest])
    same = SAME_HEIGHT if any(part.lines[0].source == "ocr" for part in rest) else SAME_SIZE
    clusters = _clusters([_size(part) for part in rest], same)
    by_size: dict[int, Counter[int]] = {}
    for depth, cluster in zip(depths, clusters, strict=True):
        if depth is not None:
            by_size.setdefault(cluster, Counter())[depth] += 1
    usual = {
        cluster: min(depth for depth, n in counts.items() if n == max(counts.values()))
        for cluster, counts in by_size.items()
    }
    for part, depth, cluster in zip(rest, depths, clusters, strict=True):
        part.level = min(6, top + (depth if depth is not None else _unnumbered(cluster, usual)))
    return title


def _unnumbered(cluster: int, usual: dict[int, int]) -> int:
    """Depth from 0 of a heading without number: as numbered ones of its size; one above or below the nearest ones."""
    if not usual:
        return cluster
    if cluster in usual:
        return usual[cluster]
    larger = [one for one in usual if one < cluster]
    if larger:
        return usual[max(larger)] + 1
    return max(0, usual[min(usual)] - 1)


def _depths(numbers: Sequence[Number | None]) -> list[int | None]:
    """Depths from 0 by the styles of numbers that the document has; decimal ones come below all others."""
    known = [number for number in numbers if number is not None]
    styles = [style for style in _STYLES if any(number.style == style for number in known)]
    decimals = [number.depth for number in known if number.style == "decimal"]
    coarse = bool(styles)
    shallowest = min(decimals, default=1) if coarse else 1
    return [
        None
        if number is None
        else len(styles) + number.depth - shallowest
        if number.style == "decimal"
        else styles.index(number.style)
        for number in numbers
    ]


def _clusters(sizes: Sequence[float], same: float) -> list[int]:
    """The number of each size's cluster, the largest sizes being 0; sizes of a cluster differ by less than `same`."""
    number: dict[float, int] = {}
    at, largest = -1, 0.0
    for size in sorted(set(sizes), reverse=True):
        if at < 0 or largest / size > same:
            at, largest = at + 1, size
        number[size] = at
    return [number[size] for size in sizes]


def _title(headings: Sequence[Part]) -> Part | None:
    first = headings[:3]
    if not first:
        return None
    largest = max(first, key=_size)
    others = [_size(part) for part in headings if part is not largest]
    sizes_say = not others or _size(largest) > SAME_SIZE * max(others)
    number = heading_number(largest.plain)
    lone_number = number is not None and number.style in ("decimal", "han", "han_bracket", "section")
    return largest if sizes_say and not (lone_number and others) else None


def _size(part: Part) -> float:
    return median([line.size for line in part.lines])


def _one_heading(above: Part, below: Part) -> bool:
    last, line = above.lines[-1], below.lines[0]
    larger = max(last.size, line.size)
    if _only_number(above) and last.page == line.page and heading_number(below.plain) is None:
        return line.middle - last.middle < 5 * larger  # "Chapter 1" stands above "Overview"
    if heading_number(below.plain) or len(above.plain) + len(below.plain) > 2 * MAX_HEADING:
        return False
    if (
        last.page != line.page
        or abs(last.size - line.size) > (0.09 if line.source == "layer" else 0.2) * larger
        or last.bold != line.bold
    ):
        return False
    if ends_sentence(last.text):
        return False
    step = line.middle - last.middle
    beside = abs(step) < 0.5 * larger and line.box.x0 >= last.box.x1 - larger
    shared = min(last.box.x1, line.box.x1) - max(last.box.x0, line.box.x0)
    return beside or (0 < step < 1.7 * larger and shared > 0)


def _only_number(part: Part) -> bool:
    text = part.plain.strip(" .:：")
    number = heading_number(text + " x")
    return len(text) < 16 and number is not None and text.endswith(number.value + _UNITS.get(text[-1:], ""))
