"""How pages look: sizes, margins, fonts, columns, headings, paragraphs, running heads; drawn by a seed number."""

from __future__ import annotations

import random
from typing import NamedTuple

MILLIMETRE = 96 / 25.4
"""CSS pixels."""
SIZES = {"a4": (210, 297), "letter": (215.9, 279.4), "16k": (185, 260), "b5": (176, 250)}
"""Millimetres."""
FONTS = {
    ("en", "serif"): ("Liberation Serif", "DejaVu Serif", "TeX Gyre Pagella", "TeX Gyre Bonum"),
    ("en", "sans"): ("Liberation Sans", "DejaVu Sans", "TeX Gyre Adventor"),
    ("zh", "serif"): ("AR PL UMing CN", "Noto Serif CJK SC", "AR PL UKai CN"),
    ("zh", "sans"): ("WenQuanYi Zen Hei", "Noto Sans CJK SC"),
}
OUTLINES = ("Noto", "TeX Gyre")
"""Families of which Chromium makes fonts of drawings, which PDFium cannot write anew."""
LATIN = {"serif": "Liberation Serif", "sans": "Liberation Sans"}


class Template(NamedTuple):
    """A kind of document: what is drawn stays within its bounds."""

    name: str
    columns: int
    pages: int
    face: str
    sources: dict[str, tuple[str, ...]]
    features: frozenset[str] = frozenset()
    mutation: str = ""
    size: tuple[float, float] = (9.5, 11.5)
    """Points of the font, least and most."""


def _template(
    name: str,
    columns: int,
    pages: int,
    face: str,
    en: str,
    zh: str,
    features: str,
    mutation: str = "",
    size: tuple[float, float] = (9.5, 11.5),
) -> Template:
    sources = {"en": tuple(en.split()), "zh": tuple(zh.split())}
    return Template(name, columns, pages, face, sources, frozenset(features.split()), mutation, size)


TEMPLATES = (
    _template("novel", 1, 3, "serif", "novel", "stories romance", "chapters", size=(10, 12)),
    _template("statute", 1, 2, "serif", "law", "law", "lists headings"),
    _template(
        "paper", 2, 3, "serif", "lexicon", "stories", "spanning abstract headings figures footnotes", size=(9, 10)
    ),
    _template("science", 2, 2, "serif", "lexicon guide", "law", "spanning headings formulas tables", size=(9, 10)),
    _template("manual", 1, 3, "sans", "guide", "guide", "headings lists code"),
    _template(
        "newsletter", 3, 2, "sans", "lexicon novel", "romance stories", "spanning headings figures", size=(8.5, 9.5)
    ),
    _template("report", 1, 2, "sans", "guide lexicon", "law", "headings tables footnotes figures"),
    _template("textbook", 1, 2, "serif", "lexicon guide", "guide", "headings formulas lists"),
    _template("essays", 2, 2, "serif", "novel", "stories", "chapters headings", "rows", (9, 10.5)),
    _template(
        "proceedings", 2, 2, "serif", "lexicon law", "romance law", "spanning headings lists tables wide", "shuffled",
        (9, 10),
    ),
)  # fmt: skip


class Style(NamedTuple):
    """One document's look."""

    template: Template
    language: str
    css: str
    width: float
    height: float
    """CSS pixels."""
    indented: bool
    head: str
    numbering: str
    first_number: int
    heading_style: str


def style(template: Template, language: str, chance: random.Random) -> Style:
    """A look for a document of that kind."""
    millimetres = SIZES[chance.choice(["a4", "a4", "letter"] if template.columns > 1 else list(SIZES))]
    width, height = (round(side * MILLIMETRE, 2) for side in millimetres)
    sides = chance.uniform(14, 20) if template.columns > 1 else chance.uniform(17, 26)
    font = chance.choice(_fonts(template, language, template.face))
    heading_font = chance.choice(_fonts(template, language, chance.choice(("serif", "sans"))))
    size = round(chance.uniform(*template.size) * (0.97 if language == "zh" else 1.0), 2)
    indented = language == "zh" or chance.random() < 0.6
    leading = round(chance.uniform(1.45, 1.7) if language == "zh" else chance.uniform(1.18, 1.4), 3)
    between = 0.0 if indented else round(chance.uniform(0.5, 0.8), 2)
    indent = 2.0 if language == "zh" else round(chance.uniform(1.2, 1.8), 2)
    latin = f'"{LATIN[template.face]}", ' if language == "zh" and chance.random() < 0.5 else ""
    rule = "0.4pt solid #888" if template.columns == 3 or chance.random() < 0.15 else "none"
    heads = ("title", "title_and_number", "none" if template.name == "novel" else "alternating")
    css = _CSS.format(
        width=width, height=height, top=round(chance.uniform(10, 14), 1), bottom=round(chance.uniform(9, 13), 1),
        sides=round(sides, 1), font=f'{latin}"{font}"', heading=f'"{heading_font}"', size=size, leading=leading,
        between=between, indent=indent if indented else 0, gap=round(chance.uniform(5.5, 9), 1),
        columns=template.columns, rule=rule,
        head_rule=chance.choice(("none", "0.5pt solid black")), lang="zh" if language == "zh" else "en",
        title_align=chance.choice(("left", "center")), head_align=chance.choice(("space-between", "center")),
        # PDFium loses letters that Chromium made bold itself when it writes a page anew.
        synthesis="font-synthesis: none;" if template.mutation else "",
    )  # fmt: skip
    return Style(
        template, language, css, width, height, indented,
        head=chance.choice(heads),
        numbering=chance.choice(("{}", "— {} —", "· {} ·", "第 {} 页" if language == "zh" else "Page {}")),
        first_number=chance.choice((1, 1, chance.randrange(2, 380))),
        heading_style=chance.choice(("decimal", "plain", "chinese" if language == "zh" else "roman")),
    )  # fmt: skip


def _fonts(template: Template, language: str, face: str) -> list[str]:
    return [font for font in FONTS[language, face] if not (template.mutation and font.startswith(OUTLINES))]


_CSS = """
@page {{ size: {width}px {height}px; margin: 0; }}
* {{ box-sizing: border-box; }}
html, body {{ margin: 0; padding: 0; }}
body {{ font-family: {font}, "WenQuanYi Zen Hei", "DejaVu Serif"; font-size: {size}pt; line-height: {leading};
  color: #111; }}
.page {{ width: {width}px; height: {height}px; padding: {top}mm {sides}mm {bottom}mm; break-after: page;
  display: flex; flex-direction: column; overflow: hidden; position: relative; }}
.head {{ display: flex; justify-content: {head_align}; gap: 2em; font-size: 85%; min-height: 1.6em;
  border-bottom: {head_rule}; margin-bottom: 5mm; padding-bottom: 1mm; flex: none; white-space: nowrap; }}
.foot {{ text-align: center; font-size: 85%; margin-top: 4mm; flex: none; min-height: 1.4em; }}
.body {{ flex: 1 1 0; min-height: 0; display: flex; flex-direction: column; }}
.columns {{ flex: 1 1 0; min-height: 0; column-count: {columns}; column-gap: {gap}mm; column-fill: auto;
  column-rule: {rule}; orphans: 2; widows: 2; }}
.columns.balanced {{ flex: none; column-fill: balance; }}
.span {{ flex: none; margin-bottom: 4mm; }}
p {{ margin: 0 0 {between}em; text-align: justify; text-indent: {indent}em; hyphens: manual; line-break: strict; }}
p.first, p.cont, h1 + p.flush {{ text-indent: 0; }}
p.broken {{ text-align-last: justify; margin-bottom: 0; }}
h1, h2, h3 {{ font-family: {heading}, "WenQuanYi Zen Hei"; line-height: 1.25; break-after: avoid; font-weight: bold;
  {synthesis} }}
h1 {{ font-size: 175%; margin: 0 0 .6em; text-align: {title_align}; }}
h2 {{ font-size: 125%; margin: 1em 0 .45em; }}
h3 {{ font-size: 108%; margin: .8em 0 .35em; }}
.columns > :first-child {{ margin-top: 0; }}
p.abstract {{ margin: 0 9mm 4mm; font-size: 92%; text-indent: 0; }}
.item {{ margin: 0 0 .3em; padding-left: 1.7em; text-indent: -1.1em; text-align: justify; hyphens: manual; }}
.item b {{ display: inline-block; min-width: 1.1em; text-indent: 0; font-weight: normal; }}
pre {{ font: 82%/1.3 "DejaVu Sans Mono"; margin: .6em 0; padding: .5em .8em; background: #f3f3f3;
  break-inside: avoid; white-space: pre; overflow: hidden; }}
table {{ border-collapse: collapse; margin: 0 auto; font-size: 90%; line-height: 1.3; }}
td, th {{ padding: .22em .7em; text-align: center; white-space: nowrap; }}
.ruled td, .ruled th {{ border: .7pt solid #222; }}
.three {{ border-top: 1.3pt solid; border-bottom: 1.3pt solid; }}
.three thead th {{ border-bottom: .7pt solid; }}
.float {{ break-inside: avoid; margin: .7em 0 .9em; text-align: center; }}
.caption {{ font-size: 88%; margin: .35em 0; text-align: center; text-indent: 0; line-height: 1.3; }}
.formula {{ break-inside: avoid; margin: .6em 0; display: flex; align-items: center; justify-content: center; }}
.formula math {{ font-family: "DejaVu Math TeX Gyre", math; font-size: 110%; }}
.formula .side {{ flex: 1; text-align: right; text-indent: 0; }}
.notes {{ flex: none; font-size: 80%; line-height: 1.25; }}
.notes:not(:empty) {{ padding-top: 1mm; margin-top: 2mm; }}
.notes:not(:empty)::before {{ content: ""; display: block; width: 25%;
  border-top: .6pt solid black; margin-bottom: 1mm; }}
.notes div {{ text-align: justify; }}
sup {{ font-size: 65%; line-height: 0; }}
"""
