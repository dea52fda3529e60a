"""Prints documents by Chromium: lays them out, takes their truth, and writes PDF."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.document_truth.model import Part, TruthDocument
from benchmarks.document_truth.templates import TEMPLATES, Template, style
from benchmarks.document_truth.texts import Supply
from benchmarks.document_truth.writing import Writer, look, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
SCRIPT = (Path(__file__).parent / "paginate.js").read_text(encoding="utf-8")
LANGUAGES = ("zh", "en")


def chromium() -> str | None:
    """Path of the browser: `$CHROMIUM`, or the one on the search path; nothing without one."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A headless browser that ends with the block."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        try:
            yield launched
        finally:
            launched.close()


def printed(browser: Browser, template: Template, language: str, seed: int, file: Path) -> TruthDocument:
    """Prints the document of that kind, language and seed to `file`; gives its truth."""
    name = f"{language}-{template.name}"
    chance = random.Random(f"{seed} {name} look")
    looks = style(template, language, chance)
    supply = Supply(chance.randrange(1 << 30), language)
    title, other = supply.heading("guide"), supply.heading(chance.choice(("guide", template.sources[language][0])))
    writer = write(looks, seed, name, title)
    page = browser.new_page(viewport={"width": round(looks.width) + 40, "height": 1000})
    try:
        page.set_content(
            f'<!doctype html><html lang="{language}"><meta charset="utf-8"><style>{looks.css}</style><body></body>'
        )
        given = {"limit": template.pages, "blocks": len(writer.blocks)}
        found = page.evaluate(SCRIPT, {"blocks": _laid(writer), "look": look(looks, title, other) | given})
        page.pdf(path=str(file), prefer_css_page_size=True, print_background=True)
    finally:
        page.close()
    return _truth(writer, found, name)


def _laid(writer: Writer) -> list[dict[str, Any]]:
    """What the browser places by itself: not footnotes and the second halves of floats, which others bring along."""
    both = enumerate(zip(writer.blocks, writer.laid, strict=True))
    return [
        {**laid, "place": place} for place, (block, laid) in both if block.kind != "footnote" and not laid.get("hidden")
    ]


def _truth(writer: Writer, found: dict[str, Any], name: str) -> TruthDocument:
    template, blocks = writer.style.template, []
    for place, (block, parts) in enumerate(zip(writer.blocks, found["parts"], strict=True)):
        if parts:
            seen = (
                found["texts"].get(str(place), "") + block.text
                if not block.text or block.kind == "equation"
                else block.text
            )
            placed = tuple(Part(one["page"], tuple(map(tuple, one["boxes"]))) for one in parts)
            blocks.append(replace(block, text=seen, parts=placed))
    running = tuple(tuple(page) for page in found["running"])
    kind = (template.name, template.columns, template.mutation)
    return TruthDocument(name, writer.style.language, *kind, found["pages"], tuple(blocks), running)


def generate(seed: int, folder: Path, templates: tuple[Template, ...] = TEMPLATES) -> list[TruthDocument]:
    """Writes NAME.pdf, NAME.scan.pdf and NAME.json of every template in both languages; gives the truths.

    The same seed gives the same documents where the same fonts and browser are installed.
    """
    from benchmarks.document_truth.mutations import reorder
    from benchmarks.document_truth.scans import scan

    folder.mkdir(parents=True, exist_ok=True)
    found = []
    with browser() as launched:
        for template in templates:
            for language in LANGUAGES:
                file = folder / f"{language}-{template.name}.pdf"
                truth = printed(launched, template, language, seed, file)
                if truth.mutation:
                    reorder(file, truth.mutation, seed)
                scan(file, file.with_suffix(".scan.pdf"), seed)
                truth.write(file.with_suffix(".json"))
                found.append(truth)
    return found


def lines_page(folder: Path, language: str, n_lines: int, seed: int) -> Path:
    """A scanned page of so many full lines in one column; gives the path of its PDF."""
    from benchmarks.document_truth.scans import scan
    from benchmarks.document_truth.texts import SOURCES

    supply, source = Supply(seed, language), SOURCES[language][-2]
    text = "".join(supply.paragraph(source) + (" " if language == "en" else "") for _ in range(60))
    font = "WenQuanYi Zen Hei" if language == "zh" else "Liberation Serif"
    css = (
        f"@page{{size:210mm 297mm;margin:0}}body{{margin:0}}div{{position:absolute;left:22mm;top:22mm;width:166mm;"
        f"font:10.5pt/{5.6}mm '{font}';height:{n_lines * 5.6}mm;overflow:hidden;text-align:justify}}"
    )
    file = folder / f"{language}-lines.pdf"
    with browser() as launched:
        page = launched.new_page()
        page.set_content(f"<!doctype html><meta charset=utf-8><style>{css}</style><div>{text}</div>")
        page.pdf(path=str(file), prefer_css_page_size=True)
    scan(file, file.with_suffix(".scan.pdf"), seed)
    return file.with_suffix(".scan.pdf")
