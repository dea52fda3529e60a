"""Blocks of a page and the inline text they are made of: line breaks, links, formulas, code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from neo_assets.web.content.markup import unescaped

PARAGRAPH, HEADING, ITEM, ROW, CODE = range(5)
"""Kinds of blocks."""

SPACE = re.compile(r"[ \t\n\r\f]+")
CJK = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef"
CJK_WRAP = re.compile(rf"(?<=[{CJK}])[ \t\r\f]*\n[ \t\r\f]*(?=[{CJK}])")
NOT_CJK = re.compile(rf"[^{CJK}]+")
NOT_WORD = re.compile(r"[\W_]+")
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
        self._lines: list[str] = []
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
        if empty and self._lines:
            return False
        if not empty:
            self._lines.append(line)
        self.parts.clear()
        self._link_start = 0
        return True

    def take(self) -> Block | None:
        """The block read so far, with its white space collapsed; None if it holds no text."""
        if not self.parts and not self._lines:
            return None
        lines = [*self._lines, "".join(self.parts)] if self._lines else ["".join(self.parts)]
        text = "\n".join(filter(None, map(_collapsed, lines)))
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
        self._lines.clear()
        self._link_start, self._links, self.math = 0, int(self.in_link), False
        if not text:
            return None
        if not links:
            return Block(text, own=len(text))
        linked = len(NOT_WORD.sub("", unescaped(link_parts)))
        return Block(text, own=max(0, len(NOT_WORD.sub("", text)) - linked), linked=linked, links=links)


def _collapsed(text: str) -> str:
    text = unescaped(text)
    if "\n" in text:
        text = CJK_WRAP.sub("", text)
    return SPACE.sub(" ", text).strip()


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
