"""Assembling a page: the stack of its open elements, and the blocks that are closed within them."""

from __future__ import annotations

from neo_assets.web.content import zones
from neo_assets.web.content.blocks import HEADING, ITEM, Block, Inline, Page, Zone

# fmt: off
BLOCK_TAGS = (
    "body", "p", "div", "section", "article", "main", "header", "footer", "aside", "nav", "blockquote", "figure",
    "figcaption", "dt", "dd", "dl", "center", "address", "details", "summary", "fieldset", "legend", "caption",
    "dialog", "hgroup", "frameset", "thead", "tbody", "tfoot", "search", "marquee", "form",
)
# fmt: on
LIST_TAGS = ("ul", "ol", "menu", "dir")
LIGHT = frozenset({"p", "dt", "summary", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "listing"})
"""Elements that are no zone if their attributes say nothing."""
CONTAINERS = frozenset({*BLOCK_TAGS, *LIST_TAGS, "li", "table", "tr", "td", "th"} - {"p", "dt", "summary"})


class Assembly:
    """Blocks and zones as they come to be; what an element is, is known to the reader that calls."""

    def __init__(self) -> None:
        self.page = Page()
        self.inline = Inline()
        self.heading = 0
        self.item_mark = ""
        self.in_code = False
        self.n_groups = 0
        self.stack: list[Zone] = [Zone("", 0, 0, 0, 0, 0)]
        self._n_main = 0
        self._parts, self._lines = self.inline.parts, self.inline.lines
        self._own = self._linked = self._links = 0

    @property
    def n_blocks(self) -> int:
        """How many blocks are complete."""
        return len(self.page.blocks)

    def edge(self) -> None:
        """The block that is being read ends here."""
        if self.in_code:
            if self.inline.parts and not self.inline.parts[-1].endswith("\n"):
                self.inline.parts.append("\n")
            return
        if self._parts or self._lines:
            block = self.inline.take()
            if block:
                self.add(block)

    def add(self, block: Block) -> None:
        """A block is complete; it becomes the heading or the list item that is open."""
        if self.heading:
            block.kind, block.mark = HEADING, "#" * self.heading + " "
            block.text = block.text.replace("\n", " ")
        elif self.item_mark:
            block.kind, block.mark, block.group = ITEM, self.item_mark, self.n_groups
            self.item_mark = ""
        self._own += block.own
        self._linked += block.linked
        self._links += block.links
        zone = self.stack[-1]
        if block.own > zone.longest:
            zone.longest = block.own
        self.page.blocks.append(block)

    def opened(self, tag: str, attributes: str) -> bool:
        """An element begins; True if it is hidden, so that all of it is to be left out."""
        flag = zones.flags(tag, attributes)
        if flag & zones.HIDDEN:
            return True
        if self._parts or self._lines or self.in_code:
            self.edge()
        if flag or tag == "footer":
            if tag in ("header", "footer"):
                flag = zones.edge(tag, flag, self.stack[-1].tag, in_main=self._n_main > 0)
            self.inline.math |= flag & zones.MATH != 0
            if flag & (zones.MAIN | zones.ARTICLE):
                self._n_main += 1
        elif tag in LIGHT:
            return False
        self.stack.append(Zone(tag, flag, len(self.page.blocks), self._own, self._linked, self._links))
        return False

    def closed(self, name: str, attributes: str = "") -> bool:
        """An element ends (`name` is its tag behind a slash): it is kept as a zone if that says something."""
        if self._parts or self._lines or self.in_code:
            self.edge()
        zone = self.stack[-1]
        if zone.tag != name[1:]:
            return False
        self.stack.pop()
        outer = self.stack[-1]
        if zone.longest > outer.longest:
            outer.longest = zone.longest
        if zone.flags & (zones.MAIN | zones.ARTICLE):
            self._n_main -= 1
        zone.end = len(self.page.blocks)
        if zone.end > zone.start:
            zone.own, zone.linked = self._own - zone.own, self._linked - zone.linked
            zone.links = self._links - zone.links
            if zone.flags or zone.tag == "form" or (zone.links and zone.tag in CONTAINERS):
                self.page.zones.append(zone)
        return False
