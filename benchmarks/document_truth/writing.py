"""Writes a document: draws its blocks from real texts and puts them into HTML that the browser lays out."""

from __future__ import annotations

import html
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.document_truth.floats import figure_svg, table_html
from benchmarks.document_truth.formulas_known import latex, mathml
from benchmarks.document_truth.model import TruthBlock
from benchmarks.document_truth.templates import Style
from benchmarks.document_truth.texts import Supply, code, hyphenated, pieces

ROMAN = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
CHINESE = "一二三四五六七八九十"
NAMES = {"en": ("Table", "Figure"), "zh": ("表", "图")}


@dataclass
class Writer:
    """Collects blocks; `laid` is what the browser is given for each."""

    style: Style
    chance: random.Random
    supply: Supply
    seed: int
    blocks: list[TruthBlock] = field(default_factory=list)
    laid: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def language(self) -> str:
        return self.style.language

    def source(self) -> str:
        """One of the template's sources of text."""
        return self.chance.choice(self.style.template.sources[self.language])

    def number(self, name: str) -> int:
        """How many there are with this one."""
        self.counts[name] = self.counts.get(name, 0) + 1
        return self.counts[name]

    def add(self, block: TruthBlock, **laid: Any) -> int:
        """A block, and how the browser is to show it."""
        self.blocks.append(block)
        self.laid.append({"kind": block.kind, "tag": "p", **laid})
        return len(self.blocks) - 1

    def paragraph(self, text: str = "", *, name: str = "", mark: str = "", note: str = "") -> None:
        """A paragraph that may go on in the next column or page, with a footnote on demand."""
        text = text or self.supply.paragraph(self.source())
        parts = self._pieces(text)
        laid: dict[str, Any] = {"html": "", "pieces": parts, "mark": mark, "least": 14 if self.language == "en" else 34}
        after_heading = bool(self.laid) and self.laid[-1]["tag"].startswith("h") and self.language == "en"
        laid["name"], laid["more"] = name, "first" if after_heading and self.style.indented else ""
        if note:
            sign = str(self.number("note"))
            place = min(10, len(parts) - 1)
            parts[place] = _marked(parts[place], sign)
            laid["note"] = {"html": f"{sign} {html.escape(note)}", "place": len(self.blocks) + 1}
        self.add(TruthBlock("text", text), **laid)
        if note:
            self.add(TruthBlock("footnote", f"{sign} {note}"), html="")

    def heading(self, text: str = "", level: int = 2) -> None:
        """A heading with its number."""
        number, text = self.number("heading"), text or self.supply.heading(self.source())
        kinds = {
            "decimal": f"{number} ",
            "roman": f"{ROMAN[number % 12 - 1]}. ",
            "chinese": f"{CHINESE[number % 10 - 1]}、",
        }
        text = kinds.get(self.style.heading_style, "") + text
        self.add(TruthBlock("title", text, level), tag=f"h{level}", html=html.escape(text))

    def chapter(self, text: str, span: bool) -> None:
        """The document's title."""
        self.add(TruthBlock("title", text, 1), tag="h1", html=html.escape(text), span=span)

    def listing(self, n_items: int) -> None:
        """A list with bullets or numbers."""
        source, kind = self.source(), self.chance.choice(("•", "–", "1.", "（一）" if self.language == "zh" else "(a)"))
        for number in range(n_items):
            sign = {"1.": f"{number + 1}.", "（一）": f"（{CHINESE[number]}）", "(a)": f"({'abcdefgh'[number]})"}.get(
                kind, kind
            )
            text = self.supply.item(source)
            laid = {"mark": f"<b>{sign}</b> ", "pieces": self._pieces(text), "least": 1000, "name": "item", "html": ""}
            self.add(TruthBlock("list_item", f"{sign} {text}", 1), **laid)

    def code(self) -> None:
        """Lines of a program."""
        text = code(self.chance.randrange(1 << 30), self.chance.randrange(4, 9))
        self.add(TruthBlock("code", text), tag="pre", html=html.escape(text))

    def formula(self) -> None:
        """A display formula, sometimes with a number at the right."""
        text = latex(self.chance)
        number = f"({self.number('formula')})" if self.chance.random() < 0.5 else ""
        inner = f'<span class="side"></span>{mathml(text)}<span class="side">{number}</span>'
        place = len(self.blocks)
        self.add(
            TruthBlock("equation", number, latex=text),
            tag="div",
            name="formula",
            html=f'<div style="display:contents" data-text="{place}">{inner}</div>',
        )

    def table(self, span: bool = False) -> None:
        """A table below its caption."""
        caption = self._caption(0)
        content = table_html(self.chance, self.language, 6 if span else 4)
        style = self.chance.choice(("ruled", "three"))
        shown = content.replace("<table>", f'<table class="{style}" data-text="{len(self.blocks) + 1}">', 1)
        whole = f'<div class="caption" data-block="{len(self.blocks)}">{html.escape(caption)}</div>'
        whole += f'<div data-block="{len(self.blocks) + 1}">{shown}</div>'
        self._float(whole, span, [TruthBlock("table_caption", caption), TruthBlock("table", "", html=content)])

    def figure(self, span: bool = False) -> None:
        """A drawing above its caption."""
        caption = self._caption(1)
        wide = (0.8 if span else 0.92) * self.style.width / (1 if span else max(1, self.style.template.columns)) * 0.72
        drawing = figure_svg(self.chance, round(wide), round(min(wide * 0.6, 190)), self.language, len(self.blocks))
        whole = f'<div data-block="{len(self.blocks)}">{drawing}</div>'
        whole += f'<div class="caption" data-block="{len(self.blocks) + 1}">{html.escape(caption)}</div>'
        self._float(whole, span, [TruthBlock("figure", ""), TruthBlock("figure_caption", caption)])

    def _float(self, whole: str, span: bool, blocks: list[TruthBlock]) -> None:
        self.add(blocks[0], tag="div", name="float", html=whole, span=span, whole=True)
        self.add(blocks[1], tag="div", html="", hidden=True)

    def _caption(self, kind: int) -> str:
        name = NAMES[self.language][kind]
        blank = " " if self.language == "en" else self.chance.choice(("", " "))
        colon = self.chance.choice((": ", ". ")) if self.language == "en" else self.chance.choice((" ", "　"))
        said = self.supply.sentence(self.source(), 70 if self.language == "en" else 24)
        return f"{name}{blank}{self.number(name)}{colon}{said}"

    def _pieces(self, text: str) -> list[str]:
        broken = (
            hyphenated(text)
            if self.language == "en" and self.style.template.features & {"spanning", "chapters"}
            else text
        )
        return [html.escape(one, quote=False) for one in pieces(broken, self.language)]


def _marked(piece: str, sign: str) -> str:
    return f"{piece.rstrip()}<sup>{sign}</sup>{piece[len(piece.rstrip()) :]}"


def write(style: Style, seed: int, name: str, running_title: str) -> Writer:
    """A document of more blocks than fit its pages; the browser's result says where it ends."""
    chance = random.Random(f"{seed} {name}")
    writer = Writer(style, chance, Supply(chance.randrange(1 << 30), style.language), seed)
    features = style.template.features
    spanning = "spanning" in features
    writer.chapter(running_title, spanning)
    if "abstract" in features:
        text = writer.supply.paragraph(writer.source())
        writer.add(TruthBlock("text", text), html=html.escape(text), name="abstract", span=True)
    if "headings" in features:
        writer.heading()
    writer.paragraph()
    duties = _duties(writer, features)
    for place in range(style.template.pages * 16):
        if duties and place % 2 == 0:
            duties.pop(0)()
        if place % (4 if "headings" in features else 9) == 3 and features & {"headings", "chapters"}:
            writer.heading()
        note = (
            writer.supply.sentence(writer.source(), 110 if style.language == "en" else 45)
            if "footnotes" in features and place % 4 == 1
            else ""
        )
        writer.paragraph(note=note)
    return writer


def _duties(writer: Writer, features: frozenset[str]) -> list[Callable[[], None]]:
    found: list[Callable[[], None]] = []
    if "lists" in features:
        found += [lambda: writer.listing(writer.chance.randrange(3, 6)) for _ in range(3)]
    if "code" in features:
        found += [writer.code, writer.code]
    if "formulas" in features:
        found += [writer.formula] * 5
    if "tables" in features:
        found += [writer.table] * 2 + ([lambda: writer.table(span=True)] if "wide" in features else [])
    if "figures" in features:
        found += [writer.figure] + ([lambda: writer.figure(span=True)] if "spanning" in features else [])
    writer.chance.shuffle(found)
    return found


def look(style: Style, title: str, other: str) -> dict[str, Any]:
    """What the browser needs for running heads and page numbers."""
    title, other = json.dumps(html.escape(title)), json.dumps(html.escape(other))
    code = {
        "none": "return [[], number]",
        "title": f"return [[{title}], number]",
        "title_and_number": f"return [page % 2 ? [number, {title}] : [{title}, number], '']",
        "alternating": f"return [[page % 2 ? {other} : {title}], number]",
    }[style.head]
    return {"numbering": style.numbering, "first": style.first_number, "code": code}
