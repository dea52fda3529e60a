"""Captions: which elements are captions, and which figure or table each belongs to."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence

from neo_assets.documents.model import Box, Element, ElementKind
from neo_assets.documents.ordering.measure import CAPTIONS, FLOATS

MAX_DISTANCE = 6.0
"""Font sizes of the running text between a figure and its caption."""
MAX_GUESSED_LINES = 8
"""A longer text without the layout model's label is no caption."""
WRONG_SIDE, WRONG_KIND = 1.6, 3.0
"""Factors on the distance: a figure's caption above it, a table's below it; a caption that names the other kind."""
AXIS_KINDS: frozenset[str] = frozenset({"text", "title", "figure_caption", "table_caption", "list_item", "footnote"})
AXIS_GAP = 1.5
"""Font sizes between a chart and the numbers along its axis."""
_AXIS = re.compile(r"[-+−±]?[\d.,%‰°$€£¥/:–−+ -]*\d[\d.,%‰°$€£¥/:–−+ -]*")
_NUMBER = r"\s*[A-Z]?[\dIVX一二三四五六七八九十]+(?:[.\-–—][\dA-Za-z]+)*[a-z]?"
_FIGURE = re.compile(
    rf"(?:(?:figure|fig\.?|scheme|chart|plate|photo|diagram)(?={_NUMBER})|[图圖](?={_NUMBER}))(?P<rest>{_NUMBER})",
    re.IGNORECASE,
)
_TABLE = re.compile(rf"(?:(?:table|tab\.?)(?={_NUMBER})|(?:续|續)?表(?={_NUMBER}))(?P<rest>{_NUMBER})", re.IGNORECASE)
_GOES_ON = re.compile(r"\s*(?:$|[.:：|。．—–-]|[(（]|\s[\W\dA-Z\u3400-\u9fff])")
_CHINESE_NAME = re.compile(
    r"[\"'“”‘’《「『【]|(?![中所给給展显顯示表是为為和与與及可的里上下列将將以至])[\u3400-\u9fff]"
)
"""What follows a Chinese number without a blank: a name, not 图 3 中 or 表 1 所示."""


def caption_kind(text: str) -> ElementKind | None:
    """Figure or table caption if the text begins as one: `Figure 3: …`, `表 2.1 …`; not `Figure 3 shows …`."""
    plain = unicodedata.normalize("NFKC", text).strip()
    for pattern, kind in ((_FIGURE, "figure_caption"), (_TABLE, "table_caption")):
        found = pattern.match(plain)
        chinese = plain[:1] in tuple("图圖表续續")
        if found and (_GOES_ON.match(plain, found.end()) or (chinese and _CHINESE_NAME.match(plain, found.end()))):
            return "figure_caption" if kind == "figure_caption" else "table_caption"
    return None


def with_captions(elements: Sequence[Element], boxes: Mapping[int, Box], unit: float) -> list[Element]:
    """The elements with caption kinds corrected and `caption_of` filled.

    Numbers along a chart's axis count as captions of the chart, which the caption itself stands below. A figure that
    says "Figure 2" below it is not asked for a second one. O(captions x floats).
    """
    targets = [one for one in elements if one.kind in FLOATS]
    if not targets:
        return [_captioned(element, targets, boxes, unit) for element in elements]
    axes, grown = _axes(elements, boxes, unit)
    numbered = [one for one in elements if one.number not in axes and caption_kind(one.text) is not None]
    pairs = _pairs(numbered, targets, grown, unit)
    found = []
    for element in elements:
        if element.number in axes:
            found.append(element.with_(kind="figure_caption", caption_of=axes[element.number]))
            continue
        own = pairs.get(element.number)
        free = [one for one in targets if one.number == own] if own is not None else targets
        found.append(_captioned(element, free, grown, unit))
    return found


def _axes(
    elements: Sequence[Element], boxes: Mapping[int, Box], unit: float
) -> tuple[dict[int, int], Mapping[int, Box]]:
    """The figures' numbers by those of the texts without letters right below them, and boxes grown around both."""
    axes: dict[int, int] = {}
    grown = dict(boxes)
    figures = [one for one in elements if one.kind == "figure"]
    signs = [one for one in elements if one.kind in AXIS_KINDS and _is_axis(one)] if figures else []
    for element in sorted(signs, key=lambda one: (boxes[one.number].y0, one.number)):
        box = boxes[element.number]
        for figure in figures:
            whole = grown[figure.number]
            inside = whole.x0 - unit <= box.x0 and box.x1 <= whole.x1 + unit
            if inside and box.y0 >= boxes[figure.number].y1 - box.height and box.y0 - whole.y1 <= AXIS_GAP * unit:
                axes[element.number] = figure.number
                grown[figure.number] = whole.union(box)
                break
    return axes, grown


def _is_axis(element: Element) -> bool:
    """One line of numbers in smaller type than a heading: no letters, and not the number of an equation."""
    text = element.text.strip()
    return len(element.lines) == 1 and _AXIS.fullmatch(text) is not None


def _pairs(
    captions: Sequence[Element], targets: Sequence[Element], boxes: Mapping[int, Box], unit: float
) -> dict[int, int]:
    """Of captions that begin with a number the one figure or table each, the nearest pairs first."""
    costs = []
    for caption in captions:
        kind = caption_kind(caption.text)
        for target in targets:
            if (kind == "table_caption") == (target.kind == "table"):
                apart = _distance(boxes[caption.number], boxes[target.number], target.kind == "table", unit)
                if apart is not None:
                    costs.append((round(apart, 2), caption.number, target.number))
    pairs: dict[int, int] = {}
    for _, caption_number, target_number in sorted(costs):
        if caption_number not in pairs and target_number not in pairs.values():
            pairs[caption_number] = target_number
    return pairs


def _captioned(element: Element, targets: Sequence[Element], boxes: Mapping[int, Box], unit: float) -> Element:
    if element.kind not in CAPTIONS and element.kind not in ("text", "title", "footnote", "list_item"):
        return element
    said = caption_kind(element.text)
    labelled = element.kind in CAPTIONS
    if not labelled and (said is None or len(element.lines) > MAX_GUESSED_LINES or _is_prose(element)):
        return element
    nearest = _nearest(element, said, targets, boxes, unit)
    if nearest is None:
        if labelled:
            return element.with_(kind=said or (element.kind if len(element.lines) <= 2 else "text"))
        return element
    kind: ElementKind = said or ("figure_caption" if nearest.kind == "figure" else "table_caption")
    return element.with_(kind=kind, caption_of=nearest.number)


def _is_prose(element: Element) -> bool:
    """A Chinese paragraph may begin with 图 3 …; a caption of that length does not end in a full stop."""
    text = element.text.strip()
    return text.endswith("。") and len(element.lines) > 2


def _nearest(
    element: Element, said: ElementKind | None, targets: Sequence[Element], boxes: Mapping[int, Box], unit: float
) -> Element | None:
    box = boxes[element.number]
    kind = said or (element.kind if element.kind in CAPTIONS else None)
    best: tuple[float, float, int] | None = None
    found = None
    for target in targets:
        distance = _distance(box, boxes[target.number], target.kind == "table", unit)
        if distance is None:
            continue
        wrong = kind is not None and (kind == "table_caption") != (target.kind == "table")
        if wrong and said:
            continue
        cost = (round((distance + unit / 2) * (WRONG_KIND if wrong else 1), 2), -boxes[target.number].x1, target.number)
        if best is None or cost < best:
            best, found = cost, target
    return found


def _distance(caption: Box, target: Box, is_table: bool, unit: float) -> float | None:
    """Points between them, more where captions of this kind rarely stand; None if too far or not in one column."""
    across = min(caption.x1, target.x1) - max(caption.x0, target.x0)
    if across >= 0.3 * min(caption.width, target.width):
        below = (caption.y0 + caption.y1) > (target.y0 + target.y1)
        apart = max(0.0, caption.y0 - target.y1 if below else target.y0 - caption.y1)
        if apart > MAX_DISTANCE * unit:
            return None
        return (apart + unit / 2) * (WRONG_SIDE if below == is_table else 1)
    down = min(caption.y1, target.y1) - max(caption.y0, target.y0)
    if down >= 0.5 * caption.height and -across <= 3 * unit:
        return -across * 2 + 2 * unit
    return None


def beside_targets(ordered: Sequence[Element], boxes: Mapping[int, Box]) -> list[Element]:
    """Captions moved to what they belong to: before a table that they stand above, else right after it. O(n log n)."""
    numbers = {one.number for one in ordered}
    before: dict[int, list[Element]] = {}
    after: dict[int, list[Element]] = {}
    rest = []
    for element in ordered:
        target = element.caption_of
        if target is None or target not in numbers:
            rest.append(element)
            continue
        above = element.kind == "table_caption" and boxes[element.number].y1 <= _middle(boxes[target])
        (before if above else after).setdefault(target, []).append(element)
    found: list[Element] = []
    for element in rest:
        found += _downwards(before.get(element.number, []), boxes)
        found.append(element)
        found += _downwards(after.get(element.number, []), boxes)
    return found


def _downwards(captions: list[Element], boxes: Mapping[int, Box]) -> list[Element]:
    return sorted(captions, key=lambda one: (boxes[one.number].y0, boxes[one.number].x0, one.number))


def _middle(box: Box) -> float:
    return (box.y0 + box.y1) / 2
