"""The structure of a page: one pass over its tags that gives its blocks and the zones they lie in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from neo_assets.web.content import zones
from neo_assets.web.content.assembly import BLOCK_TAGS, LIST_TAGS, Assembly
from neo_assets.web.content.blocks import CODE, Page
from neo_assets.web.content.markup import latex
from neo_assets.web.content.tables import Table
from neo_assets.web.content.variants import VOID

# fmt: off
LEFT_OUT_TAGS = (
    "select", "textarea", "button", "rt", "rp", "object", "canvas", "video", "audio", "noscript", "datalist", "applet",
    "meter", "progress", "option",
)
# fmt: on
ALT = re.compile(r'\balt="([^"]*)"')
NUMBER = re.compile(r'\b(?:start|colspan)="\s*(\d{1,6})')
MATH_NAMED = re.compile(r"math|tex|MATH|TEX|Math|Tex|LaTeX")
MATH_SOURCE = re.compile(r'\bsrc="[^"]*(?:latex|mimetex|mathtex|/math/|texrender)', re.I)
HIDING = ("hidden", "sr-only", "screen-reader", "display:", "visibility:", "editsection")
MAX_INDENT = 40
MAX_ITEM_BLOCKS = 8
"""A list item of this many paragraphs without items of their own is a container: its mark is left out."""


Handler = Callable[["Reader", str, str], bool]
"""What a tag does, given its name and attributes; True if all that its element holds is to be left out."""


class Reader(Assembly):
    """Reads a page's tags into blocks; every tag and every character is handled once."""

    def __init__(self) -> None:
        super().__init__()
        self._lists: list[tuple[int, str, str]] = []  # the next number (-1: bulleted), indent, mark of the last item
        self._item_starts: list[int] = []
        self._tables: list[Table] = []

    def read(self, tags: Iterable[tuple[str, str, str]]) -> Page:
        """The page of these tags (name, attributes, following text)."""
        handlers, inline, parts, link_parts = HANDLERS, self.inline, self.inline.parts, self.inline.link_parts
        flags, hidden, math = zones.flags, zones.HIDDEN, zones.MATH
        skipped, depth = "", 0
        for name, attributes, text in tags:
            if skipped:
                if name == skipped:
                    depth += 1
                elif name[0] == "/" and name[1:] == skipped:
                    depth -= 1
                if depth:
                    continue
                skipped = ""
            else:
                skip = False
                handler = handlers.get(name)
                if handler:
                    skip = handler(self, name, attributes)
                elif attributes and name not in VOID:
                    flag = flags(name, attributes)
                    skip = flag & hidden != 0
                    inline.math |= flag & math != 0
                if skip:
                    skipped, depth = name, 1
                    continue
            if text and (parts or not text.isspace() or self.in_code):
                parts.append(text)
                if inline.in_link:
                    link_parts.append(text)
        self.edge()
        return self.page

    def _heading_opened(self, tag: str, attributes: str) -> bool:
        skip = self.opened(tag, attributes)
        self.heading = 0 if skip else int(tag[1])
        return skip

    def _heading_closed(self, name: str, attributes: str) -> bool:
        self.closed(name)
        self.heading = 0
        return False

    def _list_opened(self, tag: str, attributes: str) -> bool:
        if self.opened(tag, attributes):
            return True
        indent = ""
        if self._lists:
            _, outer, mark = self._lists[-1]
            indent = (outer + " " * len(mark))[:MAX_INDENT]
        else:
            self.n_groups += 1
        self._lists.append((_number(attributes) if tag == "ol" else -1, indent, "- "))
        return False

    def _list_closed(self, name: str, attributes: str) -> bool:
        self.closed(name)
        if self._lists:
            self._lists.pop()
        return False

    def _item_opened(self, tag: str, attributes: str) -> bool:
        if self.opened(tag, attributes):
            return True
        self._item_starts.append(self.n_blocks)
        number, indent, mark = self._lists[-1] if self._lists else (-1, "", "- ")
        if number >= 0:
            number, mark = number + 1, f"{number}. "
        if self._lists:
            self._lists[-1] = (number, indent, mark)
        self.item_mark = indent + mark
        return False

    def _item_closed(self, name: str, attributes: str) -> bool:
        self.closed(name)
        self.item_mark = ""
        start = self._item_starts.pop() if self._item_starts else self.n_blocks
        if self.n_blocks >= start + MAX_ITEM_BLOCKS:
            inside = self.page.blocks[start : start + MAX_ITEM_BLOCKS]
            if not any(block.mark for block in inside[1:]):
                inside[0].mark, inside[0].group = "", 0
        return False

    def _table_opened(self, tag: str, attributes: str) -> bool:
        if self.opened(tag, attributes):
            return True
        if self._tables:
            self._tables[-1].layout = True
        self.n_groups += 1
        self._tables.append(Table(self.n_groups, layout='role="presentation"' in attributes))
        return False

    def _table_closed(self, name: str, attributes: str) -> bool:
        self.edge()
        table = self._tables.pop() if self._tables else None
        first = table.data_start(self.page.blocks) if table else None
        if table and first is not None:
            self.page.blocks[first:] = table.text_rows(self.page.blocks)
            while self.page.zones and self.page.zones[-1].start >= first:
                self.page.zones.pop()
        return self.closed(name)

    def _row_opened(self, tag: str, attributes: str) -> bool:
        if self.opened(tag, attributes):
            return True
        if self._tables:
            self._tables[-1].rows.append([])
        return False

    def _cell_opened(self, tag: str, attributes: str) -> bool:
        if self.opened(tag, attributes):
            return True
        if self._tables:
            columns = _number(attributes) if "colspan" in attributes else 1
            self._tables[-1].open_cell(self.n_blocks, columns, header=tag == "th")
        return False

    def _cell_closed(self, name: str, attributes: str) -> bool:
        self.closed(name)
        if self._tables:
            self._tables[-1].close_cell(self.n_blocks)
        return False

    def _code_opened(self, tag: str, attributes: str) -> bool:
        skip = self.opened(tag, attributes)
        self.in_code = self.in_code or not skip
        return skip

    def _code_closed(self, name: str, attributes: str) -> bool:
        if self.in_code:
            self.in_code = False
            block = self.inline.take_code()
            if block:
                self.item_mark = self.item_mark if block.kind != CODE else ""
                self.add(block)
        return self.closed(name)

    def _link_opened(self, tag: str, attributes: str) -> bool:
        if any(map(attributes.__contains__, HIDING)) and zones.flags(tag, attributes) & zones.HIDDEN:
            return True
        if "href" in attributes:
            self.inline.open_link()
        return False

    def _link_closed(self, name: str, attributes: str) -> bool:
        self.inline.close_link()
        return False

    def _break(self, name: str, attributes: str) -> bool:
        if self.in_code:
            self.inline.parts.append("\n")
        elif not self.inline.end_line():
            self.edge()
        return False

    def _rule(self, name: str, attributes: str) -> bool:
        self.edge()
        return False

    def _image(self, name: str, attributes: str) -> bool:
        """Only a formula's image has a text; what other images show is none of the page's."""
        if not MATH_NAMED.search(attributes):
            return False
        alt = ALT.search(attributes)
        flag = zones.flags(name, attributes) if alt and alt[1] else 0
        if alt and not flag & zones.HIDDEN and (flag & zones.MATH or MATH_SOURCE.search(attributes)):
            display = any(zone.flags & zones.MATH for zone in self.stack[-2:])
            self.inline.parts.append(latex(alt[1], display=display))
        return False


def _left_out(reader: Reader, name: str, attributes: str) -> bool:
    return True


def _number(attributes: str) -> int:
    found = NUMBER.search(attributes)
    return int(found[1]) if found else 1


def _all_handlers() -> dict[str, Handler]:
    made: dict[str, Handler] = dict.fromkeys(LEFT_OUT_TAGS, _left_out)
    pairs = {
        BLOCK_TAGS: (Reader.opened, Reader.closed),
        ("h1", "h2", "h3", "h4", "h5", "h6"): (Reader._heading_opened, Reader._heading_closed),
        LIST_TAGS: (Reader._list_opened, Reader._list_closed),
        ("li",): (Reader._item_opened, Reader._item_closed),
        ("table",): (Reader._table_opened, Reader._table_closed),
        ("tr",): (Reader._row_opened, Reader.closed),
        ("td", "th"): (Reader._cell_opened, Reader._cell_closed),
        ("pre", "listing"): (Reader._code_opened, Reader._code_closed),
        ("a",): (Reader._link_opened, Reader._link_closed),
    }
    for tags, (opened, closed) in pairs.items():
        for tag in tags:
            made[tag], made[f"/{tag}"] = opened, closed
    return made | {"br": Reader._break, "hr": Reader._rule, "img": Reader._image}


HANDLERS = _all_handlers()
