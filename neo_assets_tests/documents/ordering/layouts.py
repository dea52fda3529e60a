"""Made-up pages with a known reading order: columns, bands, floats, notes, running elements, and what goes wrong."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from math import cos, radians, sin

from neo_assets.documents.model import Box, Element, Line, PageElements

WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consectetur", "adipiscing", "elit", "eiusmod", "tempor", "labore")
HAN = "模型语言数据训练文本中文结果方法我们提出一种新的系统用于处理大规模语料并且可以有效地提高质量和速度"


@dataclass
class Made:
    """A page as it would be read, and the truth: numbers in reading order and the kinds."""

    page: PageElements
    order: list[int]
    kinds: dict[int, str]
    captions: dict[int, int] = field(default_factory=dict)


@dataclass
class _Sheet:
    rng: random.Random
    width: float = 595.0
    height: float = 842.0
    chinese: bool = False
    size: float = 10.0
    elements: list[tuple[Element, str]] = field(default_factory=list)
    captions: dict[int, int] = field(default_factory=dict)

    def sentence(self, characters: int) -> str:
        if self.chinese:
            return "".join(self.rng.choice(HAN) for _ in range(max(2, characters // 2)))
        return " ".join(self.rng.choice(WORDS) for _ in range(max(1, characters // 6)))

    def text(self, x: float, y: float, width: float, lines: int, kind: str = "text", label: str | None = None,
             size: float = 0.0, start: str = "", fill: float = 1.0, bold: bool = False) -> float:  # fmt: skip
        size = size or self.size
        pitch = 1.3 * size
        made = []
        for n in range(lines):
            end = width * fill if n < lines - 1 or lines == 1 else width * self.rng.uniform(0.2, 1.0)
            words = (start if n == 0 else "") + self.sentence(int(end / size * 2))
            left = x + (2 * size if self.chinese and n == 0 and kind == "text" and lines > 1 else 0)
            made.append(
                Line(words, Box(left, y + n * pitch, max(left + size, x + end), y + n * pitch + size), 1.0, size, bold)
            )
        box = made[0].box
        for line in made:
            box = box.union(line.box)
        self.add(kind, label or kind, box, tuple(made))
        return box.y1

    def add(self, kind: str, label: str, box: Box, lines: tuple[Line, ...] = ()) -> int:
        number = len(self.elements)
        self.elements.append((Element(number, label, box, 0.9, "layer", lines), kind))  # type: ignore[arg-type]
        return number

    def figure(self, x: float, y: float, width: float, height: float) -> float:
        number = self.add("figure", "figure", Box(x, y, x + width, y + height))
        start = "图 1 " if self.chinese else "Figure 1: "
        label = self.rng.choice(["figure_caption", "figure_caption", "text"])
        end = self.text(x + 4, y + height + 5, width - 8, self.rng.choice([1, 2]), "figure_caption", label, 9.0, start)
        self.captions[number + 1] = number
        return end

    def table(self, x: float, y: float, width: float, height: float) -> float:
        start = "表 2 " if self.chinese else "Table 2. "
        label = self.rng.choice(["table_caption", "table_caption", "text", "title"])
        y = self.text(x + 4, y, width - 8, 1, "table_caption", label, 9.0, start, fill=self.rng.uniform(0.5, 1)) + 5
        number = self.add("table", "table", Box(x, y, x + width, y + height))
        self.captions[number - 1] = number
        return y + height


def page(seed: int, number: int = 1, doc_id: str = "made", running: bool = True) -> Made:
    """A page by its seed."""
    rng = random.Random(seed)
    sheet = _Sheet(rng, chinese=rng.random() < 0.5, size=rng.choice([9.0, 10.0, 10.5, 12.0]))
    left, right = rng.choice([(50, 545), (72, 523), (60, 535)])
    top, bottom = rng.choice([62, 72]), rng.choice([770, 780])
    columns = rng.choice([1, 1, 2, 2, 2, 3])
    if rng.random() < 0.2 and columns == 1:
        _side_notes(sheet, left, right, top, bottom)
    else:
        _body(sheet, left, right, top, bottom, columns)
    if running:
        _running(sheet, left, right, number, rng)
    return _spoilt(sheet, rng, doc_id, number)


def document(seed: int, pages: int) -> list[Made]:
    """Pages with the same heads and feet."""
    return [page(seed * 1000 + number, number, f"made{seed}") for number in range(1, pages + 1)]


def _running(sheet: _Sheet, left: float, right: float, number: int, rng: random.Random) -> None:
    label = rng.choice(["header", "text", "header"])
    name = "数据与模型" if sheet.chinese else "Annals of Made Pages"
    sheet.add("header", label, Box(left, 34, left + 130, 43), (Line(name, Box(left, 34, left + 130, 43), 1.0, 8.5),))
    form = rng.choice(["{}", "- {} -", "{} / 40", "第 {} 页", "Page {}"]).format(number)
    middle = (left + right) / 2
    box = Box(middle - 3 * len(form), 803, middle + 3 * len(form), 812)
    sheet.add("page_number", rng.choice(["footer", "text"]), box, (Line(form, box, 1.0, 9.0),))


def _side_notes(sheet: _Sheet, left: float, right: float, top: float, bottom: float) -> None:
    rng = sheet.rng
    edge = left + 0.74 * (right - left)
    y: float = top
    while y < bottom - 90:
        start = y
        y = sheet.text(left, y, edge - left, rng.randint(4, 9)) + 0.9 * sheet.size
        if rng.random() < 0.4:
            sheet.text(
                edge + 16, start + 2, right - edge - 16, rng.randint(1, 3), "side_note", "text", 0.85 * sheet.size
            )


def _body(sheet: _Sheet, left: float, right: float, top: float, bottom: float, columns: int) -> None:
    rng = sheet.rng
    y: float = top
    foot = bottom
    notes = rng.random() < 0.35
    if notes:
        foot -= 40
    while y < foot - 110:
        if rng.random() < 0.35:
            y = _spanning(sheet, left, right, y)
        height = foot - y if rng.random() < 0.6 else rng.uniform(0.35, 0.6) * (foot - y)
        height = foot - y if foot - y - height < 130 else height
        y = _columns(sheet, left, right, y, y + height, columns) + 1.3 * sheet.size
        if rng.random() < 0.3:
            columns = rng.choice([other for other in (1, 2, 3) if other != columns])
        elif y < foot - 110:  # without anything between them, bands of equal columns would be one
            y = _spanning(sheet, left, right, y)
    if notes:
        width = (right - left) if columns == 1 or rng.random() < 0.3 else (right - left) / columns - 9
        for n in range(rng.randint(1, 2)):
            mark = rng.choice(["* ", f"{n + 1} ", f"[{n + 1}] "]) if not sheet.chinese else rng.choice(["① ", "* "])
            foot = sheet.text(
                left, foot + 7, width, 1, "footnote", rng.choice(["text", "footer"]), 0.8 * sheet.size, mark
            )


def _spanning(sheet: _Sheet, left: float, right: float, y: float) -> float:
    rng = sheet.rng
    kind = rng.choice(["title", "title", "figure", "table", "text"])
    if kind == "title":
        width = rng.uniform(0.4, 0.8) * (right - left)
        x = left + (right - left - width) / 2
        return (
            sheet.text(x, y, width, 1, "title", rng.choice(["title", "title", "text"]), 1.5 * sheet.size)
            + 1.2 * sheet.size
        )
    if kind == "figure":
        return sheet.figure(left + 20, y, right - left - 40, rng.uniform(80, 150)) + 1.2 * sheet.size
    if kind == "table":
        return sheet.table(left, y, right - left, rng.uniform(60, 120)) + 1.2 * sheet.size
    return sheet.text(left, y, right - left, rng.randint(2, 5)) + 1.2 * sheet.size


def _columns(sheet: _Sheet, left: float, right: float, top: float, bottom: float, columns: int) -> float:
    rng = sheet.rng
    gutter = rng.choice([16, 20, 26])
    shares = [rng.uniform(0.8, 1.2) if rng.random() < 0.3 else 1.0 for _ in range(columns)]
    room = right - left - gutter * (columns - 1)
    x, reached = left, top
    for column, share in enumerate(shares):
        width = room * share / sum(shares)
        ends = bottom if column < columns - 1 else top + (bottom - top) * rng.choice([1, 1, 0.6])
        y = top
        while y < ends - 4 * sheet.size:
            y = _block(sheet, x, y, width, ends) + rng.choice([0.5, 0.8, 1.0]) * sheet.size
        reached = max(reached, y)
        x += width + gutter
    return reached


def _block(sheet: _Sheet, x: float, y: float, width: float, ends: float) -> float:
    rng = sheet.rng
    room = int((ends - y) / (1.3 * sheet.size))
    chance = rng.random()
    if chance < 0.1 and room > 6:
        return sheet.text(
            x, y, width * rng.uniform(0.3, 0.8), 1, "title", rng.choice(["title", "text"]), 1.15 * sheet.size
        )
    if chance < 0.2 and ends - y > 140:
        return sheet.figure(x + 6, y, width - 12, rng.uniform(60, 100))
    if chance < 0.28 and ends - y > 120:
        return sheet.table(x, y, width, rng.uniform(50, 80))
    if chance < 0.36 and room > 3:
        box = Box(x + 0.2 * width, y + 3, x + 0.75 * width, y + 3 + 2 * sheet.size)
        sheet.add("equation", "equation", box, (Line("E = mc2", box, 1.0, sheet.size),))
        if width > 200:
            place = Box(x + width - 18, y + 3 + 0.5 * sheet.size, x + width, y + 3 + 1.5 * sheet.size)
            sheet.add("text", "text", place, (Line("(3)", place, 1.0, sheet.size),))
        return box.y1 + 3
    return sheet.text(x, y, width, max(1, min(room, rng.randint(1, 12))))


def _spoilt(sheet: _Sheet, rng: random.Random, doc_id: str, number: int) -> Made:
    """Jitter, a little skew, blocks in pieces, blocks wider than their column; numbers mixed."""
    elements = list(sheet.elements)
    turn = radians(rng.choice([0, 0, 0, 1, -1, 0.5]))
    jitter = rng.choice([0, 0.5, 1.5])
    broken = rng.random() < 0.25
    parts: list[tuple[Element, str, int]] = []
    for element, kind in elements:
        if broken and kind == "text" and len(element.lines) > 3 and rng.random() < 0.5:
            cut = rng.randint(1, len(element.lines) - 1)
            for lines in (element.lines[:cut], element.lines[cut:]):
                box = lines[0].box
                for line in lines:
                    box = box.union(line.box)
                parts.append((element.with_(lines=lines, box=box), kind, element.number))
        else:
            parts.append((element, kind, element.number))
    numbers = rng.sample(range(len(parts)), len(parts))
    first_of = {old: numbers[place] for place, (_, _, old) in reversed(list(enumerate(parts)))}
    made, kinds, order = [], {}, []
    for new, (element, kind, _) in zip(numbers, parts, strict=True):
        wider = rng.uniform(3, 7) if rng.random() < 0.1 and kind == "text" else 0.0
        box = element.box._replace(x1=element.box.x1 + wider)
        box = Box(*(value + rng.uniform(-jitter, jitter) for value in _turned(box, turn, sheet)))
        lines = tuple(Line(one.text, _turned(one.box, turn, sheet), 1.0, one.size, one.bold) for one in element.lines)
        made.append(element.with_(number=new, box=box.rounded(), lines=lines))
        kinds[new] = kind
        order.append(new)
    captions = {first_of[caption]: first_of[target] for caption, target in sheet.captions.items()}
    order = _true_order(order, kinds)
    shuffled = sorted(made, key=lambda one: one.number)
    return Made(PageElements(doc_id, number, sheet.width, sheet.height, tuple(shuffled)), order, kinds, captions)


def _true_order(order: list[int], kinds: dict[int, str]) -> list[int]:
    rank = {"header": 0, "footnote": 2, "page_number": 3}
    return sorted(order, key=lambda one: rank.get(kinds[one], 1))


def _turned(box: Box, turn: float, sheet: _Sheet) -> Box:
    if not turn:
        return box
    middle_x, middle_y = sheet.width / 2, sheet.height / 2
    corners = [(x - middle_x, y - middle_y) for x in (box.x0, box.x1) for y in (box.y0, box.y1)]
    xs = [middle_x + x * cos(turn) - y * sin(turn) for x, y in corners]
    ys = [middle_y + x * sin(turn) + y * cos(turn) for x, y in corners]
    return Box(min(xs), min(ys), max(xs), max(ys))


def order_similarity(found: list[int], truth: list[int]) -> float:
    """The share of pairs that stand in the same order; 1 for fewer than two."""
    place = {number: index for index, number in enumerate(found)}
    pairs = [(a, b) for index, a in enumerate(truth) for b in truth[index + 1 :]]
    return sum(place[a] < place[b] for a, b in pairs) / len(pairs) if pairs else 1.0
