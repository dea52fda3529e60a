"""The gallery of a batch: one HTML file that shows pages with their regions in order, beside their Markdown.

A document's text is not to be trusted: everything is escaped, and the file forbids itself scripts and other sources.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from neo_assets.documents.report.drawing import COLOURS, OTHER, printable
from neo_assets.documents.report.facts import Key

MAX_TIP = 200
"""Characters of an element that are shown when the mouse rests on it."""


@dataclass(frozen=True)
class Shown:
    """A page that is shown."""

    key: Key
    url: str
    width: float
    """Of the page, in points."""
    height: float
    photo: bytes
    """JPEG of the page without drawings."""
    elements: Sequence[Mapping[str, Any]]
    """Rows of elements in reading order."""
    blocks: Sequence[tuple[str, str]]
    """Kind and Markdown of each block that begins on, or reaches into, this page."""
    facts: Mapping[str, Any]

    @property
    def markdown(self) -> str:
        """The Markdown of the page."""
        return "\n\n".join(text for _, text in self.blocks)

    @property
    def title(self) -> str:
        return f"{self.key[0]}, page {self.key[1]}"


_STYLE = """
body{font:15px/1.5 sans-serif;margin:1.5em;color:#222}
section{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:1.5em;margin:0 0 3em}
h2{grid-column:1/3;font-size:1rem;margin:0;overflow-wrap:anywhere}
h2 small{font-weight:normal;color:#666}
.page{position:relative;border:1px solid #ccc;align-self:start}
.page img,.page svg{display:block;width:100%}
.page svg{position:absolute;inset:0;height:100%}
rect:hover{fill-opacity:.18}
pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 .7em;padding:0 0 0 .7em;font:inherit;border-left:4px solid}
.key span{display:inline-block;margin-right:1em;border-left:1em solid;padding-left:.4em}
"""
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


def gallery_html(batch: str, pages: Iterable[Shown]) -> bytes:
    """The gallery as one file that needs nothing else."""
    body = "\n".join(_section(page) for page in pages)
    legend = "".join(f'<span style="border-color:{colour}">{kind}</span>' for kind, colour in COLOURS.items())
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
        f"<title>{_safe(batch)}</title><style>{_STYLE}</style></head><body>\n<h1>{_safe(batch)}</h1>"
        f'<p class="key">{legend}</p>\n{body}\n</body></html>\n'
    ).encode()


def data_uri(data: bytes, media: str) -> str:
    """The data as an address that holds it."""
    return f"data:{media};base64,{base64.b64encode(data).decode()}"


def _section(page: Shown) -> str:
    score = page.facts.get("mean_score")
    told = [
        page.facts.get("kind"),
        f"text layer {page.facts.get('layer')}",
        None if score is None else f"score {score:.3f}",
    ]
    drawn = "".join(_element(place, element) for place, element in enumerate(page.elements, 1))
    text = "".join(
        f'<pre style="border-color:{COLOURS.get(kind, OTHER)}">{_safe(block)}</pre>' for kind, block in page.blocks
    )
    return (
        f"<section><h2>{_safe(page.title)} <small>{_safe(page.url)} · "
        f"{_safe(' · '.join(one for one in told if one))}</small></h2>"
        f'<div class="page"><img alt="" src="{data_uri(page.photo, "image/jpeg")}">'
        f'<svg viewBox="0 0 {page.width:.2f} {page.height:.2f}" preserveAspectRatio="none">{drawn}</svg></div>'
        f"<div>{text}</div></section>"
    )


def _element(place: int, element: Mapping[str, Any]) -> str:
    x0, y0, x1, y1 = element["box"]
    colour = COLOURS.get(element["kind"], OTHER)
    text = " ".join(line["text"] for line in element["lines"])[:MAX_TIP]
    return (
        f'<rect x="{x0:.2f}" y="{y0:.2f}" width="{max(0.0, x1 - x0):.2f}" height="{max(0.0, y1 - y0):.2f}" '
        f'fill="{colour}" fill-opacity=".05" stroke="{colour}"><title>{place} {_safe(element["kind"])}: '
        f"{_safe(text)}</title></rect>"
        f'<text x="{max(0.0, x0 - 12):.2f}" y="{y0 + 9:.2f}" font-size="9" fill="{colour}">{place}</text>'
    )


def _safe(text: str) -> str:
    return html.escape(printable(text))
