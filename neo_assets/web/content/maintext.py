"""The main text of an HTML page: its paragraphs, headings, lists, tables, code and formulas without boilerplate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from neo_assets.web.content.blocks import rendered
from neo_assets.web.content.markup import tags
from neo_assets.web.content.selection import main_blocks
from neo_assets.web.content.structure import Reader
from neo_assets.web.page.hostile import parse

if TYPE_CHECKING:
    from resiliparse.parse.html import HTMLTree

BLANK_LINES = re.compile(r"\n{3,}")
TRAILING_SPACE = re.compile(r"[ \t\u00a0]+\n")


@dataclass(frozen=True)
class MainText:
    """A page's main text as light Markdown, and which of the extractor's ways found it (see `main_blocks`)."""

    text: str
    extractor: str


def main_text(page: HTMLTree | str, *, main_content: bool = True) -> MainText:
    """The text of an HTML page: `# ` headings, `- ` and `1. ` lists, `| a | b |` tables, fenced code, `$` formulas.

    Paragraphs are divided by a blank line, `<br>` gives a line break. Without `main_content` it is all visible text
    (extractor `all`). Linear in the length of the page, however deeply it is nested.

    Raises:
        ValueError, RuntimeError: the page given as a string can't be parsed, or is made to cost more than any page may.
    """
    tree = parse(page) if isinstance(page, str) else page
    read = Reader().read(tags(tree))
    blocks, extractor = main_blocks(read) if main_content else (read.blocks, "all")
    return MainText(tidy(rendered(blocks)), extractor)


def tidy(text: str) -> str:
    """The text without spaces at line ends, without runs of blank lines, stripped."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if " \n" in text or "\t\n" in text or "\u00a0\n" in text:  # looked for first, as a regex stops at every blank
        text = TRAILING_SPACE.sub("\n", text)
    return BLANK_LINES.sub("\n\n", text).strip()
