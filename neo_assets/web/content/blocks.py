"""Blocks of a page and the inline text they are made of: line breaks, links, formulas, code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from neo_assets.web.content.markup import unescaped

PARAGRAPH, HEADING, ITEM, ROW, CODE = range(5)
"""Kinds of blocks."""

SPACE = re.compile(r"[ \t\n\r\f]+")
RUN = re.compile(r"  +")
CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
CJK_WRAP = re.compile(rf"\n(?<=[{CJK}]\n)(?=[{CJK}])")
NOT_CJK = re.compile(rf"[^{CJK}]+")
NOT_WORD = re.compile(r"[\W_]+")
NOT_WORD_ASCII = {code: None for code in range(128) if not chr(code).isalnum()}
TICKS = re.compile(r"`{3,}")
INLINE_MATH = re.compile(r"\\\(((?:[^\\]|\\[^()])+)\\\)")
DISPLAY_MATH = re.compile(r"\\\[((?:[^\\]|\\[^\[\]])+)\\\]")
PERMALINKS = frozenset({"", "¶", "#", "§", "🔗", "\uf0c1"})


@dataclass(slots=True)
class Block:
    """A paragraph, heading, list item, table row or code block.

    `group` joins the items of a list and the rows of a table; `own` counts the letters and digits outside links (all
    characters in a block without links), `linked` those inside its `links` links.
    """

    text: str
    kind: int = PARAGRAPH
    mark: str = ""
    group: int = 0
    own: int = 0
    linked: int = 0
    links: int = 0


@dataclass(slots=True)
class Zone:
    """The blocks that an element holds, its flags, and sums over its blocks; `longest` is the largest `own`."""

    tag: str
    flags: int
    start: int
    own: int
    linked: int
    links: int
    end: int = 0
    longest: int = 0


@dataclass
class Page:
    """The blocks of a page, and the elements that say something about their place, inner ones first."""

    blocks: list[Block] = field(default_factory=list)
    zones: list[Zone] = field(default_factory=list)


class Inline:
    """The text of the block that is being read."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.link_parts: list[str] = []
        self.in_link = False
        self.math = False
        self.lines: list[str] = []
        self._link_start = 0
        self._links = 0

    def open_link(self) -> None:
        """A link begins."""
        self.in_link = True
        self._link_start = len(self.parts)
        self._links += 1

    def close_link(self) -> None:
        """A link ends; one that only marks its own place is no text."""
        if self.in_link and "".join(self.parts[self._link_start :]).strip() in PERMALINKS:
            del self.parts[self._link_start :]
            self._links = max(0, self._links - 1)
        self.in_link = False

    def end_line(self) -> bool:
        """A line ends; False if it is an empty one after others, which ends the paragraph."""
        line = "".join(self.parts)
        empty = not line.replace("&nbsp;", " ").strip()
        if empty and self.lines:
            return False
        if not empty:
            self.lines.append(line)
        self.parts.clear()
        self._link_start = 0
        return True

    def take(self) -> Block | None:
        """The block read so far, with its white space collapsed; None if it holds no text."""
        text = _collapsed("".join(self.parts))
        if self.lines:
            text = "\n".join(filter(None, (*map(_collapsed, self.lines), text)))
        if self.math and text:
            text = DISPLAY_MATH.sub(r"$$\1$$", INLINE_MATH.sub(r"$\1$", text))
        return self._counted(text)

    def take_code(self) -> Block | None:
        """The preformatted text read so far: fenced, or as it is where it is Chinese prose."""
        text = unescaped("".join(self.parts)).replace("\r\n", "\n").replace("\r", "\n")
        lines = [line.rstrip() for line in text.split("\n")]
        while lines and not lines[-1]:
            lines.pop()
        first = next((number for number, line in enumerate(lines) if line), 0)
        text = "\n".join(lines[first:])
        block = self._counted(text)
        if block and 2 * len(NOT_CJK.sub("", text)) <= len(SPACE.sub("", text)):
            fence = "`" * max((len(run) + 1 for run in TICKS.findall(text)), default=3)
            block.text, block.kind = f"{fence}\n{text}\n{fence}", CODE
        return block

    def _counted(self, text: str) -> Block | None:
        links, link_parts = self._links, "".join(self.link_parts) if self.link_parts else ""
        self.parts.clear()
        self.link_parts.clear()
        self.lines.clear()
        self._link_start, self._links, self.math = 0, int(self.in_link), False
        if not text:
            return None
        if not links:
            return Block(text, own=len(text))
        linked = _size(unescaped(link_parts))
        own = 0 if link_parts == text else max(0, _size(text) - linked)
        return Block(text, own=own, linked=linked, links=links)


def _size(text: str) -> int:
    """How many letters and digits there are."""
    return len(text.translate(NOT_WORD_ASCII) if text.isascii() else NOT_WORD.sub("", text))


def _collapsed(text: str) -> str:
    """The text on one line; within Chinese and Japanese a line break is no blank."""
    text = unescaped(text).strip()
    if "\n" in text:
        lines = text.replace("\r", " ").replace("\f", " ").replace("\t", " ").split("\n")
        text = "\n".join([line.strip(" ") for line in lines])
        text = (text if text.isascii() else CJK_WRAP.sub("", text)).replace("\n", " ")
    elif "\t" in text or "\r" in text or "\f" in text:
        text = text.replace("\r", " ").replace("\f", " ").replace("\t", " ")
    return RUN.sub(" ", text) if "  " in text else text


def rendered(blocks: Iterable[Block]) -> str:
    """The blocks as text: a blank line between them, none between the items of a list or the rows of a table."""
    parts: list[str] = []
    group = 0
    for block in blocks:
        if parts:
            parts.append("\n" if block.group and block.group == group else "\n\n")
        parts += (block.mark, block.text)
        group = block.group
    return "".join(parts)
