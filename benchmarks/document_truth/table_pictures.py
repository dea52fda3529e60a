"""Pictures of tables of known truth: rendered by Chromium at 144 pixels an inch, as a PDF, and as a simulated scan."""

from __future__ import annotations

import io
import math
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.document_truth.table_content import SENTENCES, TrueCell, TrueTable
from neo_assets.documents.model import Box, Line

SCALE = 1.5
"""Pixels of a picture a CSS pixel: 144 an inch."""
LINES = """table => [...table.querySelectorAll('td')].flatMap(cell => {
  const text = cell.firstChild, found = [];
  for (let i = 0; text && i < text.length; i++) {
    const range = document.createRange();
    range.setStart(text, i); range.setEnd(text, i + 1);
    const box = range.getBoundingClientRect(), last = found[found.length - 1];
    if (last && Math.abs(last.y0 - box.top) < 3) {
      last.text += text.data[i]; if (text.data[i].trim()) { last.x1 = box.right; last.y1 = box.bottom; }
    } else if (text.data[i].trim()) {
      found.push({text: text.data[i], x0: box.left, y0: box.top, x1: box.right, y1: box.bottom});
    }
  }
  return found;
})"""


@dataclass(frozen=True, slots=True)
class Picture:
    """A table's picture (PNG or JPEG) and where its lines of text stand in it, in pixels."""

    table: TrueTable
    image: bytes
    lines: tuple[Line, ...]
    pdf: bytes = b""

    @property
    def pixels(self) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Height by width by RGB."""
        from PIL import Image

        return np.asarray(Image.open(io.BytesIO(self.image)).convert("RGB"))


def pictures(tables: Iterable[TrueTable], pdf: bool = False) -> Iterator[Picture]:
    """Renders tables in one browser, each with a small margin."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1000, "height": 800}, device_scale_factor=SCALE)
        for table in tables:
            page.set_content(page_html(table))
            frame = page.locator("#frame")
            box = frame.bounding_box()
            if box is None:
                raise RuntimeError(f"table {table.seed} was not drawn")
            lines = page.locator("table").evaluate(LINES)
            wide, high = (f"{math.ceil(box[side])}px" for side in ("width", "height"))
            yield Picture(
                table,
                frame.screenshot(),
                tuple(_line(line, box["x"], box["y"]) for line in lines),
                page.pdf(print_background=True, page_ranges="1", width=wide, height=high) if pdf else b"",
            )
        browser.close()


def scanned(picture: Picture) -> Picture:
    """The same as a poor scan would have it: turned by up to half a degree, blurred, noisy, JPEG of quality 55."""
    from PIL import Image, ImageFilter

    chance = np.random.default_rng(picture.table.seed)
    angle, blur = chance.uniform(-0.5, 0.5), chance.uniform(0.6, 1.1)
    paper, ink, noise = chance.uniform(225, 248), chance.uniform(20, 60), chance.uniform(4, 9)
    sheet = Image.fromarray(picture.pixels).convert("L").rotate(angle, Image.Resampling.BICUBIC, fillcolor=255)
    grey = np.asarray(sheet.filter(ImageFilter.GaussianBlur(blur)), dtype=np.float64)
    grey = ink + grey / 255 * (paper - ink) + chance.normal(0, noise, grey.shape)
    stored = io.BytesIO()
    Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(stored, "JPEG", quality=55)
    lines = tuple(Line(line.text, _turned(line.box, angle, *sheet.size)) for line in picture.lines)
    return Picture(picture.table, stored.getvalue(), lines)


def printed(picture: Picture) -> Picture:
    """The same as its PDF shows it, rendered, with the lines that its text layer gives; `pdf` must be there."""
    from neo_assets.documents.files import pages_of
    from neo_assets.documents.recognition.lines import CELL_GAP, lines_of
    from neo_assets.documents.recognition.pieces import piece_of
    from neo_assets.recipe.documents import DocumentsSection

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.pdf"
        path.write_bytes(picture.pdf)
        page = pages_of(path, DocumentsSection())[0]
    pieces = [piece_of(run) for run in page.runs if run.text.strip()]
    lines = [replace(line, box=line.box.scaled(page.dpi / 72)) for line in lines_of(pieces, CELL_GAP)]
    return Picture(picture.table, page.image, tuple(lines), picture.pdf)


def page_html(table: TrueTable) -> str:
    """The page that shows one table, in the style and font of its seed."""
    fonts = {"en": ["DejaVu Serif", "DejaVu Sans"], "zh": ["WenQuanYi Zen Hei", "AR PL UMing CN"]}[table.language]
    size = 11 + table.seed // 3 % 4
    font = fonts[table.seed // 4 % 2]
    rows = []
    for number, cells in enumerate(table.rows):
        kind = "head" if number < table.n_head else "last" if number == len(table.rows) - 1 else "body"
        kind += " end" if number == table.n_head - 1 else ""
        drawn = "".join(_cell(cell, number + cell.rowspan == table.n_head) for cell in cells)
        rows.append(f'<tr class="{kind}">{drawn}</tr>')
    return (
        f"<meta charset=utf-8><style>@page{{margin:0}}body{{margin:0}}{_CSS[table.style]}"
        f"#frame{{display:inline-block;padding:8px;background:white}}table{{border-collapse:collapse;"
        f"font:{size}px '{font}'}}td{{padding:{3 + table.seed % 3}px {7 + table.seed % 5}px;line-height:1.25}}"
        f'</style><div id="frame"><table>{"".join(rows)}</table></div>'
    )


_CSS = {
    "ruled": "td{border:1px solid #222}",
    "rows": "tr{border-bottom:1px solid #555}tr:first-child{border-top:1px solid #555}"
    "td.rule{border-bottom:1px solid #555}",
    "three_line": "table{border-top:2px solid black;border-bottom:2px solid black}"
    "tr.end{border-bottom:1px solid black}td.rule{border-bottom:1px solid black}",
    "borderless": "td.rule{border-bottom:1px solid #777}",
}


def _cell(cell: TrueCell, ends_head: bool) -> str:
    width = "max-width:170px;" if any(part in cell.text.lower() for part in _LONG) else "white-space:nowrap;"
    weight = "font-weight:bold;" if cell.bold else ""
    rule = ' class="rule"' if cell.rule else ""
    return (
        f'<td{rule} rowspan="{cell.rowspan}" colspan="{cell.colspan}" '
        f'style="{width}{weight}text-align:{cell.align};vertical-align:middle">{escape(cell.text)}</td>'
    )


_LONG = [sentence.lower() for sentences in SENTENCES.values() for sentence in sentences]


def _line(line: dict[str, Any], left: float, top: float) -> Line:
    box = Box(line["x0"] - left, line["y0"] - top, line["x1"] - left, line["y1"] - top)
    return Line(line["text"].strip(), box.scaled(SCALE))


def _turned(box: Box, degrees: float, width: int, height: int) -> Box:
    """Where a box stands once a picture was turned counterclockwise about its middle."""
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    x, y = (box.x0 + box.x1) / 2 - width / 2, (box.y0 + box.y1) / 2 - height / 2
    middle_x, middle_y = x * cosine + y * sine + width / 2, y * cosine - x * sine + height / 2
    half_width, half_height = box.width / 2, (box.height + abs(sine) * box.width) / 2
    return Box(middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height)
