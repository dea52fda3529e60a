"""Tables made from a seed number: words and numbers in Chinese or English, header levels, spans, sections, rules.

A table is only made so that its structure can be seen: without rules, a cell over several rows or columns has a rule
of its own below its group, or stands in the middle of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Literal

Language = Literal["zh", "en"]
Style = Literal["ruled", "three_line", "rows", "borderless"]
STYLES: tuple[Style, ...] = ("ruled", "three_line", "ruled", "three_line", "rows", "borderless")

WORDS = {
    "en": [
        "model",
        "data",
        "training",
        "accuracy",
        "baseline",
        "method",
        "region",
        "north",
        "south",
        "annual",
        "revenue",
        "total",
        "average",
        "water",
        "energy",
        "river",
        "population",
        "growth",
        "sample",
        "error",
        "rate",
        "score",
        "speed",
        "memory",
        "latency",
        "cluster",
        "node",
        "index",
        "price",
        "quality",
        "length",
        "width",
        "weight",
        "temperature",
        "pressure",
        "density",
        "volume",
        "ratio",
        "cost",
        "budget",
        "plan",
        "result",
        "value",
        "group",
        "class",
        "level",
    ],
    "zh": [
        "模型",
        "数据",
        "训练",
        "准确率",
        "基线",
        "方法",
        "地区",
        "北方",
        "南方",
        "年度",
        "收入",
        "合计",
        "平均",
        "水资源",
        "能源",
        "河流",
        "人口",
        "增长",
        "样本",
        "误差",
        "比例",
        "得分",
        "速度",
        "内存",
        "延迟",
        "集群",
        "节点",
        "指数",
        "价格",
        "质量",
        "长度",
        "宽度",
        "重量",
        "温度",
        "压力",
        "密度",
        "体积",
        "比率",
        "成本",
        "预算",
        "计划",
        "结果",
        "数值",
        "组别",
        "类别",
        "水平",
        "单位",
        "说明",
        "项目",
        "名称",
        "城市",
        "公司",
        "产品",
        "季度",
        "工业",
        "农业",
        "服务业",
        "教育",
        "医疗",
    ],
}
SENTENCES = {
    "en": [
        "measured on the whole test set",
        "includes all of the remaining items",
        "values of the previous year",
        "estimated from three repeated runs",
        "see the notes on methods below",
        "only where the sample is large enough",
        "not available for the first quarter",
        "corrected for seasonal effects",
    ],
    "zh": [
        "在全部测试集上测得",
        "包括其余各项的合计数",
        "上一年度的可比数值",
        "根据三次重复实验估算",
        "仅在样本足够大时适用",
        "第一季度暂无数据",
        "已剔除季节性因素的影响",
        "详见下文的方法说明",
    ],
}


@dataclass(frozen=True, slots=True)
class TrueCell:
    """A cell: its text, its spans, where its text stands, and whether a rule is drawn below it."""

    text: str
    rowspan: int = 1
    colspan: int = 1
    align: Literal["left", "center", "right"] = "left"
    bold: bool = False
    rule: bool = False


@dataclass(frozen=True, slots=True)
class TrueTable:
    """A table: rows of the cells that begin in them, the first `n_head` of them its head."""

    seed: int
    language: Language
    style: Style
    rows: tuple[tuple[TrueCell, ...], ...]
    n_head: int

    @property
    def html(self) -> str:
        """The table as a reader should give it."""
        return f"<table>{self._part('thead', 0, self.n_head)}{self._part('tbody', self.n_head, len(self.rows))}</table>"

    def _part(self, tag: str, start: int, end: int) -> str:
        if start == end:
            return ""
        rows = "".join(f"<tr>{''.join(map(cell_html, row))}</tr>" for row in self.rows[start:end])
        return f"<{tag}>{rows}</{tag}>"


def cell_html(cell: TrueCell) -> str:
    """A cell with its spans and its text."""
    spans = "".join(
        f' {name}="{span}"' for name, span in (("rowspan", cell.rowspan), ("colspan", cell.colspan)) if span > 1
    )
    return f"<td{spans}>{escape(cell.text, quote=False)}</td>"


def make_table(seed: int, n_rows: int | None = None) -> TrueTable:
    """The table of a seed number, of about so many rows where they are given; languages and styles take turns."""
    chance = random.Random(f"table {seed}")
    language: Language = "zh" if seed % 2 else "en"
    style = STYLES[seed // 2 % len(STYLES)]
    n_columns = chance.randint(3, 8)
    usual = chance.randint(24, 40) if chance.random() < 0.12 else chance.randint(4, 14)
    maker = _Maker(chance, language, style, n_columns)
    head = maker.head()
    return TrueTable(seed, language, style, tuple(head + maker.body(n_rows or usual)), len(head))


class _Maker:
    """Makes the rows of one table."""

    def __init__(self, chance: random.Random, language: Language, style: Style, n_columns: int) -> None:
        self.chance = chance
        self.language = language
        self.style = style
        self.spans = chance.random() < 0.6
        self.empty = chance.choice([0.0, 0.0, 0.05, 0.1])
        self.texts = self._columns(n_columns)
        self.aligns = [self._align(text) for text in self.texts]

    def head(self) -> list[tuple[TrueCell, ...]]:
        """One header row, or two whose upper one has groups of columns."""
        n_columns = len(self.texts)
        bold = self.style == "borderless" or self.chance.random() < 0.5
        names = [self.label() for _ in range(n_columns)]
        if not self.spans or n_columns < 4:
            cells = zip(names, self.aligns, strict=True)
            return [tuple(TrueCell(name, align=align, bold=bold) for name, align in cells)]
        upper: list[TrueCell] = []
        lower: list[TrueCell] = []
        column = self.chance.randint(1, 2)
        for single in range(column):
            upper.append(TrueCell(names[single], rowspan=2, align=self.aligns[single], bold=bold))
        while column < n_columns:
            width = min(self.chance.randint(2, 3), n_columns - column)
            if width == 1:
                upper.append(TrueCell(names[column], rowspan=2, align=self.aligns[column], bold=bold))
            else:
                upper.append(TrueCell(self.label(), colspan=width, align="center", bold=bold, rule=True))
                cells = zip(names[column : column + width], self.aligns[column : column + width], strict=True)
                lower.extend(TrueCell(name, align=align, bold=bold) for name, align in cells)
            column += width
        return [tuple(upper), tuple(lower)]

    def body(self, n_rows: int) -> list[tuple[TrueCell, ...]]:
        """Rows, some of them below a section title, some in groups with a common first cell."""
        groups = self.spans and self.chance.random() < 0.5
        sections = self.spans and not groups and self.chance.random() < 0.5
        rows: list[tuple[TrueCell, ...]] = []
        while len(rows) < n_rows:
            if groups:
                rows.extend(self._group(self.chance.randint(2, 4)))
                continue
            if sections and self.chance.random() < 0.2:
                align: Literal["left", "center"] = "left" if self.style == "ruled" else "center"
                rows.append((TrueCell(self.label(), colspan=len(self.texts), align=align, bold=True, rule=True),))
            rows.append(self._row(0))
        return rows

    def label(self) -> str:
        """A short name."""
        words = self.chance.sample(WORDS[self.language], self.chance.choice([1, 1, 2]))
        return "".join(words) if self.language == "zh" else " ".join(words).capitalize()

    def sentence(self) -> str:
        """A text that needs several lines in a narrow column."""
        parts = self.chance.sample(SENTENCES[self.language], self.chance.randint(1, 2))
        return "，".join(parts) if self.language == "zh" else ", ".join(parts).capitalize()

    def _group(self, size: int) -> list[tuple[TrueCell, ...]]:
        rows = [self._row(1) for _ in range(size)]
        last = tuple(TrueCell(cell.text, align=cell.align, rule=True) for cell in rows[-1])
        first = TrueCell(self.label(), rowspan=size, rule=True)
        rows[-1] = last
        return [(first, *rows[0]), *rows[1:]]

    def _row(self, start: int) -> tuple[TrueCell, ...]:
        cells = []
        for column in range(start, len(self.texts)):
            empty = start < column and self.chance.random() < self.empty
            cells.append(TrueCell("" if empty else self.texts[column](), align=self.aligns[column]))
        return tuple(cells)

    def _columns(self, n_columns: int) -> list[Callable[[], str]]:
        kinds = [self.label]
        kinds += [
            self.chance.choice([self._number, self._percent, self._amount, self.label]) for _ in kinds * n_columns
        ]
        if self.chance.random() < 0.35:
            kinds[n_columns - 1] = self.sentence
        return kinds[:n_columns]

    def _align(self, text: Callable[[], str]) -> Literal["left", "center", "right"]:
        if text in (self.label, self.sentence):
            return "left"
        return self.chance.choice(["center", "right", "right"])

    def _number(self) -> str:
        return f"{self.chance.uniform(0, 100):.{self.chance.randint(1, 3)}f}"

    def _percent(self) -> str:
        return f"{self.chance.uniform(-20, 100):.1f}%"

    def _amount(self) -> str:
        return f"{self.chance.randint(0, 99_999):,}"
